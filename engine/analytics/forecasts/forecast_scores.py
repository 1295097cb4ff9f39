"""Scores of stored volatility forecasts, once the 21 sessions that they are about have passed."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.panels import PricePanel, day_numbers
from engine.core.job_catalog import OWN_FORECAST
from engine.numerics.arrays import Floats
from engine.numerics.forecasts import HORIZON, qlike
from engine.numerics.rounding import round_half_away

TABLE, TESTS = "engine_forecast_scores", "engine_forecast_tests"
PORTFOLIO, POSITIONS = "portfolio", "positions"
DECIMALS = 10
"""Of the stored figures."""
SCORES_TESTED = 252
"""The newest scores of a portfolio's own forecasts in one regression."""
FEWEST_SCORES = 10
"""Outcomes that a line is fitted to."""
TEST_COLUMNS: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "calculation_date": pl.Date(),
    "subject": pl.String(),
    "scores": pl.Int32(),
    "qlike": pl.Float64(),
    "sum_ratio": pl.Float64(),
    "intercept": pl.Float64(),
    "slope": pl.Float64(),
    "r_squared": pl.Float64(),
}
SCORES: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "calculation_date": pl.Date(),
    "symbol": pl.String(),
    "forecast_date": pl.Date(),
    "forecast": pl.Float64(),
    "realized": pl.Float64(),
    "qlike": pl.Float64(),
}


def forecast_scores(
    panel: PricePanel, forecasts: pl.DataFrame, returns: pl.DataFrame, previous: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Score each stored forecast in the session that ends its horizon, and test the scores.

        realized = sqrt(252 RV),  RV = sum of the squared returns of the 21 sessions after the forecast / 21
        qlike = RV / h - ln(RV / h) - 1,  h = forecast^2 / 252

    The returns are a symbol's own, between its consecutive closes, or a portfolio's daily P&L over the equity
    before; a symbol needs a close in the first and in the last session, a portfolio a return in each. The
    tests regress RV on h (Mincer and Zarnowitz, 1969): of a portfolio's own forecasts, the last 252 scores;
    of its positions, all scores of the session. Source of the loss: Patton (2011).

    Args:
        panel: closes of T sessions.
        forecasts: portfolio_id, symbol, forecast_date, forecast: volatilities a year, as stored, of the
            window's sessions and of 21 before it; the symbol `OWN_FORECAST` stands for a portfolio's own.
        returns: portfolio_id, date, return: daily returns of portfolios, of the window and before it.
        previous: columns `SCORES` of portfolios' own scores before the window.

    Returns:
        Rows of both tables.
    """
    origin = day_numbers(forecasts["forecast_date"])
    row = np.searchsorted(panel.days, origin)
    # A forecast of a day that is no session, or whose horizon has not passed, ends on no day.
    padded = np.append(panel.days, np.full(HORIZON + 1, -1))
    ends = np.where(padded[row] == origin, padded[np.minimum(row + HORIZON, len(padded) - 1)], -1)
    due = np.isin(ends, panel.targets)
    days = pl.Series("calculation_date", ends[due].astype("datetime64[D]")).cast(pl.Date)
    scored = forecasts.filter(pl.Series(due)).with_columns(days)
    own = scored["symbol"] == OWN_FORECAST
    symbols = _realized_of_symbols(panel, scored.filter(~own))
    realized = pl.concat([symbols, _realized_of_portfolios(panel, scored.filter(own), returns)])
    scores = _scored(realized.filter(pl.col("variance").is_not_null()))
    return {TABLE: scores, TESTS: _tests(scores, previous)}


def _realized_of_symbols(panel: PricePanel, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the variance of the symbols' returns, null without a close at both ends."""
    ended = np.searchsorted(panel.days, day_numbers(rows["calculation_date"]))
    column = panel.columns(rows["symbol"])
    squares = np.pad(_squares(panel.close), ((0, 0), (0, 1)))
    sums, at = np.zeros(len(ended)), np.pad(np.isfinite(panel.close), ((0, 0), (0, 1)))
    for age in range(HORIZON):
        sums += squares[ended - age, column]
    both = at[ended, column] & at[ended - HORIZON, column]
    return rows.with_columns(variance=pl.Series(np.where(both, sums / HORIZON, np.nan), nan_to_null=True))


def _squares(close: Floats) -> Floats:
    """Return squared returns [T, S] in the session of the later close, 0 where there is none."""
    row = np.where(np.isfinite(close), np.arange(len(close))[:, None], 0)
    newest = np.maximum.accumulate(row, axis=0)
    before = np.take_along_axis(close, np.vstack((newest[:1], newest[:-1])), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = close / before - 1.0
    change[0] = 0.0
    return np.asarray(np.where(np.isfinite(change), change, 0.0) ** 2)


def _realized_of_portfolios(panel: PricePanel, rows: pl.DataFrame, returns: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the variance of the portfolios' daily returns, null where a session has none."""
    sessions = pl.DataFrame(
        {"date": pl.Series(panel.days.astype("datetime64[D]")).cast(pl.Date)}
    ).with_row_index("number")
    placed = returns.drop_nulls().join(sessions, on="date").sort("portfolio_id", "number")
    # A run of sessions without a gap: the 21st before has the number less 20.
    whole = pl.col("number") - pl.col("number").shift(HORIZON - 1).over("portfolio_id") == HORIZON - 1
    variance = (pl.col("return") ** 2).rolling_sum(HORIZON).over("portfolio_id") / HORIZON
    ended = placed.with_columns(variance=pl.when(whole).then(variance))
    return rows.join(
        ended.select("portfolio_id", "variance", calculation_date="date"),
        on=["portfolio_id", "calculation_date"],
        how="left",
        maintain_order="left",
    )


def _scored(rows: pl.DataFrame) -> pl.DataFrame:
    """Return columns `SCORES`, rounded as they are stored: later nights read them from the table."""
    variance, forecast = rows["variance"].to_numpy(), rows["forecast"].to_numpy()
    loss = qlike(variance, forecast**2 / 252.0)
    return rows.select(
        *list(SCORES)[:5],
        realized=pl.Series(round_half_away(np.sqrt(252.0 * variance), DECIMALS)),
        qlike=pl.Series(round_half_away(loss, DECIMALS), nan_to_null=True),
    )


def _tests(scores: pl.DataFrame, previous: pl.DataFrame) -> pl.DataFrame:
    """Return rows of engine_forecast_tests."""
    whole = pl.col("symbol") == OWN_FORECAST
    own, others = scores.filter(whole), scores.filter(~whole)
    earlier = previous.select(pl.col(name).cast(kind) for name, kind in SCORES.items())
    first = own.group_by("portfolio_id").agg(first=pl.col("calculation_date").min())
    every = pl.concat([earlier, own]).join(first, on="portfolio_id").sort("portfolio_id", "calculation_date")
    newest = _newest_scores(every).filter(pl.col("calculation_date") >= pl.col("first"))
    tested = {POSITIONS: _tested(others), PORTFOLIO: _tested(newest)}
    rows = [frame.with_columns(subject=pl.lit(subject)) for subject, frame in tested.items()]
    return pl.concat(rows).select(pl.col(name).cast(kind) for name, kind in TEST_COLUMNS.items())


def _newest_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the newest `SCORES_TESTED` rows of a portfolio up to each of its rows, dated by that row.

    rows: by portfolio and date.
    """
    number = np.arange(rows.height)
    begin = rows.with_row_index("row").select(pl.col("row").cast(pl.Int64).min().over("portfolio_id"))
    start = np.maximum(begin.to_series().to_numpy(), number + 1 - SCORES_TESTED)
    size = number + 1 - start
    last = np.repeat(number, size)
    member = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + np.repeat(start, size)
    days = rows["calculation_date"].gather(last)
    newest: pl.DataFrame = rows[member]
    return newest.with_columns(days)


def _tested(scores: pl.DataFrame) -> pl.DataFrame:
    """Return a row of `TEST_COLUMNS` but the subject for each portfolio and date of the scores.

        b = Sxy / Sxx,  a = mean RV - b mean h,  R^2 = b Sxy / Syy

    x is h and y is RV. There is no line for fewer than 10 scores, or forecasts that are all the same.
    """
    forecast, realized = (pl.col(name) ** 2 / 252.0 for name in ("forecast", "realized"))
    x, y = forecast - forecast.mean(), realized - realized.mean()
    sums = scores.group_by("portfolio_id", "calculation_date", maintain_order=True).agg(
        pl.col("qlike").mean(),
        scores=pl.len(),
        level=forecast.mean(),
        outcome=realized.mean(),
        varied=forecast.min() < forecast.max(),
        xx=(x * x).sum(),
        xy=(x * y).sum(),
        yy=(y * y).sum(),
    )
    fits = (pl.col("scores") >= FEWEST_SCORES) & pl.col("varied")
    lines = sums.with_columns(slope=pl.when(fits).then(pl.col("xy") / pl.col("xx")))
    return lines.with_columns(
        sum_ratio=pl.when(pl.col("outcome") > 0).then(pl.col("level") / pl.col("outcome")),
        intercept=pl.col("outcome") - pl.col("slope") * pl.col("level"),
        r_squared=pl.when(pl.col("yy") > 0).then(pl.col("slope") * pl.col("xy") / pl.col("yy")),
    ).drop("level", "outcome", "varied", "xx", "xy", "yy")
