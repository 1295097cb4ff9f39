"""Regress each portfolio's next day's P&L on what its betas predict, for docs/calculations/ridge-factors.md.

Run as `python -m tools.predicted_pnl parquet:///tests/golden/mixed/inputs 2025-03-03 2025-05-30 2026-11-23`;
rules after that, such as `legacy`, take the place of the corrected ones. Nothing is written.

    predicted = sum over lots of V (b_m m + sum over styles and rates of b_f (r_f - g_f m))

b are the betas that a run stores, V = quantity after the session x close, m and r_f the next session's
returns of SPY and of the factors' funds, g_f the slope of a fund on SPY over the 120 calendar days before. By
`factor_model=separate` it is V (b_m m + sum over styles of b_f r_f), as such betas are added. The lots are
those of class PUBLIC with all of these betas and a close in both sessions, and the P&L is their quantity x
change of the close. Options are left out: their P&L is not linear in their underlyings'.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import statsmodels.api as sm

import engine
from engine.core.funds import MARKET_FUND, RATE_FUND, STYLE_FUNDS
from engine.numerics.arrays import Floats

LOOK_BACK = timedelta(days=120)
LAGS = 5
"""Of Newey and West's standard errors."""
ALL = "all together"
KEY = ("position_id", "date")


@dataclass(frozen=True)
class Fit:
    """A portfolio's regression of P&L on predicted P&L, with an intercept; errors with 5 Newey-West lags.

    Attributes:
        portfolio: its name, or `ALL`.
        sessions: on which the prediction was made.
        slope, error: on the predicted P&L, 1 if betas are right on average.
        r_squared: of that regression.
        market, market_error: slope on the market's part, in a regression on both parts.
        beyond, beyond_error: slope on the part of styles and rates, in the same.
        net: mean of net over gross value of the lots.
        by_symbol: symbol, part: what each symbol's P&L beyond its prediction adds to slope - 1.
    """

    portfolio: str
    sessions: int
    slope: float
    error: float
    r_squared: float
    market: float
    market_error: float
    beyond: float
    beyond_error: float
    net: float
    by_symbol: pl.DataFrame

    @property
    def t(self) -> float:
        """The distance of the slope from 1, in standard errors."""
        return (self.slope - 1.0) / self.error


def predictions(inputs: engine.Inputs, results: engine.Results, rules: engine.Rules) -> pl.DataFrame:
    """Return each lot's P&L in the session after each, and the two parts of what its betas predict.

    Args:
        inputs: of a window.
        results: computed from them.
        rules: by which they were computed.

    Returns:
        name, symbol, date, value, actual, market, beyond (USD).
    """
    joint = rules.factor_model == "joint"
    funds = [*STYLE_FUNDS.values(), RATE_FUND] if joint else [*STYLE_FUNDS.values()]
    closes = inputs.closes.filter(pl.col("close") > 0).with_columns(pl.col("close").cast(pl.Float64))
    moves = _fund_moves(closes, [MARKET_FUND, *funds], joint)
    after = dict(moves.select("date", "after").iter_rows())
    lots = _lots(inputs, results, joint).with_columns(
        after=pl.col("date").replace_strict(after, default=None)
    )
    here = closes.select("symbol", "date", "close")
    there = here.select("symbol", after="date", later="close")
    both = lots.join(here, on=["symbol", "date"]).join(there, on=["symbol", "after"])
    value = pl.col("quantity") * pl.col("close")
    beyond = pl.sum_horizontal(pl.col(fund) * pl.col(f"{fund}_move") for fund in funds)
    return both.join(moves, on="date").select(
        "name",
        "symbol",
        "date",
        value=value,
        actual=pl.col("quantity") * (pl.col("later") - pl.col("close")),
        market=value * pl.col(MARKET_FUND) * pl.col(f"{MARKET_FUND}_move"),
        beyond=value * beyond,
    )


def _lots(inputs: engine.Inputs, results: engine.Results, joint: bool) -> pl.DataFrame:
    """Return the lots of public stocks with all betas: their keys, quantity, and a beta for each fund."""
    names = dict(results["factor_definitions"].select("id", "name").iter_rows())
    styles = results["position_factor_exposures"].select(
        "position_id",
        pl.col("exposure_value").cast(pl.Float64),
        date="calculation_date",
        style=pl.col("factor_id").replace_strict(names),
    )
    wide = styles.filter(pl.col("style").is_in(list(STYLE_FUNDS))).pivot("style", index=KEY)
    betas = wide.rename(STYLE_FUNDS).join(
        _beta(results, "position_market_betas", "calc_date", "beta"), on=KEY
    )
    if joint:
        rates = _beta(results, "position_interest_rate_betas", "calculation_date", "ir_beta")
        betas = betas.join(rates, on=KEY)
    stocks = inputs.positions.filter(pl.col("investment_class") == "PUBLIC")
    owners = inputs.portfolios.select("name", portfolio_id="id")
    held = stocks.select("portfolio_id", "symbol", "quantity", position_id="id").join(
        owners, on="portfolio_id"
    )
    past = results["engine_lot_pnl"].select("position_id", date="calculation_date", past="quantity")
    lots = betas.drop_nulls().join(held, on="position_id").join(past, on=KEY, how="left")
    return lots.with_columns(quantity=pl.coalesce("past", "quantity").cast(pl.Float64))


def _beta(results: engine.Results, table: str, day: str, column: str) -> pl.DataFrame:
    fund = MARKET_FUND if table == "position_market_betas" else RATE_FUND
    return results[table].select("position_id", pl.col(column).cast(pl.Float64).alias(fund), date=day)


def _fund_moves(closes: pl.DataFrame, funds: Sequence[str], joint: bool) -> pl.DataFrame:
    """Return each session's next one and what the funds' factors return until then.

    Args:
        closes: symbol, date, close.
        funds: the market's first.
        joint: of the others, what they return beyond their slope on the market.
    """
    wide = closes.filter(pl.col("symbol").is_in(funds)).pivot("symbol", index="date", values="close")
    panel = wide.select("date", *funds).drop_nulls().sort("date")
    level = panel.drop("date").to_numpy()
    returns = level[1:] / level[:-1] - 1.0
    days = panel["date"].to_list()
    rows = []
    for at, (day, after) in enumerate(pairwise(days)):
        first = next(number for number in range(at + 1) if days[number] >= day - LOOK_BACK)
        move = returns[at].copy()
        if joint and at > first + 1:
            move[1:] -= _slopes(returns[first:at]) * move[0]
        rows.append((day, after, *move.tolist()))
    return pl.DataFrame(rows, schema=["date", "after", *(f"{fund}_move" for fund in funds)], orient="row")


def _slopes(returns: Floats) -> Floats:
    """Return the slopes of the other columns on the first."""
    off = returns - returns.mean(axis=0)
    return np.asarray(off[:, 1:].T @ off[:, 0] / (off[:, 0] @ off[:, 0]))


def fits(lots: pl.DataFrame) -> Iterator[Fit]:
    """Yield the regression of each portfolio, and of all portfolios' sessions together.

    Args:
        lots: of `predictions`.

    Yields:
        Portfolios with at least ten sessions, by name.
    """
    named = [(str(name), own) for (name,), own in lots.sort("name").group_by("name", maintain_order=True)]
    for name, own in [*named, (ALL, lots)]:
        by_day = own.group_by("name", "date").agg(pl.col("actual", "market", "beyond").sum())
        if by_day.height >= 2 * LAGS:
            yield _fit(name, by_day.sort("name", "date"), own)


def _fit(name: str, by_day: pl.DataFrame, lots: pl.DataFrame) -> Fit:
    actual, market, beyond = (by_day[column].to_numpy() for column in ("actual", "market", "beyond"))
    one, both = _ols(actual, market + beyond), _ols(actual, np.column_stack((market, beyond)))
    off = by_day.select("name", "date", off=(market + beyond) - (market + beyond).mean())
    parts = lots.join(off, on=["name", "date"]).with_columns(
        rest=pl.col("actual") - pl.col("market") - pl.col("beyond")
    )
    square = float((off["off"] ** 2).sum())
    by_symbol = parts.group_by("symbol").agg(part=(pl.col("rest") * pl.col("off")).sum() / square)
    values = lots.group_by("name", "date").agg(net=pl.col("value").sum().abs() / pl.col("value").abs().sum())
    return Fit(
        name,
        by_day.height,
        slope=float(one.params[1]),
        error=float(one.bse[1]),
        r_squared=float(one.rsquared),
        market=float(both.params[1]),
        market_error=float(both.bse[1]),
        beyond=float(both.params[2]),
        beyond_error=float(both.bse[2]),
        net=values["net"].mean(),
        by_symbol=by_symbol.sort(pl.col("part").abs(), descending=True),
    )


def _ols(y: Floats, x: Floats) -> sm.regression.linear_model.RegressionResults:
    return sm.OLS(y, sm.add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": LAGS})


def of_store(url: str, start: date, end: date, run_date: date, rules: engine.Rules) -> list[Fit]:
    """Return the regressions of a store's portfolios over a window.

    Args:
        url: a store with inputs.
        start: first session.
        end: last session.
        run_date: the day that counts as today.
        rules: by which the betas are computed.
    """
    inputs = engine.load(url, start, end, run_date=run_date)
    return [*fits(predictions(inputs, engine.compute(inputs, rules=rules), rules))]


def _line(fit: Fit) -> str:
    return (
        f"{fit.portfolio:42} {fit.sessions:4} {fit.slope:7.3f} {fit.error:6.3f} {fit.t:6.2f} "
        f"{fit.r_squared:6.3f} {fit.market:7.3f} {fit.market_error:6.3f} {fit.beyond:7.3f} "
        f"{fit.beyond_error:6.3f} {fit.net:6.2f}"
    )


if __name__ == "__main__":
    store, *words = sys.argv[1:]
    chosen = engine.Rules.parse(words[3] if len(words) > 3 else "corrected")
    found = of_store(store, *map(date.fromisoformat, words[:3]), chosen)
    print(  # noqa: T201
        f"{'portfolio':42} days   slope  error      t     R2  market  error  beyond  error    net"
    )
    for fit in found:
        print(_line(fit))  # noqa: T201
        if abs(fit.t) > 2.0:
            most = (f"{symbol} {part:+.3f}" for symbol, part in fit.by_symbol.head(5).iter_rows())
            print(f"    beyond two errors: of slope - 1, {', '.join(most)}")  # noqa: T201
