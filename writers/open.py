"""The kinds of stores that can be written, and what their writers can do. A new kind is an entry in `KINDS`.

Drivers are imported when a store is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from engine.core.errors import UnknownStoreError
from engine.core.row_ids import IdForm
from engine.core.store_url import StoreURL
from loaders.open import reader_kind
from writers.file_lock import file_holder, file_lock
from writers.writer import BATCH_ROWS, Progress, Writer

POSTGRES_WRITES = 2
"""Connections that write at the same time. A load waits for the server, which uses one core for each
connection: see tests/benchmarks/writing."""


class WriterKind(NamedTuple):
    """A kind of store to write to, and what its writers can do.

    Attributes:
        label: The kind with its article, for messages.
        open: Opens a store.
        lock: Holds a store for one run; the flag says whether to wait for another run.
        holder: Returns who holds a store, None if nobody does, without keeping a run out.
        parallel_writes: Shards that one process may write at the same time.
        shared: Whether several processes may write, as workers of a cluster do.
        ids: The form of ids in frames that its writers read fastest.
        needs_users: Whether portfolios refer to the table users, so that its rows are copied along.
        default_target: Whether results go back into the source when no target is named.
    """

    label: str
    open: Callable[[StoreURL, int, Progress | None], Writer]
    lock: Callable[[StoreURL, bool], AbstractContextManager[None]] = file_lock
    holder: Callable[[StoreURL], str | None] = file_holder
    parallel_writes: int = 1
    shared: bool = True
    ids: IdForm = "text"
    needs_users: bool = False
    default_target: bool = True


def _duckdb(url: StoreURL, batch_rows: int, progress: Progress | None) -> Writer:
    from writers.duckdb import DuckDBWriter

    return DuckDBWriter(url, batch_rows, progress)


def _postgres(url: StoreURL, batch_rows: int, progress: Progress | None) -> Writer:
    from writers.postgres import PostgresWriter

    return PostgresWriter(url, batch_rows, progress)


def _postgres_lock(url: StoreURL, wait: bool) -> AbstractContextManager[None]:
    from writers.postgres_lock import database_lock

    return database_lock(url, wait)


def _postgres_holder(url: StoreURL) -> str | None:
    from writers.postgres_lock import database_holder

    return database_holder(url)


def _parquet(url: StoreURL, batch_rows: int, progress: Progress | None) -> Writer:
    from writers.parquet import ParquetWriter

    return ParquetWriter(url, batch_rows, progress)


KINDS = {
    "duckdb": WriterKind("a DuckDB file", _duckdb, shared=False, ids="words"),
    "postgresql": WriterKind(
        "a Postgres database",
        _postgres,
        _postgres_lock,
        _postgres_holder,
        parallel_writes=POSTGRES_WRITES,
        needs_users=True,
    ),
    # A folder is often somebody's input data, which results must not be mixed into unasked.
    "parquet": WriterKind("a Parquet folder", _parquet, default_target=False),
}


def writer_kind(url: StoreURL) -> WriterKind:
    """Return the kind of store that a URL names. A kind that can be written can also be read.

    Raises:
        UnknownStoreError: There is no such kind, or the URL names no file.
    """
    reader_kind(url)
    if url.kind not in KINDS:
        raise UnknownStoreError(url, [kind.label for kind in KINDS.values()])
    return KINDS[url.kind]


def open_writer(
    url: str | StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None
) -> Writer:
    """Open a store to write; a file or folder is made if it does not exist.

    An `UnknownStoreError` is raised if there is no such kind of store, a `StoreUnreachableError` if the
    store cannot be opened or another process holds it.

    Args:
        url: The store.
        batch_rows: Rows of a batch: they are sent together, and progress is shown after each.
        progress: Called after each batch with the table and the rows sent.

    Returns:
        A writer. Use it as a context manager.
    """
    store = StoreURL.parse(url)
    return writer_kind(store).open(store, batch_rows, progress)
