"""The lock of a run on a Postgres database.

It is an advisory lock of a transaction that stays open as long as the run. A lock of a session would not do:
behind PgBouncer in transaction mode a session has no server connection of its own, so that its lock stays on
a pooled connection when it ends. An open transaction keeps its connection, and ends with its client.

The transaction may be cut off all the same: the server restarts, or the network forgets an idle connection.
So it is used every few seconds, and looked at before each commit of the run. A lost lock is taken anew,
unless another run has held it in the meantime.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, RLock, Thread

import psycopg

from engine.core.errors import ReadOnlyError, StoreUnreachableError, WriteError
from engine.core.store_url import StoreURL
from loaders.postgres.address import database
from loaders.postgres.connect import connect, opening_error
from sql import Value, statement
from writers.file_lock import PAUSE_SECONDS, LockedError, holder
from writers.retry import with_retries

RUN_KEY = 0x656E67696E65
"""Key of the advisory lock that a run holds: "engine" in ASCII."""
TURN_KEY = 0x7475726E73
"""Key of the advisory lock on which exclusive transactions wait: "turns" in ASCII."""
KEEP_ALIVE_SECONDS = 10.0
"""Between two uses of the connection: shorter than any usual limit of firewalls and poolers."""
PATIENCE_SECONDS = 10.0
"""For transactions of an earlier run to end, and for a second connection through a pooler."""

_held: dict[tuple[str | None, ...], DatabaseLock] = {}


class LockLostError(WriteError):
    """A run whose lock was lost, and which another run has overtaken."""

    hint = "Run the same command again: it reads what is stored now"

    def __init__(self, url: StoreURL, other: str) -> None:
        super().__init__(url, "", f"the connection that held the run's lock was lost, and {other} got in")


class DatabaseLock:
    """The lock of a run of this process."""

    def __init__(self, url: StoreURL) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None
        self._runs: frozenset[str] = frozenset()
        self._mutex = RLock()
        self._released = Event()

    def take(self, wait: bool) -> None:
        """Take the lock, and wait for transactions of an earlier run to end.

        Args:
            wait: Wait while another run holds the lock.

        Raises:
            LockedError: Another run holds the lock, and `wait` is False.
        """
        with_retries(partial(self._take, wait), lambda note: None)

    def _take(self, wait: bool) -> None:
        self._connection = connect(self._url)
        while other := self._try():
            if not wait:
                raise LockedError(self._url, other)
            time.sleep(PAUSE_SECONDS)
        self._wait_for_turn(wait)
        self._runs = self._other_runs()

    def _try(self) -> str:
        """Take the lock in a new transaction; return who holds it if another run does, else nothing."""
        self._execute("session/write")
        if self._execute("session/settings")[0]:
            raise ReadOnlyError(self._url)
        self._execute("lock/name", name=holder())
        taken, process = self._execute("lock/take", key=RUN_KEY)
        if taken:
            self._require_second_connection(process)
            return ""
        other = self._execute("lock/holder", key=RUN_KEY)
        self._execute("session/end")
        return str(other[0]) if other else "another run"

    def _require_second_connection(self, process: object) -> None:
        """Check that a pooler has a connection free for the run besides the one of its lock.

        Args:
            process: Number of the server's process; a pooler tells its clients numbers of its own.

        Raises:
            StoreUnreachableError: There is none.
        """
        assert self._connection
        if process == self._connection.info.backend_pid:
            return
        answered = Event()
        Thread(target=_ask, args=(self._url, answered), daemon=True).start()
        if not answered.wait(PATIENCE_SECONDS):
            self._connection.close()
            raise StoreUnreachableError(
                self._url,
                "the pooler before it has no connection free besides the one that holds the run's lock; "
                "a run needs up to 4: raise default_pool_size, or name the server itself",
            )

    def _wait_for_turn(self, wait: bool) -> None:
        """Wait until no transaction of an earlier run is open: it may still commit.

        Raises:
            LockedError: One stays open, and `wait` is False.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._turn_is_free():
            if not wait and time.monotonic() > end:
                raise LockedError(self._url, "a transaction of another process")
            time.sleep(PAUSE_SECONDS)

    def _turn_is_free(self) -> bool:
        assert self._connection
        with self._connection.transaction(force_rollback=True):  # a savepoint: it gives the lock back
            return bool(self._execute("lock/turn_is_free", key=TURN_KEY)[0])

    def _other_runs(self) -> frozenset[str]:
        """Return the runs of other processes that the store has on record."""
        assert self._connection
        own = f"process {os.getpid()} on {socket.gethostname()[:20]} "
        with suppress(psycopg.Error), self._connection.transaction(force_rollback=True):
            if self._execute("lock/has_ledger")[0]:
                text = statement("lock/ledger", own=own)
                return frozenset(run for (run,) in self._connection.execute(text.encode()))
        return frozenset()

    def _execute(self, name: str, /, **values: Value) -> tuple[object, ...]:
        """Run a statement.

        Returns:
            Its first row, empty if there is none.

        Raises:
            StoreUnreachableError: The connection is lost.
        """
        assert self._connection
        try:
            cursor = self._connection.execute(statement(name, **values).encode())
            return (cursor.fetchone() if cursor.description else None) or ()
        except psycopg.Error as error:
            failure = opening_error(self._url, error)
            raise failure from error

    def check(self) -> None:
        """Make sure that the lock is held; take it anew if its connection was lost.

        Raises:
            LockLostError: Another run has held it in the meantime.
            StoreUnreachableError: The server does not answer.
        """
        with self._mutex:
            if not self._alive() and not self._released.is_set():
                self._take_again()

    def _alive(self) -> bool:
        assert self._connection
        try:
            self._connection.execute(statement("lock/held").encode())
        except psycopg.Error:
            return False
        return self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS

    def _take_again(self) -> None:
        assert self._connection
        self._connection.close()
        self._connection = connect(self._url)
        other = self._try()
        if not other and self._other_runs() - self._runs:
            self._execute("session/end")
            other = "another run"
        if other:
            raise LockLostError(self._url, other)

    def keep_alive(self) -> None:
        """Use the connection now and then until the lock is released; called in a thread."""
        while not self._released.wait(KEEP_ALIVE_SECONDS):
            # The run itself meets the error, before its next commit.
            with suppress(StoreUnreachableError, WriteError):
                self.check()

    def release(self) -> None:
        """Release the lock. That it is gone already is no error: the run's own result counts."""
        self._released.set()
        with self._mutex, suppress(psycopg.Error):
            if self._connection:
                # The server notices a closed connection a little later; this takes effect at once.
                self._connection.execute(statement("session/end").encode())
                self._connection.close()


def _ask(url: StoreURL, answered: Event) -> None:
    with suppress(StoreUnreachableError, psycopg.Error), connect(url) as connection:
        connection.execute(statement("lock/held").encode())
        answered.set()


@contextmanager
def database_lock(url: StoreURL, wait: bool) -> Iterator[None]:
    """Hold a database for a run.

    Args:
        url: The store.
        wait: Wait while another run holds the lock.

    Yields:
        Nothing; the lock is held.

    Raises:
        LockedError: Another run holds the lock, and `wait` is False.
    """
    if earlier := held_lock(url):
        earlier.check()  # a lost lock of this very process is not there for the taking
    lock = DatabaseLock(url)
    try:
        lock.take(wait)
        _held[database(url)] = lock
        Thread(target=lock.keep_alive, daemon=True, name="run lock").start()
        yield
    finally:
        if held_lock(url) is lock:
            del _held[database(url)]
        lock.release()


def held_lock(url: StoreURL) -> DatabaseLock | None:
    """Return the lock that this process holds on a database, None if it holds none."""
    return _held.get(database(url))


def database_holder(url: StoreURL) -> str | None:
    """Return who holds the lock of a run on a database, without touching the lock; None if nobody does."""
    with connect(url) as connection:
        row = connection.execute(statement("lock/holder", key=RUN_KEY).encode()).fetchone()
    return str(row[0] or "another run") if row else None
