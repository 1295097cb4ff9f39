"""Series of simple returns: a symbol's own, and a portfolio's with today's weights."""

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

from engine.analyst.explain.case import Case, Lot
from engine.analyst.explain.pairs import common
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
    """A series of simple returns. days: the session that each ends in. frames: what it is made of."""

    days: tuple[date, ...]
    values: Floats
    sample: Sample
    frames: Mapping[str, pl.DataFrame]
    notes: tuple[str, ...] = ()


def measured(lot: Lot) -> str:
    """The symbol whose volatility a position has: its underlying's if it names one."""
    return lot.underlying_symbol or lot.symbol


def own_returns(case: Case, symbol: str) -> Returns:
    """A symbol's returns between consecutive closes of its own: a gap makes one of several days."""
    return case.once(("returns", symbol), lambda: _own_returns(case, symbol))


def _own_returns(case: Case, symbol: str) -> Returns:
    closes = case.series(symbol, VOLATILITY.look_back)
    days = sorted(closes)
    moves = (
        (day, before, closes[before], closes[day], closes[day] / closes[before] - 1.0)
        for before, day in pairwise(days)
    )
    frame = table(OWN, moves)
    sample = common(case, {symbol: closes}, VOLATILITY.look_back)
    return Returns(tuple(days[1:]), frame["return"].to_numpy(), sample, {"returns": frame})


def weighed_returns(case: Case, lots: list[Lot]) -> Returns | None:
    """The portfolio's series: today's weights times returns, where all priced lots have one.

    None where the lots' values add up to 0, or none of them has a close.
    """
    return case.once(("portfolio returns",), lambda: _weighed_returns(case, lots))


def _weighed_returns(case: Case, lots: list[Lot]) -> Returns | None:
    weights = _weights(case, lots)
    series = {measured(lot): case.series(measured(lot), VOLATILITY.look_back) for lot in lots}
    priced = {symbol: closes for symbol, closes in series.items() if closes}
    if weights is None or not priced:
        return None
    moves = _common_moves(priced)
    held = [lot for lot in lots if measured(lot) in priced]
    total = np.zeros(len(moves))
    for lot in held:
        total = total + weights[lot.id] * np.array([move[measured(lot)] for move in moves.values()])
    rows = ((lot.symbol, weights[lot.id], measured(lot), lot in held) for lot in lots)
    frames = {
        "lots": table(WEIGHTS, rows),
        "returns": table(SERIES, zip(moves, total.tolist(), strict=True)),
    }
    return Returns(
        tuple(moves), total, common(case, priced, VOLATILITY.look_back), frames, _notes(lots, held)
    )


def _common_moves(priced: Closes) -> dict[date, dict[str, float]]:
    """Returns of the days on which every symbol has a close, as it has on the day before that any has."""
    days = sorted({day for closes in priced.values() for day in closes})
    complete = {day for day in days if all(day in closes for closes in priced.values())}
    return {
        day: {symbol: closes[day] / closes[before] - 1.0 for symbol, closes in priced.items()}
        for before, day in pairwise(days)
        if before in complete and day in complete
    }


def _weights(case: Case, lots: list[Lot]) -> dict[str, float] | None:
    """Each lot's value over the signed sum; where that is 0, its entry value over theirs."""
    cost = {lot.id: float(lot.quantity * lot.entry_price) for lot in lots}
    value = {lot.id: case.mark(lot).value or Decimal(0) for lot in lots}
    entry = math.fsum(cost.values())
    total = float(sum(value.values())) or (entry if abs(entry) >= SMALLEST_TOTAL else 0.0)
    if not total:
        return None
    return {lot.id: (float(value[lot.id]) or cost[lot.id]) / total for lot in lots}


def _notes(lots: list[Lot], held: list[Lot]) -> tuple[str, ...]:
    silent = sorted({measured(lot) for lot in lots} - {measured(lot) for lot in held})
    twice = sorted(symbol for symbol, count in Counter(lot.symbol for lot in lots).items() if count > 1)
    notes = []
    if silent:
        notes.append(f"counted in the weights, without a return: {', '.join(silent)}")
    if twice:
        whose = f"several lots of {', '.join(twice)}: each has its own weight here"
        notes.append(f"{whose}; the legacy batch gave all of them that of one, left to chance")
    return tuple(notes)
