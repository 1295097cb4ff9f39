"""Series of simple returns of a symbol, and of a portfolio with the session's weights."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl

from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.pairs import common
from engine.analyst.explain.rounding import rounded
from engine.analyst.explain.working import Sample, table
from engine.analytics.volatility.portfolio_volatility import SMALLEST_TOTAL
from engine.core.job_catalog import VOLATILITY
from engine.numerics.arrays import Floats

Closes = dict[str, dict[date, float]]
OWN = {
    "session": pl.Date,
    "since": pl.Date,
    "before": pl.Float64,
    "close": pl.Float64,
    "return": pl.Float64,
}
SERIES = {"session": pl.Date, "return": pl.Float64}
WEIGHTS = {"symbol": pl.String, "weight": pl.Float64, "measured": pl.String, "priced": pl.Boolean}


@dataclass(frozen=True)
class Returns:
    """A series of simple returns.

    Attributes:
        days: Session in which each return ends.
        values: [n] returns as fractions.
        sample: Used and missing sessions.
        frames: Rows behind the series.
        notes: Notes for every figure of the series.
    """

    days: tuple[date, ...]
    values: Floats
    sample: Sample
    frames: Mapping[str, pl.DataFrame]
    notes: tuple[str, ...] = ()


def volatility_symbol(lot: PositionLot) -> str:
    """Return the symbol whose returns a position uses: its underlying's if it has one."""
    return lot.underlying_symbol or lot.symbol


def own_returns(case: Case, symbol: str, look_back: int = VOLATILITY.look_back) -> Returns:
    """Return a symbol's returns between its consecutive closes; a gap gives one return over several days.

    Args:
        case: Closes of the look-back; the result is kept.
        symbol: As market data is stored under it.
        look_back: Calendar days before the session.
    """
    return case.once(("returns", symbol, look_back), lambda: _own_returns(case, symbol, look_back))


def _own_returns(case: Case, symbol: str, look_back: int) -> Returns:
    closes = case.series(symbol, look_back)
    days = sorted(closes)
    moves = (
        (day, before, closes[before], closes[day], closes[day] / closes[before] - 1.0)
        for before, day in pairwise(days)
    )
    frame = table(OWN, moves)
    sample = common(case, {symbol: closes}, look_back)
    return Returns(tuple(days[1:]), frame["return"].to_numpy(), sample, {"returns": frame})


def portfolio_returns(
    case: Case, lots: list[PositionLot], look_back: int = VOLATILITY.look_back
) -> Returns | None:
    """Return the portfolio's series: the session's weights times the returns of the lots.

    Args:
        case: Portfolio and session.
        lots: Open lots with a market price.
        look_back: Calendar days before the session.

    Returns:
        Returns of the days on which all priced symbols have one; None if the values of the lots sum
        to 0 or no lot has a close.
    """
    key = ("portfolio returns", look_back)
    return case.once(key, lambda: _portfolio_returns(case, lots, look_back))


def _portfolio_returns(case: Case, lots: list[PositionLot], look_back: int) -> Returns | None:
    weights, common_dates = _weights(case, lots), case.rules.alignment == "common"
    least = VOLATILITY.minimum if common_dates else 0
    series = {
        volatility_symbol(lot): case.series(volatility_symbol(lot), VOLATILITY.look_back) for lot in lots
    }
    held = [
        lot
        for lot in lots
        for symbol in [volatility_symbol(lot)]
        if weights is not None and lot.id in weights and len(series[symbol]) > least
        if not case.stale(symbol)
    ]
    # The closes of a year decide which symbols are in the series, whatever its look-back.
    priced = {symbol: case.series(symbol, look_back) for symbol in map(volatility_symbol, held)}
    if weights is None or not priced:
        return None
    moves = _common_moves(priced, common_dates)
    total = np.zeros(len(moves))
    for lot in held:
        total = total + weights[lot.id] * np.array([move[volatility_symbol(lot)] for move in moves.values()])
    rows = ((lot.symbol, weights.get(lot.id), volatility_symbol(lot), lot in held) for lot in lots)
    frames = {
        "lots": table(WEIGHTS, rows),
        "returns": table(SERIES, zip(moves, total.tolist(), strict=True)),
    }
    return Returns(tuple(moves), total, common(case, priced, look_back), frames, _notes(lots, held))


def _common_moves(priced: Closes, common_dates: bool) -> dict[date, dict[str, float]]:
    """Return the returns by day between consecutive days with any close, both with closes of all symbols.

    Args:
        priced: closes of symbols.
        common_dates: between consecutive days with closes of all symbols, whatever lies between.
    """
    days = sorted({day for closes in priced.values() for day in closes})
    complete = {day for day in days if all(day in closes for closes in priced.values())}
    days = sorted(complete) if common_dates else days
    return {
        day: {symbol: closes[day] / closes[before] - 1.0 for symbol, closes in priced.items()}
        for before, day in pairwise(days)
        if before in complete and day in complete
    }


def _weights(case: Case, lots: list[PositionLot]) -> dict[str, float] | None:
    """Return each lot's value over the signed sum; if that is 0, entry values over their sum.

    Under the rule "equity" over equity, of the lots with a value; equity is above 0.
    """
    if case.rules.volatility_weights == "equity":
        equity = float(case.money("equity_balance"))
        values = {lot.id: case.mark(lot).value for lot in lots}
        return {number: float(value) / equity for number, value in values.items() if value is not None}
    cost = {lot.id: float(lot.quantity * lot.entry_price) for lot in lots}
    value = {lot.id: case.mark(lot).value or Decimal(0) for lot in lots}
    entry = math.fsum(cost.values())
    # Stored values are in cents; dollars of a delta are rounded to them.
    cents = sum((rounded(each, 2) for each in value.values()), Decimal(0))
    total = float(cents) or (entry if abs(entry) >= SMALLEST_TOTAL else 0.0)
    if not total:
        return None
    return {lot.id: (float(value[lot.id]) or cost[lot.id]) / total for lot in lots}


def _notes(lots: list[PositionLot], held: list[PositionLot]) -> tuple[str, ...]:
    missing = sorted({volatility_symbol(lot) for lot in lots} - {volatility_symbol(lot) for lot in held})
    twice = sorted(symbol for symbol, count in Counter(lot.symbol for lot in lots).items() if count > 1)
    notes = []
    if missing:
        notes.append(f"in the weights, but without returns: {', '.join(missing)}")
    if twice:
        whose = f"several lots of {', '.join(twice)}: each has its own weight here"
        notes.append(
            f"{whose}; the legacy batch gave all of them the weight of one of them, in undefined order"
        )
    return tuple(notes)
