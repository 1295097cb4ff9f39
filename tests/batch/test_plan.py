"""Which sessions a run computes when it is told, half told, or not told (document 01 §2.2-2.3)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from engine.batch.plan import known, plan
from engine.core.errors import UsageError
from engine.core.schema import TABLES
from engine.core.window import Window
from loaders.earlier_results import EarlierResults
from tests.builders import STAMP, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

RUN_DATE = date(2025, 3, 20)
NOON = datetime(2025, 3, 14, 16, 0, tzinfo=UTC)  # Friday, 12:00 in New York


def planned(start: date | None, end: date | None, **tables: list[dict[str, Any]]) -> Window | None:
    frames = {name: frame_of(name, rows) for name, rows in tables.items()}
    with MemoryReader(frames) as reader:
        return plan(EarlierResults(reader), start, end, RUN_DATE, NOON)


def snapshot(day: date) -> dict[str, Any]:
    zeros = {
        c.name: 0
        for c in TABLES["portfolio_snapshots"].columns
        if not c.nullable and c.type.kind in ("numeric", "integer")
    }
    keys = {"id": uid(f"s{day}"), "portfolio_id": uid("P"), "snapshot_date": day}
    return {**zeros, **keys, "equity_balance": 1, "is_complete": True, "created_at": STAMP}


def tracked(day: date, status: str) -> dict[str, Any]:
    return {"id": uid(f"t{day}"), "run_date": day, "phase_1_status": status, "created_at": STAMP}


def test_without_an_end_the_target_is_the_newest_settled_session() -> None:
    window = planned(date(2025, 3, 12), None)
    assert window
    assert window.sessions == [date(2025, 3, 12), date(2025, 3, 13)]


def test_without_a_start_it_goes_on_after_the_newest_snapshot() -> None:
    window = planned(None, None, portfolio_snapshots=[snapshot(date(2025, 3, 11))])
    assert window
    assert window.sessions == [date(2025, 3, 12), date(2025, 3, 13)]
    assert not window.rerun


def test_without_snapshots_it_goes_on_after_the_newest_success() -> None:
    rows = [tracked(date(2025, 3, 11), "success"), tracked(date(2025, 3, 12), "failed")]
    window = planned(None, None, portfolio_snapshots=[], batch_run_tracking=rows)
    assert window
    assert window.sessions[0] == date(2025, 3, 12)


def test_in_a_new_store_it_begins_with_the_first_entry_even_a_deleted_one() -> None:
    rows = [
        position(entry_date=date(2025, 3, 12)),
        position("OLD", entry_date=date(2025, 3, 8), deleted_at=STAMP),  # a Saturday
    ]
    window = planned(None, None, portfolios=[portfolio()], positions=rows)
    assert window
    assert window.sessions[0] == date(2025, 3, 10)


def test_nothing_is_to_do_without_positions_or_missing_sessions() -> None:
    assert planned(None, None) is None
    assert planned(None, None, portfolio_snapshots=[snapshot(date(2025, 3, 13))]) is None
    assert planned(date(2025, 3, 8), date(2025, 3, 9)) is None  # a weekend


def test_a_rerun_takes_along_what_is_stored_after_it() -> None:
    days = [date(2025, 3, 3), date(2025, 3, 5), date(2025, 3, 7), date(2025, 3, 8)]  # last: Saturday
    stub = snapshot(date(2025, 3, 10)) | {"equity_balance": None}  # another service's
    frames = {"portfolio_snapshots": frame_of("portfolio_snapshots", [*map(snapshot, days), stub])}
    with MemoryReader(frames) as reader:
        past = EarlierResults(reader)
        window = plan(past, date(2025, 3, 5), date(2025, 3, 6), RUN_DATE, NOON)
        assert window
        assert window.sessions == [date(2025, 3, 5), date(2025, 3, 6), date(2025, 3, 7)]
        stored = known(past, window.sessions[0], [uid("P"), uid("Q")])
    assert stored == {uid("P"): (date(2025, 3, 5), date(2025, 3, 7)), uid("Q"): ()}


def test_a_reversed_window_is_refused() -> None:
    with pytest.raises(UsageError, match="ends"):
        planned(date(2025, 3, 6), date(2025, 3, 5))
