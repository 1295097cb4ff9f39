"""The window of a run, and what a rerun takes along (document 01 §2.2-2.3)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from engine.batch.plan import plan, settled, stored_by_portfolio
from engine.core.errors import UsageError
from engine.core.schema import TABLES
from engine.core.window import Window
from loaders.earlier_results import EarlierResults
from tests.builders import STAMP, uid
from tests.memory_store import MemoryReader, frame_of

RUN_DATE = date(2025, 3, 20)
NOON = datetime(2025, 3, 14, 16, 0, tzinfo=UTC)  # Friday, 12:00 in New York


def planned(start: date, end: date) -> Window | None:
    with MemoryReader({}) as reader:
        return plan(EarlierResults(reader), start, end, RUN_DATE)


def snapshot(day: date) -> dict[str, Any]:
    zeros = {
        c.name: 0
        for c in TABLES["portfolio_snapshots"].columns
        if not c.nullable and c.type.kind in ("numeric", "integer")
    }
    keys = {"id": uid(f"s{day}"), "portfolio_id": uid("P"), "snapshot_date": day}
    return {**zeros, **keys, "equity_balance": 1, "is_complete": True, "created_at": STAMP}


def test_a_session_is_settled_from_half_past_four_on() -> None:
    assert settled(NOON) == date(2025, 3, 13)
    assert settled(NOON.replace(hour=20, minute=30)) == date(2025, 3, 14)


def test_a_window_without_a_session_is_none() -> None:
    assert planned(date(2025, 3, 8), date(2025, 3, 9)) is None  # a weekend


def test_a_rerun_takes_along_what_is_stored_after_it() -> None:
    days = [date(2025, 3, 3), date(2025, 3, 5), date(2025, 3, 7), date(2025, 3, 8)]  # last: Saturday
    stub = snapshot(date(2025, 3, 10)) | {"equity_balance": None}  # another service's
    frames = {"portfolio_snapshots": frame_of("portfolio_snapshots", [*map(snapshot, days), stub])}
    with MemoryReader(frames) as reader:
        past = EarlierResults(reader)
        window = plan(past, date(2025, 3, 5), date(2025, 3, 6), RUN_DATE)
        assert window
        assert window.sessions == [date(2025, 3, 5), date(2025, 3, 6), date(2025, 3, 7)]
        stored = stored_by_portfolio(past, window.sessions[0], [uid("P"), uid("Q")])
    assert stored == {uid("P"): (date(2025, 3, 5), date(2025, 3, 7)), uid("Q"): ()}


def test_a_reversed_window_is_refused() -> None:
    with pytest.raises(UsageError, match="ends"):
        planned(date(2025, 3, 6), date(2025, 3, 5))
