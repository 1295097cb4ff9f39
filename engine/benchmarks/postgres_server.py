"""The Postgres server that the benchmark measures: one at a URL, or one from the wheel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.benchmarks import local_postgres
from loaders.postgres.connect import connect
from sql import Name, statement

if TYPE_CHECKING:
    import psycopg

SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "jit",
)
"""Settings that decide how durable and how fast a server is; a benchmark's notes list them."""


@dataclass(frozen=True)
class BenchmarkServer:
    """A server, and a connection on which databases are made.

    Attributes:
        address: URL of the server.
        admin: a connection with autocommit.
        psql: path of psql; None where there is none.
        origin: "wheel" or "given".
        made: names of the databases that exist.
    """

    address: str
    admin: psycopg.Connection
    psql: str | None
    origin: str
    made: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Return the URL of a database of the benchmark."""
        return urlsplit(self.address)._replace(path=f"/{self._database(name)}").geturl()

    @staticmethod
    def _database(name: str) -> str:
        # The process id keeps two benchmarks on one server apart.
        return f"engine_bench_{os.getpid()}_{name}"

    def create(self, name: str) -> None:
        """Create an empty database."""
        self.made.add(name)
        self._send("create", database=Name(self._database(name)))

    def clone(self, name: str, template: str) -> None:
        """Create a copy of a database, and leave no work for a checkpoint.

        Args:
            name: of the copy.
            template: name of a database that nobody has open.
        """
        self.made.add(name)
        names = {"database": Name(self._database(name)), "template": Name(self._database(template))}
        self._send("clone", **names)
        self._send("checkpoint")

    def drop(self, name: str) -> None:
        """Drop a database if it exists."""
        self._send("drop", database=Name(self._database(name)))
        self.made.discard(name)

    def size(self, name: str) -> int:
        """Return the bytes of a database on disk."""
        text = statement("bench/size", database=self._database(name))
        row = self.admin.execute(text.encode()).fetchone()
        assert row
        return int(row[0])

    def log_position(self) -> int:
        """Return the bytes that the server has written to its write-ahead log."""
        row = self.admin.execute(statement("bench/log_position").encode()).fetchone()
        assert row
        return int(row[0])

    def clear(self) -> None:
        """Drop every database of the benchmark."""
        for name in sorted(self.made):
            self.drop(name)

    def settle(self, name: str) -> None:
        """Vacuum a database, so that no worker visits its clones, and close it to connections."""
        with connect(self.url(name)) as session:
            session.execute(statement("bench/vacuum").encode())
        self._send("close", database=Name(self._database(name)))

    def _send(self, name: str, **values: Name) -> None:
        self.admin.execute(statement(f"bench/{name}", **values).encode())

    def command(self, name: str, *arguments: str) -> Sequence[str]:
        """Return a call of psql that stops at the first error and reads none of the user's files.

        Args:
            name: of the database.
            arguments: of psql.
        """
        assert self.psql, "`has_limit` is checked before"
        return (self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments, self.url(name))

    def described(self) -> str:
        """Return version and settings in one line."""
        values = {name: self.admin.execute(f"show {name}".encode()).fetchone() for name in SETTINGS}
        settings = ", ".join(f"{name} {value[0]}" for name, value in values.items() if value)
        version = self.admin.execute(b"show server_version").fetchone()
        assert version
        return f"PostgreSQL {version[0]} ({self.origin}): {settings}"


@contextmanager
def server(url: str | None) -> Iterator[BenchmarkServer | None]:
    """Connect to a server, or start one.

    Args:
        url: of a server; None: start one from the wheel if it is installed.

    Yields:
        The server; None where there is neither a URL nor the wheel.
    """
    if url is not None:
        with connect(url) as admin:
            given = BenchmarkServer(url, admin, shutil.which("psql"), "given")
            try:
                yield given
            finally:
                given.clear()
    elif local_postgres.installed():
        with local_postgres.running() as own, connect(own.url("postgres")) as admin:
            psql = own.programs / "psql"
            yield BenchmarkServer(own.url("postgres"), admin, str(psql) if psql.exists() else None, "wheel")
    else:
        yield None
