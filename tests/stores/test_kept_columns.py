"""Columns that other services write into a snapshot outlive its replacement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

import engine
from tests.stores.support import run_sql

pytestmark = pytest.mark.thorough

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 5), date(2026, 11, 23)
KEPT = "select target_price_coverage_pct::text, target_price_positions_count::text from portfolio_snapshots"
ROW = "where snapshot_date = '2025-03-04' and portfolio_id = '80a4ad45-55ce-5ed1-b321-61880e1f1a97'"


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_target_prices_of_a_replaced_snapshot_stay(kind: str, fresh: Callable[[str], str]) -> None:
    url = fresh(kind)
    engine.backfill(url, start=START, end=END, run_date=RUN_DATE)
    run_sql(
        url,
        "update portfolio_snapshots set target_price_coverage_pct = 62.5, target_price_positions_count = 5 "
        + ROW,
    )
    engine.backfill(url, start=START, end=END, run_date=RUN_DATE)
    assert run_sql(url, f"{KEPT} {ROW}") == [("62.5000", "5")]
    others = run_sql(url, f"{KEPT} where snapshot_date = '2025-03-03'")
    assert set(others) == {(None, None)}
