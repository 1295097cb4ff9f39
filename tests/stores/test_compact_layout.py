"""Stores in the compact layout: the views have the rows that the legacy tables have, whatever is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from time import sleep
from uuid import UUID

import polars as pl
import psycopg
import pytest

import engine
from engine.batch.copy import change_layout, create, stored_layout, write_frames
from engine.core.compact import COMPACT, PackError
from engine.core.errors import UsageError, WriteError
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.reports import fleet_page, portfolio_page
from loaders import open_reader
from tests.builders import close, flow, portfolio, position, uid
from tests.marks import first
from tests.memory_store import frame_of
from tests.small_stores import (
    SESSIONS,
    Content,
    a_user,
    content,
    run,
    unequal,
    unequal_but_ids,
    world,
)
from tests.stores.conftest import COMPACT_KINDS
from tests.stores.support import command, copied, golden, run_sql
from writers import Scope, open_writer

Stores = Callable[[str], str]
HISTORY = [SESSIONS[0] - timedelta(days=days) for days in range(130, 0, -1)]
FUNDS = ("SPY", "VUG", "VTV", "MTUM", "QUAL", "IWM", "USMV", "TLT")
DAY = date(2025, 1, 2)
STAMP = datetime(2025, 1, 2, 3, tzinfo=UTC)
OF_THE_RUN_DATE = {
    "analytics_status",
    "portfolio_snapshots",
    "position_tags",
    "stress_test_results",
    "tags_v2",
}
"""Tables of which the legacy rules make some columns as of the run date, and not as of the session."""
kinds = pytest.mark.parametrize("kind", first(1, COMPACT_KINDS))


def small_world() -> Content:
    """Two portfolios with lots of three symbols, one of which never moves, and closes of the factor funds."""
    symbols = ("AAA", "BBB", "CCC", *FUNDS)
    days = [*HISTORY, *SESSIONS]
    return world(
        users=[a_user()],
        portfolios=[portfolio(equity="100000"), portfolio("Q", equity="100000")],
        positions=[
            *(position(symbol, "150", entry_date=HISTORY[0]) for symbol in symbols[:3]),
            *(position(symbol, "-200", owner="Q", entry_date=HISTORY[0]) for symbol in symbols[1:3]),
        ],
        market_data_cache=[
            close(day, f"{100 + (0 if symbol == 'CCC' else number * (step * 7 + 3) % 19)}", symbol)
            for step, symbol in enumerate(symbols)
            for number, day in enumerate(days)
        ],
        equity_changes=[flow(SESSIONS[3], "5000.00", "CONTRIBUTION")],
    )


@pytest.fixture(scope="module")
def frames() -> Content:
    return small_world()


@pytest.fixture(scope="module")
def expected(frames: Content, tmp_path_factory: pytest.TempPathFactory) -> Content:
    """The tables that a run leaves in the legacy layout; factors have the shipped ids."""
    url = f"duckdb:///{tmp_path_factory.mktemp('legacy')}/x.duckdb"
    create(url)
    write_frames(url, frames, 5_000, Quiet())
    run(url)
    found = figures(url)
    assert all(not found[name].is_empty() for name in COMPACT)
    assert found["pairwise_correlations"]["correlation_value"].is_nan().any()
    return found


def filled(url: str, frames: Content) -> str:
    write_frames(url, frames, 5_000, Quiet())
    return url


def figures(url: str) -> Content:
    """The tables that runs write; of documents in inputs each kind of store keeps its own spelling."""
    return {name: rows for name, rows in content(url).items() if TABLES[name].role != "input"}


@kinds
def test_a_run_leaves_the_rows_of_the_legacy_layout(
    kind: str, empty_store: Stores, frames: Content, expected: Content
) -> None:
    url = filled(empty_store(kind), frames)
    report = run(url)
    found = figures(url)
    assert unequal_but_ids(found, expected) == []
    assert {name: report.rows[name] for name in COMPACT} == {n: found[n].height for n in COMPACT}
    for name, packing in COMPACT.items():
        ((packed,),) = run_sql(url, f"select count(*) from {packing.table.name}")
        assert 0 < packed < found[name].height
    assert engine.compare(url, url).verdict == "equal"


@kinds
def test_a_run_packs_the_rows_of_a_table_that_it_makes(
    kind: str, empty_store: Stores, frames: Content, expected: Content
) -> None:
    url = filled(empty_store(kind), frames)
    run_sql(url, "drop view pairwise_correlations")
    run_sql(url, f"drop table {COMPACT['pairwise_correlations'].table.name}")
    run(url)
    assert unequal_but_ids(figures(url), expected) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", COMPACT_KINDS)
def test_windows_in_any_order_and_again(
    kind: str, empty_store: Stores, frames: Content, expected: Content
) -> None:
    url = filled(empty_store(kind), frames)
    run(url, start=SESSIONS[4])
    run(url, end=SESSIONS[3])
    run(url, start=SESSIONS[2], end=SESSIONS[5], shard_size=1)
    run(url)
    assert unequal_but_ids(figures(url), expected) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", COMPACT_KINDS)
def test_several_nights_leave_what_one_backfill_leaves(
    kind: str, empty_store: Stores, frames: Content, tmp_path: Path
) -> None:
    """Each night is the command `engine daily`, as of its own evening."""
    url, legacy, once = empty_store(kind), f"duckdb:///{tmp_path}/legacy.duckdb", f"duckdb:///{tmp_path}/once"
    for store in (legacy, once):
        create(store)
    for store in (url, legacy):
        run(filled(store, frames), end=SESSIONS[3])
    run(filled(once, frames))
    for day in SESSIONS[4:]:
        for store in (url, legacy):
            night = ["daily", "--from", store, "--no-collect", "--at", f"{day}T18:00", "--allow-stale"]
            done = command(tmp_path, *night, "--quiet")
            assert f"computed 1 sessions, {day} to {day}, of 2 portfolios" in done.out, done.everything
    assert unequal_but_ids(figures(url), figures(legacy)) == []
    tables = [name for name in figures(url) if name not in OF_THE_RUN_DATE]
    comparison = engine.compare(once, url, tables=tables)
    assert comparison.verdict == "equal", comparison.to_text()
    assert comparison.total("cells") > 2_000


@pytest.mark.thorough
def test_an_id_follows_from_the_key_in_every_store(
    empty_store: Stores, frames: Content, expected: Content
) -> None:
    urls = [filled(empty_store(kind), frames | expected) for kind in COMPACT_KINDS]
    one, other = map(content, urls)
    for name in COMPACT:
        assert one[name].select("id", *TABLES[name].key).equals(other[name].select("id", *TABLES[name].key))
    row = one["pairwise_correlations"].row(0, named=True)
    text = "/".join(row[part] for part in TABLES["pairwise_correlations"].key)
    assert row["id"] == str(UUID(md5(text.encode()).hexdigest()))
    row = one["position_factor_exposures"].row(0, named=True)
    days = (row["calculation_date"] - date(1970, 1, 1)).days
    text = f"{row['position_id']}/{row['factor_id']}/{days}"
    assert row["id"] == str(UUID(md5(text.encode()).hexdigest()))


@kinds
def test_a_store_is_converted_and_back(
    kind: str, empty_store: Stores, frames: Content, expected: Content
) -> None:
    url = empty_store(kind.removeprefix("compact "))
    create(url)
    filled(url, frames | expected)
    before = figures(url)
    assert stored_layout(url) == "legacy"
    assert change_layout(url, "compact") == {name: before[name].height for name in COMPACT}
    assert stored_layout(url) == "compact"
    assert unequal_but_ids(figures(url), before) == []
    assert change_layout(url, "compact") == {}
    assert change_layout(url, "legacy") == {name: before[name].height for name in COMPACT}
    assert unequal_but_ids(figures(url), before) == []
    left = {table for (table,) in run_sql(url, "select table_name::text from information_schema.tables")}
    assert not left & {packing.table.name for packing in COMPACT.values()}
    assert not any(name.startswith("engine_old") for name in left)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", COMPACT_KINDS)
def test_runs_go_on_after_each_conversion(
    kind: str, empty_store: Stores, frames: Content, expected: Content
) -> None:
    url = empty_store(kind.removeprefix("compact "))
    create(url)
    filled(url, frames)
    run(url, end=SESSIONS[3])
    change_layout(url, "compact")
    run(url, start=SESSIONS[2], end=SESSIONS[5])
    change_layout(url, "legacy")
    run(url, start=SESSIONS[4])
    assert unequal_but_ids(figures(url), expected) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", COMPACT_KINDS)
def test_copies_between_layouts(
    kind: str, empty_store: Stores, frames: Content, expected: Content, tmp_path: Path
) -> None:
    compact, legacy = filled(empty_store(kind), frames | expected), f"duckdb:///{tmp_path}/legacy.duckdb"
    copied(compact, legacy)
    assert stored_layout(legacy) == "legacy"
    copied(legacy, compact)
    for url in (compact, legacy):
        assert unequal_but_ids(figures(url), expected) == []


def exposures(*rows: tuple[str, date, str]) -> pl.DataFrame:
    """Rows of factor_exposures of one portfolio: factor, day, value."""
    return frame_of(
        "factor_exposures",
        [
            {
                "id": uid(f"{factor}{day}"),
                "portfolio_id": uid("P"),
                "factor_id": uid(factor),
                "calculation_date": day,
                "exposure_value": Decimal(value),
                "created_at": STAMP,
                "updated_at": STAMP,
            }
            for factor, day, value in rows
        ],
    )


def dollars(url: str) -> dict[str, str | None]:
    """Dollars by value of all rows of factor_exposures."""
    rows = run_sql(url, "select exposure_value::text, exposure_dollar::text from factor_exposures")
    return dict(sorted(rows))


@kinds
def test_single_rows_are_merged_updated_and_removed(kind: str, empty_store: Stores) -> None:
    """A packed row is made anew from its stored rows and the changed ones."""
    url, table = empty_store(kind), TABLES["factor_exposures"]
    owners = {"users": frame_of("users", [a_user()]), "portfolios": frame_of("portfolios", [portfolio()])}
    write_frames(url, owners, 5_000, Quiet())
    later = DAY + timedelta(days=1)
    with open_writer(url) as writer, writer.transaction():
        writer.insert(table, exposures(("one", DAY, "1"), ("two", DAY, "2"), ("one", later, "3")))
        writer.merge(table, exposures(("two", DAY, "4"), ("three", DAY, "5")))
        writer.update(table, exposures(("one", later, "6")).select(*table.key, "exposure_value"))
        writer.remove(table, exposures(("one", DAY, "0")).select(table.key))
    with open_reader(url) as reader:
        rows = reader.read("factor_exposures").sort("exposure_value")
    names = {uid(name): name for name in ("one", "two", "three")}
    seen = [(names[r["factor_id"]], r["calculation_date"], int(r["exposure_value"])) for r in rows.to_dicts()]
    assert seen == [("two", DAY, 4), ("three", DAY, 5), ("one", later, 6)]
    with open_writer(url) as writer, writer.transaction():
        kept = exposures(("three", DAY, "7")).with_columns(exposure_dollar=pl.lit(Decimal("8.00")))
        writer.merge(table, kept, keep=["exposure_value"])
    assert dollars(url) == {"4.000000": None, "5.000000": "8.00", "6.000000": None}
    with open_writer(url) as writer, writer.transaction():
        writer.update(table, exposures(("three", DAY, "5")).select(*table.key, "exposure_dollar"))
    assert dollars(url) == {"4.000000": None, "5.000000": None, "6.000000": None}
    with open_writer(url) as writer, writer.transaction():
        writer.delete(table, Scope([uid("P")], DAY, DAY))
    with open_reader(url) as reader:
        assert reader.read("factor_exposures")["calculation_date"].to_list() == [later]


@kinds
def test_a_store_has_one_layout(kind: str, empty_store: Stores) -> None:
    url, legacy = empty_store(kind), empty_store(kind.removeprefix("compact "))
    create(legacy)
    assert create(url) == create(url, "compact") == create(legacy, "legacy") == []
    assert (stored_layout(url), stored_layout(legacy)) == ("compact", "legacy")
    run_sql(legacy, "drop table pairwise_correlations")
    run_sql(legacy, "drop table factor_exposures")
    with pytest.raises(UsageError, match=r"tables in the legacy layout.*engine layout .* compact"):
        create(legacy, "compact")
    run_sql(url, "drop table engine_risk")
    with pytest.raises(UsageError, match=r"tables in the compact layout.*engine layout .* legacy"):
        create(url, "legacy")


def test_a_folder_has_no_views(empty_store: Stores) -> None:
    url = empty_store("parquet")
    for refused in (create, change_layout):
        with pytest.raises(UsageError, match="which has no views"):
            refused(url, "compact")


@kinds
def test_columns_of_another_program_keep_a_store_in_the_legacy_layout(kind: str, empty_store: Stores) -> None:
    url = empty_store(kind.removeprefix("compact "))
    create(url)
    run_sql(url, "alter table factor_exposures add column note text")
    with pytest.raises(UsageError, match="table factor_exposures: the schema lacks its columns note"):
        change_layout(url, "compact")
    assert stored_layout(url) == "legacy"


def half_a_matrix(url: str) -> None:
    run_sql(
        url,
        "delete from pairwise_correlations where symbol_1 < symbol_2 and correlation_calculation_id ="
        " (select min(id::text)::uuid from correlation_calculations)",
    )


def rows_of_nobody(url: str) -> None:
    run_sql(url, "delete from portfolios where name = 'Q'")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (half_a_matrix, PackError, "not every pair of its symbols has one row.*legacy layout"),
        (rows_of_nobody, WriteError, "rows would not be the same"),
    ],
)
def test_rows_that_would_be_lost_stop_the_conversion(
    spoil: Callable[[str], None],
    error: type[Exception],
    words: str,
    frames: Content,
    expected: Content,
    tmp_path: Path,
) -> None:
    url = filled(f"duckdb:///{tmp_path}/x.duckdb", frames | expected)
    spoil(url)
    before = content(url)
    with pytest.raises(error, match=words):
        change_layout(url, "compact")
    assert unequal(content(url), before) == []


WRITES = (
    "insert into factor_exposures select * from factor_exposures",
    "update pairwise_correlations set data_points = 1",
    "delete from position_factor_exposures",
)


@pytest.mark.thorough
def test_other_programs_cannot_write_a_view(empty_store: Stores, frames: Content, expected: Content) -> None:
    url = filled(empty_store("compact postgres"), frames | expected)
    for text in WRITES:
        with pytest.raises(psycopg.Error, match="is a view of the compact layout and cannot be written"):
            run_sql(url, text)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", COMPACT_KINDS)
@pytest.mark.parametrize("name", ["mixed", "edge", "mixed_today"])
def test_a_legacy_run_s_tables_come_through(kind: str, name: str, empty_store: Stores) -> None:
    """The golden outputs, copied into a compact store, are those of the legacy batch."""
    url = empty_store(kind)
    copied(golden(name), url)
    copied(golden(name, "outputs"), url)
    counts = engine.compare(golden(name, "outputs"), url, tables=[*COMPACT]).tables
    assert (counts["matched"] == counts["expected_rows"]).all()
    assert (counts["equal"] == counts["cells"]).all()
    assert counts["cells"].sum() > 0


@pytest.mark.thorough
def test_two_writers_give_different_slots(empty_store: Stores) -> None:
    """The second one waits until the first has committed its new factors."""
    url, table = empty_store("compact postgres"), TABLES["factor_exposures"]
    owners = {"users": frame_of("users", [a_user()]), "portfolios": frame_of("portfolios", [portfolio()])}
    write_frames(url, owners, 5_000, Quiet())

    def second() -> None:
        with open_writer(url) as writer, writer.transaction():
            writer.insert(table, exposures(("two", DAY + timedelta(days=1), "2")))

    waiting = "select count(*) from pg_locks where not granted and relation = 'engine_factor_slots'::regclass"
    with ThreadPoolExecutor(1) as pool:
        with open_writer(url) as writer, writer.transaction():
            writer.insert(table, exposures(("one", DAY, "1")))
            other = pool.submit(second)
            while run_sql(url, waiting) == [(0,)]:
                assert not other.done()
                sleep(0.05)
        other.result()
    assert sorted(run_sql(url, "select slot from engine_factor_slots")) == [(1,), (2,)]
    with open_reader(url) as reader:
        stored = reader.read("factor_exposures").select("factor_id", "exposure_value").rows()
    assert sorted(stored) == sorted([(uid("one"), Decimal(1)), (uid("two"), Decimal(2))])


@pytest.mark.thorough
def test_pages_and_explanations_are_the_same(frames: Content, tmp_path: Path) -> None:
    said = []
    for layout in ("legacy", "compact"):
        (tmp_path / layout).mkdir()
        url = f"duckdb:///{tmp_path}/{layout}/x.duckdb"
        create(url, layout)
        filled(url, frames)
        run(url)
        pair = engine.explain(url, "P", SESSIONS[-1], "correlation_value", symbol=("AAA", "BBB"))
        dollars = engine.explain(url, "P", SESSIONS[-1], "exposure_dollar", factor="Value")
        assert pair.verdict == dollars.verdict == "equal"
        texts = portfolio_page(url, uid("P")), fleet_page(url), f"{pair}", f"{dollars}"
        unstamped = (re.sub(r"run finished [-\d: ]+ UTC", "", text) for text in texts)
        said.append([text.replace(f"/{layout}/", "/") for text in unstamped])
    assert said[0] == said[1]


@pytest.mark.thorough
def test_a_packed_table_of_duckdb_has_small_row_groups(empty_store: Stores) -> None:
    """A whole row group is written anew when rows are added: with 122,880 matrices it would be the file."""
    url, table = empty_store("compact duckdb"), TABLES["factor_exposures"]
    days = [DAY + timedelta(days=number) for number in range(5_000)]
    with open_writer(url) as writer, writer.transaction():
        writer.insert(table, exposures(*(("one", day, "1") for day in days)))
    groups = "select count(distinct row_group_id) from pragma_storage_info('engine_portfolio_exposures')"
    assert run_sql(url, groups) == [(2,)]
    with open_reader(url) as reader:
        assert reader.read("factor_exposures")["calculation_date"].sort().to_list() == days
