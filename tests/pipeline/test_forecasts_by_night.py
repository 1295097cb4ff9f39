"""Forecasts, their scores and attributed P&L night by night, against one run over all sessions."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

import engine
from engine.analytics import forecasts
from engine.analytics.factors import attribution
from engine.batch.backfill import backfill
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.core.schema import TABLES
from tests.test_golden import RUN_DATE, folder

pytestmark = pytest.mark.thorough
DAYS = date(2025, 4, 1), date(2025, 5, 15)
BREAKS = [date(2025, 5, 8), date(2025, 5, 9), date(2025, 5, 13)]


def stored(url: str, table: str) -> list[tuple[object, ...]]:
    rows = engine.open(url).read(table).sort(TABLES[table].key)
    return rows.rows()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The store of one run, and that of four runs one after the other."""
    root: Path = tmp_path_factory.mktemp("nights")
    whole, nights = (f"duckdb:///{root / name}.duckdb" for name in ("whole", "nights"))
    for url, ends in ((whole, [DAYS[1]]), (nights, [*BREAKS, DAYS[1]])):
        start = DAYS[0]
        for end in ends:
            days = {"start": start, "end": end, "run_date": RUN_DATE}
            backfill(folder("mixed", "inputs"), url, rules=Rules.corrected(), progress=Quiet(), **days)
            start = end + timedelta(days=1)
    return whole, nights


@pytest.mark.parametrize("table", [*forecasts.TABLES, *attribution.TABLES])
def test_nights_leave_what_one_run_leaves(stores: tuple[str, str], table: str) -> None:
    whole, nights = (stored(url, table) for url in stores)
    assert whole
    assert nights == whole
