"""Servers of a test's own: one that restarts while a run holds its lock, and a standby."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import engine
from engine.batch.copy import create
from engine.benchmarks import local_postgres
from engine.benchmarks.local_postgres import LocalPostgres
from engine.core.errors import ReadOnlyError
from engine.core.store_url import StoreURL
from loaders.open import same_store
from tests.stores.support import copied, golden, run_sql
from writers import open_writer
from writers.lock import lock_holder, store_lock

pytestmark = pytest.mark.thorough


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    with local_postgres.running() as own:
        yield own


def as_owner(server: LocalPostgres, program: str, *arguments: str) -> None:
    """Run a program of the server's as the user that its files belong to: it refuses to run as root."""
    user = os.stat(server.socket).st_uid if os.geteuid() == 0 else None
    command = [str(server.programs / program), *arguments]
    subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)


def restart(server: LocalPostgres) -> None:
    as_owner(server, "pg_ctl", "-D", server.socket, "-m", "fast", "-w", "-l", "/dev/null", "restart")


def test_a_run_goes_on_after_a_restart_of_the_server(server: LocalPostgres) -> None:
    url = server.url("postgres")
    create(url)
    with store_lock(url, wait=False):
        restart(server)
        assert lock_holder(url) is None
        with open_writer(url) as writer, writer.transaction():
            assert f"process {os.getpid()}" in (lock_holder(url) or "")


@pytest.fixture
def standby(server: LocalPostgres) -> Iterator[str]:
    """The URL of a copy of the server that follows it."""
    copied(golden("edge"), server.url("postgres"))
    folder = Path(tempfile.mkdtemp(prefix="standby-"))
    folder.chmod(0o700)
    os.chown(folder, os.stat(server.socket).st_uid, -1)
    data = f"{folder}/data"
    as_owner(server, "pg_basebackup", "-h", server.socket, "-U", "postgres", "-D", data, "-R", "-c", "fast")
    options = f"-c unix_socket_directories={folder} -c listen_addresses= -c hot_standby=on"
    as_owner(server, "pg_ctl", "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
    yield f"postgresql://postgres@{quote(str(folder), safe='')}/postgres"
    as_owner(server, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def test_a_standby_is_read_and_not_written(server: LocalPostgres, standby: str, tmp_path: Path) -> None:
    primary = server.url("postgres")
    assert engine.open(standby).portfolios.height == engine.open(primary).portfolios.height > 0
    assert engine.open(standby).inventory().to_text()
    assert lock_holder(standby) is None
    with pytest.raises(ReadOnlyError, match="a standby server"):
        store_lock(standby, wait=False).__enter__()
    assert not same_store(StoreURL.parse(primary), StoreURL.parse(standby)), "it may lag behind"
    run_sql(primary, "create table fresh (id integer)")
    end = time.monotonic() + 20
    while "fresh" not in {name for (name,) in run_sql(standby, "select relname::text from pg_class")}:
        assert time.monotonic() < end
        time.sleep(0.1)
