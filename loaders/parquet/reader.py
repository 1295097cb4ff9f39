"""Reader of a Parquet folder: DuckDB reads the files through views."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from engine.core.errors import MissingColumnError, StoreUnreachableError
from engine.core.frames import conform, with_nulls
from engine.core.schema import TABLES, Column, Table
from engine.core.schema.evolution import can_be_added, optional_column
from engine.core.store_url import StoreURL
from loaders.adapted import adapted_tables
from loaders.duckdb.connect import connect_memory, literal_path
from loaders.duckdb.reader import DuckDBReader, canonical_id
from loaders.lazy_tables import LazyTables
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

    While it is open, no writer of the engine replaces or removes a file. DuckDB gets a view of a table when a
    statement names it.
    """

    def __init__(self, url: StoreURL, *, checked: bool = True) -> None:
        """Open the folder.

        Args:
            url: The store.
            checked: Open every table's files, so that one error names all that cannot be read. False opens
                those of a table when it is asked for.

        Raises:
            StoreUnreachableError: There is no folder, or files cannot be read.
        """
        super().__init__(url)
        if checked:
            self._refuse(self._unreadable())

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
        self._paths: dict[str, list[Path]] = {}
        self._refuse(self._find_files())
        return connect_memory()

    def _find_files(self) -> Iterator[str]:
        """List each table's files; yield what is wrong with those that cannot be told."""
        for name in TABLES:
            try:
                if paths := [*files(self._folder, name).values()]:
                    self._paths[name] = paths
            except OSError as error:
                yield f"{name}: {error}"

    def _unreadable(self) -> Iterator[str]:
        """Open each table's files; yield what is wrong with those that are not Parquet."""
        for name in self.columns:
            try:
                self.columns[name]
            except duckdb.Error as error:
                yield f"{name}: {error}"

    def _refuse(self, problems: Iterable[str]) -> None:
        if text := "; ".join(problems):
            self._hold()
            raise StoreUnreachableError(self.url, text)

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        return LazyTables(self._paths, self._columns_of)

    def _columns_of(self, name: str) -> dict[str, str]:
        """Return the columns of a table's view with their types."""
        present, ids = self._found[name]
        return present | dict.fromkeys(ids, "VARCHAR")

    @cached_property
    def _found(self) -> Mapping[str, tuple[dict[str, str], dict[str, str]]]:
        return LazyTables(
            self._paths, lambda name: self._present(TABLES[name], self._names(self._paths[name]))
        )

    @cached_property
    def adapted(self) -> Mapping[str, str]:
        return LazyTables(self._paths, self._view_of)

    def _view_of(self, name: str) -> str:
        """Create the view of a table that a statement names; return what the statement reads in its place."""
        self._view(name, self._names(self._paths[name]), self._found[name][1])
        return adapted_tables({name: self.columns[name]}, self.adapt).get(name, "")

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
        names = self._names([path])
        present, ids = self._present(table, names)
        self._view(ONE_FILE, names, ids)
        for column in table.columns:
            needed = not (can_be_added(table, column) or optional_column(table, column))
            if column.name not in present and needed:
                raise MissingColumnError(self.url, table.name, column.name, present)
        stored = tuple(column for column in table.columns if column.name in present)
        text = statement("read/table", columns=Selected(stored), table=Name(ONE_FILE))
        return with_nulls(conform(self.query(text), table, self.url), table, table.names)

    def _view(self, view: str, names: list[str], ids: Mapping[str, str]) -> None:
        """Create a view of files as one table, with ids by the SQL that reads them as text."""
        text = statement("view_of_files", view=Name(view), columns=Replaced(ids), files=names)
        self.connection.execute(text)

    def _present(self, table: Table, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the types of files' columns, and for each id SQL that reads it as text."""
        relation = self.connection.read_parquet(names, hive_partitioning=False, union_by_name=True)
        present = dict(zip(relation.columns, map(str, relation.types), strict=True))
        ids = [c.name for c in table.columns if c.type.kind == "uuid" and c.name in present]
        return present, {name: canonical_id(name, present[name]) or f"{Name(name)}::text" for name in ids}

    def _names(self, paths: Sequence[Path]) -> list[str]:
        return [literal_path(path, self._folder, self._handle) for path in paths]
