"""Reader of a Parquet folder: statements read its files through DuckDB."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from engine.core.errors import MissingColumnError, StoreUnreachableError
from engine.core.frames import conform, with_nulls
from engine.core.schema import TABLES, Column, Table
from engine.core.schema.evolution import can_be_added, optional_column
from engine.core.store_url import StoreURL
from loaders.adapted import adapted_columns, with_adapted
from loaders.duckdb.connect import connect_shared, literal_path
from loaders.duckdb.reader import DuckDBReader, canonical_id
from loaders.lazy_tables import LazyTables
from loaders.parquet.as_written import rows_as_written
from loaders.parquet.files import Listing
from loaders.parquet.folder_lock import hold
from loaders.parquet.footers import Types, tables_without_rows, types_of_files, types_of_tables
from loaders.parquet.journal import try_roll_forward
from loaders.parquet.layout import other_forms
from loaders.parquet.old_layout import finish_old_commit
from sql import Adapted, Name, Selected, Value, statement

WHOLE_TABLE = "read/table"


class ParquetReader(DuckDBReader):
    """A folder with Parquet files for each table, opened to read.

    While it is open, no writer of the engine replaces or removes a file.

    Attributes:
        files: The files of each table that the store has: {path after all renames: path at present}.
    """

    def __init__(self, url: StoreURL, *, checked: bool = True) -> None:
        """Open the folder.

        Args:
            url: The store.
            checked: Open every table's files at once, so that one error names all that cannot be read. False
                opens them when a table is asked for, and names what is wrong with that table alone.

        Raises:
            StoreUnreachableError: There is no folder, or files cannot be read.
        """
        super().__init__(url)
        self._types: Mapping[str, Types] = LazyTables(self._paths, self._types_of)
        if checked:
            try:
                self._types = types_of_tables(self.connection, self._paths)
            except duckdb.Error:
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
        self.files = self._find_files()
        self._paths = {name: self._texts(paths.values()) for name, paths in self.files.items()}
        return connect_shared()

    def _find_files(self) -> dict[str, dict[Path, Path]]:
        """Return each table's files; refuse the store if those of a table cannot be told."""
        try:
            files, problems = Listing(self._folder).all_files()
        except OSError as error:
            files, problems = {}, [str(error)]
        self._refuse(problems)
        return files

    def _texts(self, paths: Iterable[Path]) -> list[str]:
        """Return the texts by which DuckDB opens files."""
        return [literal_path(path, self._folder, self._handle) for path in paths]

    def _unreadable(self) -> Iterator[str]:
        """Open each table's files; yield what is wrong with those that are not Parquet."""
        for name, paths in self._paths.items():
            try:
                types_of_files(self.connection, paths)
            except duckdb.Error as error:
                yield f"{name}: {error}"

    def _refuse(self, problems: Iterable[str]) -> None:
        if text := "; ".join(problems):
            self._hold()
            raise StoreUnreachableError(self.url, text)

    def _types_of(self, name: str) -> Types:
        return self._all_types.get(name) or types_of_files(self.connection, self._paths[name])

    @cached_property
    def _all_types(self) -> Mapping[str, Types]:
        try:
            return types_of_tables(self.connection, self._paths)
        except duckdb.Error:  # a file is no Parquet: that is told where its table is asked for
            return {}

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        return LazyTables(self._paths, self._columns_of)

    def _columns_of(self, name: str) -> Types:
        """Return the columns of a table with their types, ids as the texts that statements read."""
        types = self._types[name]
        return types | dict.fromkeys(_ids(TABLES[name], types), "VARCHAR")

    @cached_property
    def empty_tables(self) -> frozenset[str]:
        try:
            return tables_without_rows(self.connection, self._paths)
        except duckdb.Error:  # a file is no Parquet: that is told where its table is read
            return frozenset()

    @cached_property
    def adapted(self) -> Mapping[str, str]:
        return LazyTables(
            self._paths, lambda name: self._source(TABLES[name], self._paths[name], self._types[name])
        )

    def _source(self, table: Table, paths: list[str], types: Types) -> str:
        """Return the subquery that statements read in place of a table: its files, in the schema's types."""
        columns = adapted_columns(table, types, self.adapt)
        return statement("read/files", table=Name(table.name), columns=Adapted(columns), files=paths)

    def adapt(self, column: Column, stored: str) -> str:
        if column.type.kind != "uuid":
            return ""
        return canonical_id(column.name, stored) or f"{Name(column.name)}::text"

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        table = values.get("table")
        if name == WHOLE_TABLE and isinstance(table, Name) and table.text in self.files:
            rows = rows_as_written(self.files[table.text].values(), columns)
            if rows is not None:
                return rows
        return super().selected(name, columns, **values)

    @cached_property
    def other_forms(self) -> dict[str, list[str]]:
        return other_forms(self._folder)

    def twin(self, table: str) -> str | None:
        folder = f"{table}/"
        return folder if table in self.columns and folder in self.other_forms[table] else None

    def close(self) -> None:
        super().close()
        self._hold()

    def read_file(self, path: Path, table: Table) -> pl.DataFrame:
        """Return the rows of one of a table's files. A column that an older file lacks is null.

        Args:
            path: The file, after all renames.
            table: Its table.

        Returns:
            Rows in the schema's types.

        Raises:
            MissingColumnError: The file lacks a column that every schema version has.
        """
        present = self.files[table.name][path]
        rows = rows_as_written([present], table.columns)
        if rows is not None:
            return rows
        paths = self._texts([present])
        types = types_of_files(self.connection, paths)
        for column in table.columns:
            needed = not (can_be_added(table, column) or optional_column(table, column))
            if column.name not in types and needed:
                raise MissingColumnError(self.url, table.name, column.name, types)
        stored = tuple(column for column in table.columns if column.name in types)
        text = statement(WHOLE_TABLE, columns=Selected(stored), table=Name(table.name))
        source = {table.name: self._source(table, paths, types)}
        return with_nulls(
            conform(self.run(with_adapted(text, lambda: source)), table, self.url), table, table.names
        )


def _ids(table: Table, types: Types) -> list[str]:
    """Return the names of a table's ids that its files have."""
    return [column.name for column in table.columns if column.type.kind == "uuid" and column.name in types]
