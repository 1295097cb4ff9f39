"""Readers: one class for each kind of store, one set of statements for all of them.

DuckDB reads its own file, and Parquet folders through views; Postgres is read by
`loaders.postgres`.
"""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from engine.errors import (
    ColumnTypeError,
    MissingColumnError,
    MissingTableError,
    ReadError,
    StoreUnreachableError,
    UnknownStoreError,
)
from engine.frames import conform, empty
from engine.schema import TABLES, Column, Table
from engine.store_url import scheme, store_path
from loaders.duckdb_files import connected
from loaders.folder_lock import hold
from loaders.parquet_files import files
from sql import Lowered, Name, Selected, Value, statement

if TYPE_CHECKING:
    import duckdb

TEXTS = ("varchar", "character", "text", "name", "enum", "user-defined", "uuid", "json")
INTEGERS = ("integer", "bigint", "smallint", "tinyint", "hugeint", "uint", "ubig", "usmall", "utiny", "uhuge")
FITTING = {
    **dict.fromkeys(("uuid", "text", "enum", "json"), TEXTS),
    **dict.fromkeys(("integer", "bigint"), INTEGERS),
    "numeric": (*INTEGERS, "decimal", "numeric", "double", "real", "float"),
    "date": ("date",),
    "timestamp": ("timestamp",),
    "boolean": ("boolean",),
}
"""By kind of column, how the names of the store's types begin that can hold one."""


ONE_FILE = "one_file"
"""The name of the view on a single file of a Parquet store."""


class ArrowStream:
    """A table by its Arrow stream alone, between Polars and DuckDB, both ways.

    DuckDB would import pyarrow for a frame, and Polars keep hold of DuckDB's own types.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


class Reader(ABC):
    """A store that can be read; use it as a context manager.

    catalog: the statement that names its columns.
    """

    catalog = "catalog"

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  a store that nothing is held of has nothing to let go
        """Let go of the store."""

    @abstractmethod
    def query(self, text: str) -> pl.DataFrame:
        """The rows of one statement, in the store's own types."""

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        """The columns of every table that the store has, with the store's own types."""
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self.query(statement(self.catalog)).iter_rows():
            found.setdefault(table, {})[column] = kind
        return found

    @cached_property
    def bare(self) -> frozenset[str]:
        """The tables that are known to hold no row, so that nothing is asked of them."""
        return frozenset()

    def tables(self) -> set[str]:
        """The names of the known tables that the store has."""
        return set(self.columns) & set(TABLES)

    def require(self, table: Table, columns: Sequence[str]) -> None:
        """Raise a typed error unless the store has these columns of the table."""
        present = self.columns.get(table.name)
        if present is None:
            raise MissingTableError(self.url, table.name)
        for column in columns:
            if column not in present:
                raise MissingColumnError(self.url, table.name, column, present)

    def check_types(self, table: Table, columns: Sequence[str]) -> None:
        """Raise a typed error if the store holds one of these columns as another kind of thing."""
        for name in columns:
            kind, found = table[name].type, self.columns[table.name][name]
            if not found.lower().startswith(FITTING[kind.kind]):
                raise ColumnTypeError(self.url, table.name, name, found, str(kind))

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A whole table in the schema's types; empty where an output table is not there yet."""
        return self.select("read/table", table, columns)

    def select(
        self, name: str, table: str, columns: Sequence[str] | None = None, **values: Value
    ) -> pl.DataFrame:
        """The rows of sql/<name>.sql over `table`, in the schema's types."""
        known = TABLES[table]
        wanted = known.names if columns is None else list(columns)
        if table not in self.columns and known.role in ("output", "engine"):
            return empty(known, wanted)
        self.require(known, wanted)
        if table in self.bare:
            return empty(known, wanted)
        chosen = tuple(known[column] for column in wanted)
        try:
            rows = self.selected(name, chosen, table=Name(table), **values)
        except ReadError:
            filtered = [known.date] if known.date in self.columns[table] else []
            self.check_types(known, [*wanted, *filtered])
            raise
        return conform(rows, known, self.url)

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        """The rows of sql/<name>.sql, in the store's own types."""
        return self.query(statement(name, columns=Selected(columns), **values))


class DuckDBReader(Reader):
    """An embedded database file, opened to read."""

    catalog = "catalog_of_duckdb"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.connection = self._connect()
        self.connection.execute(statement("utc"))

    def _connect(self) -> duckdb.DuckDBPyConnection:
        path = store_path(self.url)
        if not path.is_file():
            raise StoreUnreachableError(self.url, f"there is no file {path}")
        return connected(self.url, path, read_only=True)

    @cached_property
    def bare(self) -> frozenset[str]:
        return frozenset(self.query(statement("bare_tables"))["table_name"])

    def close(self) -> None:
        self.connection.close()

    def query(self, text: str) -> pl.DataFrame:
        import duckdb

        try:
            rows = pl.Series(ArrowStream(self.connection.sql(text)))
        except duckdb.Error as error:
            raise ReadError(self.url, str(error)) from error
        return rows.struct.unnest()


class ParquetReader(DuckDBReader):
    """A folder with a Parquet file for each table, seen through DuckDB's views.

    As long as it is open, no writer of the engine puts another file in place of one it sees.
    """

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        folder = store_path(self.url)
        if not folder.is_dir():
            raise StoreUnreachableError(self.url, f"there is no folder {folder}")
        self._hold = weakref.finalize(self, os.close, hold(folder))
        connection = duckdb.connect(":memory:")
        try:
            for name, table in TABLES.items():
                found = [*files(folder, name).values()]
                if found:
                    _view(connection, table.name, table, found)
        except (duckdb.Error, OSError) as error:
            self._hold()
            raise StoreUnreachableError(self.url, f"{name}: {error}") from error
        return connection

    def close(self) -> None:
        super().close()
        self._hold()

    def read_file(self, path: Path, table: Table) -> pl.DataFrame:
        """The rows of one of the table's files."""
        _view(self.connection, ONE_FILE, table, [path])
        text = statement("read/table", columns=Selected(table.columns), table=Name(ONE_FILE))
        return conform(self.query(text), table, self.url)


def _view(connection: duckdb.DuckDBPyConnection, name: str, table: Table, paths: Sequence[Path]) -> None:
    """See files as a table. Their uuids may be spelt either way; statements spell them small."""
    names = [str(path) for path in paths]
    present = connection.read_parquet(names).columns
    ids = tuple(c.name for c in table.columns if c.type.kind == "uuid" and c.name in present)
    connection.execute(statement("view_of_files", view=Name(name), columns=Lowered(ids), files=names))


def open_reader(url: str) -> Reader:
    """The store behind a URL, opened to read.

    Raises:
        UnknownStoreError: no such kind of store.
        StoreUnreachableError: it is not there, or refuses the login.
    """
    match scheme(url):
        case "duckdb":
            return DuckDBReader(url)
        case "parquet":
            return ParquetReader(url)
        case "postgresql" | "postgres":
            from loaders.postgres import PostgresReader

            return PostgresReader(url)
        case _:
            raise UnknownStoreError(url)
