"""Time- and money-weighted returns of portfolios over horizons, from stored equity, P&L and flows."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.numerics.arrays import Floats, Ints

TABLE = "engine_returns"
HORIZONS = ("day", "month", "quarter", "year", "since_start")
STEPS = 64
"""Halvings of the bracket: of 41 in natural logarithms, down to the last bit of a double."""
SMALLEST, LARGEST = 1e-9, 1e9
"""Growth factors between which a money-weighted return is looked for."""


class _Path(NamedTuple):
    """Stored figures of one portfolio by session: [T].

    Attributes:
        days: the sessions, ascending.
        equity, pnl, flow: USD.
    """

    days: list[date]
    equity: Floats
    pnl: Floats
    flow: Floats


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
    rows = pl.concat([history.select(columns), book.select(columns)]).sort("portfolio_id", "date")
    fresh = dict(book.group_by("portfolio_id").agg(pl.col("date").min()).iter_rows())
    parts = [
        _of_portfolio(owner, _path(group), fresh[owner])
        for (owner,), group in rows.group_by("portfolio_id", maintain_order=True)
        if owner in fresh
    ]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts])


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


SCHEMA: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "calculation_date": pl.Date(),
    "horizon": pl.String(),
    "start_date": pl.Date(),
    "time_weighted": pl.Float64(),
    "money_weighted": pl.Float64(),
}


def _path(rows: pl.DataFrame) -> _Path:
    usd = (rows[name].cast(pl.Float64).to_numpy() / 100.0 for name in ("equity", "pnl", "flow"))
    return _Path(rows["date"].to_list(), *usd)


def _of_portfolio(owner: object, path: _Path, first: date) -> pl.DataFrame:
    """Return the rows of one portfolio from a session on."""
    number = np.arange(len(path.days))
    fresh = number[np.array([day >= first for day in path.days]) & (number > 0)]
    start = np.concatenate([starts(path.days, horizon)[fresh] for horizon in HORIZONS])
    at = np.tile(fresh, len(HORIZONS))
    days = pl.Series(path.days, dtype=pl.Date)
    weighted = {
        "time_weighted": time_weighted(path.equity, path.pnl, start, at),
        "money_weighted": money_weighted(path.days, path.equity, path.flow, start, at),
    }
    return pl.DataFrame(
        {
            "portfolio_id": [owner] * at.size,
            "calculation_date": days.gather(at),
            "horizon": np.repeat(HORIZONS, fresh.size).tolist(),
            "start_date": days.gather(start),
            **{name: pl.Series(values, nan_to_null=True) for name, values in weighted.items()},
        },
        schema=SCHEMA,
    )


def starts(days: list[date], horizon: str) -> Ints:
    """Return the session whose equity a horizon starts from, for each of T sessions: [T].

    It is the last session before the day, month, quarter or year of the session, or the first of all.

    Args:
        days: the T sessions, ascending.
        horizon: one of `HORIZONS`.
    """
    number = np.arange(len(days))
    if horizon == "since_start":
        return np.zeros_like(number)
    if horizon == "day":
        return np.maximum(number - 1, 0)
    months = {"month": 1, "quarter": 3, "year": 12}[horizon]
    period = np.array([(day.year * 12 + day.month - 1) // months for day in days])
    return np.maximum(np.searchsorted(period, period, side="left") - 1, 0)


def time_weighted(equity: Floats, pnl: Floats, start: Ints, at: Ints) -> Floats:
    """Return time-weighted returns [n], NaN where an equity is not above 0.

    Args:
        equity: [T] USD after each session.
        pnl: [T] USD of each session.
        start: [n] sessions to start from.
        at: [n] sessions to end with.
    """
    before = np.concatenate(([np.nan], equity[:-1]))
    sound = before > 0
    step = np.where(sound, 1.0 + np.divide(pnl, before, out=np.zeros_like(pnl), where=sound), 1.0)
    growth, unsound = np.cumprod(step), np.cumsum(~sound)
    # A growth of 0, a total loss, would divide by 0 afterwards: nothing is above 0 from then on.
    ratio = np.divide(growth[at], growth[start], out=np.full(at.shape, np.nan), where=growth[start] != 0)
    return np.asarray(np.where(unsound[at] == unsound[start], ratio - 1.0, np.nan))


def money_weighted(days: list[date], equity: Floats, flow: Floats, start: Ints, at: Ints) -> Floats:
    """Return money-weighted returns [n], not annualised, NaN where there is none.

    Without a flow it is the growth of the equity. Else it is solved by bisection: with flows both ways the
    equation may have several solutions, and Newton's method may find any of them; the bracket holds one, and
    the result depends on nothing but the flows.

    Args:
        days: [T] sessions.
        equity: [T] USD after each session.
        flow: [T] USD of each session.
        start: [n] sessions to start from.
        at: [n] sessions to end with.
    """
    paid = np.flatnonzero(flow)
    flows = np.searchsorted(paid, at, side="right") > np.searchsorted(paid, start, side="right")
    factor = np.divide(equity[at], equity[start], out=np.full(at.shape, np.nan), where=equity[start] > 0)
    clock = np.array(days, dtype="datetime64[D]").astype(np.int64)
    factor[flows] = _growth_factors(clock, equity, flow, start[flows], at[flows])
    return np.asarray(np.where((factor >= SMALLEST) & (factor <= LARGEST), factor - 1.0, np.nan))


def _growth_factors(clock: Ints, equity: Floats, flow: Floats, start: Ints, at: Ints) -> Floats:
    """Return the factors [n] between `SMALLEST` and `LARGEST` that solve the equation, NaN without one.

    clock: [T] day numbers of the sessions; others: see `money_weighted`.
    """
    paid = np.flatnonzero(flow)
    span = (clock[at] - clock[start]).astype(np.float64)
    inside = (paid > start[:, None]) & (paid <= at[:, None])
    power = np.where(inside, (clock[at][:, None] - clock[paid]) / span[:, None], 0.0)
    amount = np.where(inside, flow[paid], 0.0)

    def surplus(factor: Floats) -> Floats:
        grown = equity[start] * factor + (amount * factor[:, None] ** power).sum(axis=1)
        return np.asarray(grown - equity[at])

    low, high = np.full(at.shape, SMALLEST), np.full(at.shape, LARGEST)
    found = (equity[start] > 0) & (surplus(low) <= 0) & (surplus(high) >= 0)
    for _ in range(STEPS):
        # The geometric mean: the bracket spans eighteen decades.
        middle = np.sqrt(low * high)
        above = surplus(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(np.where(found, np.sqrt(low * high), np.nan))
