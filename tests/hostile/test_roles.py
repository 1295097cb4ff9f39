"""The roles of docs/operations.md suffice, and no password is ever shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.conftest import GUARDED, PASSWORD, Server
from tests.stores.support import ROOT, command, golden, run_sql

Stores = Callable[[str], str]
DOCUMENT = ROOT / "docs" / "operations.md"
ROLES = ("engine_reader", "engine_batch")
WINDOW = ("--start", "2025-03-03", "--end", "2025-03-05", "--run-date", "2026-11-23")


def documented() -> list[str]:
    """The SQL of the document, block by block."""
    return re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.fixture
def ready(fresh: Stores, postgres_server: Server) -> Iterator[str]:
    """A store with all its tables, and the documented roles; the owner's URL."""
    from engine.batch.copy import create

    url = fresh("postgres")
    create(url)
    run_sql(url, "revoke create on schema public from public")
    run_sql(url, documented()[0])
    yield url
    for role in ROLES:
        run_sql(url, f"drop owned by {role}")
        run_sql(url, f"drop role {role}")


def as_role(url: str, role: str) -> str:
    return url.replace("postgres@", f"{role}@", 1)


def test_the_batch_role_suffices_for_runs_and_reruns(ready: str, tmp_path: Path) -> None:
    url = as_role(ready, "engine_batch")
    for more in ((), ("--shard-size", "2"), ("--restart",)):
        ended = command(tmp_path, "backfill", "--from", url, *WINDOW, *more)
        assert ended.code == 0, ended.err
    daily = command(
        tmp_path, "backfill", "--from", url, "--end", "2025-03-06", "--run-date", "2025-03-07", "--quiet"
    )
    assert daily.code == 0, daily.err
    for look in ("runs", "status"):
        assert command(tmp_path, look, as_role(ready, "engine_reader")).code == 0
    same = command(tmp_path, "compare", url, as_role(ready, "engine_reader"))
    assert same.code == 0, same.everything


@pytest.mark.parametrize(
    "statement",
    [
        "update market_data_cache set close = 1",
        "delete from portfolios",
        "update positions set quantity = 0",
        "insert into users select * from users",
        "create table mine (x int)",
    ],
)
def test_the_batch_role_may_do_no_more(ready: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_sql(as_role(ready, "engine_batch"), statement)


def test_a_role_that_may_not_write_is_told_so_and_nothing_is_there(ready: str, tmp_path: Path) -> None:
    ended = command(tmp_path, "backfill", "--from", as_role(ready, "engine_reader"), *WINDOW, "--quiet")
    assert ended.code == 2
    assert "permission denied" in ended.err
    assert ended.err.count("\n") == 1
    assert run_sql(ready, "select count(*) from portfolio_snapshots") == [(0,)]


def test_a_target_of_its_own_takes_the_second_grant(ready: str, tmp_path: Path) -> None:
    run_sql(ready, documented()[1])
    ended = command(
        tmp_path, "backfill", "--from", golden("mixed"), "--to", as_role(ready, "engine_batch"), *WINDOW
    )
    assert ended.code == 0, ended.err


def shown_by_the_system(pid: int) -> str:
    """Return what everyone on the machine can read of a process; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def watched(process: subprocess.Popen[str], url: str, seen: list[str]) -> None:
    """Gather what is shown of a run as long as it lasts."""
    while process.poll() is None:
        names = run_sql(url, "select application_name, query from pg_stat_activity")
        seen.append(f"{names}{shown_by_the_system(process.pid)}")
        time.sleep(0.1)


@pytest.mark.parametrize("fails", [False, True])
def test_a_password_from_the_environment_is_never_shown(
    fails: bool, fresh: Stores, postgres_server: Server, tmp_path: Path
) -> None:
    """PGPASSWORD; and a URL with a password in ENGINE_DATABASE."""
    plain = fresh("postgres")
    database = plain.rsplit("/", 1)[1]
    if fails:
        run_sql(plain, "drop table market_data_cache")
    guarded = postgres_server.guarded_url(database)
    for environment in (
        {"ENGINE_DATABASE": guarded},
        {"ENGINE_DATABASE": postgres_server.url(database, GUARDED), "PGPASSWORD": PASSWORD},
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "engine", "backfill", *WINDOW, "--batch-size", "200"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        seen: list[str] = []
        watcher = threading.Thread(target=watched, args=(process, plain, seen))
        watcher.start()
        out, err = process.communicate(timeout=120)
        watcher.join()
        assert process.returncode == (2 if fails else 0), err
        ledger = "" if fails else f"{run_sql(plain, 'select * from engine_runs')}"
        left = (tmp_path / "run_results.json").read_text()
        everything = "\n".join([out, err, left, ledger, *seen])
        assert seen
        for secret in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD)):
            assert secret not in everything
