"""Structure of a source: what it lacks is said at once, what is optional is not asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from engine.batch.copy import create, write_frames
from engine.core.errors import MissingColumnError, MissingTableError, StructureError
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from loaders import open_reader
from loaders.structure import WINDOW_TABLES
from tests.builders import uid
from tests.small_stores import Content, a_user, database, folder, run, snapshots, world
from tests.stores.support import run_sql

REQUIRED = ("portfolios", "positions", "market_data_cache")


def required_only(frames: Content) -> Content:
    """Frames of the tables that a run must have, with the columns that are NOT NULL, and the equity."""
    return {
        name: frames[name].select(
            column.name
            for column in TABLES[name].columns
            if not column.nullable or column.name == "equity_balance"
        )
        for name in REQUIRED
    }


def test_three_tables_and_their_columns_that_take_no_nulls_are_enough(tmp_path: Path) -> None:
    frames = world()
    run(folder(tmp_path / "all", frames), f"duckdb:///{tmp_path}/all.duckdb")
    run(folder(tmp_path / "few", required_only(frames)), f"duckdb:///{tmp_path}/few.duckdb")
    columns = ["snapshot_date", "equity_balance", "daily_pnl", "gross_exposure", "num_positions"]
    few, whole = (snapshots(f"duckdb:///{tmp_path}/{name}.duckdb").select(columns) for name in ("few", "all"))
    assert few.height == 8
    assert few.equals(whole)


def test_a_run_in_place_adds_the_columns_that_it_fills_to_files(tmp_path: Path) -> None:
    frames = required_only(world(users=[a_user()]))
    tables = ("factor_definitions", "tags_v2", "position_tags", "stress_test_scenarios")
    url = folder(tmp_path / "few", frames | {name: world()[name] for name in tables})
    run(url, url)
    rows = pl.read_parquet(tmp_path / "few" / "positions.parquet")
    assert rows["market_value"].to_list() == [1070]
    assert "notes" not in rows.columns


def test_all_that_a_source_lacks_is_said_at_once(tmp_path: Path, postgres_url: str) -> None:
    frames = world()
    del frames["market_data_cache"]
    frames["positions"] = frames["positions"].drop("quantity", "entry_date", "exit_date")
    frames["portfolios"] = frames["portfolios"].drop("user_id")
    frames["equity_changes"] = frames["equity_changes"].drop("amount")
    run_sql(postgres_url, "create table positions (id uuid, symbol text)")
    run_sql(postgres_url, "create table portfolios (id uuid)")
    for source in (folder(tmp_path / "a", frames), postgres_url):
        with pytest.raises(StructureError) as refusal:
            run(source, f"duckdb:///{tmp_path}/x.duckdb")
        message = str(refusal.value)
        for gap in (
            "table market_data_cache",
            "positions.quantity",
            "positions.entry_date",
            "portfolios.user_id",
        ):
            assert gap in message
        assert "exit_date" not in message
        assert "tags_v2" not in message
        assert "schema --create" not in message
        assert not (tmp_path / "x.duckdb").exists()
    assert "equity_changes.amount" not in message
    with pytest.raises(StructureError, match=r"equity_changes.amount"):
        run(f"parquet:///{tmp_path}/a", f"duckdb:///{tmp_path}/x.duckdb")


@pytest.mark.parametrize(
    ("table", "column", "form"),
    [
        ("portfolios", "equity_balance", "EQUITY_BALANCE"),
        ("portfolios", "deleted_at", "deletedAt"),
        ("positions", "exit_date", "Exit Date"),
    ],
)
def test_an_optional_column_in_another_form_is_named(
    table: str, column: str, form: str, tmp_path: Path, postgres_url: str
) -> None:
    """Taken for null, it would refuse every portfolio, or bring closed lots back."""
    frames = world()
    frames[table] = frames[table].rename({column: form})
    write_frames(postgres_url, world(users=[a_user()]), 5_000, Quiet())
    run_sql(postgres_url, f'alter table {table} rename {column} to "{form}"')
    local = database(tmp_path / "a.duckdb", world())
    run_sql(local, f'alter table {table} rename {column} to "{form}"')
    for source in (folder(tmp_path / "a", frames), local, postgres_url):
        with pytest.raises(MissingColumnError, match=f"{table} has no column {column} .nearest: {form}"):
            run(source, f"duckdb:///{tmp_path}/x.duckdb")
        with pytest.raises(MissingColumnError, match=f"no column {column}"), open_reader(source) as reader:
            reader.read(table)
        assert not (tmp_path / "x.duckdb").exists()


def test_a_portfolio_must_have_a_column_of_equity(tmp_path: Path) -> None:
    frames = world()
    frames["portfolios"] = frames["portfolios"].drop("equity_balance")
    with pytest.raises(MissingColumnError, match="no column equity_balance"):
        run(folder(tmp_path / "a", frames), f"duckdb:///{tmp_path}/x.duckdb")


OTHER_FORMS = [
    "{}/part-0.parquet",
    "{}-0.parquet",
    "{}.PARQUET",
    "{}.csv",
    "{} (1).parquet",
    "{}_2025.parquet",
]


@pytest.mark.thorough
@pytest.mark.parametrize("form", OTHER_FORMS)
@pytest.mark.parametrize("table", ["market_data_cache", "equity_changes", "position_realized_events"])
def test_a_table_in_another_form_is_named_and_never_made(table: str, form: str, tmp_path: Path) -> None:
    """An empty table beside it would be computed from: flows of 0 instead of 295,000."""
    url = folder(tmp_path / "a", world())
    other = tmp_path / "a" / form.format(table)
    other.parent.mkdir(exist_ok=True)
    shutil.move(tmp_path / "a" / f"{table}.parquet", other)
    name = form.format(table).split("/")[0]
    for _ in range(2):
        with pytest.raises(MissingTableError) as refusal:
            run(url, f"duckdb:///{tmp_path}/x.duckdb")
        assert name in str(refusal.value)
        assert "schema --create" not in str(refusal.value)
        with pytest.raises(MissingTableError, match="no table"):
            create(url)
    assert not (tmp_path / "a" / f"{table}.parquet").exists()


def test_an_empty_table_beside_a_folder_of_its_name_is_refused(tmp_path: Path) -> None:
    """As somebody has it who once followed the advice to make the missing table."""
    url = folder(tmp_path / "a", world())
    (tmp_path / "a" / "equity_changes").mkdir()
    shutil.copy(
        tmp_path / "a" / "equity_changes.parquet", tmp_path / "a" / "equity_changes" / "part-0.parquet"
    )
    with pytest.raises(MissingTableError, match=r"equity_changes.parquet or equity_changes/"):
        run(url, f"duckdb:///{tmp_path}/x.duckdb")


def test_a_table_in_another_schema_is_named(tmp_path: Path, postgres_url: str) -> None:
    url = database(tmp_path / "a.duckdb", world())
    run_sql(
        url, "create schema legacy; create table legacy.positions as from positions; drop table positions"
    )
    with pytest.raises(MissingTableError, match=r"legacy.positions is there"):
        run(url, f"duckdb:///{tmp_path}/x.duckdb")


def test_optional_tables_are_inputs(tmp_path: Path) -> None:
    assert {name for name in WINDOW_TABLES if name not in REQUIRED} <= TABLES.keys()
    assert uid("P")
