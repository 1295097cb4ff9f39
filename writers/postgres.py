"""Writer of a Postgres database: rows are sent by COPY, one statement for each batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any

import polars as pl
import psycopg

from engine.core.errors import LostConnectionError, WriteError
from engine.core.schema import Table
from engine.core.store_url import StoreURL
from loaders.postgres.connect import connect
from sql import Name, Names, statement
from writers.file_lock import PAUSE_SECONDS, LockedError, holder
from writers.sql_writer import DatabaseWriter
from writers.writer import BATCH_ROWS, LockScope, Progress

STAGE = "incoming_rows"
"""Temporary table from which rows are merged."""
RUN_KEY = 0x656E67696E65
"""Key of the advisory lock that a run holds: "engine" in ASCII."""
TURN_KEY = 0x7475726E73
"""Key of the advisory lock on which exclusive transactions wait: "turns" in ASCII."""


class PostgresWriter(DatabaseWriter):
    """A Postgres database, opened to write."""

    dialect = "postgres"

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> None:
        super().__init__(url, batch_rows, progress)
        self.connection = connect(url)

    def execute(self, text: str, table: str) -> None:
        try:
            self.connection.execute(text.encode())
        except psycopg.Error as error:
            raise self._failure(table, error) from error

    def _failure(self, table: str, error: psycopg.Error) -> WriteError:
        """Return the error for a failed statement: a lost connection may be retried."""
        kind = LostConnectionError if self.connection.closed else WriteError
        return kind(self.url, table, str(error))

    def begin(self, lock: LockScope | None = None) -> None:
        super().begin(lock)
        if lock is None:
            return
        if lock.part is None:
            self.execute(statement("lock/exclusive", key=TURN_KEY), "")
            return
        # Shared with all parts, so that only exclusive transactions wait; then exclusive for this part.
        self.execute(statement("lock/shared", key=TURN_KEY), "")
        self.execute(statement("lock/exclusive", key=_lock_key(lock.part)), "")

    def fetch(self, text: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(text.encode()).fetchall()

    def stage(self, table: Table, frame: pl.DataFrame) -> Name:
        columns = Names(tuple(frame.columns))
        self.execute(statement("write/unstage", stage=Name(STAGE)), table.name)
        text = statement("write/stage", stage=Name(STAGE), columns=columns, table=Name(table.name))
        self.execute(text, table.name)
        self._copy(STAGE, table.name, frame, counted=False)
        return Name(STAGE)

    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        self._copy(table.name, table.name, self.fitted(table, frame))

    def _copy(self, target: str, table: str, frame: pl.DataFrame, counted: bool = True) -> None:
        text = statement("write/copy", table=Name(target), columns=Names(tuple(frame.columns)))
        try:
            with self.connection.cursor() as cursor:
                for batch in frame.iter_slices(self.batch_rows):
                    with cursor.copy(text.encode()) as copy:
                        copy.write(_csv(batch))
                    # Rows of the staging table are counted when they are merged.
                    self.progress(table, batch.height if counted else 0)
        except psycopg.Error as error:
            raise self._failure(table, error) from error

    def rollback(self) -> None:
        # A lost connection has rolled back already; a second error would hide the cause.
        with suppress(psycopg.Error):
            self.connection.execute("rollback")

    def close(self) -> None:
        self.connection.close()


def _lock_key(part: str) -> int:
    """Return the key of a part's advisory lock: a 64-bit hash, because keys are bigints."""
    return int.from_bytes(blake2b(part.encode(), digest_size=8).digest(), signed=True)


def _csv(batch: pl.DataFrame) -> str:
    """Return rows as COPY reads them.

    Text is always quoted: unquoted, an empty text would be null and a carriage return would end the row.
    """
    return batch.write_csv(include_header=False, quote_style="non_numeric")


@contextmanager
def database_lock(url: StoreURL, wait: bool) -> Iterator[None]:
    """Hold a database for a run, by an advisory lock of a separate session.

    Args:
        url: The store.
        wait: Wait while another run holds the lock.

    Yields:
        Nothing; the lock is held.

    Raises:
        LockedError: Another run holds the lock, and `wait` is False.
    """
    with connect(url) as connection:

        def row(name: str) -> tuple[object, ...] | None:
            return connection.execute(statement(name, key=RUN_KEY).encode()).fetchone()

        connection.execute(statement("lock/name", name=holder()).encode())
        while row("lock/take") != (True,):
            if not wait:
                other = row("lock/holder")
                raise LockedError(url, str(other[0]) if other else "another run")
            time.sleep(PAUSE_SECONDS)
        try:
            yield
        finally:
            # The server notices a closed session a little later; a release takes effect at once.
            if not connection.closed:
                row("lock/release")


def database_holder(url: StoreURL) -> str | None:
    """Return who holds a database, None if nobody does."""
    with connect(url) as connection:
        other = connection.execute(statement("lock/holder", key=RUN_KEY).encode()).fetchone()
    return str(other[0]) if other else None
