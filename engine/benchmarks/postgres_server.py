"""The Postgres to measure on: one that is given, or the wheel's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
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


@dataclass(frozen=True)
class Server:
    """A server, and a session on it to make databases with.

    psql: its path, None where there is none. origin: "wheel" or "given". made: the names of the
    databases that are there.
    """

    address: str
    admin: psycopg.Connection
    psql: str | None
    origin: str
    made: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """The benchmark's database of that name."""
        return urlsplit(self.address)._replace(path=f"/{self._database(name)}").geturl()

    @staticmethod
    def _database(name: str) -> str:
        """Told apart from whatever else the server holds, another benchmark's included."""
        return f"engine_bench_{os.getpid()}_{name}"

    def create(self, name: str) -> None:
        """An empty database."""
        self.made.add(name)
        self._send("create", database=Name(self._database(name)))

    def clone(self, name: str, template: str) -> None:
        """A copy of a database, with nothing left for a checkpoint to do."""
        self.made.add(name)
        names = {"database": Name(self._database(name)), "template": Name(self._database(template))}
        self._send("clone", **names)
        self._send("checkpoint")

    def drop(self, name: str) -> None:
        """A database gone, if it was there."""
        self._send("drop", database=Name(self._database(name)))
        self.made.discard(name)

    def size(self, name: str) -> int:
        """The bytes of a database on disk."""
        text = statement("bench/size", database=self._database(name))
        found = self.admin.execute(text.encode()).fetchone()
        assert found
        return int(found[0])

    def clear(self) -> None:
        """Every database of the benchmark gone, however it ended."""
        for name in sorted(self.made):
            self.drop(name)

    def settle(self, name: str) -> None:
        """A database vacuumed, so that no worker visits its clones, and closed to everybody."""
        with connect(self.url(name)) as session:
            session.execute(statement("bench/vacuum").encode())
        self._send("close", database=Name(self._database(name)))

    def _send(self, name: str, **values: Name) -> None:
        self.admin.execute(statement(f"bench/{name}", **values).encode())

    def command(self, name: str, *arguments: str) -> Sequence[str]:
        """A psql that stops at the first error, and reads no file of the user's."""
        assert self.psql, "asked for without a psql"
        return (self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments, self.url(name))

    def described(self) -> str:
        """Version and settings in one line."""
        values = {name: self.admin.execute(f"show {name}".encode()).fetchone() for name in SETTINGS}
        settings = ", ".join(f"{name} {value[0]}" for name, value in values.items() if value)
        version = self.admin.execute(b"show server_version").fetchone()
        assert version
        return f"PostgreSQL {version[0]} ({self.origin}): {settings}"


@contextmanager
def server(url: str | None) -> Iterator[Server | None]:
    """The server at a URL, else the wheel's, else None.

    Raises:
        StoreUnreachableError: there is none at the URL, or it refuses the login.
    """
    if url is not None:
        with connect(url) as admin:
            given = Server(url, admin, shutil.which("psql"), "given")
            try:
                yield given
            finally:
                given.clear()
    elif local_postgres.installed():
        with local_postgres.running() as own, connect(own.url("postgres")) as admin:
            yield Server(own.url("postgres"), admin, _program(own.programs / "psql"), "wheel")
    else:
        yield None


def _program(path: Path) -> str | None:
    return str(path) if path.exists() else None
