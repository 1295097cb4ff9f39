"""Time- and money-weighted returns of portfolios over horizons, from stored equity, P&L and flows."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.numerics.arrays import Bools, Floats, Ints

Days: TypeAlias = NDArray[np.datetime64]
TABLE = "engine_returns"
HORIZONS = ("day", "month", "quarter", "year", "since_start")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
STEPS = 64
"""Halvings of the bracket: of 41 in natural logarithms, down to the last bit of a double."""
SMALLEST, LARGEST = 1e-9, 1e9
"""Growth factors between which a money-weighted return is looked for."""


def returns(history: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Return the returns of each portfolio and session over each horizon.

        time-weighted:  prod over the sessions d of (1 + T_d / E_{d-1}) - 1
        money-weighted: x with E_0 (1 + x) + sum over flows of F_d (1 + x)^((t - t_d) / (t - t_0)) = E_t

    A flow counts at the end of its session, as in daily_return: it earns from the next one on. E_0 is the
    equity after the last session before the month, quarter or year, or after the portfolio's first one if
    that is later; t are calendar days. Neither is annualised: (1 + x)^(365 / (t - t_0)) - 1 is the rate
    of return of the flows a year (XIRR). Time-weighted returns are null where an equity that is divided by
    is not above 0, money-weighted ones where E_0 is not or no growth factor solves the equation.

    Args:
        history: portfolio_id, date, equity, pnl, flow (Int128 cents): sessions stored before the window.
        book: the same of the window's sessions.

    Returns:
        portfolio_id, calculation_date, horizon, start_date, time_weighted, money_weighted (fractions), of
        each session of the book but a portfolio's first.
    """
    columns = ["portfolio_id", "date", "equity", "pnl", "flow"]
    parts = [frame.select(*columns, fresh=fresh) for frame, fresh in ((history, False), (book, True))]
    rows = pl.concat(parts).sort("portfolio_id", "date")
    begins = rows["portfolio_id"].rle_id().diff().fill_null(1).to_numpy() > 0
    day = rows["date"].to_numpy()
    at = np.flatnonzero(rows["fresh"].to_numpy() & ~begins)
    start = np.concatenate([starts(day, begins, horizon)[at] for horizon in HORIZONS])
    at = np.tile(at, len(HORIZONS))
    equity, pnl, flow = (rows[name].cast(pl.Float64).to_numpy() / 100.0 for name in ("equity", "pnl", "flow"))
    weighted = {
        "time_weighted": time_weighted(begins, equity, pnl, start, at),
        "money_weighted": money_weighted(day, equity, flow, start, at),
    }
    return pl.DataFrame(
        {
            "portfolio_id": rows["portfolio_id"].gather(at),
            "calculation_date": rows["date"].gather(at),
            "horizon": pl.Series(HORIZONS).gather(
                np.repeat(np.arange(len(HORIZONS)), at.size // len(HORIZONS))
            ),
            "start_date": rows["date"].gather(start),
            **{name: pl.Series(values, nan_to_null=True) for name, values in weighted.items()},
        }
    )


def daily_returns(history: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Return the daily P&L of each portfolio over the equity after the session before.

    Args:
        history: portfolio_id, date, equity, pnl, flow (Int128 cents): sessions stored before the window.
        book: of `engine.analytics.equity.snapshots.figures`.

    Returns:
        portfolio_id, date, return; null in a portfolio's first session, and where that equity is not above 0.
    """
    fresh = book.select("portfolio_id", "date", "equity", pnl="daily_pnl")
    rows = pl.concat([history.select(fresh.columns), fresh]).sort("portfolio_id", "date")
    before = pl.col("equity").shift(1).over("portfolio_id").cast(pl.Float64)
    change = pl.when(before > 0).then(pl.col("pnl").cast(pl.Float64) / before)
    return rows.select("portfolio_id", "date", change.alias("return"))


def starts(day: Days, begins: Bools, horizon: str) -> Ints:
    """Return the session whose equity a horizon starts from, for each of N sessions: [N].

    It is the last session before the day, month, quarter or year of the session, or the portfolio's first.

    Args:
        day: [N] of the sessions of portfolios, ascending, portfolio after portfolio.
        begins: [N] whether a portfolio begins.
        horizon: one of `HORIZONS`.
    """
    number = np.arange(day.size)
    first = np.maximum.accumulate(np.where(begins, number, 0))
    if horizon == "since_start":
        return first
    begun = number
    if horizon != "day":
        period = day.astype("datetime64[M]").astype(np.int64) // MONTHS[horizon]
        changed = begins | (np.diff(period, prepend=-1) != 0)
        begun = np.maximum.accumulate(np.where(changed, number, 0))
    return np.maximum(begun - 1, first)


def time_weighted(begins: Bools, equity: Floats, pnl: Floats, start: Ints, at: Ints) -> Floats:
    """Return time-weighted returns [n], NaN where an equity is not above 0.

    Args:
        begins: [N] whether a portfolio begins.
        equity: [N] USD after each session.
        pnl: [N] USD of each session.
        start: [n] sessions to start from.
        at: [n] sessions to end with, of the same portfolio.
    """
    before = np.where(begins, np.nan, np.concatenate(([np.nan], equity[:-1])))
    sound = before > 0
    step = np.where(sound, 1.0 + np.divide(pnl, before, out=np.zeros_like(pnl), where=sound), 1.0)
    paths = np.split(step, np.flatnonzero(begins)[1:])
    growth, unsound = np.concatenate([np.cumprod(path) for path in paths]), np.cumsum(~sound)
    # A growth of 0, a total loss, would divide by 0 afterwards: nothing is above 0 from then on.
    ratio = np.divide(growth[at], growth[start], out=np.full(at.shape, np.nan), where=growth[start] != 0)
    return np.asarray(np.where(unsound[at] == unsound[start], ratio - 1.0, np.nan))


def money_weighted(day: Days, equity: Floats, flow: Floats, start: Ints, at: Ints) -> Floats:
    """Return money-weighted returns [n], not annualised, NaN where there is none.

    Without a flow it is the growth of the equity. Else it is solved by bisection: with flows both ways the
    equation may have several solutions, and Newton's method may find any of them; the bracket holds one, and
    the result depends on nothing but the flows.

    Args:
        day: [N] of the sessions.
        equity: [N] USD after each session.
        flow: [N] USD of each session.
        start: [n] sessions to start from.
        at: [n] sessions to end with, of the same portfolio.
    """
    factor = np.divide(equity[at], equity[start], out=np.full(at.shape, np.nan), where=equity[start] > 0)
    paid = np.flatnonzero(flow)
    since, until = (np.searchsorted(paid, some, side="right") for some in (start, at))
    # A year may begin with the portfolio: what several horizons share is solved once.
    span, inverse = np.unique(np.stack((start, at))[:, until > since], axis=1, return_inverse=True)
    factor[until > since] = _growth_factors(day, equity, flow, *span)[inverse]
    return np.asarray(np.where((factor >= SMALLEST) & (factor <= LARGEST), factor - 1.0, np.nan))


def _growth_factors(day: Days, equity: Floats, flow: Floats, start: Ints, at: Ints) -> Floats:
    """Return the factors [n] between `SMALLEST` and `LARGEST` that solve the equation, NaN without one.

    Each span has a flow; for the arguments see `money_weighted`.
    """
    paid = np.flatnonzero(flow)
    first, stop = (np.searchsorted(paid, some, side="right") for some in (start, at))
    count = stop - first
    begin = np.cumsum(count) - count
    span = np.repeat(np.arange(at.size), count)
    flows = paid[np.arange(span.size) - begin[span] + first[span]]
    power = (day[at[span]] - day[flows]) / (day[at] - day[start])[span]
    amount = flow[flows]

    def surplus(growth: Floats) -> Floats:
        grown = np.add.reduceat(amount * np.exp(power * growth[span]), begin)
        return np.asarray(equity[start] * np.exp(growth) + grown - equity[at])

    low, high = np.full(at.shape, np.log(SMALLEST)), np.full(at.shape, np.log(LARGEST))
    found = (equity[start] > 0) & (surplus(low) <= 0) & (surplus(high) >= 0)
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        above = surplus(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(np.where(found, np.exp((low + high) / 2.0), np.nan))
