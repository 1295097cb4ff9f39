"""Kinds of stores to write to, and how each is opened."""

from __future__ import annotations

from engine.core.errors import UnknownStoreError
from engine.core.store_url import scheme
from writers.writer import BATCH_ROWS, Progress, Writer


def takes_words(url: str) -> bool:
    """Whether a frame put into the store may have its ids as `engine.core.row_ids.WORDS`."""
    return scheme(url) == "duckdb"


def open_writer(url: str, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> Writer:
    """The store behind a URL, opened to write; a file store is made if it is not there.

    Raises:
        UnknownStoreError: no such kind of store.
        StoreUnreachableError: it cannot be opened, or another process holds it.
    """
    match scheme(url):
        case "duckdb":
            from writers.duckdb import DuckDBWriter

            return DuckDBWriter(url, batch_rows, progress)
        case "postgresql" | "postgres":
            from writers.postgres import PostgresWriter

            return PostgresWriter(url, batch_rows, progress)
        case "parquet":
            from writers.parquet import ParquetWriter

            return ParquetWriter(url, batch_rows, progress)
        case _:
            raise UnknownStoreError(url)
