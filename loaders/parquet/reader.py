"""Reader of a Parquet folder: DuckDB reads the files through views."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import polars as pl

from engine.core.errors import MissingColumnError, StoreUnreachableError
from engine.core.frames import conform, with_nulls
from engine.core.schema import TABLES, Table
from engine.core.schema.evolution import can_be_added
from loaders.duckdb.connect import connect_memory, literal_path
from loaders.duckdb.reader import DuckDBReader
from loaders.parquet.files import files
from loaders.parquet.folder_lock import hold
from loaders.parquet.journal import try_roll_forward
from loaders.parquet.old_layout import finish_old_commit
from sql import Lowered, Name, Selected, statement

ONE_FILE = "one_file"
"""Name of the view on a single file."""


class ParquetReader(DuckDBReader):
    """A folder with Parquet files for each table, opened to read.

    While it is open, no writer of the engine replaces or removes a file.
    """

    def _connect(self) -> duckdb.DuckDBPyConnection:
        folder = self.url.real_path
        if not os.path.isdir(folder):
            raise StoreUnreachableError(self.url, f"there is no folder {folder}")
        try:
            finish_old_commit(folder)
            try_roll_forward(folder)
            self._folder, self._handle = folder, hold(folder)
        except OSError as error:
            raise StoreUnreachableError(self.url, str(error)) from error
        self._hold = weakref.finalize(self, os.close, self._handle)
        connection = connect_memory()
        if problems := [*self._make_views(connection)]:
            self._hold()
            raise StoreUnreachableError(self.url, "; ".join(problems))
        return connection

    def _make_views(self, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
        """Create a view for each table; yield what is wrong with those that cannot be read."""
        for name, table in TABLES.items():
            try:
                if paths := [*files(self._folder, name).values()]:
                    self._view(connection, name, table, paths)
            except (duckdb.Error, OSError) as error:
                yield f"{name}: {error}"

    def close(self) -> None:
        super().close()
        self._hold()

    def read_file(self, path: Path, table: Table) -> pl.DataFrame:
        """Return the rows of one of a table's files. A column that an older file lacks is null.

        Args:
            path: The file.
            table: Its table.

        Returns:
            Rows in the schema's types.

        Raises:
            MissingColumnError: The file lacks a column that every schema version has.
        """
        present = self._view(self.connection, ONE_FILE, table, [path])
        for column in table.columns:
            if column.name not in present and not can_be_added(table, column):
                raise MissingColumnError(self.url, table.name, column.name, present)
        stored = tuple(column for column in table.columns if column.name in present)
        text = statement("read/table", columns=Selected(stored), table=Name(ONE_FILE))
        return with_nulls(conform(self.query(text), table, self.url), table, table.names)

    def _view(
        self, connection: duckdb.DuckDBPyConnection, name: str, table: Table, paths: Sequence[Path]
    ) -> list[str]:
        """Create a view of files as one table. Return the names of its columns."""
        # UUIDs in files may be in upper or lower case; statements compare them in lower case.
        names = [literal_path(path, self._folder, self._handle) for path in paths]
        present = connection.read_parquet(names, hive_partitioning=False).columns
        ids = tuple(c.name for c in table.columns if c.type.kind == "uuid" and c.name in present)
        text = statement("view_of_files", view=Name(name), columns=Lowered(ids), files=names)
        connection.execute(text)
        return present
