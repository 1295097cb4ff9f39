"""Long, short and net value of a sector in a session, with the benchmark's weight of it."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.concentrations import bucket, every_session, reason_against, values
from engine.analyst.explain.equity import roll_forward
from engine.analyst.explain.rounding import WIDE
from engine.analyst.explain.working import Step, Working, absent, table
from engine.analytics.concentration.sector import GICS_NAMES, UNCLASSIFIED

LOTS = {"symbol": pl.String, "value": pl.Float64}
SIDES = {
    "long_value": "values above 0",
    "short_value": "values below 0",
    "net_value": "all values",
}


def sectors_of(case: Case) -> list[str]:
    """Return the sectors that the session's lots with a value are in; none by other rules.

    Args:
        case: lots, their values and profiles.
    """
    if not every_session(case) or reason_against(case):
        return []
    return sorted({bucket(case, lot) or UNCLASSIFIED for lot in values(case)})


def sector_value(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of engine_sector_exposures.

    Args:
        case: lots, their values and profiles, and the benchmark.
        ask: sector and a column of the table.
    """
    name = str(ask.part("sector"))
    if not every_session(case):
        return absent(ask.column, "only with sectors=every_session")
    if reason := reason_against(case):
        return absent(ask.column, reason)
    held = {lot: value for lot, value in values(case).items() if (bucket(case, lot) or UNCLASSIFIED) == name}
    if not held:
        return absent(ask.column, f"no lot with a value is in {name}")
    if ask.column == "benchmark_weight":
        return _benchmark(case, name)
    frames = {"lots": table(LOTS, ((lot.symbol, float(value)) for lot, value in held.items()))}
    total = sum((value for value in held.values() if _counts(ask.column, value)), Decimal(0))
    step = Step("S", total, f"USD, sum of {SIDES.get(ask.column, SIDES['net_value'])}", "frame `lots`")
    if ask.column != "weight":
        return Working(f"{ask.column} = round({{S}}, 2)", total, (step,), frames)
    equity = roll_forward(case).equity
    whole = Step("E", equity, "USD, equity, not rounded", "explain equity_balance")
    return Working("weight = {S} / {E}", float(WIDE.divide(total, equity)), (step, whole), frames)


def _counts(column: str, value: Decimal) -> bool:
    """Return whether a value is on the side that a column sums."""
    return value > 0 if column == "long_value" else value < 0 if column == "short_value" else True


def _benchmark(case: Case, name: str) -> Working:
    """Explain the benchmark's weight: of its newest day up to the session."""
    rows = case.inputs.benchmark.filter(pl.col("asof_date") <= case.day)
    for row in rows.filter(pl.col("asof_date") == pl.col("asof_date").max()).iter_rows(named=True):
        if GICS_NAMES.get(row["sector"], row["sector"]) == name:
            source = f"benchmarks_sector_weights, {row['asof_date']}"
            step = Step("w", float(row["weight"]), "fraction", source)
            return Working("benchmark_weight = {w}", step.value, (step,))
    return absent("benchmark_weight", f"the benchmark's newest weights lack {name}")
