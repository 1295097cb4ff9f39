"""`backfill` without dates computes what each portfolio lacks; place-holder snapshots are no sessions.

What is expected is one run over all sessions in a fresh store, or arithmetic on the closes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import pytest

import engine
from engine.analyst.inventory import inventory
from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.reports.measures.data_quality import missing_sessions
from engine.reports.stored import read_stored
from loaders import open_reader
from tests.builders import STAMP, portfolio, position, uid
from tests.marks import first
from tests.memory_store import frame_of
from tests.small_stores import RUN_DATE, SESSIONS, a_user, run, snapshots, world
from tests.stores.conftest import KINDS
from writers import open_writer

LAST = SESSIONS[-1]
ZEROS = {
    column.name: 0
    for column in TABLES["portfolio_snapshots"].columns
    if not column.nullable and column.type.kind in ("numeric", "integer")
}
Make = Callable[[str], str]
pytestmark = pytest.mark.parametrize("kind", first(1, KINDS))


def made(url: str, **tables: Any) -> str:
    write_frames(url, world(users=[a_user()], **tables), 5_000, Quiet())
    return url


def add(url: str, **tables: list[dict[str, Any]]) -> None:
    with open_writer(url) as writer, writer.transaction():
        for name, rows in tables.items():
            writer.insert(TABLES[name], frame_of(name, rows))


def placeholder(day: date, owner: str = "P", **other: Any) -> dict[str, Any]:
    """The row that the application inserts when a user saves a target price (document 01, Q31)."""
    keys = {"id": uid(f"stub/{owner}/{day}"), "portfolio_id": uid(owner), "snapshot_date": day}
    return {**ZEROS, **keys, "is_complete": True, "created_at": STAMP, **other}


def fill(url: str, day: date = LAST, **more: Any) -> engine.Report:
    return engine.backfill(url, url, end=day, run_date=RUN_DATE, **more)


def equity(url: str, owner: str = "P") -> list[Decimal]:
    balances: list[Decimal] = snapshots(url, owner)["equity_balance"].to_list()
    return balances


def missing(url: str) -> dict[str, int]:
    return dict(inventory(url).portfolios.select("name", "missing").iter_rows())


def same_snapshots(one: str, other: str, owner: str) -> None:
    first, second = (snapshots(url, owner).drop("created_at") for url in (one, other))
    assert first.height == len(SESSIONS)
    assert first.equals(second)


@pytest.mark.thorough
def test_a_portfolio_created_late_gets_its_sessions(empty_store: Make, kind: str) -> None:
    url = made(empty_store(kind))
    run(url, url)
    late = [position(owner="Q", quantity="5", entry_date=SESSIONS[3])]
    add(url, portfolios=[portfolio("Q", "5000.00")], positions=late)
    assert missing(url) == {"P": 0, "Q": 5}
    report = fill(url)
    assert (report.portfolios, len(report.stages)) == (1, 1)
    # 5 shares, 1.00 a session after the first.
    assert equity(url, "Q") == [5000, 5005, 5010, 5015, 5020]
    assert missing(url) == {"P": 0, "Q": 0}
    assert fill(url).window is None


@pytest.mark.thorough
def test_portfolios_that_lag_are_brought_up_in_stages(empty_store: Make, kind: str) -> None:
    both = {
        "portfolios": [portfolio("P"), portfolio("Q")],
        "positions": [position(owner="P"), position(owner="Q", quantity="3")],
    }
    url, once = made(empty_store(kind), **both), made(empty_store(kind), **both)
    run(once, once)
    run(url, url, end=SESSIONS[1])
    run(url, url, start=SESSIONS[2], end=SESSIONS[4], portfolios=[UUID(uid("Q"))])
    assert missing(url) == {"P": 3, "Q": 0}
    report = fill(url)
    assert [stage.window.sessions for stage in report.stages if stage.window] == [SESSIONS[2:5], SESSIONS[5:]]
    assert [stage.portfolios for stage in report.stages] == [1, 2]
    assert report.window is not None
    assert (report.window.sessions, report.portfolios) == (SESSIONS[2:], 2)
    for owner in ("P", "Q"):
        same_snapshots(once, url, owner)


@pytest.mark.thorough
def test_a_portfolio_that_was_refused_is_made_up_when_it_is_mended(empty_store: Make, kind: str) -> None:
    refused = portfolio("Q", None)
    url = made(
        empty_store(kind),
        portfolios=[portfolio("P"), refused],
        positions=[position(owner="P"), position(owner="Q")],
    )
    assert not run(url, url).complete
    with open_writer(url) as writer, writer.transaction():
        mended = frame_of("portfolios", [{**refused, "equity_balance": Decimal(700)}])
        writer.update(TABLES["portfolios"], mended.select("id", "equity_balance", "updated_at"))
    assert fill(url).complete
    assert equity(url, "Q") == [700 + 10 * step for step in range(len(SESSIONS))]


def test_a_place_holder_is_computed_and_keeps_its_target_prices(empty_store: Make, kind: str) -> None:
    url, once = made(empty_store(kind)), made(empty_store(kind))
    run(once, once)
    run(url, url, end=SESSIONS[-3])
    target = {"target_price_return_eoy": Decimal("12.5")}
    add(url, portfolio_snapshots=[placeholder(SESSIONS[-2], **target)])
    assert fill(url).complete
    assert equity(url) == equity(once)
    row = snapshots(url).row(-2, named=True)
    assert (row["snapshot_date"], row["target_price_return_eoy"]) == (SESSIONS[-2], Decimal("12.5"))
    columns = ["daily_pnl", "cumulative_pnl", "equity_balance", "total_value"]
    assert snapshots(url).select(columns).equals(snapshots(once).select(columns))


@pytest.mark.thorough
def test_a_place_holder_never_precedes_a_session(empty_store: Make, kind: str) -> None:
    """A window after it goes on from the newest session that is stored."""
    url, once = made(empty_store(kind)), made(empty_store(kind))
    run(once, once)
    run(url, url, end=SESSIONS[4])
    add(url, portfolio_snapshots=[placeholder(SESSIONS[5])])
    run(url, url, start=SESSIONS[6], end=SESSIONS[6])
    row = snapshots(url).filter(snapshot_date=SESSIONS[6]).row(0, named=True)
    before = snapshots(once).filter(snapshot_date=SESSIONS[4]).row(0, named=True)
    # 10 shares at one session's close less the close before, whatever sessions are stored.
    assert row["equity_balance"] == before["equity_balance"] + 10
    assert row["cumulative_pnl"] == before["cumulative_pnl"] + 10


@pytest.mark.thorough
def test_status_and_pages_count_a_place_holder_as_missing(empty_store: Make, kind: str) -> None:
    url = made(empty_store(kind))
    run(url, url)
    assert missing(url) == {"P": 0}
    with open_reader(url) as reader:
        stored = reader.read("portfolio_snapshots")
    with open_writer(url) as writer, writer.transaction():
        gone = stored.filter(snapshot_date=SESSIONS[2]).select("portfolio_id", "snapshot_date")
        writer.remove(TABLES["portfolio_snapshots"], gone)
        writer.insert(
            TABLES["portfolio_snapshots"], frame_of("portfolio_snapshots", [placeholder(SESSIONS[2])])
        )
    assert missing(url) == {"P": 1}
    page = read_stored(url, uid("P"), None, None)
    assert missing_sessions(page).to_list() == [SESSIONS[2]]
    fill(url)
    assert missing(url) == {"P": 0}
    assert equity(url) == [1000 + 10 * step for step in range(len(SESSIONS))]


@pytest.mark.thorough
def test_a_dry_run_counts_the_same_rows_and_writes_none(empty_store: Make, kind: str) -> None:
    url = made(empty_store(kind))
    run(url, url, end=SESSIONS[3])
    planned = fill(url, dry_run=True)
    assert snapshots(url).height == 4
    done = fill(url)
    assert planned.rows["portfolio_snapshots"] == done.rows["portfolio_snapshots"] == 4
    assert snapshots(url)["snapshot_date"].to_list() == pl.Series(SESSIONS).to_list()
