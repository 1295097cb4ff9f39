"""Kinds of stores to read from, and how each is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import (
    UnknownStoreError,
)
from engine.core.store_url import scheme

if TYPE_CHECKING:
    pass

from loaders.duckdb.reader import DuckDBReader
from loaders.parquet.reader import ParquetReader
from loaders.reader import Reader


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
            from loaders.postgres.reader import PostgresReader

            return PostgresReader(url)
        case _:
            raise UnknownStoreError(url)
