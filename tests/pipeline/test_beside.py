"""Work that a large computation does in a second thread."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from threading import current_thread, main_thread

import pytest

import engine
from engine.core.rules import Rules
from engine.pipeline import jobs
from engine.pipeline.beside import beside

MIXED = Path(__file__).parents[1] / "golden" / "mixed" / "inputs"


@pytest.mark.parametrize("large", [False, True])
def test_the_result_is_the_works(large: bool) -> None:
    with beside(current_thread, large) as result:
        assert (result() is main_thread()) is not large


@pytest.mark.parametrize("large", [False, True])
def test_an_error_is_raised_where_the_result_is_asked_for(large: bool) -> None:
    with beside(lambda: 1 // 0, large) as result, pytest.raises(ZeroDivisionError):
        result()


@pytest.mark.parametrize("rules", [Rules.legacy(), Rules.corrected()], ids=["legacy", "corrected"])
def test_every_table_is_the_same_with_a_second_thread(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = engine.open(f"parquet:///{MIXED}").inputs(
        date(2025, 3, 3), date(2025, 3, 14), run_date=date(2026, 11, 23)
    )
    tables = []
    for large in (0, 1 << 62):
        monkeypatch.setattr(jobs, "LARGE", large)
        tables.append(engine.compute(inputs, rules=rules).tables)
    both = [dict(one) for one in tables]
    assert both[0].keys() == both[1].keys()
    stamps = {"created_at", "updated_at", "assigned_at", "completed_at"}
    for name, rows in both[0].items():
        kept = [column for column in rows.columns if column not in stamps]
        assert rows.select(kept).equals(both[1][name].select(kept)), name
