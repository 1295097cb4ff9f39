"""Writer of a Postgres database: rows are sent by COPY, one statement for each batch."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import polars as pl
import psycopg

from engine.core.compact import FACTOR_SLOTS
from engine.core.errors import ConflictError, HiddenRowsError, LostConnectionError, ReadOnlyError, WriteError
from engine.core.schema import Table
from engine.core.store_url import StoreURL
from loaders.postgres.connect import connect, hidden_rows
from loaders.postgres.reader import PostgresReader
from loaders.reader import Reader
from sql import Name, Names, Query, statement
from writers.postgres_lock import TURN_KEY, held_lock
from writers.postgres_text import csv_text, with_array_texts
from writers.sql_store import Grants
from writers.sql_writer import DatabaseWriter
from writers.writer import BATCH_ROWS, LockScope, Progress

STAGE = "incoming_rows"
"""Temporary table from which rows are merged."""
GAVE_WAY = ("40", "55P03")
"""SQLSTATEs of a transaction that another one stopped: serialization, deadlock, a lock not got in time."""


class PostgresWriter(DatabaseWriter):
    """A Postgres database, opened to write."""

    dialect = "postgres"
    begin_text = statement("session/write")

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> None:
        super().__init__(url, batch_rows, progress)
        self.connection = connect(url)
        self._run_lock = held_lock(url)
        self._affected = 0

    def execute(self, text: str, table: str) -> None:
        self._affected = self._send(text, table).rowcount

    def fetch(self, text: str) -> list[tuple[Any, ...]]:
        return self._send(text, "").fetchall()

    def _send(self, text: str, table: str) -> psycopg.Cursor:
        try:
            return self.connection.execute(text.encode())
        except psycopg.Error as error:
            raise self._failure(table, error) from error

    def _failure(self, table: str, error: psycopg.Error) -> WriteError | HiddenRowsError:
        """Return the error for a failed statement: a lost connection or a conflict may be retried."""
        if hidden := hidden_rows(self.url, error):
            return hidden
        conflict = (error.sqlstate or "").startswith(GAVE_WAY)
        kind = LostConnectionError if self.connection.closed else ConflictError if conflict else WriteError
        return kind(self.url, table, str(error))

    def begin(self, lock: LockScope | None = None) -> None:
        super().begin(lock)
        ((read_only, _),) = self.fetch(statement("session/settings"))
        if read_only:
            raise ReadOnlyError(self.url)
        self._wait(lock)
        self._check_run_lock()

    def _wait(self, lock: LockScope | None) -> None:
        """Wait for the transactions that a lock keeps out."""
        if lock and lock.part is None:
            self.execute(statement("lock/exclusive", key=TURN_KEY), "")
        elif lock or self._run_lock:
            # Shared with all parts: only exclusive transactions wait, and a run that takes a lost lock over.
            self.execute(statement("lock/shared", key=TURN_KEY), "")
        if lock and lock.part is not None:
            self.execute(statement("lock/exclusive", key=_lock_key(lock.part)), "")

    def commit(self) -> None:
        self._check_run_lock()
        super().commit()

    def _check_run_lock(self) -> None:
        if self._run_lock:
            self._run_lock.check()

    def stage(self, table: Table, frame: pl.DataFrame) -> Name:
        columns = Names(tuple(frame.columns))
        self.execute(statement("write/unstage", stage=Name(STAGE)), table.name)
        text = statement("write/stage", stage=Name(STAGE), columns=columns, table=Name(table.name))
        self.execute(text, table.name)
        self._copy(STAGE, table.name, frame, rows=0)  # they are counted when they are merged
        return Name(STAGE)

    def load(self, table: Table, frame: pl.DataFrame, rows: int) -> None:
        self._copy(table.name, table.name, frame, rows)

    def lock_slots(self) -> None:
        self.execute(statement("compact/lock_slots"), FACTOR_SLOTS.name)

    def keep_writers_out(self, table: str) -> None:
        self.execute(statement("compact/postgres/keep_writers_out", table=Name(table)), table)

    def attached(self, table: str) -> list[str]:
        return [name for (name,) in self.fetch(statement("compact/postgres/attached", table=table))]

    def grants(self, table: str) -> Grants:
        return [
            (role, privilege)
            for role, privilege in self.fetch(statement("compact/postgres/grants", table=table))
        ]

    def grant(self, table: str, privileges: Grants) -> None:
        for role, privilege in privileges:
            grantee = Name(role) if role else Query("public")
            text = statement(
                "compact/postgres/grant", privilege=Query(privilege), table=Name(table), role=grantee
            )
            self.execute(text, table)

    def reader(self) -> Reader:
        return PostgresReader(self.url)

    def _copy(self, target: str, table: str, frame: pl.DataFrame, rows: int) -> None:
        """Send a frame in batches of `batch_rows` legacy rows.

        Args:
            target: Name of the table to copy into.
            table: Name of the table that it stands for, for messages.
            frame: Its rows.
            rows: Number of legacy rows in the frame, for progress; 0 for a staging table.
        """
        frame = with_array_texts(frame)
        a_batch = max(1, self.batch_rows * frame.height // max(rows, frame.height, 1))
        text = statement("write/copy", table=Name(target), columns=Names(tuple(frame.columns)))
        try:
            with self.connection.cursor() as cursor:
                sent = 0
                for batch in frame.iter_slices(a_batch):
                    with cursor.copy(text.encode()) as copy:
                        copy.write(csv_text(batch))
                    self._require_all(table, batch.height, cursor.rowcount)
                    before, sent = sent, sent + batch.height
                    self.progress(table, rows * sent // frame.height - rows * before // frame.height)
        except psycopg.Error as error:
            raise self._failure(table, error) from error

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        super().merge(table, frame, keep, by_id)
        if frame.height and not self.packing(table):
            self._require_all(table.name, frame.height, self._affected)

    def _require_all(self, table: str, sent: int, stored: int) -> None:
        """Raise an error if the server stored fewer rows than it was sent."""
        if stored != sent:
            reason = f"{stored} of {sent} rows were stored; a trigger or a rule of the table drops the others"
            raise WriteError(self.url, table, reason)

    def rollback(self) -> None:
        # A lost connection has rolled back already; a second error would hide the cause.
        with suppress(psycopg.Error):
            self.connection.execute("rollback")

    def close(self) -> None:
        self.connection.close()


def _lock_key(part: str) -> int:
    """Return the key of a part's advisory lock: a 64-bit hash, because keys are bigints."""
    return int.from_bytes(blake2b(part.encode(), digest_size=8).digest(), signed=True)
