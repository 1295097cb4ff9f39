"""Shared fixtures: a real Postgres, started once by each process, and the store that `bin/demo` makes."""

from __future__ import annotations

import fcntl
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from engine.benchmarks import local_postgres

# A deadline would measure how busy the machine is, not whether a property holds.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

ROOT = Path(__file__).parents[1]
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
    with local_postgres.running() as own, psycopg.connect(own.url("postgres"), autocommit=True) as admin:
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


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The DuckDB file that `bin/demo` leaves, made once by whichever process asks first: copy it to write."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "demo"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            for arguments in demo_commands():
                subprocess.run(
                    [sys.executable, "-m", "engine", *arguments],
                    cwd=folder,
                    env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"},
                    capture_output=True,
                    check=True,
                )
            (folder / "made").touch()
    return folder / "demo.duckdb"


def demo_commands() -> list[list[str]]:
    """Return the commands of `bin/demo` after its setup, without the look at the end."""
    lines = re.findall(r"^\.venv/bin/python -m engine (.*)$", (ROOT / "bin/demo").read_text(), re.MULTILINE)
    assert len(lines) == 3
    return [shlex.split(line) for line in lines[:2]]
