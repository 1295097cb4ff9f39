"""Sessions that no command computes, and those that wait for closes: the gate on whole stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import engine
from engine.analyst.inventory import inventory
from engine.batch.copy import write_frames
from engine.core.errors import NoPricesError, UsageError
from engine.core.job_catalog import JOBS
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.reports.measures.data_quality import missing_sessions
from engine.reports.stored import read_stored
from loaders import open_reader
from tests.builders import close, flow, portfolio, position, uid
from tests.marks import first
from tests.memory_store import frame_of
from tests.small_stores import RUN_DATE, SESSIONS, a_user, rising, run, snapshots, world
from tests.stores.conftest import KINDS
from tests.stores.support import command
from writers import open_writer

LAST = SESSIONS[-1]
NO_CLOSE = "no quoted symbol that the store holds has a close"
Make = Callable[[str], str]
every_kind = pytest.mark.parametrize("kind", first(1, KINDS))
HELD = [position(entry_date=SESSIONS[0])]
TWO = [*HELD, position("BBB", entry_date=SESSIONS[0])]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"duckdb:///{tmp_path}/store.duckdb"


def made(url: str, closes: list[dict[str, Any]], positions: Any = HELD, **tables: Any) -> str:
    frames = world(users=[a_user()], market_data_cache=closes, positions=positions, **tables)
    write_frames(url, frames, 5_000, Quiet())
    return url


def fill(url: str, end: date = LAST, run_date: date = RUN_DATE, **more: Any) -> engine.Report:
    return engine.backfill(url, url, end=end, run_date=run_date, **more)


def add(url: str, *closes: dict[str, Any]) -> None:
    with open_writer(url) as writer, writer.transaction():
        writer.insert(TABLES["market_data_cache"], frame_of("market_data_cache", list(closes)))


def days(url: str, owner: str = "P") -> list[date]:
    stored: list[date] = snapshots(url, owner)["snapshot_date"].to_list()
    return stored


def equity(url: str, owner: str = "P") -> list[Decimal]:
    balances: list[Decimal] = snapshots(url, owner)["equity_balance"].to_list()
    return balances


def status(url: str, day: date, owner: str = "P") -> dict[str, tuple[str, str | None]]:
    with open_reader(url) as reader:
        rows = reader.read(
            "analytics_status", ["portfolio_id", "calculation_date", "job", "status", "reason"]
        )
    rows = rows.filter(portfolio_id=uid(owner), calculation_date=day)
    return {job: (one, reason) for _, _, job, one, reason in rows.iter_rows()}


def counts(url: str) -> tuple[int, int]:
    """Missing and held back sessions of all portfolios."""
    rows = inventory(url).portfolios
    return int(rows["missing"].sum()), int(rows["held_back"].sum())


@every_kind
def test_missing_sessions_end_with_the_closes(empty_store: Make, kind: str) -> None:
    url = made(empty_store(kind), rising()[:5])
    report = fill(url)
    assert days(url) == SESSIONS[:5]
    assert report.not_computed == [f"3 sessions, {SESSIONS[5]} to {LAST}: {NO_CLOSE}"]
    assert not report.complete
    again = fill(url)
    assert (again.window, again.not_computed) == (None, report.not_computed)
    assert counts(url) == (0, 0)


def test_the_command_says_so_and_exits_with_1(store: str, tmp_path: Path) -> None:
    url = made(store, rising()[:5])
    arguments = ("--from", url, "--to", url, "--end", f"{LAST}", "--run-date", f"{LAST}", "--quiet")
    for _ in range(2):  # also where nothing is left to compute
        done = command(tmp_path, "backfill", *arguments)
        assert done.code == 1, done.err
        assert f"not computed: 3 sessions, {SESSIONS[5]} to {LAST}: {NO_CLOSE}" in done.out
        assert NO_CLOSE in done.results
    assert days(url) == SESSIONS[:5]


def test_a_window_leaves_out_a_session_without_closes_and_books_its_cash_on_the_next(store: str) -> None:
    closes = rising()
    del closes[3]
    flows = [flow(SESSIONS[3], "50.00")]
    url = made(store, closes, equity_changes=flows)
    report = run(url, url)
    assert days(url) == [*SESSIONS[:3], *SESSIONS[4:]]
    assert report.not_computed == [f"1 session, {SESSIONS[3]} to {SESSIONS[3]}: {NO_CLOSE}"]
    # 10 shares, from 100 to 107, and the flow.
    assert equity(url)[2:4] == [1020, 1090]
    assert equity(url)[-1] == 1120
    assert counts(url) == (0, 0)
    assert missing_sessions(read_stored(url, uid("P"), None, None)).is_empty()
    assert fill(url).window is None


def test_a_close_that_comes_later_makes_its_session_missing(store: str) -> None:
    closes = rising()
    late = closes.pop(3)
    flows = [flow(SESSIONS[3], "50.00")]
    url = made(store, closes, equity_changes=flows)
    run(url, url)
    add(url, late)
    assert counts(url) == (1, 0)
    fill(url)
    assert days(url) == SESSIONS
    assert equity(url) == [1000, 1010, 1020, 1080, 1090, 1100, 1110, 1120]


def test_no_session_before_the_first_close(store: str) -> None:
    url = made(store, rising()[2:])
    assert fill(url).complete
    assert days(url) == SESSIONS[2:]
    assert counts(url) == (0, 0)


def test_a_close_of_zero_and_one_of_another_symbol_do_not_count(store: str) -> None:
    url = made(store, [*rising()[:6], close(SESSIONS[6], "0"), close(LAST, "50", "ZZZ")])
    fill(url)
    assert days(url) == SESSIONS[:6]


def test_a_window_without_any_close_is_refused(store: str) -> None:
    url = made(store, rising()[:5])
    with pytest.raises(NoPricesError, match=f"no close from {SESSIONS[6]} to {LAST}"):
        run(url, url, start=SESSIONS[6])
    assert days(url) == []


def test_the_future_is_never_computed(store: str) -> None:
    url = made(store, rising())
    with pytest.raises(UsageError, match="after the run date"):
        run(url, url, start=SESSIONS[6], run_date=SESSIONS[5], allow_stale=True)
    report = run(url, url, run_date=SESSIONS[5], allow_stale=True)
    assert days(url) == SESSIONS[:6]
    assert report.not_computed == [f"2 sessions, {SESSIONS[6]} to {LAST}: after {SESSIONS[5]}, the run date"]
    assert fill(url, run_date=SESSIONS[6]).not_computed
    assert days(url) == SESSIONS[:7]


def test_allow_stale_computes_sessions_without_closes(store: str) -> None:
    url = made(store, rising()[:5])
    assert fill(url, allow_stale=True).complete
    assert days(url) == SESSIONS
    assert equity(url)[-1] == Decimal(1040)
    assert status(url, LAST)["pnl"][0] == "partial"


def test_a_store_that_holds_nothing_quoted_needs_no_closes(store: str) -> None:
    house = position("HOME_EQUITY", entry_date=SESSIONS[0], investment_class="PRIVATE")
    url = made(store, [], positions=[house])
    assert fill(url).complete
    assert days(url) == SESSIONS


@pytest.mark.thorough
@every_kind
def test_a_session_waits_for_a_close_that_may_still_come(empty_store: Make, kind: str) -> None:
    others = {"portfolios": [portfolio("P"), portfolio("Q")]}
    positions = [*TWO, position("BBB", "3", "Q", entry_date=SESSIONS[0])]
    closes = [*rising(), *rising("BBB", 200)[:7]]
    url = made(empty_store(kind), closes, positions, **others)
    report = fill(url, run_date=LAST)
    assert not report.complete
    assert days(url) == days(url, "Q") == SESSIONS[:7]
    # 10 shares at 107, and 10 at the 206 of the session before: 2,060 of 3,130.
    why = "closes cover 34.2% of the value of the quoted lots, less than 95%; waiting for BBB (65.8%)"
    assert status(url, LAST) == dict.fromkeys(JOBS, ("held_back", why))
    assert status(url, LAST, "Q")["pnl"][0] == "held_back"
    assert counts(url) == (2, 2)

    add(url, close(LAST, "207", "BBB"))
    assert fill(url, run_date=LAST).complete
    assert days(url) == SESSIONS
    assert status(url, LAST)["pnl"] == ("ok", None)
    assert counts(url) == (0, 0)
    # 10 shares of each, both 1 higher in every session.
    assert equity(url) == [1000 + 20 * step for step in range(len(SESSIONS))]


def test_holes_of_many_sessions_are_counted_by_one_reason(store: str) -> None:
    """Each session's own reason has other weights; a summary of 200 lines tells nobody anything."""
    positions = [*TWO, position("BBB", "3", "Q", entry_date=SESSIONS[0])]
    closes = [*rising(), *rising("BBB", 200)[:5]]
    url = made(store, closes, positions, portfolios=[portfolio("P"), portfolio("Q")])
    report = run(url, url)
    assert len({status(url, day)["pnl"] for day in SESSIONS[5:]}) == 3
    partial = report.outcomes.filter(pl.col("job") == "pnl", pl.col("status") == "partial")
    assert partial.select("reason", "sessions").rows() == [("low_coverage", 6)]


def test_portfolios_that_need_not_wait_go_on(store: str) -> None:
    both = [portfolio("P"), portfolio("Q")]
    positions = [*HELD, position("BBB", owner="Q", entry_date=SESSIONS[0])]
    url = made(store, [*rising(), *rising("BBB")[:6]], positions, portfolios=both)
    report = fill(url, run_date=LAST)
    assert (days(url), days(url, "Q")) == (SESSIONS, SESSIONS[:6])
    assert report.decided.held_back["date"].to_list() == SESSIONS[6:]
    with open_reader(url) as reader:
        tracked = reader.read("batch_run_tracking")["run_date"].sort().to_list()
    assert tracked == SESSIONS[:6], "a session that one portfolio waits for is not recorded as done"
    add(url, *rising("BBB")[6:])
    assert fill(url, run_date=LAST).complete
    assert days(url, "Q") == SESSIONS
    with open_reader(url) as reader:
        assert reader.read("batch_run_tracking")["run_date"].sort().to_list() == SESSIONS


def test_a_named_window_is_computed_and_partial(store: str, tmp_path: Path) -> None:
    url = made(store, [*rising(), *rising("BBB", 200)[:7]], TWO)
    done = command(
        tmp_path, "backfill", "--from", url, "--start", f"{SESSIONS[0]}", "--end", f"{LAST}", "--run-date",
        f"{LAST}", "--quiet",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert f"no close: portfolio P ({uid('P')}): BBB, {LAST}, up to 65.8% of its value" in done.out
    assert days(url) == SESSIONS
    state = status(url, LAST)
    assert {job for job, (one, _) in state.items() if one == "partial"} == {
        "pnl",
        "snapshot",
        "market_values",
    }
    assert "no close of BBB (65.8%)" in str(state["pnl"][1])
    assert snapshots(url)["is_complete"].all()
    assert status(url, SESSIONS[6])["pnl"] == ("ok", None)


def test_the_threshold_is_a_share_of_the_value_not_of_the_symbols(store: str) -> None:
    """One symbol of twenty lacks its close: 5 % of the symbols, 66 % of the value."""
    small = [position(f"S{n}", "1", entry_date=SESSIONS[0]) for n in range(19)]
    closes = [row for n in range(19) for row in rising(f"S{n}")] + rising("BIG")[:7]
    url = made(store, closes, [*small, position("BIG", "40", entry_date=SESSIONS[0])])
    assert fill(url, run_date=LAST).decided.held_back["date"].to_list() == [LAST]
    assert fill(url, run_date=LAST, threshold=0.3).complete
    assert days(url) == SESSIONS


def test_a_dry_run_says_what_waits_and_writes_nothing(store: str) -> None:
    url = made(store, [*rising(), *rising("BBB", 200)[:7]], TWO)
    report = fill(url, run_date=LAST, dry_run=True)
    assert report.decided.held_back["date"].to_list() == [LAST]
    with open_reader(url) as reader:
        assert reader.read("analytics_status").is_empty()


def test_a_separate_target_gets_the_status_too(store: str, tmp_path: Path) -> None:
    url, target = made(store, [*rising(), *rising("BBB", 200)[:7]], TWO), f"duckdb:///{tmp_path}/t.duckdb"
    engine.backfill(url, target, end=LAST, run_date=LAST)
    assert days(target) == SESSIONS[:7]
    assert status(target, LAST)["stress"][0] == "held_back"
    with open_reader(url) as reader:
        assert reader.read("analytics_status").is_empty()
