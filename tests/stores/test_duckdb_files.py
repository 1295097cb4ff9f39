"""Database files, opened one by one or attached to the DuckDB of a process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest

from engine.cli.main import main
from engine.core.errors import BusyFileError
from engine.core.store_url import StoreURL
from loaders import open_reader
from loaders.duckdb import connect as connections
from loaders.duckdb.attached import AttachedFiles
from loaders.duckdb.connect import connect, disconnect
from loaders.open import start_early
from tests.builders import portfolio, uid
from tests.small_stores import database, world
from writers import open_writer


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> AttachedFiles:
    """Files are attached, as in the process of a command."""
    files = AttachedFiles(connections.WRITING)
    monkeypatch.setattr(connections, "_ATTACHED", [files])
    return files


@pytest.fixture(params=["connected", "attached"])
def ways(request: pytest.FixtureRequest) -> None:
    """Both ways."""
    if request.param == "attached":
        request.getfixturevalue("attached")


def names(url: str) -> list[str]:
    with open_reader(url) as reader:
        return reader.read("portfolios", ["name"])["name"].to_list()


@pytest.mark.usefixtures("ways")
def test_files_are_read_side_by_side_and_one_of_them_twice(tmp_path: Path) -> None:
    urls = [
        database(tmp_path / f"{name}.duckdb", world(portfolios=[{**portfolio(), "name": name}]))
        for name in ("one", "two")
    ]
    with open_reader(urls[0]), open_reader(urls[1]):
        assert [names(url) for url in (*urls, urls[0])] == [["one"], ["two"], ["one"]]


@pytest.mark.usefixtures("ways")
def test_a_table_of_another_file_is_not_found(tmp_path: Path) -> None:
    """A name means the store's own table, and what looks like one is looked for in the store alone."""
    full = database(tmp_path / "full.duckdb", world())
    empty = f"duckdb:///{tmp_path}/empty.duckdb"
    with open_writer(empty) as writer, writer.transaction():
        writer.create_missing(["users"])
    with open_reader(full), open_reader(empty) as reader:
        assert reader.tables() == {"users"}
        assert reader.other_forms == {}
        with pytest.raises(duckdb.CatalogException):
            reader.connection.execute("select * from portfolios")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("ways")
def test_another_process_may_write_a_file_as_soon_as_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    url = database(path, world())
    names(url)
    with open_writer(url) as writer, writer.transaction():
        pass
    insert = f"import duckdb; duckdb.connect({str(path)!r}).execute('delete from portfolios')"
    subprocess.run([sys.executable, "-c", insert], check=True)
    assert names(url) == []


@pytest.mark.usefixtures("ways")
def test_what_was_committed_is_in_the_file_and_not_in_its_log(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    database(path, world())
    assert not path.with_name("store.duckdb.wal").exists()
    with closing(duckdb.connect(path, read_only=True)) as hand:
        assert hand.execute("select count(*) from positions").fetchall() == [(1,)]


@pytest.mark.usefixtures("ways")
def test_a_transaction_that_was_left_open_is_rolled_back(tmp_path: Path) -> None:
    url = database(tmp_path / "store.duckdb", world())
    connection = connect(StoreURL.parse(url), read_only=False)
    connection.execute("begin")
    connection.execute("delete from portfolios")
    disconnect(connection)
    with open_reader(url) as reader:
        assert reader.read("portfolios", ["id"])["id"].to_list() == [uid("P")]


@pytest.mark.usefixtures("ways")
def test_a_file_stays_locked_while_one_of_its_readers_is_open(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    url = database(path, world())
    other = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(path)!r})"]
    with open_reader(url) as reader:
        names(url)
        assert subprocess.run(other, capture_output=True, check=False).returncode
        with pytest.raises(BusyFileError):
            open_writer(url)
        assert subprocess.run(other, capture_output=True, check=False).returncode
        assert reader.read("positions", ["id"]).height == 1
    subprocess.run(other, check=True)


@pytest.mark.usefixtures("ways")
def test_what_does_not_fit_in_memory_stands_next_to_the_file_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    url = database(path, world())
    connection = connect(StoreURL.parse(url), read_only=True)
    connection.execute("set memory_limit = '60MB'")
    connection.execute("select md5(i::text) as a, count(*) from range(1000000) r(i) group by a order by a")
    assert path.with_name("store.duckdb.tmp").is_dir()
    disconnect(connection)
    assert not path.with_name("store.duckdb.tmp").exists()
    assert names(url)


def test_an_error_that_closes_duckdb_is_not_raised_by_closing(
    tmp_path: Path, attached: AttachedFiles
) -> None:
    class Closed:
        """A connection after an error inside DuckDB."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.close = connection.close

        def rollback(self) -> None:
            raise duckdb.FatalException("database has been invalidated")

    url = database(tmp_path / "store.duckdb", world())
    connection = connect(StoreURL.parse(url), read_only=True)
    closed = Closed(connection)
    attached._open[id(closed)] = attached._open.pop(id(connection))
    disconnect(closed)  # type: ignore[arg-type]
    del connection, closed
    assert names(url)
    with open_writer(url):
        pass


def test_a_process_of_the_engine_attaches_files_where_it_has_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database(tmp_path / "store.duckdb", world())
    monkeypatch.setattr(connections, "_ATTACHED", [])
    for threads, attaches in ((2, 0), (1, 1)):
        monkeypatch.setattr(pl, "thread_pool_size", lambda threads=threads: threads)
        start_early(url)
        assert len(connections._ATTACHED) == attaches
    assert names(url)


def test_a_command_that_is_called_by_a_program_attaches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database(tmp_path / "store.duckdb", world())
    monkeypatch.setattr(
        connections, "attach_files", lambda: pytest.fail("the program may have the file open")
    )
    assert main(["backfill", "--from", url, "--start", "2025-03-03", "--end", "2025-03-04", "--quiet"]) == 0


@pytest.mark.parametrize("url", ["", "duckdb:///", "csv:///x", "postgresql://nobody@nowhere.invalid/x"])
def test_a_store_that_cannot_be_opened_is_started_without_an_error(url: str) -> None:
    start_early(url)
