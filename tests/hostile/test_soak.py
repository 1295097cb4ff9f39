"""Many daily runs in a row on one store leave what one backfill leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

import engine
from engine.core.calendar import sessions
from tests.stores.support import assert_same_but_clock

RUN_DATE = date(2026, 11, 23)
DAYS = sessions(date(2025, 3, 3), date(2025, 5, 30))


def soaked(url: str, clean: str, days: int) -> None:
    """Day by day in one store, all at once in another."""
    for day in DAYS[:days]:
        assert engine.backfill(url, start=day, end=day, run_date=RUN_DATE).complete
    engine.backfill(clean, start=DAYS[0], end=DAYS[days - 1], run_date=RUN_DATE)
    assert_same_but_clock(url, clean)


def test_twelve_daily_runs_equal_one_backfill(fresh: Callable[[str], str]) -> None:
    soaked(fresh("duckdb"), fresh("duckdb"), 12)


@pytest.mark.slow
def test_fifty_daily_runs_equal_one_backfill(fresh: Callable[[str], str]) -> None:
    soaked(fresh("duckdb"), fresh("duckdb"), 50)
