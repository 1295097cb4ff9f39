"""The database in memory that all readers of Parquet files in a process share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from engine.batch.copy import write_frames
from engine.core.progress import Quiet
from loaders import open_reader
from loaders.duckdb import connect
from loaders.duckdb.connect import connect_shared
from loaders.parquet import reader
from tests.small_stores import a_user, run, world


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    connect._shared.cache_clear()
    yield
    connect._shared.cache_clear()


def folder(path: Path, table: str, **columns: list[object]) -> str:
    path.mkdir(exist_ok=True)
    pl.DataFrame(columns).write_parquet(path / f"{table}.parquet")
    return f"parquet:///{path}"


def databases() -> int:
    return connect._shared.cache_info().currsize


def test_stores_are_read_through_one_database_that_stays_open(tmp_path: Path) -> None:
    url = folder(tmp_path / "a", "users", email=["a@example.com"])
    first = connect._shared(os.getpid())
    for _ in range(2):
        with open_reader(url) as opened:
            assert opened.read("users", ["email"])["email"].to_list() == ["a@example.com"]
    assert connect._shared(os.getpid()) is first
    assert databases() == 1


def test_a_run_between_folders_opens_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = (f"parquet:///{tmp_path / name}" for name in ("source", "target"))
    write_frames(source, world(users=[a_user()]), 5_000, Quiet())
    opened = []
    monkeypatch.setattr(reader, "connect_shared", lambda: opened.append(1) or connect_shared())
    run(source, target)
    assert len(opened) == 2


def test_nothing_of_a_file_is_kept_for_the_reader_after_it(tmp_path: Path) -> None:
    """The other file has the name, the size and the time of the first."""
    url = folder(tmp_path / "a", "users", email=["a@example.com"])
    path = tmp_path / "a" / "users.parquet"
    before = path.stat()
    with open_reader(url) as opened:
        opened.read("users", ["email"])
    folder(tmp_path / "a", "users", email=["b@example.com"])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with open_reader(url) as opened:
        assert opened.read("users", ["email"])["email"].to_list() == ["b@example.com"]


def test_a_question_leaves_no_table_for_another_store(tmp_path: Path) -> None:
    one = folder(tmp_path / "a", "users", email=["a@example.com"])
    other = folder(tmp_path / "b", "tags_v2", name=["growth"])
    with open_reader(one) as asked, open_reader(other) as opened:
        assert asked.answer("select email from users").height == 1
        assert opened.tables() == {"tags_v2"}
        with pytest.raises(duckdb.CatalogException):
            opened.connection.execute("select * from users")  # type: ignore[attr-defined]


def test_a_process_has_its_own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fork the threads of the parent's are missing."""
    connect_shared().close()
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    connect_shared().close()
    assert databases() == 2


def test_a_database_that_an_error_closed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        """DuckDB after an error inside of it."""

        def cursor(self) -> Closed:
            return self

        def execute(self, text: str) -> None:
            raise duckdb.FatalException(f"database has been invalidated: {text}")

    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: Closed())
    connect._shared(os.getpid())
    monkeypatch.undo()
    assert connect_shared().execute("select 1").fetchall() == [(1,)]
