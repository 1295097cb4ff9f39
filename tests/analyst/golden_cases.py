"""Cases of the golden sets, and the figures of their stored rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

import engine
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.catalog import CATALOG
from engine.analyst.explain.explaining import load_case
from engine.analyst.explain.selection import ROW_KEYS
from engine.analytics.stress.scenarios import load_scenarios
from engine.core.rules import Rules

GOLDEN = Path(__file__).parents[1] / "golden"
TODAY = date(2026, 11, 23)
EXEMPT_STRESS = (date(2025, 5, 2), date(2025, 5, 5), date(2025, 5, 6))
TWO_LOTS = "H3 Growth Mix"
"""Its volatility and, in these sessions, its stress tests hang on the order of rows: exempt.json."""


def store(name: str, part: str) -> engine.Store:
    return engine.open(f"parquet:///{GOLDEN / name / part}")


@cache
def case(name: str, portfolio: str, day: date) -> Case:
    return load_case(
        store(name, "outputs"), store(name, "inputs"), portfolio, day, Rules.legacy(), load_scenarios()
    )


def rows(found: Case, table: str) -> list[dict[str, Any]]:
    """The stored rows of a case; of undated tables too."""
    return found.rows(table).to_dicts()


def asks(found: Case, most: int) -> Iterator[Ask]:
    """Every figure of up to `most` rows of each table that has any, evenly chosen."""
    names = {number: name for name, number in found.factors.items()}
    scenarios = {
        number: name for name, number in found.inputs.scenarios.select("scenario_id", "id").iter_rows()
    }
    lots = {lot.id: lot for lot in found.every_lot}
    for table, columns in CATALOG.items():
        stored = rows(found, table)
        for row in stored[:: max(1, len(stored) // most)][:most]:
            lot = lots.get(row["id"] if table == "positions" else row.get("position_id"))
            ask = Ask(
                table,
                "",
                lot=lot,
                factor=names.get(row.get("factor_id"), ""),
                scenario=scenarios.get(row.get("scenario_id"), ""),
                pair=(row["symbol_1"], row["symbol_2"]) if table == "pairwise_correlations" else ("", ""),
                job=row.get("job", ""),
                tag=row["name"] if table == "tags_v2" else "",
                row_key=tuple((column, row[column]) for column in ROW_KEYS.get(table, ())),
            )
            yield from (replace(ask, column=column) for column in columns)


def exempt(found: Case, ask: Ask) -> bool:
    """Return whether the golden set itself leaves a cell to chance."""
    if found.name != TWO_LOTS:
        return False
    volatility = ask.table == "portfolio_snapshots" and "volatility" in ask.column
    return volatility or (ask.table == "stress_test_results" and found.day in EXEMPT_STRESS)


def value(table: str, name: str, column: str, **where: object) -> Any:
    """A cell of a golden output, without the engine."""
    found = pl.read_parquet(GOLDEN / name / "outputs" / f"{table}.parquet").filter(**where)  # type: ignore[arg-type]
    return found[column].item()
