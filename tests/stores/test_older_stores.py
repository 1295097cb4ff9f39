"""Runs into stores of an earlier schema version, and their upgrade, on every kind of store.

A column or table that an older store lacks costs a run nothing but itself; one line says what is missing and
what to run. After the upgrade and another run everything is there, and a second upgrade finds nothing to do.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import engine
from engine.batch.copy import copy, create, upgrade, write_frames
from engine.cli.main import main
from engine.core.errors import MissingColumnError, MissingTableError, StoreUnreachableError
from engine.core.progress import Quiet, Warnings
from engine.core.rules import Rules
from engine.core.schema import TABLES, Column
from engine.core.schema.evolution import can_be_added
from engine.core.schema.kinds import numeric, varchar
from tests.builders import close, portfolio, position
from tests.conftest import Server
from tests.marks import first
from tests.schema_changes import brought_later, changed, with_columns
from tests.small_stores import SESSIONS, a_user, content, run, unequal, world
from tests.stores.ageing import (
    LATER,
    OWN,
    NoteCollector,
    columns,
    nulled,
    without_columns,
    without_table,
)
from tests.stores.conftest import KINDS
from tests.stores.support import GOLDEN, golden, run_sql
from writers import open_writer

Stores = Callable[[str], str]
ENGINE = [table.name for table in OWN if table.role == "engine"]
MIDDLE = SESSIONS[4]
NEW = (
    Column("made_up_ratio", numeric(10, 4), "not computed", legacy=False, since="2"),
    Column("made_up_text", varchar(20), "not computed", legacy=False, since="2"),
)
_numbers = count()


@pytest.fixture(scope="module")
def ran(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By kind, a store in which a run has computed the first sessions; to copy only."""
    folder, name = tmp_path_factory.mktemp("ran"), f"ran_{next(_numbers)}"
    postgres_server.admin.execute(f"create database {name}".encode())
    urls = {
        "duckdb": f"duckdb:///{folder}/ran.duckdb",
        "postgres": postgres_server.url(name),
        "parquet": f"parquet:///{folder}/ran",
    }
    refused = portfolio("Q", None)
    frames = world(
        portfolios=[portfolio(), refused], positions=[position(), position(owner="Q")], users=[a_user()]
    )
    for url in urls.values():
        write_frames(url, frames, 5_000, Quiet())
        run(url, url, end=SESSIONS[3])
    return urls


@pytest.fixture
def clone(ran: dict[str, str], postgres_server: Server, tmp_path: Path) -> Iterator[Stores]:
    """A copy of such a store, the test's own."""
    made: list[str] = []

    def make(kind: str) -> str:
        name = f"older_{next(_numbers)}"
        if kind == "postgres":
            made.append(name)
            template = ran[kind].rsplit("/", 1)[1]
            postgres_server.admin.execute(f"create database {name} template {template}".encode())
            return postgres_server.url(name)
        source, target = ran[kind].removeprefix(f"{kind}:///"), tmp_path / name
        if kind == "duckdb":
            shutil.copy(source, target)
        else:
            shutil.copytree(source, target)
        return f"{kind}:///{target}"

    yield make
    for name in made:
        postgres_server.admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="module")
def whole(ran: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """Return the final contents of a store that was never an older one."""
    path = tmp_path_factory.mktemp("whole") / "whole.duckdb"
    shutil.copy(ran["duckdb"].removeprefix("duckdb:///"), path)
    run(f"duckdb:///{path}", start=MIDDLE)
    return content(f"duckdb:///{path}")


def run_on(url: str, start: date = MIDDLE) -> tuple[engine.Report, list[str]]:
    """A run in place; its report, and the warnings among what it says."""
    heard = NoteCollector()
    report = run(url, url, start=start, progress=heard)
    return report, [line for line in heard.lines if line.startswith("store ")]


def check_warning(report: engine.Report, warnings: Sequence[str], url: str, *gaps: str) -> None:
    """One line names what is missing and the command that adds it; the report says the same."""
    assert warnings == [report.schema_note]
    assert all(gap in warnings[0] for gap in gaps)
    assert warnings[0].endswith(f"engine schema --upgrade {url}")
    assert "\n" not in warnings[0]
    assert [str(gap) for gap in report.schema_gaps] == list(gaps)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", first(2, list(LATER)))
def test_columns_that_an_older_store_lacks_cost_a_run_nothing_else(
    table: str, kind: str, clone: Stores, whole: dict[str, pl.DataFrame]
) -> None:
    url, names = clone(kind), LATER[table]
    gaps = [f"column {table}.{name}" for name in names]
    without_columns(url, table, names)
    with brought_later(table, names):
        assert engine.open(url).read(table, columns=names).null_count().row(0) == (
            (engine.open(url).read(table).height,) * len(names)
        )
        report, warnings = run_on(url)
        check_warning(report, warnings, url, *gaps)
        assert not set(names) & set(columns(url, table))
        assert unequal(content(url), nulled(whole, {table: names})) == []

        assert upgrade(url) == [f"{gap}: added, null in the stored rows" for gap in gaps]
        assert unequal(content(url), nulled(whole, {table: names})) == []
        assert upgrade(url) == []
        report, warnings = run_on(url, SESSIONS[0])
        assert (warnings, report.schema_gaps) == ([], [])
    assert set(names) <= set(columns(url, table))
    assert unequal(content(url), whole) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", first(2, ENGINE))
def test_an_older_store_without_a_table_gets_it(
    table: str, kind: str, clone: Stores, whole: dict[str, pl.DataFrame]
) -> None:
    url = clone(kind)
    without_table(url, table)
    assert engine.open(url).read(table).is_empty()
    report, warnings = run_on(url, SESSIONS[0])
    check_warning(report, warnings, url, f"table {table}")
    assert upgrade(url) == []
    without_table(url, table)
    assert upgrade(url) == [f"table {table}: created"]
    assert upgrade(url) == []
    assert columns(url, table) == TABLES[table].names


def room(url: str) -> dict[str, int]:
    """The characters that the texts of analytics_status hold, as Postgres says."""
    query = (
        "select column_name::text, character_maximum_length from information_schema.columns "
        "where table_name = 'analytics_status' and column_name in ('status', 'reason')"
    )
    return dict(run_sql(url, query))


@pytest.mark.thorough
def test_texts_are_cut_to_the_room_of_an_older_store_until_it_is_widened(
    clone: Stores, whole: dict[str, pl.DataFrame]
) -> None:
    url = clone("postgres")
    for name, length in (("status", 3), ("reason", 10)):
        cut = f"alter column {name} type varchar({length}) using left({name}, {length})"
        run_sql(url, f"alter table analytics_status {cut}")
    report, warnings = run_on(url)
    gaps = [
        "room in analytics_status.status (3 characters instead of 16)",
        "room in analytics_status.reason (10 characters instead of 255)",
    ]
    check_warning(report, warnings, url, *gaps)
    shorter = whole["analytics_status"].with_columns(
        pl.col("status").str.slice(0, 3), pl.col("reason").str.slice(0, 10)
    )
    assert shorter["reason"].str.len_chars().max() == 10
    assert unequal(content(url), nulled({**whole, "analytics_status": shorter}, {})) == []

    assert upgrade(url) == [
        "column analytics_status.status: widened from 3 to 16 characters",
        "column analytics_status.reason: widened from 10 to 255 characters",
    ]
    assert room(url) == {"status": 16, "reason": 255}
    assert upgrade(url) == []
    assert run_on(url, SESSIONS[0])[1] == []
    assert unequal(content(url), whole) == []


def test_a_store_of_schema_version_1_is_upgraded_to_2(clone: Stores) -> None:
    url = clone("postgres")
    for name, length in (("status", 8), ("reason", 64)):
        cut = f"alter column {name} type varchar({length}) using left({name}, {length})"
        run_sql(url, f"alter table analytics_status {cut}")
    before = content(url)
    assert len(upgrade(url)) == 2
    assert room(url) == {"status": 16, "reason": 255}
    assert unequal(content(url), before) == []


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_can_be_later_is_upgraded_at_once(kind: str, fresh: Stores, tmp_path: Path) -> None:
    """A golden store, whose rows fill nearly every column."""
    url, reference = fresh(kind), f"duckdb:///{tmp_path}/reference.duckdb"
    copy(url, reference, 5_000, Quiet())
    days: dict[str, Any] = {"start": date(2025, 3, 3), "end": date(2025, 3, 6), "run_date": date(2025, 3, 6)}
    engine.backfill(reference, **days)
    create(url)
    with ExitStack() as stack:
        for table, names in LATER.items():
            without_columns(url, table, names)
            stack.enter_context(brought_later(table, names))
        report = engine.backfill(url, url, **days)
        assert report.complete
        assert len(report.schema_gaps) == sum(map(len, LATER.values()))
        expected = content(reference)
        filled = sorted(name for name in LATER if name in expected and expected[name].height)
        assert unequal(nulled(expected, LATER), expected) == filled
        assert unequal(content(url), nulled(expected, LATER)) == []
        assert len(upgrade(url)) == len(report.schema_gaps)
        assert engine.backfill(url, url, **days).schema_gaps == []
    assert unequal(content(url), expected) == []


@pytest.mark.thorough
def test_a_run_with_new_columns_still_equals_the_golden_tables(tmp_path: Path) -> None:
    """Columns that neither the legacy stores nor the inputs have: of figures, of parents, of state."""
    url = f"duckdb:///{tmp_path}/new.duckdb"
    days: dict[str, Any] = {
        "start": date(2025, 3, 3),
        "end": date(2025, 5, 30),
        "run_date": date(2026, 11, 23),
    }
    new = (
        Column("made_up_ratio", numeric(10, 4), "not computed", legacy=False, since="2"),
        Column("made_up_text", varchar(20), "not computed", legacy=False, since="2"),
    )
    names = ("positions", "portfolio_snapshots", "correlation_calculations")
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(with_columns(TABLES[name], *TABLES[name].columns, *new))
        engine.backfill(golden("mixed"), url, **days)
        compared = engine.compare(golden("mixed", "outputs"), url, exemptions=GOLDEN / "mixed/exempt.json")
    assert all(columns(url, name)[-2:] == ["made_up_ratio", "made_up_text"] for name in names)
    assert compared.equal, compared.to_text()
    assert set(compared.left_out) >= {f"{name}.{column.name}" for name in names for column in NEW}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_a_run_updates_gets_new_columns_too(
    kind: str, clone: Stores, whole: dict[str, pl.DataFrame]
) -> None:
    url, table = clone(kind), TABLES["factor_definitions"]
    gaps = [f"column factor_definitions.{column.name}" for column in NEW]
    before = columns(url, table.name)
    with with_columns(table, *table.columns, *NEW):
        check_warning(*run_on(url), url, *gaps)
        assert columns(url, table.name) == before
        assert len(upgrade(url)) == len(NEW)
        assert columns(url, table.name) == [*before, *(column.name for column in NEW)]
        assert upgrade(url) == []
        assert run_on(url, SESSIONS[0])[1] == []
    assert unequal(content(url), whole) == []


@pytest.fixture
def restricted(clone: Stores) -> Iterator[tuple[str, str]]:
    """An owner's URL, and that of a role that may not make tables."""
    owner = clone("postgres")
    run_sql(owner, "revoke create on schema public from public")
    run_sql(owner, "create role narrow login")
    run_sql(owner, "grant select, insert, update, delete on all tables in schema public to narrow")
    yield owner, owner.replace("postgres@", "narrow@", 1)
    run_sql(owner, "drop owned by narrow")
    run_sql(owner, "drop role narrow")


@pytest.mark.thorough
def test_a_role_that_may_make_no_tables_leaves_out_one_of_a_later_version(
    restricted: tuple[str, str], whole: dict[str, pl.DataFrame]
) -> None:
    owner, role = restricted
    without_table(owner, "analytics_status")
    with changed(TABLES["analytics_status"], since="2"):
        report, warnings = run_on(role)
        check_warning(report, warnings, role, "table analytics_status")
        stored = content(owner)
        assert "analytics_status" not in stored
        assert unequal(stored, {n: f for n, f in whole.items() if n in stored}) == []
        assert upgrade(owner) == ["table analytics_status: created"]
        run_sql(owner, "grant select, insert, update, delete on analytics_status to narrow")
        assert run_on(role, SESSIONS[0])[1] == []
    assert unequal(content(owner), whole) == []


def test_a_role_that_may_make_no_tables_is_told_which_of_the_first_ones_is_missing(
    restricted: tuple[str, str],
) -> None:
    owner, role = restricted
    without_table(owner, "engine_portfolio_openings")
    before = content(owner)
    with pytest.raises(MissingTableError, match=r"no table engine_portfolio_openings.*schema --create"):
        run_on(role)
    assert unequal(content(owner), before) == []


def test_a_role_that_may_not_alter_tables_is_told_so(restricted: tuple[str, str]) -> None:
    owner, role = restricted
    without_columns(owner, "portfolio_snapshots", ["hhi"])
    with pytest.raises(engine.EngineError, match="must be owner of table portfolio_snapshots; nothing was"):
        upgrade(role)
    assert "hhi" not in columns(owner, "portfolio_snapshots")


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_inputs_are_never_made(kind: str, clone: Stores) -> None:
    url = clone(kind)
    without_table(url, "position_realized_events")
    assert upgrade(url) == []
    assert columns_or_none(url, "position_realized_events") == []


def columns_or_none(url: str, table: str) -> list[str]:
    try:
        return columns(url, table)
    except FileNotFoundError:
        return []


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_no_version_lacked_is_named_with_what_to_run(kind: str, clone: Stores) -> None:
    url = clone(kind)
    without_columns(url, "portfolio_snapshots", ["cumulative_pnl"])
    with pytest.raises(MissingColumnError, match=r"no column cumulative_pnl.*schema --upgrade"):
        run_on(url)
    without_columns(url, "engine_portfolio_openings", ["equity_balance"])
    with pytest.raises(MissingColumnError, match=r"no column equity_balance$"):
        engine.open(url).read("engine_portfolio_openings")


def test_the_command_prints_a_line_for_each_change(clone: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    url = clone("duckdb")
    without_columns(url, "portfolio_snapshots", ["hhi"])
    without_table(url, "engine_collections")
    for expected in (
        [
            "table engine_collections: created",
            "column portfolio_snapshots.hhi: added, null in the stored rows",
        ],
        ["nothing to upgrade"],
    ):
        assert main(["schema", "--upgrade", url]) == 0
        assert capsys.readouterr().out.splitlines() == expected


def test_creating_tables_does_not_hide_that_columns_are_missing(
    clone: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    url = clone("duckdb")
    assert main(["schema", "--create", url]) == 0
    assert capsys.readouterr().err.splitlines() == ["every table exists already"]
    without_columns(url, "portfolio_snapshots", ["hhi"])
    assert main(["schema", "--create", url]) == 0
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "every table exists already"
    assert "it lacks column portfolio_snapshots.hhi" in shown[1]


def test_a_quiet_run_says_it_on_stderr_and_in_its_record(
    clone: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    url = clone("duckdb")
    without_columns(url, "portfolio_snapshots", ["hhi"])
    window = ["--start", f"{MIDDLE}", "--end", f"{SESSIONS[-1]}", "--run-date", f"{SESSIONS[-1]}"]
    assert main(["backfill", "--from", url, *window, "--quiet"]) == 1  # a portfolio is refused
    record = json.loads((tmp_path / "run_results.json").read_text())
    assert record["schema_gaps"] == ["column portfolio_snapshots.hhi"]
    assert capsys.readouterr().err.splitlines() == [record["schema_note"]]


def test_several_runs_of_a_command_warn_once(clone: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    url, warnings = clone("duckdb"), Warnings()
    without_columns(url, "portfolio_snapshots", ["hhi"])
    for day in SESSIONS[4:6]:
        run(url, url, start=day, end=day, progress=warnings)
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_the_catalog_of_a_transaction_has_the_tables_that_it_created(kind: str, empty_store: Stores) -> None:
    with open_writer(empty_store(kind)) as writer, writer.transaction():
        assert writer.catalog() == {}
        assert writer.create_missing() == list(TABLES)
        assert set(writer.catalog()) == set(TABLES)
        assert writer.create_missing() == []


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_no_store_is_made_by_an_upgrade(kind: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachableError, match="there is no f"):
        upgrade(f"{kind}:///{tmp_path}/absent")
    assert not (tmp_path / "absent").exists()


def test_a_later_column_takes_nulls_and_is_in_no_key() -> None:
    """An upgrade adds a column alone: without defaults, keys, indexes and references."""
    for table in (table for table in TABLES.values() if table.role != "input"):
        for column in (column for column in table.columns if column.later):
            used = [*table.unique.values(), *table.indexes.values()]
            assert can_be_added(table, column), column
            assert not any(column.name in names for names in used), column
            assert column.name not in {key.column for key in table.foreign_keys}, column


def test_what_the_legacy_schema_lacks_is_declared() -> None:
    """The engine's own tables, and of the others only some that a run writes."""
    assert all(not table.legacy for table in TABLES.values() if table.role == "engine")
    assert all(table.legacy for table in TABLES.values() if table.role in ("input", "state"))


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_a_store_whose_columns_take_no_null_has_no_row_of_an_undefined_figure(
    kind: str, empty_store: Stores
) -> None:
    url = empty_store(kind)
    still = [close(day, "100", symbol) for symbol in ("AAA", "FLAT") for day in SESSIONS[:1]]
    moved = [close(SESSIONS[0] - timedelta(n), f"{100 + n % 3}") for n in range(1, 60)]
    flat = [close(SESSIONS[0] - timedelta(n), "100", "FLAT") for n in range(1, 60)]
    lots = [position(quantity="1000"), position("FLAT", "1000")]
    frames = world(positions=lots, market_data_cache=[*still, *moved, *flat], users=[a_user()])
    write_frames(url, frames, 5_000, Quiet())
    create(url)
    rules = Rules.parse("legacy,undefined_figures=absent")
    engine.backfill(url, start=SESSIONS[0], end=SESSIONS[0], run_date=SESSIONS[0], rules=rules)
    heads = engine.open(url).read("correlation_calculations")
    assert heads.select("overall_correlation", "effective_positions").rows() == [(None, Decimal("1.00"))]
    pairs = engine.open(url).read("pairwise_correlations")["correlation_value"]
    assert (pairs.len(), pairs.null_count()) == (4, 4)
    for table in ("pairwise_correlations", "correlation_calculations"):
        run_sql(url, f"delete from {table}")
    for table, column in (
        ("correlation_calculations", "overall_correlation"),
        ("correlation_calculations", "effective_positions"),
        ("pairwise_correlations", "correlation_value"),
    ):
        run_sql(url, f"alter table {table} alter column {column} set not null")
    engine.backfill(url, start=SESSIONS[0], end=SESSIONS[0], run_date=SESSIONS[0])
    assert engine.open(url).read("correlation_calculations").is_empty()
    assert engine.open(url).read("pairwise_correlations").is_empty()
