"""Reader of a DuckDB file."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.core.errors import (
    ReadError,
    StoreUnreachableError,
)
from engine.core.store_url import store_path
from loaders.duckdb.connect import connected
from loaders.reader import Reader
from sql import statement

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
