"""A real Postgres for the tests that ask for one: started once by each test process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from engine.benchmarks import wheel

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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    with wheel.running() as own, psycopg.connect(own.url("postgres"), autocommit=True) as admin:
        _configure(admin)
        yield Server(own.socket, admin)


def _configure(admin: psycopg.Connection) -> None:
    for setting in NO_DURABILITY:
        admin.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
    admin.execute(
        sql.SQL("create role {} login superuser password {}").format(sql.Identifier(GUARDED), PASSWORD)
    )
    rules = Path(str(admin.execute("show hba_file").fetchone()[0]))  # type: ignore[index]
    rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")
    admin.execute("select pg_reload_conf()")


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
