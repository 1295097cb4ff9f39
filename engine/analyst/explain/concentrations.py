"""Sector exposures and concentration: of sessions from the run date on, or of every session."""

from __future__ import annotations

import json
from decimal import Decimal

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import PRIVATE, Case, PositionLot
from engine.analyst.explain.equity import has_positions, in_snapshot, roll_forward
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
    run_date_only = not every_session(case)
    cases = {
        HISTORICAL_SESSION: run_date_only and case.day < case.run_date,
        NO_POSITIONS: not has_positions(case),
        NO_EQUITY: roll_forward(case).equity == 0,
        NO_BENCHMARK: run_date_only and not case.inputs.has_benchmark,
        NO_VALUE: not sum(map(abs, values(case).values())),
    }
    return next((reason for reason, true in cases.items() if true), None)


def every_session(case: Case) -> bool:
    """Return whether sectors are those of every session, from its own values, with shorts below zero."""
    return case.rules.sectors == "every_session"


def values(case: Case) -> dict[PositionLot, Decimal]:
    """Return the USD values that weights are made of.

    Signed values of the lots held in the session; or absolute values of the open lots before the session,
    future entries included.
    """
    if every_session(case):
        valued = ((lot, _session_value(case, lot)) for lot in case.lots if in_snapshot(case, lot))
        return {lot: value for lot, value in valued if value is not None}
    return {lot: abs(_opening_value(case, lot)) for lot in case.lots if lot.live}


def _session_value(case: Case, lot: PositionLot) -> Decimal | None:
    """Return quantity x newest close x units; of a private lot without one its stored value or its cost."""
    quote = case.newest(lot.symbol)
    if quote is not None and quote.price > 0:
        return lot.quantity * quote.price * lot.units
    if not lot.private:
        return None
    stored = case.mark(lot).value
    return stored if stored is not None and stored > 0 else lot.quantity * lot.entry_price


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
    marks = case.mark if every_session(case) else case.opening_mark
    rows = (
        (lot.symbol, float(value), bucket(case, lot), marks(lot).origin(case.day))
        for lot, value in values(case).items()
    )
    return table(LOTS, rows)


def _weights(case: Case) -> dict[str, float]:
    """Return each symbol's share of the absolute value, all classes and both sides together."""
    sums: dict[str, Decimal] = {}
    for lot, value in values(case).items():
        sums[lot.symbol] = sums.get(lot.symbol, ZERO) + abs(value)
    total = sum(sums.values(), ZERO)
    return {symbol: float(WIDE.divide(value, total)) for symbol, value in sums.items()}


def _sectors(case: Case) -> Working:
    """Explain sector_exposure: sectors in order of first lot, then ETFs and Unclassified if above 0."""
    equity, sums, none = roll_forward(case).equity, dict[str, Decimal](), set[str]()
    signed = every_session(case)
    for lot, value in values(case).items():
        name = bucket(case, lot) or (UNCLASSIFIED if signed else None)
        if name is None:
            none.add(lot.symbol)
        else:
            sums[name] = sums.get(name, ZERO) + value
    last = [name for name in (ETFS, UNCLASSIFIED) if name in sums and (signed or sums[name])]
    order = [name for name in sums if name not in (ETFS, UNCLASSIFIED)] + last
    weights = {name: float(WIDE.divide(sums[name], equity)) for name in order}
    step = Step("E", equity, "USD, equity, not rounded", "explain equity_balance")
    notes = (f"in no sector: {', '.join(sorted(none))}",) if none else ()
    formula = "sector_exposure: sum of value by sector, over E"
    return Working(formula, json.dumps(weights), (step,), {"lots": _lots(case)}, notes=notes)
