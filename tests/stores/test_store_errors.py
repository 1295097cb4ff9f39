"""A store that cannot be used is a typed error: exit code 2, one line, and never a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import duckdb
import polars as pl
import pytest

from engine.batch.copy import create
from engine.core.errors import (
    BusyFileError,
    ColumnTypeError,
    EngineError,
    MissingColumnError,
    MissingTableError,
    StoreUnreachableError,
    UnknownStoreError,
)
from loaders import open_reader
from tests.conftest import GUARDED, PASSWORD, Server
from tests.stores.support import GOLDEN, command, run_sql
from writers import open_writer

WRONG = "Wr0ng-w0rd"
WINDOW = ("--start", "2025-03-03", "--end", "2025-03-04", "--run-date", "2026-11-23")

Stores = Callable[[str], str]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with the golden inputs, the test's own to break."""
    return Path(shutil.copytree(GOLDEN / "edge" / "inputs", tmp_path / "inputs"))


def replaced(folder: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    path = folder / f"{table}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)


def read(url: str, table: str = "positions") -> pl.DataFrame:
    with open_reader(url) as reader:
        return reader.read(table)


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/db", "nothing", "", "duckdb://", "parquet:///", "file.duckdb", "://x"]
)
def test_a_url_of_no_store(url: str) -> None:
    for opened in (open_reader, open_writer):
        with pytest.raises(UnknownStoreError) as caught:
            opened(url)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_a_file_or_folder_that_is_not_there(kind: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachableError, match="there is no"):
        open_reader(f"{kind}:///{tmp_path}/nothing")
    with pytest.raises(StoreUnreachableError):
        open_writer(f"{kind}:///{tmp_path}/no/folder/store")


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreUnreachableError):
            opened(f"parquet:///{tmp_path}/file")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_text("this is no database " * 1000)
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreUnreachableError, match=r"x\.duckdb"):
            opened(f"duckdb:///{tmp_path}/x.duckdb")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[str]:
    """A database file that another process has open to write."""
    path = tmp_path / "held.duckdb"
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    yield f"duckdb:///{path}"
    holder.communicate("")


def test_a_database_file_that_another_process_holds(held: str) -> None:
    for opened in (open_reader, open_writer):
        with pytest.raises(BusyFileError, match=r"process \d+ has the file open. Close it"):
            opened(held)


def test_a_database_file_that_this_process_holds(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/own.duckdb"
    create(url)
    told = f"process {os.getpid()} has the file open. Close it"
    with open_writer(url), pytest.raises(BusyFileError, match=told):
        open_reader(url)
    with open_reader(url), pytest.raises(BusyFileError, match=told):
        open_writer(url)
    open_writer(url).close()


def test_a_database_file_whose_holder_went_away_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB tries the lock, then asks who has it: by then it may be nobody."""
    url = f"duckdb:///{tmp_path}/own.duckdb"
    create(url)
    error = duckdb.IOException(f'IO Error: Could not set lock on file "{tmp_path}/own.duckdb": ')
    monkeypatch.setattr(duckdb, "connect", Mock(side_effect=error))
    with pytest.raises(BusyFileError, match="another process has the file open"):
        open_reader(url)


@pytest.mark.parametrize("damage", ["garbage", "cut", "body"])
def test_a_damaged_parquet_file(damage: str, inputs: Path) -> None:
    path = inputs / "positions.parquet"
    whole = path.read_bytes()
    middle = len(whole) // 3
    path.write_bytes(
        {
            "garbage": b"x" * 500,
            "cut": whole[:middle],
            "body": whole[:4] + b"\xff" * middle + whole[4 + middle :],
        }[damage]
    )
    with pytest.raises(EngineError, match="store parquet"):
        read(f"parquet:///{inputs}")


def test_a_missing_table(inputs: Path, postgres_url: str, tmp_path: Path) -> None:
    (inputs / "positions.parquet").unlink()
    open_writer(f"duckdb:///{tmp_path}/x.duckdb").close()
    for url in (f"parquet:///{inputs}", postgres_url, f"duckdb:///{tmp_path}/x.duckdb"):
        with pytest.raises(MissingTableError, match="has no table positions"):
            read(url)


def test_an_output_table_that_is_not_there_yet_is_empty(inputs: Path) -> None:
    assert read(f"parquet:///{inputs}", "portfolio_snapshots").is_empty()


def test_a_missing_column_is_named_with_its_nearest(inputs: Path, postgres_url: str) -> None:
    replaced(inputs, "positions", lambda frame: frame.rename({"quantity": "quantety"}))
    run_sql(postgres_url, "create table positions (id uuid, quantety int)")
    with pytest.raises(MissingColumnError, match="no column quantity \\(nearest: quantety\\)"):
        read(f"parquet:///{inputs}")
    with pytest.raises(MissingColumnError):
        read(postgres_url)


TYPES = [
    ("positions", "quantity", pl.lit("many"), "text"),
    ("positions", "quantity", pl.lit(True), "boolean"),
    ("positions", "entry_date", pl.lit("2025-01-02"), "text"),
    ("positions", "symbol", pl.lit(7), "integer"),
    ("positions", "entry_price", pl.lit([1.0]), "money"),
    ("market_data_cache", "date", pl.lit("2025-01-02"), "text"),
    ("market_data_cache", "close", pl.lit("1.5"), "interval"),
]


@pytest.mark.parametrize(("table", "column", "value", "_"), TYPES)
def test_a_column_of_another_type_in_a_folder(
    table: str, column: str, value: pl.Expr, _: str, inputs: Path
) -> None:
    replaced(inputs, table, lambda frame: frame.with_columns(value.alias(column)))
    with pytest.raises(ColumnTypeError, match=f"table {table}, column {column}: found"):
        read(f"parquet:///{inputs}", table)


@pytest.mark.thorough
@pytest.mark.parametrize(("table", "column", "_", "kind"), TYPES)
def test_a_column_of_another_type_in_postgres(
    table: str, column: str, _: pl.Expr, kind: str, postgres_url: str
) -> None:
    from engine.batch.copy import create

    create(postgres_url)
    run_sql(postgres_url, f"alter table {table} drop column {column}")
    run_sql(postgres_url, f"alter table {table} add column {column} {kind}")
    with pytest.raises(ColumnTypeError, match=f"table {table}, column {column}: found"):
        read(postgres_url, table)


@pytest.mark.thorough
def test_a_filter_on_a_column_of_another_type(inputs: Path, tmp_path: Path) -> None:
    replaced(inputs, "market_data_cache", lambda frame: frame.with_columns(pl.col("date").cast(pl.String)))
    ended = command(
        tmp_path, "backfill", "--from", f"parquet:///{inputs}", "--to", f"duckdb:///{tmp_path}/x", *WINDOW
    )
    assert ended.code == 2
    assert "column date: found VARCHAR, expected date" in ended.err


def refused_urls(server: Server) -> dict[str, tuple[str, str]]:
    socket = quote(server.socket, safe="")
    parameter = quote(WRONG, safe="")
    return {
        "wrong password": (server.url("postgres", f"{GUARDED}:{WRONG}"), "authentication failed"),
        "password as parameter": (
            f"postgresql://{GUARDED}@{socket}/postgres?password={parameter}",
            "authentication failed",
        ),
        "no password": (server.url("postgres", GUARDED), "no password supplied"),
        "no such database": (server.url("nowhere", f"postgres:{WRONG}"), "does not exist"),
        "no such role": (server.url("postgres", f"nobody:{WRONG}"), "does not exist"),
        "closed port": (f"postgresql://u:{WRONG}@127.0.0.1:1/db", "refused"),
        "unknown host": (f"postgresql://u:{WRONG}@no.such.host.invalid/db", "no.such.host.invalid"),
        "no socket": (f"postgresql://u:{WRONG}@/db?host=/no/such/folder", "/no/such/folder"),
        "bad port": (f"postgresql://u:{WRONG}@127.0.0.1:x/db", "cannot be opened"),
        "bad escape": (f"postgresql://u:{WRONG}%zz@127.0.0.1/db", "%25"),
        "unknown parameter": (f"postgresql://u:{WRONG}@127.0.0.1/db?colour=red", "colour"),
        "unescaped at": (f"postgresql://u:x@{WRONG}@127.0.0.1/db", "%40"),
        "unescaped slash": (f"postgresql://u:{WRONG}/x@127.0.0.1/db", "%2F"),
        "unescaped mark": (f"postgresql://u:{WRONG}?x@127.0.0.1/db", "%3F"),
        "bad address": (f"postgresql://u:{WRONG}@[::1/db", "cannot be opened"),
        "in capitals": (f"PostgreSQL://u:{WRONG}@127.0.0.1:1/db", "refused"),
    }


REFUSED = list(refused_urls(Server("/x", None)))  # type: ignore[arg-type]


@pytest.mark.parametrize("case", REFUSED)
def test_a_server_that_refuses(case: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt, with no pause before another."""
    url, words = refused_urls(postgres_server)[case]
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"a pause of {seconds} s"))
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreUnreachableError, match=words) as caught:
            opened(url)
        assert WRONG not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_password_from_the_environment_is_used_and_never_shown(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.url("postgres", GUARDED)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with open_reader(url) as reader:
        assert reader.tables() == set()
    monkeypatch.setenv("PGPASSWORD", WRONG)
    with pytest.raises(StoreUnreachableError) as caught:
        open_reader(url)
    assert WRONG not in str(caught.value)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "case", ["wrong password", "password as parameter", "unescaped slash", "bad escape", "closed port"]
)
def test_the_command_says_so_in_one_line_without_the_password(
    case: str, postgres_server: Server, tmp_path: Path
) -> None:
    url, _ = refused_urls(postgres_server)[case]
    ended = command(tmp_path, "backfill", "--from", url, *WINDOW, "--quiet")
    assert ended.code == 2
    assert ended.err.startswith("error: store postgresql://")
    assert ended.err.count("\n") == 1
    assert WRONG not in ended.everything
    assert "***" in ended.results


@pytest.mark.thorough
def test_a_run_that_succeeds_shows_no_password(
    postgres_server: Server, database: str, inputs: Path, tmp_path: Path
) -> None:
    secret = postgres_server.guarded_url(database)
    done = command(
        tmp_path,
        "backfill",
        "--from",
        f"parquet:///{inputs}",
        "--to",
        secret,
        *WINDOW,
        ENGINE_DATABASE=secret,
    )
    assert done.code in (0, 1)
    status = command(tmp_path, "status", secret)
    compared = command(tmp_path, "compare", secret, secret)
    for ended in (done, status, compared):
        assert "Traceback" not in ended.err
        assert PASSWORD not in ended.everything
        assert quote(PASSWORD, safe="") not in ended.everything


def test_a_portfolio_that_is_not_there_is_said_without_the_password(
    postgres_server: Server, database: str
) -> None:
    from datetime import date
    from uuid import UUID

    from engine.batch.backfill import backfill
    from tests.stores.support import copied, golden

    url = postgres_server.guarded_url(database)
    copied(golden("edge"), url)
    with pytest.raises(EngineError, match="no row") as caught:
        backfill(url, start=date(2025, 3, 3), end=date(2025, 3, 4), portfolios=[UUID(int=7)])
    assert quote(PASSWORD, safe="") not in str(caught.value)


ERRORS: list[tuple[str, Callable[[Path], str]]] = [
    ("no table positions", lambda folder: (folder / "positions.parquet").unlink() or f"parquet:///{folder}"),  # type: ignore[func-returns-value]
    ("there is no folder", lambda folder: f"parquet:///{folder}/nothing"),
    ("there is no file", lambda folder: f"duckdb:///{folder}/nothing.duckdb"),
    ("names no store", lambda folder: f"oracle:///{folder}"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("words", "spoil"), ERRORS)
def test_the_command_ends_with_code_2(
    words: str, spoil: Callable[[Path], str], inputs: Path, tmp_path: Path
) -> None:
    ended = command(
        tmp_path, "backfill", "--from", spoil(inputs), "--to", f"duckdb:///{tmp_path}/x", *WINDOW, "--quiet"
    )
    assert ended.code == 2
    assert words in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "x").exists()
