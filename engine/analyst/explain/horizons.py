"""Time- and money-weighted return of a portfolio over a horizon that ends with the session."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from itertools import pairwise

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.books import ONLY_BY_LOT
from engine.analyst.explain.case import Case, Row
from engine.analyst.explain.working import Step, Working, absent, table

HORIZONS = ("day", "month", "quarter", "year", "since_start")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
PATH = {
    "session": pl.Date,
    "equity": pl.Decimal(38, 2),
    "pnl": pl.Decimal(38, 2),
    "flow": pl.Decimal(38, 2),
}
LARGEST = 1e9
"""Growth factor, and its inverse, beyond which none is looked for."""
HALVINGS = 90
LAST_DIGIT = 1.5e-10
"""A return is stored with ten decimals, the last of which hangs on the order of products."""


def horizon_return(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_returns.

    Args:
        case: stored equity, P&L and flows of its sessions.
        ask: horizon and a column of the table.
    """
    rows = case.snapshots
    if not case.by_lot:
        return absent(ask.column, ONLY_BY_LOT)
    if len(rows) < 2 or case.snapshot is None:
        return absent(ask.column, "the portfolio's first session has no return")
    path = rows[_start(case, str(ask.part("horizon"))) :]
    frames = {"sessions": table(PATH, map(_cells, path))}
    if ask.column == "start_date":
        return Working(
            "start_date: the session that the horizon starts from", path[0]["snapshot_date"], (), frames
        )
    return _time_weighted(path, frames) if ask.column == "time_weighted" else _money_weighted(path, frames)


def _cells(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("snapshot_date", "equity_balance", "daily_pnl", "daily_capital_flow"))


def _start(case: Case, horizon: str) -> int:
    """Return the number of the snapshot that a horizon starts from: the last before it, or the first."""
    days = [row["snapshot_date"] for row in case.snapshots]
    before = {
        "day": [day for day in days if day < case.day],
        "since_start": [],
    }.get(horizon)
    if before is None:
        before = [day for day in days if _period(day, horizon) < _period(case.day, horizon)]
    return max(len(before) - 1, 0)


def _period(day: date, horizon: str) -> int:
    """Return the number of the month, quarter or year of a day."""
    return (day.year * 12 + day.month - 1) // MONTHS[horizon]


def _time_weighted(path: list[Row], frames: dict[str, pl.DataFrame]) -> Working:
    growth = 1.0
    for before, row in pairwise(path):
        if not before["equity_balance"] > 0:
            why = f"the equity of {before['snapshot_date']} is not above 0"
            return absent("time_weighted = product of (1 + T / E before) - 1", why, frames=frames)
        growth *= 1.0 + float(row["daily_pnl"] or 0) / float(before["equity_balance"])
    step = Step("G", growth, "product of 1 + pnl / equity of the session before", "frame `sessions`")
    return Working("time_weighted = {G} - 1", growth - 1.0, (step,), frames, tolerance=LAST_DIGIT)


def _money_weighted(path: list[Row], frames: dict[str, pl.DataFrame]) -> Working:
    start, end = float(path[0]["equity_balance"]), float(path[-1]["equity_balance"])
    flows = [(row["snapshot_date"], row["daily_capital_flow"] or Decimal(0)) for row in path[1:]]
    first, last = path[0]["snapshot_date"], path[-1]["snapshot_date"]
    paid = [((last - day).days / (last - first).days, float(flow)) for day, flow in flows if flow]
    formula = "money_weighted = {x} - 1: E0 x + sum of F x^((t - t_F) / (t - t0)) = E"
    if not start > 0:
        return absent(formula, f"the equity of {first} is not above 0", frames=frames)
    factor = _solved(start, end, paid) if paid else end / start
    if factor is None or not 1.0 / LARGEST <= factor <= LARGEST:
        return absent(formula, "no growth factor solves the equation", frames=frames)
    steps = (
        Step("E0", start, f"USD, equity of {first}", "frame `sessions`"),
        Step("E", end, f"USD, equity of {last}", "frame `sessions`"),
        Step("x", factor, f"growth factor, with {len(paid)} flows"),
    )
    return Working(formula, factor - 1.0, steps, frames, tolerance=LAST_DIGIT)


def _solved(start: float, end: float, paid: list[tuple[float, float]]) -> float | None:
    """Return the growth factor by bisection of its logarithm; None where the ends have one sign."""

    def surplus(power: float) -> float:
        return (
            math.fsum([start * math.exp(power), *(flow * math.exp(power * share) for share, flow in paid)])
            - end
        )

    low, high = -math.log(LARGEST), math.log(LARGEST)
    if surplus(low) > 0 or surplus(high) < 0:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if surplus(middle) > 0 else (middle, high)
    return math.exp((low + high) / 2.0)
