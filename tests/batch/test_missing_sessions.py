"""Which sessions of which portfolios are missing, and in what stages they are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from engine.batch.missing_sessions import UNTRACKED, Stage, gaps, missing_stages
from engine.core.schema import TABLES
from loaders.earlier_results import EarlierResults
from tests.builders import STAMP, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of

MON, TUE, WED, THU, FRI = (date(2025, 3, day) for day in (10, 11, 12, 13, 14))
ZEROS = {
    column.name: 0
    for column in TABLES["portfolio_snapshots"].columns
    if not column.nullable and column.type.kind in ("numeric", "integer")
}


def snapshots(owner: str, *days: date) -> list[dict[str, Any]]:
    keys = [{"id": uid(f"{owner}{day}"), "portfolio_id": uid(owner), "snapshot_date": day} for day in days]
    return [{**ZEROS, **key, "equity_balance": 1, "is_complete": True, "created_at": STAMP} for key in keys]


def tracked(*days: date) -> list[dict[str, Any]]:
    return [
        {"id": uid(f"t{d}"), "run_date": d, "phase_1_status": "success", "created_at": STAMP} for d in days
    ]


def stages(**tables: Sequence[Mapping[str, Any]]) -> list[Stage]:
    frames = {name: frame_of(name, list(rows)) for name, rows in tables.items()}
    with MemoryReader(frames) as reader:
        return missing_stages(EarlierResults(reader), FRI)


def ids(*names: str) -> list[UUID]:
    return [UUID(one) for one in sorted(uid(name) for name in names)]


A, B = portfolio("A"), portfolio("B")


def test_a_store_that_is_up_to_date_has_none() -> None:
    assert stages(portfolios=[A], portfolio_snapshots=snapshots("A", THU, FRI)) == []


def test_a_store_without_snapshots_begins_with_the_first_position_of_all() -> None:
    held = [position(owner="A", entry_date=WED), position(owner="B", entry_date=FRI)]
    assert stages(portfolios=[A, B], positions=held) == [Stage(WED, FRI)]


def test_a_store_without_positions_has_nothing_to_do() -> None:
    assert stages(portfolios=[A]) == []
    assert stages() == []


def test_lost_nights_are_made_up_by_all_together() -> None:
    found = stages(portfolios=[A, B], portfolio_snapshots=[*snapshots("A", TUE), *snapshots("B", MON, TUE)])
    assert found == [Stage(WED, FRI)]


def test_a_late_portfolio_is_first_brought_to_where_the_others_stand() -> None:
    found = stages(
        portfolios=[A, B],
        positions=[position(owner="B", entry_date=TUE)],
        portfolio_snapshots=snapshots("A", MON, TUE, WED, THU),
        batch_run_tracking=tracked(MON, TUE, WED, THU),
    )
    assert found == [Stage(TUE, THU, ids("B"), UNTRACKED), Stage(FRI, FRI)]
    assert "batch_run_tracking" not in UNTRACKED


def test_history_begins_with_the_store_s_own() -> None:
    found = stages(
        portfolios=[A, B],
        positions=[position(owner="B", entry_date=date(2019, 1, 2))],
        portfolio_snapshots=snapshots("A", WED, THU, FRI),
    )
    assert [(one.start, one.portfolios) for one in found] == [(WED, ids("B"))]


def test_a_position_entered_before_its_portfolio_s_first_snapshot_reopens_nothing() -> None:
    found = stages(
        portfolios=[A],
        positions=[position(owner="A", entry_date=MON)],
        portfolio_snapshots=snapshots("A", THU, FRI),
    )
    assert found == []


def test_a_session_lost_in_between_is_found() -> None:
    found = stages(
        portfolios=[A, B],
        portfolio_snapshots=[*snapshots("A", MON, TUE, WED, THU, FRI), *snapshots("B", MON, TUE, THU, FRI)],
        batch_run_tracking=tracked(MON, TUE, WED, THU, FRI),
    )
    assert found == [Stage(WED, FRI, ids("B"), UNTRACKED)]


def test_a_session_that_was_never_told_to_be_done_is_told_by_those_who_finish_it() -> None:
    found = stages(
        portfolios=[A, B],
        portfolio_snapshots=[*snapshots("A", THU, FRI), *snapshots("B", THU)],
        batch_run_tracking=tracked(THU),
    )
    assert found == [Stage(FRI, FRI, ids("B"), None)]


def test_a_portfolio_with_cash_alone_comes_along() -> None:
    found = stages(portfolios=[A, B], portfolio_snapshots=snapshots("A", WED, THU))
    assert found == [Stage(FRI, FRI)]


def test_a_deleted_portfolio_is_due_nothing() -> None:
    gone = portfolio("B", deleted_at=STAMP)
    found = stages(
        portfolios=[A, gone],
        positions=[position(owner="B", entry_date=MON)],
        portfolio_snapshots=snapshots("A", MON, TUE, WED, THU, FRI),
    )
    assert found == []


def test_a_place_holder_is_a_missing_session() -> None:
    """The application inserts it when a user saves a target price (document 01, Q31)."""
    placeholder = {**snapshots("B", FRI)[0], "equity_balance": None}
    found = stages(
        portfolios=[A, B],
        portfolio_snapshots=[*snapshots("A", THU, FRI), *snapshots("B", THU), placeholder],
        batch_run_tracking=tracked(THU, FRI),
    )
    assert found == [Stage(FRI, FRI, ids("B"), UNTRACKED)]


def test_after_a_batch_without_snapshots_it_goes_on_after_the_newest_success() -> None:
    failed = {**tracked(WED)[0], "phase_1_status": "failed"}
    found = stages(
        portfolios=[A], positions=[position(owner="A")], batch_run_tracking=[*tracked(TUE), failed]
    )
    assert found == [Stage(WED, FRI)]


def test_a_new_store_begins_with_the_first_entry_even_a_deleted_one() -> None:
    gone = position("OLD", entry_date=TUE, deleted_at=STAMP)
    assert stages(portfolios=[A], positions=[position(entry_date=WED), gone]) == [Stage(TUE, FRI)]


def test_portfolios_that_were_not_asked_for_are_left_alone() -> None:
    rows = {
        "portfolios": [A, B],
        "positions": [position(owner="B", entry_date=MON)],
        "portfolio_snapshots": snapshots("A", TUE, WED),
    }
    frames = {name: frame_of(name, some) for name, some in rows.items()}
    with MemoryReader(frames) as reader:
        past = EarlierResults(reader)
        assert missing_stages(past, FRI, ids("B")) == [Stage(TUE, FRI)]
        assert missing_stages(past, FRI, ids("A")) == [Stage(THU, FRI)]


def test_nothing_is_missing_before_the_first_stored_session() -> None:
    entries = frame_of("positions", [position(owner="A", entry_date=MON)])
    stored = frame_of("portfolio_snapshots", snapshots("A", TUE, WED, THU))
    row = gaps(frame_of("portfolios", [A]).select("id", "name"), entries, stored).row(0, named=True)
    assert (row["expected"], row["stored"], row["missing"]) == (3, 3, 0)
