"""The lock of a run in Postgres: through a pooler, cut off, taken by others, looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import date
from threading import Event, Thread

import psycopg
import pytest

import engine
from engine.batch.runs import runs
from engine.core.errors import LostConnectionError, ReadOnlyError, ServerAwayError, StoreUnreachableError
from engine.core.store_url import StoreURL
from loaders import open_reader
from tests.conftest import Server
from tests.marks import first
from tests.small_stores import content, unequal
from tests.stores.pooler import pooler, session
from tests.stores.support import run_sql
from writers import LockScope, open_writer
from writers import postgres_lock as locks
from writers.file_lock import LockedError, holder
from writers.lock import lock_holder, store_lock
from writers.postgres_lock import DatabaseLock, LockLostError
from writers.retry import with_retries

WINDOW = {"start": date(2025, 3, 3), "end": date(2025, 3, 7), "run_date": date(2026, 11, 23)}
CUT = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'"
LEFT = """
select count(*) from pg_locks where locktype = 'advisory'
and database = (select oid from pg_database where datname = current_database())
"""
RUN_OF_OTHERS = """
insert into engine_runs (id, request, status, start_date, end_date, run_date, sessions, holder, started_at)
values (gen_random_uuid(), 'x', 'running', '2025-03-03', '2025-03-03', '2025-03-03', 1, 'process 1', now())
"""
Stores = Callable[[str], str]


def run(url: str, **settings: object) -> engine.Report:
    return engine.backfill(url, **WINDOW, **settings)  # type: ignore[arg-type]


def cut_off(url: str) -> None:
    """End the server's side of every run's lock in a database, as a time-out or an administrator does."""
    database = url.rsplit("/", 1)[1]
    other = url.rsplit("/", 1)[0] + "/postgres"
    run_sql(other, f"{CUT} and database = (select oid from pg_database where datname = '{database}')")


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


@pytest.fixture
def lock(postgres_url: str) -> Iterator[DatabaseLock]:
    held = DatabaseLock(StoreURL.parse(postgres_url))
    held.take(wait=False)
    yield held
    held.release()


@pytest.mark.parametrize("key", ["-1", "9223372036854775807", "25966, 1734962789"])
def test_locks_of_other_programs_are_not_taken_for_a_runs(
    key: str, lock: DatabaseLock, postgres_url: str
) -> None:
    """Keys of any size, and a pair whose halves are those of a run's key."""
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(f"select pg_advisory_lock({key})".encode())
        found, now = lock_holder(postgres_url) or "", holder()
        # The lock was taken up to a second ago.
        assert found.rpartition(" since ")[0] == now.rpartition(" since ")[0]
        lock.release()
        assert lock_holder(postgres_url) is None


# Through PgBouncer


@pytest.mark.thorough
def test_a_run_through_a_transaction_pooler_is_the_run_without(
    fresh: Stores, postgres_server: Server
) -> None:
    direct, pooled = fresh("postgres"), fresh("postgres")
    run_sql(pooled, f"alter database {name_of(pooled)} set timezone = 'Asia/Tokyo'")
    with pooler(postgres_server.socket) as address:
        for _ in range(2):  # the lock of the first is free
            assert run(address + name_of(pooled), shard_size=2).portfolios == 5
        with session(address + name_of(pooled)) as other:
            shown = {name: other.execute(f"show {name}").fetchone() for name in ("timezone", "row_security")}  # type: ignore[arg-type]
    run(direct, shard_size=2)
    assert unequal(content(pooled), content(direct)) == []
    assert shown == {"timezone": ("Asia/Tokyo",), "row_security": ("on",)}
    assert run_sql(pooled, LEFT) == [(0,)]


def test_of_two_runs_through_a_pooler_one_is_refused(fresh: Stores, postgres_server: Server) -> None:
    url = fresh("postgres")
    with pooler(postgres_server.socket) as address:
        pooled = address + name_of(url)
        with store_lock(pooled, wait=False):
            for other in (pooled, url):
                with pytest.raises(LockedError, match=f"process {os.getpid()}"):
                    run(other)
                assert f"process {os.getpid()}" in (lock_holder(other) or "")
        with store_lock(url, wait=False), pytest.raises(LockedError):
            run(pooled)
        assert lock_holder(pooled) is None


def test_a_client_that_is_gone_leaves_no_lock_in_the_pool(postgres_server: Server, postgres_url: str) -> None:
    with pooler(postgres_server.socket) as address:
        pooled = address + name_of(postgres_url)
        killed = DatabaseLock(StoreURL.parse(pooled))
        killed.take(wait=False)
        assert killed._connection
        killed._connection.close()  # without a rollback
        with store_lock(pooled, wait=True):
            assert lock_holder(postgres_url)


@pytest.mark.parametrize(
    ("mode", "size", "words"), [("transaction", 1, "default_pool_size"), ("statement", 5, "by statement")]
)
def test_a_pooler_that_cannot_serve_a_run_is_refused_in_a_sentence(
    postgres_server: Server,
    postgres_url: str,
    mode: str,
    size: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.5)
    with pooler(postgres_server.socket, mode, size) as address:
        with (
            pytest.raises(StoreUnreachableError, match=words),
            store_lock(address + name_of(postgres_url), False),
        ):
            pass
        assert run_sql(postgres_url, LEFT) == [(0,)]


# Cut off


def test_a_lock_that_was_cut_off_is_taken_anew(lock: DatabaseLock, postgres_url: str) -> None:
    cut_off(postgres_url)
    assert lock_holder(postgres_url) is None
    lock.check()
    assert f"process {os.getpid()}" in (lock_holder(postgres_url) or "")


def test_a_run_that_was_overtaken_is_told(lock: DatabaseLock, postgres_url: str) -> None:
    cut_off(postgres_url)
    other = DatabaseLock(StoreURL.parse(postgres_url))
    other.take(wait=False)
    with pytest.raises(LockLostError, match=f"process {os.getpid()} .* got in; nothing was written"):
        lock.check()
    other.release()
    lock.check()  # it has written nothing


def test_a_run_between_is_noticed_by_what_it_wrote(fresh: Stores) -> None:
    url = fresh("postgres")
    run(url)
    lock = DatabaseLock(StoreURL.parse(url))
    lock.take(wait=False)
    cut_off(url)
    run_sql(url, RUN_OF_OTHERS)
    with pytest.raises(LockLostError, match="another run got in"):
        lock.check()
    lock.release()


def test_no_commit_without_the_lock(fresh: Stores) -> None:
    url = fresh("postgres")
    run(url)
    count = "select count(*) from engine_settings"
    before = run_sql(url, count)
    with store_lock(url, wait=False), open_writer(url) as writer:
        writer.begin()
        writer.execute("delete from engine_settings", "engine_settings")  # type: ignore[attr-defined]
        cut_off(url)
        run_sql(url, RUN_OF_OTHERS)
        with pytest.raises(LockLostError):
            writer.commit()
    assert run_sql(url, count) == before != [(0,)]


def test_the_release_of_a_lost_lock_hides_no_error(postgres_url: str) -> None:
    def fail() -> None:
        with store_lock(postgres_url, wait=False):
            cut_off(postgres_url)
            raise KeyError("what went wrong")

    with pytest.raises(KeyError, match="what went wrong"):
        fail()
    with store_lock(postgres_url, wait=False):
        cut_off(postgres_url)


def test_this_process_does_not_take_its_own_lost_lock(postgres_url: str) -> None:
    with store_lock(postgres_url, wait=False):
        cut_off(postgres_url)
        with pytest.raises(LockedError):
            store_lock(postgres_url, wait=False).__enter__()


def test_a_lock_that_is_cut_off_while_a_run_computes_is_taken_anew(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "KEEP_ALIVE_SECONDS", 0.02)
    with store_lock(postgres_url, wait=False):
        cut_off(postgres_url)
        end = time.monotonic() + 10
        while lock_holder(postgres_url) is None:
            assert time.monotonic() < end
            time.sleep(0.02)


LIMITS = (
    "statement_timeout = '1s'",
    "idle_in_transaction_session_timeout = '1s'",
    "idle_session_timeout = '1s'",
    "transaction_timeout = '1s'",
)


def test_time_limits_of_the_server_end_no_statement_and_no_transaction(postgres_url: str) -> None:
    for limit in LIMITS:
        run_sql(postgres_url, f"alter database {name_of(postgres_url)} set {limit}")
    slow = "select pg_sleep(1.2)::text as nothing"
    with store_lock(postgres_url, wait=False):
        with open_reader(postgres_url) as reader, open_writer(postgres_url) as writer, writer.transaction():
            writer.execute(slow, "")  # type: ignore[attr-defined]
            assert reader.query(slow).height == 1
        assert lock_holder(postgres_url)


@pytest.mark.parametrize("level", first(1, ["serializable", "repeatable read"]))
def test_isolation_of_the_database_is_not_the_runs(fresh: Stores, level: str) -> None:
    url = fresh("postgres")
    run_sql(url, f"alter database {name_of(url)} set default_transaction_isolation = '{level}'")
    assert run(url, shard_size=1).portfolios == 5


def test_transactions_of_an_earlier_run_are_waited_for(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_SECONDS", 0.3)
    begun, end = Event(), Event()

    def transact() -> None:
        with open_writer(postgres_url) as writer, writer.transaction(LockScope("a")):
            begun.set()
            end.wait(20)

    thread = Thread(target=transact)
    thread.start()
    assert begun.wait(20)
    with pytest.raises(LockedError, match="a transaction"):
        store_lock(postgres_url, wait=False).__enter__()
    end.set()
    thread.join()
    with store_lock(postgres_url, wait=False):
        pass


# Looking


def test_looking_keeps_no_run_out(postgres_url: str) -> None:
    done = Event()

    def look() -> None:
        while not done.is_set():
            lock_holder(postgres_url)

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with store_lock(postgres_url, wait=False):
                pass
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_runs_and_status_answer_while_a_run_works(fresh: Stores) -> None:
    url = fresh("postgres")
    with store_lock(url, wait=False):
        assert f"process {os.getpid()}" in (runs(url).holder or "")
        assert engine.open(url).inventory().to_text()
    assert runs(url).holder is None


# Servers that cannot be written, or not now


def test_a_read_only_database_is_refused_before_anything_is_computed(fresh: Stores) -> None:
    url = fresh("postgres")
    run_sql(url, f"alter database {name_of(url)} set default_transaction_read_only = on")
    with pytest.raises(ReadOnlyError, match="standby server, or default_transaction_read_only"):
        run(url)


def test_a_server_that_starts_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    tries: list[int] = []

    def connect() -> str:
        tries.append(1)
        if len(tries) < 4:
            raise ServerAwayError("postgresql://h/d", "the database system is starting up")
        return "open"

    assert with_retries(connect, lambda note: None) == "open"


def test_a_lost_connection_is_told_from_a_wrong_statement(postgres_url: str) -> None:
    with open_writer(postgres_url) as writer:
        writer.begin()
        database = name_of(postgres_url)
        with session(postgres_url.rsplit("/", 1)[0] + "/postgres") as admin:
            admin.execute(
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'"
            )  # type: ignore[arg-type]
        with pytest.raises(LostConnectionError):
            writer.execute("select 1", "")  # type: ignore[attr-defined]
