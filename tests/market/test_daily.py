"""The nightly run against the loopback Yahoo, compared with backfills of the same market."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import engine
from engine.analyst.inventory import inventory
from engine.batch.nightly import DailyRun, daily
from engine.cli.main import main
from engine.core.schema import TABLES
from engine.market_data.collect import collect
from engine.market_data.universe import FUNDS
from loaders import open_reader
from loaders.market import RequestPolicy
from loaders.yahoo import Yahoo
from tests.builders import portfolio, position, uid
from tests.market.server import YahooServer, yahoo_server
from tests.market.support import NEW_YORK, QUICK, USER, Stores, evening, listed, put, rows
from tests.market.world import Listing, World
from tests.stores.support import command, run_sql
from writers import open_writer

pytestmark = pytest.mark.thorough

ENTRY = date(2025, 6, 25)
FIRST, SECOND, THIRD, FOURTH = (date(2025, 6, 26), date(2025, 6, 27), date(2025, 6, 30), date(2025, 7, 1))
"""Thursday, Friday, Monday, Tuesday."""
SYMBOLS = ("AAA", "BBB", "CCC")
_numbers = count()
FIGURES = [name for name, table in TABLES.items() if table.role in ("output", "state")]


def night(url: str, at: date | datetime, policy: RequestPolicy = QUICK, **other: Any) -> DailyRun:
    now = at if isinstance(at, datetime) else evening(at)
    with Yahoo(policy) as provider:
        return daily(url, provider, now=now, kinds=("prices",), **other)


@pytest.fixture(scope="module")
def collected(templates: Path, yahoo_memory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with market data up to the third session, and no portfolio."""
    folder = tmp_path_factory.mktemp("collected")
    shutil.copy(templates / "store.duckdb", folder)
    with yahoo_server(World(THIRD), folder) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        listed(server, *FUNDS, *SYMBOLS)
        with Yahoo(QUICK) as provider:
            collect(
                "prices",
                f"duckdb:///{folder}/store.duckdb",
                provider,
                now=evening(THIRD),
                symbols=[*FUNDS, *SYMBOLS],
                since=ENTRY,
            )
    return folder / "store.duckdb"


@pytest.fixture
def ready(collected: Path, tmp_path: Path) -> Callable[[], str]:
    """Makes stores with the market data and two portfolios."""

    def make() -> str:
        path = tmp_path / f"ready_{next(_numbers)}.duckdb"
        shutil.copy(collected, path)
        return put(f"duckdb:///{path}", two_portfolios())

    return make


def compute(url: str, at: date | datetime) -> DailyRun:
    """A nightly run that collects nothing."""
    return daily(url, None, now=at if isinstance(at, datetime) else evening(at))


@pytest.fixture
def market(yahoo: YahooServer) -> YahooServer:
    listed(yahoo, *FUNDS, *SYMBOLS)
    return yahoo


def two_portfolios() -> dict[str, list[dict[str, Any]]]:
    positions = [
        position("AAA", "10", "A", entry_date=ENTRY),
        position("BBB", "-5", "A", entry_date=ENTRY),
        position("BBB", "7", "B", entry_date=ENTRY),
    ]
    return {"users": [USER], "portfolios": [portfolio("A"), portfolio("B")], "positions": positions}


def third_portfolio() -> dict[str, list[dict[str, Any]]]:
    return {"portfolios": [portfolio("C")], "positions": [position("CCC", "3", "C", entry_date=ENTRY)]}


def evenings(run: DailyRun) -> list[tuple[list[date], int]]:
    """Sessions and number of portfolios of each report, each seen from its own session."""
    windows = [(report.window, report.portfolios) for report in run.reports if report.window]
    assert all(window.run_date == window.sessions[-1] for window, _ in windows)
    return [(list(window.sessions), portfolios) for window, portfolios in windows]


def copy_of_inputs(store: Stores, url: str, *more: dict[str, list[dict[str, Any]]]) -> str:
    """A store with the same portfolios and another's closes, for backfills."""
    other = store("duckdb")
    for some in (two_portfolios(), *more):
        put(other, some)
    with open_reader(url) as reader, open_writer(other) as writer, writer.transaction():
        writer.insert(TABLES["market_data_cache"], reader.read("market_data_cache"))
    return other


def same(expected: str, actual: str) -> None:
    comparison = engine.compare(expected, actual, tables=[*FIGURES, "analytics_status"])
    assert comparison.verdict == "equal", comparison.to_text()
    assert comparison.total("cells") > 500


def days(url: str, owner: str) -> list[date]:
    snapshots = rows(url, "portfolio_snapshots").with_columns(pl.col("portfolio_id").cast(pl.String))
    return snapshots.filter(pl.col("portfolio_id") == uid(owner))["snapshot_date"].sort().to_list()


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("postgres", "parquet")]


@pytest.mark.parametrize("kind", ["duckdb", *SLOW])
def test_nightly_runs_with_one_missed_leave_what_backfills_leave(
    market: YahooServer, store: Stores, kind: str
) -> None:
    url = put(store(kind), two_portfolios())
    market.world.today = FIRST
    first = night(url, FIRST)
    assert first.complete
    assert [len(report.window.sessions) for report in first.reports if report.window] == [2]
    market.asked.clear()
    again = night(url, FIRST)
    assert again.complete
    assert not again.reports
    assert not market.counted()
    market.world.today = THIRD
    late = [report.window for report in night(url, THIRD).reports if report.window]
    assert [(window.sessions, window.run_date) for window in late] == [([SECOND], SECOND), ([THIRD], THIRD)]
    assert not night(url, THIRD).reports

    other = copy_of_inputs(store, url)
    for evening_of in (FIRST, SECOND, THIRD):
        engine.backfill(other, end=evening_of, run_date=evening_of)
    same(other, url)


def test_a_late_run_leaves_what_one_in_time_leaves(ready: Callable[[], str]) -> None:
    in_time, on_saturday, at_noon = (ready() for _ in range(3))
    compute(in_time, SECOND)
    assert compute(on_saturday, datetime(2025, 6, 28, 9, tzinfo=NEW_YORK)).target == SECOND
    assert compute(at_noon, datetime(2025, 6, 30, 16, 29, tzinfo=NEW_YORK)).target == SECOND
    same(in_time, on_saturday)
    same(in_time, at_noon)


def test_a_portfolio_that_was_created_late_gets_its_history(ready: Callable[[], str]) -> None:
    url, other = ready(), ready()
    compute(url, SECOND)
    put(url, third_portfolio())
    result = compute(url, THIRD)
    assert evenings(result) == [([ENTRY], 1), ([FIRST], 1), ([SECOND], 1), ([THIRD], 3)]
    assert days(url, "C") == [ENTRY, FIRST, SECOND, THIRD]

    engine.backfill(other, end=SECOND, run_date=SECOND)
    put(other, third_portfolio())
    for day in (ENTRY, FIRST, SECOND):
        engine.backfill(other, start=day, end=day, run_date=day, portfolios=[uid("C")])
    engine.backfill(other, end=THIRD, run_date=THIRD)
    same(other, url)
    assert rows(url, "batch_run_tracking")["run_date"].sort().to_list() == [ENTRY, FIRST, SECOND, THIRD]


def test_a_session_that_one_portfolio_lacks_is_computed(ready: Callable[[], str]) -> None:
    url = ready()
    for day in (ENTRY, FIRST, SECOND, THIRD):
        compute(url, day)
    before = rows(url, "portfolio_snapshots").sort("portfolio_id", "snapshot_date")
    run_sql(
        url,
        f"delete from portfolio_snapshots where portfolio_id = '{uid('B')}' and snapshot_date = '{FIRST}'",
    )
    result = compute(url, THIRD)
    assert evenings(result) == [([FIRST], 1), ([SECOND], 1), ([THIRD], 1)]
    after = rows(url, "portfolio_snapshots").sort("portfolio_id", "snapshot_date")
    assert after.drop("created_at").equals(before.drop("created_at"))


def test_a_refused_portfolio_is_named_once_and_the_others_are_computed(ready: Callable[[], str]) -> None:
    url = ready()
    compute(url, SECOND)
    put(url, {"portfolios": [portfolio("C", None)], "positions": third_portfolio()["positions"]})
    result = compute(url, THIRD)
    assert not result.complete
    assert result.to_text().count(f"refused: portfolio C ({uid('C')})") == 1
    assert days(url, "A")[-1] == THIRD


def test_a_session_waits_while_its_closes_may_still_come(
    market: YahooServer, ready: Callable[[], str]
) -> None:
    url, other = ready(), ready()
    market.world.today = FOURTH
    market.fail("429", after=1)  # AAA comes, BBB does not
    result = night(url, FOURTH, RequestPolicy(rate=1000, in_flight=1, pause=0.05, pauses=1))
    assert not result.complete
    assert f"held back: portfolio B ({uid('B')}) from {FOURTH} on: closes cover 0.0%" in result.held_back
    assert result.held_back in result.to_text()
    assert days(url, "A") == days(url, "B") == [ENTRY, FIRST, SECOND, THIRD]
    market.heal()
    assert night(url, FOURTH).complete
    assert days(url, "A") == [ENTRY, FIRST, SECOND, THIRD, FOURTH]

    engine.backfill(other, end=THIRD, run_date=FOURTH)
    night(other, FOURTH)
    same(other, url)


def test_a_delisted_symbol_does_not_hold_the_run_back(market: YahooServer, ready: Callable[[], str]) -> None:
    url = ready()
    put(url, {"positions": [position("GONE", "1", "A", entry_date=ENTRY)]})
    result = night(url, THIRD, enough=0.99)
    assert not result.held_back
    assert result.reports
    assert not result.complete, "a close that is due is missing"
    assert "GONE: not_found: No data found" in result.to_text()


def test_an_outage_in_which_no_symbol_is_known_holds_the_run_back(
    market: YahooServer, ready: Callable[[], str]
) -> None:
    url = ready()
    market.fail("404")
    result = night(url, FOURTH)
    assert f"{FOURTH}: no quoted symbol that the store holds has a close" in result.held_back
    assert days(url, "A")[-1] == THIRD


def test_a_run_without_collecting_sends_no_request(market: YahooServer, ready: Callable[[], str]) -> None:
    url = ready()
    assert compute(url, FIRST).complete
    assert compute(url, SECOND).complete
    assert not market.asked
    assert days(url, "A") == [ENTRY, FIRST, SECOND]


def test_the_command_prints_a_summary_and_writes_its_record(
    market: YahooServer,
    store: Stores,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = put(store("duckdb"), two_portfolios())
    options = ("--from", url, "--at", "2025-06-27T18:00", "--rate", "1000")
    done = command(tmp_path, "daily", *options)
    assert done.code == 0, done.err
    assert "the session of 2025-06-27" in done.out
    assert "prices up to 2025-06-27: 19 symbols, 19 asked for (19 ok), coverage 100.00%" in done.out
    assert "computed 3 sessions, 2025-06-25 to 2025-06-27, of 2 portfolios" in done.out
    assert '"complete": true' in done.results
    monkeypatch.chdir(tmp_path)
    assert main(["daily", *options, "--no-collect", "--quiet"]) == 0
    assert "no session is missing: nothing to compute" in capsys.readouterr().out


def drop_last_bar(listing: Listing) -> Callable[[], None]:
    """Take the newest bar away; return what puts it back."""
    kept = listing.days[:], listing.paid[:]
    last = listing.days.index(FOURTH)
    listing.days, listing.paid = kept[0][:last], kept[1][:last]

    def put_back() -> None:
        listing.days, listing.paid = kept

    return put_back


def before_a_late_bar(
    market: YahooServer, ready: Callable[[], str], symbol: str
) -> tuple[str, str, Callable[[], None]]:
    """Two stores computed up to the third session, and a call that brings the bar of the fourth."""
    url, other = ready(), ready()
    for one in (url, other):
        compute(one, THIRD)
    market.world.today = FOURTH
    return url, other, drop_last_bar(market.world.listings[symbol])


def test_a_bar_that_comes_late_makes_its_session_stale_and_is_computed_again(
    market: YahooServer, ready: Callable[[], str]
) -> None:
    """The provider says that there is no bar, so that the session is computed without it at first."""
    url, other, put_back = before_a_late_bar(market, ready, "AAA")
    early = night(url, FOURTH)
    assert "AAA, 2025-07-01" in early.to_text()
    assert days(url, "A")[-1] == FOURTH
    put_back()
    reported = night(url, FOURTH, recompute=False)
    prices = reported.collected[0]
    assert prices.earliest == {"AAA": FOURTH}
    assert [row["portfolio_id"] for row in prices.stale.to_dicts()] == [uid("A")]
    assert not reported.complete
    assert not reported.reports
    assert (
        f"stale: portfolio A ({uid('A')}): 1 sessions from {FOURTH} on (AAA from {FOURTH})"
        in reported.to_text()
    )
    stale = inventory(url).portfolios
    assert dict(stale.select("portfolio_id", "stale").iter_rows()) == {uid("A"): 1, uid("B"): 0}

    again = night(url, FOURTH)
    assert again.complete
    assert [report.portfolios for report in again.reports] == [1]
    assert inventory(url).portfolios["stale"].sum() == 0
    night(other, FOURTH)
    same(other, url)


def test_a_close_of_a_fund_that_comes_late_concerns_every_portfolio(
    market: YahooServer, ready: Callable[[], str]
) -> None:
    url, other, put_back = before_a_late_bar(market, ready, "SPY")
    night(url, FOURTH)
    put_back()
    assert [report.portfolios for report in night(url, FOURTH).reports] == [2]
    night(other, FOURTH)
    same(other, url)


def test_a_dividend_makes_no_session_stale(market: YahooServer, ready: Callable[[], str]) -> None:
    url = ready()
    compute(url, THIRD)
    market.world.today = FOURTH
    market.world.listings["AAA"].dividends[FOURTH] = 1.5
    result = night(url, FOURTH)
    assert result.collected[0].rows["market_data_cache"] > 200, "the whole history was replaced"
    assert result.collected[0].stale.is_empty()
    assert [report.window.sessions for report in result.reports if report.window] == [[FOURTH]]


def test_more_stale_sessions_than_the_limit_are_reported(
    market: YahooServer, ready: Callable[[], str]
) -> None:
    url = ready()
    compute(url, THIRD)
    market.world.today = FOURTH
    listing = market.world.listings["BBB"]
    listing.paid[listing.days.index(FIRST)] += 5  # the provider corrects a bar
    result = night(url, FOURTH, recompute_limit=2)
    assert not result.complete
    assert result.to_text().count("at most 2 are computed again unasked") == 2
    assert f"`engine backfill --start {FIRST}`" in result.to_text()
    assert days(url, "A")[-1] == FOURTH
    assert not night(url, FOURTH, recompute_limit=3).complete, "four sessions are stale now"
    assert [len(report.window.sessions) for report in night(url, FOURTH).reports if report.window] == [1] * 4
    assert inventory(url).portfolios["stale"].sum() == 0
