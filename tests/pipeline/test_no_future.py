"""No figure of a session uses anything dated after it: the store is put back to the session.

Closes, flows, events and snapshots after it are deleted, quantities raised by the events that were deleted,
exits and deletions after it taken back. The figures of the session must have the same bits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.results import Results
from tests.marks import first
from tests.pipeline.test_books import GOLDEN, Rows, computed, golden, trading
from tests.reference.books import OPTIONS, ZERO
from tests.reference.worlds import draw_world

RULES = replace(Rules.corrected(), inconsistent_rows="computed")
DATED = {
    "market_data_cache": "date",
    "engine_raw_closes": "date",
    "engine_price_actions": "date",
    "equity_changes": "change_date",
    "position_realized_events": "trade_date",
    "portfolio_snapshots": "snapshot_date",
    "factor_exposures": "calculation_date",
    "position_market_betas": "calc_date",
    "position_interest_rate_betas": "calculation_date",
}
FIGURES = [
    name
    for name, table in TABLES.items()
    if table.date and (table.role == "output" or name == "analytics_status")
]
MARKS = ("id", "last_price", "market_value", "unrealized_pnl")


def put_back(rows: Rows, day: date) -> Rows:
    """The rows as they were on the evening of a day."""
    found = {name: [dict(row) for row in some] for name, some in rows.items()}
    for name, column in DATED.items():
        found[name] = [row for row in found.get(name, []) if row[column] <= day]
    for lot in found["positions"]:
        later = [e for e in rows["position_realized_events"] if e["position_id"] == lot["id"]]
        lot["quantity"] += raised(lot, [e for e in later if e["trade_date"] > day], later)
        if lot.get("exit_date") is not None and lot["exit_date"] > day:
            lot |= {"exit_date": None, "exit_price": None}
        if lot.get("deleted_at") is not None and lot["deleted_at"].date() > day:
            lot["deleted_at"] = None
    return found


def raised(lot: dict[str, Any], deleted: list[dict[str, Any]], events: list[dict[str, Any]]) -> Decimal:
    """The quantity that the deleted events had closed."""
    gone = lot["deleted_at"].date() if lot.get("deleted_at") else None
    expires = lot.get("expiration_date") if lot["position_type"] in OPTIONS else None
    ends = [day for day in (lot.get("exit_date"), gone, expires) if day is not None]
    kept, negative = abs(lot["quantity"]), lot["position_type"] in ("SHORT", "SC", "SP")
    side = -1 if lot["quantity"] < 0 or (kept == 0 and negative) else 1

    def fits(event: dict[str, Any]) -> bool:
        size, day = abs(event["quantity_closed"]), event["trade_date"]
        return lot["entry_date"] <= day <= min(ends, default=day) and not (
            kept and day in ends and size > kept
        )

    total = ZERO
    for event in filter(fits, deleted):
        of_day = [e for e in events if e["trade_date"] == event["trade_date"] and fits(e)]
        whole = kept and event["trade_date"] in ends
        if not (whole and sum(abs(e["quantity_closed"]) for e in of_day) == kept):
            total += abs(event["quantity_closed"])
    return side * total


def of_day(results: Results, table: str, day: date) -> pl.DataFrame:
    column = TABLES[table].date or ""
    rows = results[table].filter(pl.col(column).cast(pl.Date) == day)
    return rows.select(name for name in rows.columns if name not in ("created_at", "updated_at"))


def hold_to(rows: Rows, window: Window, whole: Results, day: date) -> None:
    until = replace(window, end=day)
    back = computed(put_back(rows, day), until, RULES).results
    for table in FIGURES:
        if table in whole.tables:
            expected, found = of_day(whole, table, day), of_day(back, table, day)
            assert found.equals(expected), f"{table} of {day} uses the future"
    marks = computed(rows, until, RULES).results["positions"].select(MARKS)
    assert back["positions"].select(MARKS).equals(marks), day


@pytest.mark.parametrize("seed", first(2, range(16)))
def test_no_figure_of_a_random_world_uses_the_future(seed: int) -> None:
    world = draw_world(seed)
    rows = trading(world, seed)
    whole = computed(rows, world.window, RULES).results
    for day in world.window.sessions[:-1]:
        hold_to(rows, world.window, whole, day)


@pytest.mark.thorough
@pytest.mark.parametrize("day", [date(2025, 3, 7), date(2025, 4, 8), date(2025, 4, 17)])
def test_no_figure_of_the_golden_set_uses_the_future(day: date) -> None:
    """Days before a deletion, before an exit, and of an expiration."""
    found = golden("mixed")
    window = Window(date(2025, 3, 3), date(2025, 5, 30), date(2026, 11, 23))
    tables = ("company_profiles", "factor_definitions")
    more = {
        name: pl.read_parquet(GOLDEN / "mixed" / "inputs" / f"{name}.parquet").to_dicts() for name in tables
    }
    rows = found.rows | more
    whole = computed(rows, window, RULES).results
    hold_to(rows, window, whole, day)
