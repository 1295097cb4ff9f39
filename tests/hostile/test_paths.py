"""Paths are literal: no character of a name is a pattern, a scheme, a partition or a column."""

from __future__ import annotations

import os
import shutil
import sqlite3
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.core.errors import StoreUnreachableError, UnknownStoreError, WriteError
from engine.core.schema import TABLES
from loaders import open_reader
from tests.marks import first
from tests.stores.support import copied, golden
from writers import open_writer

START, END, RUN_DATE = date(2025, 3, 3), date(2025, 3, 4), date(2026, 11, 23)
NAMES = [
    "date=2020-01-01",
    "a[bc]d",
    "*",
    "a?b",
    "{a,b}",
    "back\\slash",
    'it\'s "here"',
    ":memory:",
    "md:x",
    "sqlite:x",
    "~",
    "new\nline",
    "日本 é",
]
MORE_NAMES = [
    "symbol=X",
    "portfolio_id=0",
    "run_date=2025-07-22",
    "**",
    "[!a]",
    "a]b[",
    "[[]",
    "\\*",
    "x\\",
    "s3:",
    "file:",
    "http:",
    "postgres:dbname=x",
    "%20%00",
    "#x?y=1",
    "a,b;c",
    "$HOME",
    "-rf",
    "...",
    "\u202eKCIS",
    "x" * 200,
    os.fsdecode(b"\xff\xfe"),
]
DUCKDB_CANNOT = "a?b", "#x?y=1", "back\\slash", "\\*", "x\\", os.fsdecode(b"\xff\xfe")
"""Names of folders that DuckDB reads as others: a database in one is refused."""


def figures(url: str) -> pl.DataFrame:
    columns = ["portfolio_id", "snapshot_date", "daily_pnl", "long_value", "equity_balance"]
    with open_reader(url) as reader:
        rows = reader.read("portfolio_snapshots", columns)
        assert reader.read("market_data_cache", ["date"])["date"].n_unique() > 100
    return rows.sort("portfolio_id", "snapshot_date")


def run(url: str) -> pl.DataFrame:
    copied(golden("mixed"), url)
    engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE)
    engine.backfill(url, url, start=END, end=END, run_date=RUN_DATE)
    return figures(url)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return run(f"parquet:///{tmp_path_factory.mktemp('plain')}")


@pytest.mark.parametrize("kind", ["parquet", "duckdb"])
@pytest.mark.parametrize("name", first(len(NAMES), [*NAMES, *MORE_NAMES]))
def test_a_folder_of_any_name_holds_a_store(
    name: str, kind: str, tmp_path: Path, plain: pl.DataFrame
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    url = f"{kind}:///{folder}" + ("/x.duckdb" if kind == "duckdb" else "")
    if kind == "duckdb" and name in DUCKDB_CANNOT:
        with pytest.raises(StoreUnreachableError, match="DuckDB cannot open"):
            copied(golden("mixed"), url)
        assert not list(folder.iterdir())
        return
    assert run(url).equals(plain)
    beside = [path.name for path in tmp_path.iterdir()]
    assert beside == [name]


@pytest.mark.parametrize("name", [name for name in NAMES if "\\" not in name])
def test_a_database_file_of_any_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the current folder, as `duckdb:///:memory:` is."""
    monkeypatch.chdir(tmp_path)
    copied(golden("mixed"), f"duckdb:///{name}")
    with open_reader(f"duckdb:///{name}") as reader:
        assert reader.read("portfolios", ["id"]).height == 5
    assert (tmp_path / name).is_file()


def test_a_pattern_does_not_read_the_folder_beside_it(tmp_path: Path) -> None:
    copied(golden("mixed"), f"parquet:///{tmp_path}/a1")
    (tmp_path / "a[0-9]").mkdir()
    with open_reader(f"parquet:///{tmp_path}/a[0-9]") as reader:
        assert reader.tables() == set()
    with pytest.raises(StoreUnreachableError, match="no folder"):
        open_reader(f"parquet:///{tmp_path}/a?")


def test_a_file_of_another_program_is_no_store_and_loads_nothing(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as other:
        other.execute("create table portfolios(id)")
    other.close()
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "y.db")
    for name in ("x.db", "y.db"):
        with pytest.raises(StoreUnreachableError):
            open_reader(f"duckdb:///{tmp_path}/{name}")


@pytest.mark.parametrize("kind", ["parquet", "duckdb"])
@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a/" * 3000 + "b", "x\0y"])
def test_a_path_that_no_system_takes_is_named(name: str, kind: str, tmp_path: Path) -> None:
    for path in (name, f"{tmp_path}/{name}"):
        for opening in (open_reader, open_writer):
            with pytest.raises((StoreUnreachableError, UnknownStoreError)):
                opening(f"{kind}:///{path}")


@pytest.mark.parametrize("name", ["portfolio_snapshots.parquet.new", "portfolios.parquet.new"])
def test_a_staged_file_never_follows_a_link(name: str, tmp_path: Path) -> None:
    url, secret = f"parquet:///{tmp_path}/store", tmp_path / "secret"
    copied(golden("mixed"), url)
    secret.write_text("important data of somebody")
    (tmp_path / "store" / name).symlink_to(secret)
    engine.backfill(url, url, start=START, end=END, run_date=RUN_DATE)
    assert secret.read_text() == "important data of somebody"
    assert figures(url).height == 10


def large_folder(tmp_path: Path) -> tuple[str, Path]:
    """A store with a table as a folder of one part."""
    url, table = f"parquet:///{tmp_path}/store", tmp_path / "store" / "market_data_cache.parquet"
    copied(golden("mixed"), url)
    content = table.read_bytes()
    table.unlink()
    table.mkdir()
    (table / "part-common.parquet").write_bytes(content)
    return url, table


def rewrite(url: str) -> None:
    with open_reader(url) as reader:
        rows = reader.read("market_data_cache")
    with open_writer(url) as writer, writer.transaction():
        writer.merge(TABLES["market_data_cache"], rows)


def test_a_table_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    url, table = large_folder(tmp_path)
    table.rename(tmp_path / "outside")
    table.symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / ".profile").write_text("of somebody")
    before = {path.name: path.read_bytes() for path in (tmp_path / "outside").iterdir()}
    with pytest.raises(WriteError, match="is a link"):
        rewrite(url)
    assert {path.name: path.read_bytes() for path in (tmp_path / "outside").iterdir()} == before


def test_only_notes_on_parts_are_removed(tmp_path: Path) -> None:
    url, table = large_folder(tmp_path)
    for name in (".profile", "_SUCCESS", ".part-common.parquet.crc"):
        (table / name).write_text("note")
    rewrite(url)
    assert {path.name for path in table.iterdir() if not path.name.endswith(".parquet")} == {".profile"}


def test_a_journal_behind_a_link_is_not_followed(tmp_path: Path) -> None:
    url, _ = large_folder(tmp_path)
    shutil.rmtree(tmp_path / "store" / "_engine", ignore_errors=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "commit.json").write_text('{"renamed": [], "removed": ["users.parquet"]}')
    (tmp_path / "store" / "_engine").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreUnreachableError, match="is a link"):
        open_reader(url)
    assert (tmp_path / "store" / "users.parquet").exists()
    assert (tmp_path / "outside" / "commit.json").exists()
