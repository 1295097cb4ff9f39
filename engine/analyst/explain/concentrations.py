"""Sector exposures and concentration; computed for sessions from the run date on."""

from __future__ import annotations

import json
from decimal import Decimal

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import PRIVATE, Case, PositionLot
from engine.analyst.explain.equity import has_positions, roll_forward
from engine.analyst.explain.rounding import WIDE
from engine.analyst.explain.working import Step, Working, absent, table
from engine.analytics.concentration.measures import HHI_SCALE, LARGEST
from engine.analytics.concentration.sector import ETFS, GICS_NAMES, UNCLASSIFIED, UNKNOWN
from engine.core.job_catalog import (
    HISTORICAL_SESSION,
    NO_BENCHMARK,
    NO_EQUITY,
    NO_POSITIONS,
    NO_VALUE,
    Reason,
)

ZERO = Decimal(0)
LOTS = {"symbol": pl.String, "value": pl.Float64, "sector": pl.String, "valued_by": pl.String}
WEIGHTS = {"symbol": pl.String, "weight": pl.Float64}


def concentration(case: Case, ask: Ask) -> Working:
    """Return the working of sector_exposure, hhi, effective_num_positions, top_3_ and top_10_concentration.

    Args:
        case: its lots, their values and sector profiles.
        ask: one of these columns.
    """
    column, reason = ask.column, reason_against(case)
    if reason and column == "sector_exposure" and has_positions(case):
        note = f"{reason}: stored as a JSON null, because the document was not computed"
        return Working("sector_exposure = null", "null", notes=(note,))
    if reason:
        return absent(f"{column} of the values before the session", reason)
    if column == "sector_exposure":
        return _sectors(case)
    weights = _weights(case)
    largest = sorted(weights.items(), key=lambda item: -item[1])
    frames = {"lots": _lots(case), "symbols": table(WEIGHTS, largest)}
    squares = sum(weight * weight for weight in weights.values())
    match column:
        case "hhi":
            step = Step("S", squares, "sum of weight^2", "frame `symbols`")
            return Working("hhi = 10000 * {S}", HHI_SCALE * squares, (step,), frames)
        case "effective_num_positions":
            step = Step("hhi", HHI_SCALE * squares, "0 to 10000, not rounded", "explain hhi")
            value = HHI_SCALE / (HHI_SCALE * squares)
            return Working("effective_num_positions = 10000 / {hhi}", value, (step,), frames)
        case _:
            count = next(n for n in LARGEST if column == f"top_{n}_concentration")
            top = sum(weight for _, weight in largest[:count])
            step = Step("S", top, f"sum of the {count} largest weights", "frame `symbols`")
            return Working(f"{column} = {{S}}", top, (step,), frames)


def reason_against(case: Case) -> Reason | None:
    """Return why a session has no sector figures, None if it has."""
    cases = {
        HISTORICAL_SESSION: case.day < case.run_date,
        NO_POSITIONS: not has_positions(case),
        NO_EQUITY: roll_forward(case).equity == 0,
        NO_BENCHMARK: not case.inputs.has_benchmark,
        NO_VALUE: not sum(opening_values(case).values()),
    }
    return next((reason for reason, true in cases.items() if true), None)


def opening_values(case: Case) -> dict[PositionLot, Decimal]:
    """Return absolute USD values of the open lots before the session, future entries included."""
    return {lot: abs(_opening_value(case, lot)) for lot in case.lots if lot.live}


def _opening_value(case: Case, lot: PositionLot) -> Decimal:
    mark = case.opening_mark(lot)
    if mark.value is not None:
        return mark.value
    price = lot.entry_price if lot.last_price is None else lot.last_price
    return lot.quantity * price * (1 if lot.private else lot.units)


def bucket(case: Case, lot: PositionLot) -> str | None:
    """Return the sector of a lot, None if it has none.

    Args:
        case: the profiles that say each symbol's sector.
        lot: of the portfolio.
    """
    if lot.investment_class in (PRIVATE, "OPTIONS"):
        return UNCLASSIFIED
    profile = case.inputs.profiles.filter(symbol=lot.symbol.upper())
    if profile.is_empty():
        return None
    row = profile.row(0, named=True)
    sector = (row["sector"] or "").strip()
    if row["is_etf"]:
        return ETFS
    return None if sector in UNKNOWN else GICS_NAMES.get(sector, sector)


def _lots(case: Case) -> pl.DataFrame:
    rows = (
        (lot.symbol, float(value), bucket(case, lot), case.opening_mark(lot).origin(case.day))
        for lot, value in opening_values(case).items()
    )
    return table(LOTS, rows)


def _weights(case: Case) -> dict[str, float]:
    """Return each symbol's share of the absolute value, all classes and both sides together."""
    sums: dict[str, Decimal] = {}
    for lot, value in opening_values(case).items():
        sums[lot.symbol] = sums.get(lot.symbol, ZERO) + value
    total = sum(sums.values(), ZERO)
    return {symbol: float(WIDE.divide(value, total)) for symbol, value in sums.items()}


def _sectors(case: Case) -> Working:
    """Explain sector_exposure: sectors in order of first lot, then ETFs and Unclassified if above 0."""
    equity, sums, none = roll_forward(case).equity, dict[str, Decimal](), set[str]()
    for lot, value in opening_values(case).items():
        name = bucket(case, lot)
        if name is None:
            none.add(lot.symbol)
        else:
            sums[name] = sums.get(name, ZERO) + value
    last = [name for name in (ETFS, UNCLASSIFIED) if sums.get(name)]
    order = [name for name in sums if name not in (ETFS, UNCLASSIFIED)] + last
    weights = {name: float(WIDE.divide(sums[name], equity)) for name in order}
    step = Step("E", equity, "USD, equity, not rounded", "explain equity_balance")
    notes = (f"in no sector: {', '.join(sorted(none))}",) if none else ()
    formula = "sector_exposure: sum of value by sector, over E"
    return Working(formula, json.dumps(weights), (step,), {"lots": _lots(case)}, notes=notes)
