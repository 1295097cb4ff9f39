"""Opening a DuckDB file, and why it cannot be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.core.errors import BusyFileError, StoreUnreachableError
from engine.core.store_url import StoreURL

if TYPE_CHECKING:
    import duckdb

LOCKED = re.compile(r"Conflicting lock is held(?:.*?\(PID (\d+)\))?")
"""What DuckDB says of a file that another process has open."""


def connected(url: StoreURL, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection to a database file.

    Raises:
        BusyFileError: another process has it open, and one of the two writes.
        StoreUnreachableError: it is no database, or may not be read.
    """
    import duckdb

    try:
        # Rows go in as one stream: more threads than one would but put them aside and merge them.
        return duckdb.connect(url.path, read_only=read_only, config={} if read_only else {"threads": 1})
    except duckdb.Error as error:
        if held := LOCKED.search(str(error)):
            raise BusyFileError(url, held[1] or "") from error
        raise StoreUnreachableError(url, str(error)) from error
