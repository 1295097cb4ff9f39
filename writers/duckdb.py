"""Writer of a DuckDB file: frames are read by DuckDB as Arrow streams, without Python rows."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

import duckdb
import polars as pl

from engine.core.compact import PACKED, Layout
from engine.core.errors import WriteError
from engine.core.row_ids import ID_WORDS
from engine.core.schema import TABLES, Table
from engine.core.store_url import StoreURL
from loaders.arrow_stream import ArrowStream
from loaders.duckdb.connect import connect, connect_in_small_groups, disconnect, require_folder
from loaders.duckdb.reader import DuckDBReader
from loaders.reader import Reader
from sql import Name, Names, Unpacked, statement
from writers.sql_writer import DatabaseWriter
from writers.writer import BATCH_ROWS, LockScope, Progress, Scope

INCOMING = "incoming_rows"
"""Name of the relation through which statements read a frame."""


class TransactionReader(DuckDBReader):
    """A DuckDB file as the open transaction of a writer sees it."""

    def __init__(self, url: StoreURL, connection: duckdb.DuckDBPyConnection) -> None:
        self._shared = connection
        super().__init__(url)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return self._shared

    def close(self) -> None:
        """Leave the connection to the writer."""


class DuckDBWriter(DatabaseWriter):
    """A DuckDB file, opened to write; it is made if it does not exist."""

    dialect = "duckdb"
    catalog_statement = "catalog_of_duckdb"

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> None:
        super().__init__(url, batch_rows, progress)
        require_folder(url)
        self.connection = connect(url, read_only=False)
        if self.fetch(statement("compact/packed_tables", tables=[*PACKED])):
            self.close()
            self.connection = connect_in_small_groups(url)
        self.connection.execute(statement("utc"))
        self._empty: set[str] = set()

    def begin(self, lock: LockScope | None = None) -> None:
        super().begin(lock)
        self._empty = {name for (name,) in self.fetch(statement("empty_tables"))}

    def create_missing(self, wanted: Collection[str] = TABLES, layout: Layout | None = None) -> list[str]:
        made = super().create_missing(wanted, layout)
        self._empty.update(made)
        return made

    def execute(self, text: str, table: str) -> None:
        try:
            self.connection.execute(text)
        except duckdb.Error as error:
            raise WriteError(self.url, table, str(error)) from error

    def fetch(self, text: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(text).fetchall()

    def delete(self, table: Table, scope: Scope) -> None:
        packing = self.packing(table)
        # saves a statement for each table of a new store
        if (packing.table if packing else table).name not in self._empty:
            super().delete(table, scope)

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        # saves planning a join for each table of a new store
        if table.name in self._empty and not self.packing(table):
            self.insert(table, frame)
        else:
            super().merge(table, frame, keep, by_id)

    def stage(self, table: Table, frame: pl.DataFrame) -> Name:
        self._empty.discard(table.name)
        self.connection.register(INCOMING, ArrowStream(frame))
        return Name(INCOMING)

    def load(self, table: Table, frame: pl.DataFrame, rows: int) -> None:
        if frame.is_empty():
            return
        columns = tuple(frame.columns)
        words = {name for name, kind in frame.schema.items() if kind == ID_WORDS}
        text = statement(
            "write/insert",
            table=Name(table.name),
            columns=Names(columns),
            values=Unpacked(columns, words),
            source=self.stage(table, frame),
        )
        self.execute(text, table.name)
        self.progress(table.name, rows)

    def reader(self) -> Reader:
        return TransactionReader(self.url, self.connection)

    def rollback(self) -> None:
        # A failed commit has rolled back already; a second error would hide the cause.
        with suppress(duckdb.TransactionException):
            self.connection.rollback()

    def close(self) -> None:
        disconnect(self.connection)
