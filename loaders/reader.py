"""Readers: one class for each kind of store, one set of statements for all of them.

DuckDB reads its own file, and Parquet folders through views; Postgres is read by connectorx.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import polars as pl

from engine.errors import (
    MissingColumnError,
    MissingTableError,
    StoreUnreachableError,
    UnknownStoreError,
)
from engine.frames import conform, empty
from engine.schema import TABLES, Table
from sql import Name, Selected, Value, statement

if TYPE_CHECKING:
    import duckdb


class ArrowStream:
    """A table by its Arrow stream alone, between Polars and DuckDB, both ways.

    DuckDB would import pyarrow for a frame, and Polars keep hold of DuckDB's own types.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


class Reader(ABC):
    """A store that can be read; use it as a context manager."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""

    @abstractmethod
    def query(self, text: str) -> pl.DataFrame:
        """The rows of one statement, in the store's own types."""

    @cached_property
    def columns(self) -> dict[str, set[str]]:
        """The columns of every table that the store has."""
        found: dict[str, set[str]] = {}
        for table, column in self.query(statement("catalog")).iter_rows():
            found.setdefault(table, set()).add(column)
        return found

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
            return empty(known).select(wanted)
        self.require(known, wanted)
        selected = Selected(tuple(known[column] for column in wanted))
        text = statement(name, columns=selected, table=Name(table), **values)
        return conform(self.query(text), known, self.url)


class DuckDBReader(Reader):
    """An embedded database file, opened to read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.connection = self._connect()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        path = store_path(self.url)
        if not path.is_file():
            raise StoreUnreachableError(self.url, f"there is no file {path}")
        try:
            return duckdb.connect(path, read_only=True)
        except duckdb.Error as error:
            raise StoreUnreachableError(self.url, str(error)) from error

    def close(self) -> None:
        self.connection.close()

    def query(self, text: str) -> pl.DataFrame:
        import duckdb

        try:
            rows = pl.Series(ArrowStream(self.connection.sql(text)))
        except duckdb.Error as error:
            raise StoreUnreachableError(self.url, str(error)) from error
        return rows.struct.unnest()


class ParquetReader(DuckDBReader):
    """A folder with a Parquet file for each table, seen through DuckDB's views."""

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        folder = store_path(self.url)
        if not folder.is_dir():
            raise StoreUnreachableError(self.url, f"there is no folder {folder}")
        connection = duckdb.connect(":memory:")
        try:
            for path in sorted(folder.glob("*.parquet")):
                view = statement("view_of_file", view=Name(path.stem), file=str(path))
                connection.execute(view)
        except duckdb.Error as error:
            raise StoreUnreachableError(self.url, str(error)) from error
        return connection


class PostgresReader(Reader):
    """A Postgres database; each statement is read over a connection of its own."""

    def query(self, text: str) -> pl.DataFrame:
        import connectorx

        try:
            found = connectorx.read_sql(self._login, text, return_type="polars")
        except RuntimeError as error:
            raise StoreUnreachableError(self.url, str(error)) from error
        assert isinstance(found, pl.DataFrame)
        return found

    @cached_property
    def _login(self) -> str:
        return with_password(self.url)


def with_password(url: str) -> str:
    """The URL as libpq would complete it: PGPASSWORD where the URL has no password."""
    import os

    parts = urlsplit(url)
    password = os.environ.get("PGPASSWORD")
    if password is None or parts.password is not None or "@" not in parts.netloc:
        return url
    login, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login}:{quote(password, safe='')}@{host}").geturl()


def store_path(url: str) -> Path:
    """The path in a file store's URL.

    Four slashes lead to an absolute path, and so do three before one whose folder exists;
    anything else, and always `duckdb:///./file`, counts from the current folder.
    """
    parts = urlsplit(url)
    path = f"{parts.netloc}{parts.path}"
    if not path.strip("/"):
        raise UnknownStoreError(url)
    if path.startswith("//"):
        return Path(path[1:])
    absolute, relative = Path(path), Path(path.lstrip("/"))
    named_folder = len(absolute.parts) > 2 and absolute.parent.is_dir()
    return absolute if path.startswith("/") and named_folder else relative


READERS: dict[str, type[Reader]] = {
    "duckdb": DuckDBReader,
    "parquet": ParquetReader,
    "postgresql": PostgresReader,
    "postgres": PostgresReader,
}


def open_reader(url: str) -> Reader:
    """The store behind a URL, opened to read.

    Raises:
        UnknownStoreError: no such kind of store.
        StoreUnreachableError: it is not there, or refuses the login.
    """
    scheme = urlsplit(url).scheme
    if scheme not in READERS:
        raise UnknownStoreError(url)
    return READERS[scheme](url)
