"""Connections to a DuckDB file, and why one cannot be made."""

from __future__ import annotations

import re

import duckdb

from engine.core.errors import BusyFileError, StoreUnreachableError
from engine.core.store_url import StoreURL

LOCKED = re.compile(r"Conflicting lock is held(?:.*?\(PID (\d+)\))?")
"""DuckDB's message about a file that another process has open."""


def connect(url: StoreURL, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Return a connection to a database file.

    Args:
        url: The store.
        read_only: Whether other processes may read the file meanwhile. False makes a missing file.

    Returns:
        The connection; the caller closes it.

    Raises:
        BusyFileError: Another process has the file open, and one of the two writes.
        StoreUnreachableError: The file is no database, or may not be read.
    """
    try:
        # Rows are written as one stream: further threads would only buffer them and merge them again.
        return duckdb.connect(url.path, read_only=read_only, config={} if read_only else {"threads": 1})
    except duckdb.Error as error:
        if held := LOCKED.search(str(error)):
            raise BusyFileError(url, held[1] or "") from error
        raise StoreUnreachableError(url, str(error)) from error
