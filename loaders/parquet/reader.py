"""Reader of a Parquet folder: DuckDB reads the files through views."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from engine.core.errors import MissingColumnError, StoreUnreachableError
from engine.core.frames import conform, with_nulls
from engine.core.schema import TABLES, Column, Table
from engine.core.schema.evolution import can_be_added, optional_column
from loaders.duckdb.connect import connect_memory, literal_path
from loaders.duckdb.reader import DuckDBReader, canonical_id
from loaders.parquet.files import files
from loaders.parquet.folder_lock import hold
from loaders.parquet.journal import try_roll_forward
from loaders.parquet.layout import other_forms
from loaders.parquet.old_layout import finish_old_commit
from sql import Name, Replaced, Selected, statement

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

    def adapt(self, column: Column, stored: str) -> str:
        del column, stored
        return ""  # the views have done it

    @cached_property
    def other_forms(self) -> dict[str, list[str]]:
        return {name: other_forms(self._folder, name) for name in TABLES}

    def twin(self, table: str) -> str | None:
        folder = f"{table}/"
        return folder if table in self.columns and folder in self.other_forms[table] else None

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
            needed = not (can_be_added(table, column) or optional_column(table, column))
            if column.name not in present and needed:
                raise MissingColumnError(self.url, table.name, column.name, present)
        stored = tuple(column for column in table.columns if column.name in present)
        text = statement("read/table", columns=Selected(stored), table=Name(ONE_FILE))
        return with_nulls(conform(self.query(text), table, self.url), table, table.names)

    def _view(
        self, connection: duckdb.DuckDBPyConnection, name: str, table: Table, paths: Sequence[Path]
    ) -> list[str]:
        """Create a view of files as one table. Return the names of its columns."""
        names = [literal_path(path, self._folder, self._handle) for path in paths]
        relation = connection.read_parquet(names, hive_partitioning=False, union_by_name=True)
        present = dict(zip(relation.columns, map(str, relation.types), strict=True))
        ids = [c.name for c in table.columns if c.type.kind == "uuid" and c.name in present]
        texts = {column: canonical_id(column, present[column]) or f"{Name(column)}::text" for column in ids}
        text = statement("view_of_files", view=Name(name), columns=Replaced(texts), files=names)
        connection.execute(text)
        return [*present]
