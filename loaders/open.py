"""The kinds of stores that can be read. A new kind is an entry in `KINDS`.

Drivers are imported when a store is opened, so that importing this module is cheap.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import EngineError, UnknownStoreError, UsageError, either
from engine.core.store_url import StoreURL

if TYPE_CHECKING:
    from loaders.reader import Reader


class ReaderKind(NamedTuple):
    """A kind of store to read from.

    Attributes:
        example: A URL of this kind, for messages and help.
        open: Opens a store.
        database: Returns what tells one database from another; None where a URL names a file or folder.
        same: Asks two databases with different names whether they are one; None for files and folders.
        start: Starts in a thread what stores of the kind need in a process that is the engine's alone; None
            where that is nothing.
    """

    example: str
    open: Callable[[StoreURL], Reader]
    database: Callable[[StoreURL], tuple[str | None, ...]] | None = None
    same: Callable[[StoreURL, StoreURL], bool] | None = None
    start: Callable[[], None] | None = None


def _start_duckdb() -> None:
    from loaders.duckdb.connect import attach_files

    attach_files()


def _duckdb(url: StoreURL) -> Reader:
    from loaders.duckdb.reader import DuckDBReader

    return DuckDBReader(url)


def _postgres(url: StoreURL) -> Reader:
    from loaders.postgres.reader import PostgresReader

    return PostgresReader(url)


def _postgres_in_parts(url: StoreURL) -> Reader:
    from loaders.postgres.parts import PartsReader

    return PartsReader(url)


def _postgres_database(url: StoreURL) -> tuple[str | None, ...]:
    from loaders.postgres.address import database

    return database(url)


def _same_postgres(one: StoreURL, other: StoreURL) -> bool:
    from loaders.postgres.connect import same_database

    return same_database(one, other)


def _parquet(url: StoreURL) -> Reader:
    from loaders.parquet.reader import ParquetReader

    return ParquetReader(url)


KINDS = {
    "duckdb": ReaderKind("duckdb:///file.duckdb", _duckdb, start=_start_duckdb),
    "postgresql": ReaderKind(
        "postgresql://user@host/database", _postgres, _postgres_database, _same_postgres
    ),
    "parquet": ReaderKind("parquet:///folder", _parquet),
}
POSTGRES_READERS = {"adbc": _postgres, "connectorx": _postgres_in_parts}
"""Ways to read Postgres, by what the setting `postgres_reader` calls them."""
EXAMPLES = [kind.example for kind in KINDS.values()]


def reader_kind(url: StoreURL) -> ReaderKind:
    """Return the kind of store that a URL names.

    Raises:
        UnknownStoreError: There is no such kind, or the URL names no file.
    """
    kind = KINDS.get(url.kind)
    if kind is None or "\0" in url.place or not (kind.database or url.place.strip("/")):
        raise UnknownStoreError(url, EXAMPLES)
    return kind


def open_reader(url: str | StoreURL) -> Reader:
    """Open a store to read.

    An `UnknownStoreError` is raised if there is no such kind of store, a `StoreUnreachableError` if the
    store does not exist or refuses the login.

    Args:
        url: The store.

    Returns:
        A reader. Use it as a context manager.
    """
    store = StoreURL.parse(url)
    return reader_kind(store).open(store)


def read_postgres_by(way: str) -> None:
    """Choose how Postgres databases are read in this process.

    Args:
        way: A key of `POSTGRES_READERS`.

    Raises:
        UsageError: There is no such way.
    """
    if way not in POSTGRES_READERS:
        raise UsageError(f"postgres_reader must be {either([*POSTGRES_READERS])}")
    KINDS["postgresql"] = KINDS["postgresql"]._replace(open=POSTGRES_READERS[way])


def start_early(url: str) -> None:
    """Start in a thread what a store needs, in a process that opens files by the engine alone.

    Args:
        url: The store. One that cannot be opened is passed over: whoever opens it says why.
    """
    with suppress(EngineError):
        if start := reader_kind(StoreURL.parse(url)).start:
            start()


def same_store(one: StoreURL, other: StoreURL) -> bool:
    """Return whether two URLs name the same store. Databases are asked if their URLs differ.

    Args:
        one: Parsed URL.
        other: Parsed URL.
    """
    if one.kind != other.kind:
        return False
    asked = reader_kind(one).same
    return _identity(one) == _identity(other) or (asked is not None and asked(one, other))


def _identity(url: StoreURL) -> object:
    kind = reader_kind(url)
    if kind.database:
        return kind.database(url)
    path = url.real_path
    if not os.path.exists(path):
        return path
    status = path.stat()
    return status.st_dev, status.st_ino  # the same through hard links and bind mounts


def is_new(url: StoreURL) -> bool:
    """Return whether a store is a file or folder that holds nothing yet. A database always exists."""
    path = url.real_path
    if reader_kind(url).database:
        return False
    if url.kind == "parquet" and os.path.isdir(path):
        return not any(entry.suffix for entry in path.iterdir())  # a run that begins makes the folder
    return not os.path.exists(path)


def resolved(url: StoreURL) -> StoreURL:
    """Return the URL with an absolute path, so that it means the same from any folder."""
    if reader_kind(url).database:
        return url
    return StoreURL.parse(f"{url.kind}:///{url.real_path}")
