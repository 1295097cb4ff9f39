"""Connections to DuckDB, and why one cannot be made.

All files are opened here, by their literal paths: DuckDB would read a scheme, a pattern or a partition into
some names, and download an extension for others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from engine.core.errors import BusyFileError, StoreUnreachableError
from engine.core.store_url import StoreURL
from loaders.duckdb.attached import READ_ONLY, AttachedFiles, Settings
from sql import Name, Query, statement

LOCKED = re.compile(r"Could not set lock on file(?:.*\(PID (\d+)\))?", re.DOTALL)
"""DuckDB's message about a file that another process has open. It names none that has just closed it."""
OPEN_HERE = re.compile(
    r"different configuration than existing connections|held in current process|Unique file handle conflict"
)
"""Its messages about a file that this process has open in another mode, or is about to close."""
SETTINGS: Settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
"""Keeps DuckDB from downloading and loading extensions, such as the one for SQLite files."""
WRITING = SETTINGS | {"threads": 1}
"""Rows are written as one stream: further threads would only buffer them and merge them again."""
FILES = SETTINGS | {"enable_external_file_cache": False}
"""Keeps nothing of a Parquet file for the next reader."""
ATTACHED = "engine_store"
"""Name of a file's database among those of a connection."""
_ATTACHED: list[AttachedFiles] = []
"""The files of a process that is the engine's alone; empty in others."""
ROW_GROUP = 4096
"""Rows of a row group where rows are large; a multiple of DuckDB's vectors of 2,048."""
SPECIAL = re.compile(r"[*?\[\\\ud800-\udfff]")
"""Characters that make DuckDB take a Parquet file's path for a pattern or another path; a surrogate stands
for a byte that is no text."""
UNREADABLE = re.compile(r"[\\\ud800-\udfff]|\?.*/", re.DOTALL)
"""Paths for which DuckDB opens another database, or keeps its write-ahead log in another folder."""
UNREADABLE_REASON = (
    "DuckDB cannot open a path with a backslash, with a question mark in a folder's name, or that is no "
    "UTF-8. Rename the folder or file"
)

HARD_LINKS_REASON = (
    "the file has several names (hard links), and its write-ahead log stands next to one of them only. "
    "Copy it, and write to the copy"
)


def connect(url: StoreURL, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Return a connection to a database file.

    Args:
        url: The store.
        read_only: Whether other processes may read the file meanwhile. False makes a missing file.

    Returns:
        The connection; `disconnect` ends it.

    Raises:
        BusyFileError: Another process, or this one, has the file open, and one of the two writes.
        StoreUnreachableError: The file is no database, or may not be read.
    """
    path = f"{url.real_path}"
    if UNREADABLE.search(path):
        raise StoreUnreachableError(url, UNREADABLE_REASON)
    if not read_only and os.path.isfile(path) and os.stat(path).st_nlink > 1:
        raise StoreUnreachableError(url, HARD_LINKS_REASON)
    with _opening(url):
        if attached := _attached_files():
            return attached.attach(path, READ_ONLY if read_only else "read_write")
        # Polars takes the rows: a run has one thread of it, and its queries are small.
        reading = SETTINGS | {"threads": pl.thread_pool_size()}
        return _open(path, read_only, reading if read_only else WRITING)


def connect_in_small_groups(url: StoreURL) -> duckdb.DuckDBPyConnection:
    """Return a connection that writes a database file in row groups of `ROW_GROUP` rows.

    DuckDB writes a row group anew when rows are added to it. Of 122,880 rows with a matrix in each, that
    would be most of the file for each shard, and for each day.

    Args:
        url: The store, which `connect` can open.

    Returns:
        The connection; `disconnect` ends it.
    """
    path = f"{url.real_path}"
    options = f"row_group_size {ROW_GROUP}"
    with _opening(url):
        if attached := _attached_files():
            return attached.attach(path, options)
        connection = duckdb.connect(":memory:", config=WRITING)
        name = Name(ATTACHED)
        connection.execute(statement("session/attach", path=path, name=name, options=Query(options)))
        connection.execute(statement("session/use", name=name))
        return connection


def disconnect(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection and its file, which other processes may open from then on.

    Args:
        connection: To a file or to a database in memory.
    """
    if attached := _attached_files():
        attached.detach(connection)
    connection.close()


def attach_files() -> None:
    """From now on, attach files to one DuckDB, which a thread begins to start.

    Only for a process that is the engine's alone: see `loaders.duckdb.attached`. It reads and writes with one
    thread; where Polars has more, nothing changes.
    """
    if pl.thread_pool_size() == 1:
        _ATTACHED[:] = [AttachedFiles(WRITING)]


def _attached_files() -> AttachedFiles | None:
    """Return those of this process; threads of DuckDB do not follow a fork."""
    return next((files for files in _ATTACHED if files.process == os.getpid()), None)


@contextmanager
def _opening(url: StoreURL) -> Iterator[None]:
    """Raise the error for a file that cannot be opened."""
    try:
        yield
    except duckdb.Error as error:
        if OPEN_HERE.search(str(error)):
            raise BusyFileError(url, f"{os.getpid()}") from error
        if held := LOCKED.search(str(error)):
            raise BusyFileError(url, held[1] or "") from error
        raise StoreUnreachableError(url, str(error)) from error


def _open(path: str, read_only: bool, settings: Settings) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path, read_only=read_only, config=settings)
    except duckdb.ConnectionException:
        # The process has the file open already, with other settings.
        return duckdb.connect(path, read_only=read_only)


def connect_memory() -> duckdb.DuckDBPyConnection:
    """Return a connection to a new database in memory."""
    return duckdb.connect(":memory:", config=SETTINGS)


def connect_shared() -> duckdb.DuckDBPyConnection:
    """Return a connection to the database in memory that this process reads files through.

    To start one takes longer than to read the footers of a small store. No table is made in it, views and
    settings are those of the connection, and nothing of a file is kept: it may be replaced by another.

    Returns:
        The connection; the caller closes it.
    """
    try:
        return _shared_cursor()
    except duckdb.FatalException:  # an earlier error inside DuckDB has closed the database
        _shared.cache_clear()
        return _shared_cursor()


def _shared_cursor() -> duckdb.DuckDBPyConnection:
    connection = _shared(os.getpid()).cursor()
    connection.execute(statement("utc"))  # a statement, which a closed database refuses
    return connection


@cache
def _shared(process: int) -> duckdb.DuckDBPyConnection:
    """Return the first connection of a process: DuckDB's threads do not follow a fork."""
    del process
    return duckdb.connect(":memory:", config=FILES)


def require_folder(url: StoreURL) -> None:
    """Raise an error unless the folder of a store exists.

    Raises:
        StoreUnreachableError: It does not exist.
    """
    folder = url.real_path.parent
    if not os.path.isdir(folder):
        raise StoreUnreachableError(url, f"there is no folder {folder}")


def literal_path(path: Path, folder: Path, handle: int) -> str:
    """Return the text by which DuckDB opens a Parquet file, and no other.

    Args:
        path: A file in the folder.
        folder: Absolute path of the folder.
        handle: The open folder, through which a name that DuckDB would take for a pattern is reached.

    Returns:
        A path that is valid while the handle is open.
    """
    text = f"{path}"
    if not SPECIAL.search(text):
        return text
    return f"/proc/self/fd/{handle}/{path.relative_to(folder)}"
