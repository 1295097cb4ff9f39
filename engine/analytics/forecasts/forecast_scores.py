"""Scores of stored volatility forecasts, once the 21 sessions that they are about have passed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from engine.analytics.panels import PricePanel, day_numbers
from engine.numerics.arrays import Floats
from engine.numerics.forecasts import HORIZON, mincer_zarnowitz, qlike
from engine.numerics.rounding import round_half_away

Figures: TypeAlias = Sequence[Floats]
"""Variances that came, variances that were forecast, and losses: [n] each."""
TABLE, TESTS = "engine_forecast_scores", "engine_forecast_tests"
PORTFOLIO, POSITIONS = "portfolio", "positions"
OWN = ""
"""Symbol of a portfolio's own forecast."""
DECIMALS = 10
"""Of the stored figures."""
SCORES_TESTED = 252
"""The newest scores of a portfolio's own forecasts in one regression."""
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
            window's sessions and of 21 before it; the symbol `OWN` stands for a portfolio's own.
        returns: portfolio_id, date, return: daily returns of portfolios, of the window and before it.
        previous: columns `SCORES` of portfolios' own scores before the window.

    Returns:
        Rows of both tables.
    """
    row = {day: number for number, day in enumerate(panel.days.tolist())}
    last = {day: panel.days[number + HORIZON] for day, number in row.items() if number + HORIZON < len(row)}
    origin = day_numbers(forecasts["forecast_date"].to_list())
    ends = np.array([last.get(day, -1) for day in origin.tolist()], dtype=np.int64)
    due = np.isin(ends, panel.targets)
    days = pl.Series("calculation_date", ends[due].astype("datetime64[D]")).cast(pl.Date)
    scored = forecasts.filter(pl.Series(due)).with_columns(days)
    own = scored["symbol"] == OWN
    symbols = _realized_of_symbols(panel, scored.filter(~own))
    realized = pl.concat([symbols, _realized_of_portfolios(panel, scored.filter(own), returns)])
    scores = _scored(realized.filter(pl.col("variance").is_not_null()))
    return {TABLE: scores, TESTS: _tests(scores, previous)}


def _realized_of_symbols(panel: PricePanel, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the variance of the symbols' returns, null without a close at both ends."""
    ended = np.searchsorted(panel.days, day_numbers(rows["calculation_date"].to_list()))
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
    own, others = scores.filter(pl.col("symbol") == OWN), scores.filter(pl.col("symbol") != OWN)
    keys = ["portfolio_id", "calculation_date"]
    rows = [_tested(owner, day, POSITIONS, figures) for owner, day, figures in _grouped(others, keys)]
    earlier = previous.select(pl.col(name).cast(kind) for name, kind in SCORES.items())
    every = pl.concat([earlier, own]).sort(keys)
    first = dict(own.group_by("portfolio_id").agg(pl.col("calculation_date").min()).iter_rows())
    for owner, figures in _grouped(every.filter(pl.col("portfolio_id").is_in([*first])), ["portfolio_id"]):
        days = every.filter(pl.col("portfolio_id") == owner)["calculation_date"].to_list()
        for stop, day in enumerate(days, start=1):
            if day >= first[owner]:
                tail = slice(max(stop - SCORES_TESTED, 0), stop)
                rows.append(_tested(owner, day, PORTFOLIO, [values[tail] for values in figures]))
    return pl.DataFrame(rows, schema=TEST_COLUMNS, orient="row")


def _grouped(rows: pl.DataFrame, keys: list[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of each group and its (variance, expected, qlike): arrays of equal length."""
    variances = rows.select(
        *keys, "qlike", variance=pl.col("realized") ** 2 / 252.0, expected=pl.col("forecast") ** 2 / 252.0
    )
    lists = variances.group_by(keys, maintain_order=True).all()
    for *key, loss, variance, expected in lists.iter_rows():
        yield *key, tuple(np.array(values, dtype=np.float64) for values in (variance, expected, loss))


def _tested(owner: str, day: date, subject: str, figures: Figures) -> tuple[Any, ...]:
    """Return a row of `TEST_COLUMNS`."""
    variance, expected, loss = figures
    total, known = float(variance.sum()), loss[~np.isnan(loss)]
    ratio = float(expected.sum()) / total if total > 0 else math.nan
    mean = float(known.mean()) if known.size else math.nan
    tests = mean, ratio, *mincer_zarnowitz(variance, expected)
    return owner, day, subject, variance.size, *(None if math.isnan(figure) else figure for figure in tests)
