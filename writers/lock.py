"""One run at a time: a lock in the store, which the system lets go of when its process dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from engine.core.errors import EngineError, StoreUnreachableError, UnknownStoreError, safe_url
from engine.core.store_url import scheme, store_path
from sql import statement

ADVISORY_KEY = 0x656E67696E65
"""The number of the advisory lock that a run holds in a Postgres database: "engine" in ASCII."""
PATIENCE_SECONDS = 0.2


class LockedError(EngineError, BlockingIOError):
    """Another run is at work in the store."""

    def __init__(self, url: str, holder: str) -> None:
        self.url, self.holder = safe_url(url), holder
        super().__init__(
            f"store {self.url} is being written by {holder}", "Wait for it with --wait, or try again later"
        )


def holder() -> str:
    """Who holds the lock, as another run is told."""
    since = datetime.now(UTC)
    return f"process {os.getpid()} on {socket.gethostname()[:20]} since {since:%Y-%m-%d %H:%M:%S}"


@contextmanager
def store_lock(url: str, wait: bool) -> Iterator[None]:
    """Hold a store for a run, so that no other run computes from what this one is changing.

    Postgres: a session's advisory lock. Files: flock on a file beside the store. Readers are
    not kept out.

    Raises:
        LockedError: another run holds it, and `wait` is False.
    """
    if scheme(url) not in LOCKS:
        raise UnknownStoreError(url)
    with LOCKS[scheme(url)](url, wait):
        yield


def lock_holder(url: str) -> str | None:
    """Who holds a store, None when nobody does."""
    try:
        with store_lock(url, wait=False):
            return None
    except LockedError as error:
        return error.holder
    except StoreUnreachableError:
        return None  # where the lock cannot be made nobody writes, either


@contextmanager
def _beside_file(url: str, wait: bool) -> Iterator[None]:
    path = store_path(url)
    if not path.parent.is_dir():
        raise StoreUnreachableError(url, f"there is no folder {path.parent}")
    with _lock_file(url, path.with_name(f".{path.name}.lock")) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    file.seek(0)
                    raise LockedError(url, file.read().strip() or "another run") from None
                time.sleep(PATIENCE_SECONDS)
        file.truncate(0)
        file.write(holder())
        file.flush()
        yield


@contextmanager
def file_turn(url: str) -> Iterator[None]:
    """Be the one process that is in a transaction of a file store: wait for whoever is."""
    path = store_path(url)
    with _lock_file(url, path.with_name(f".{path.name}.turn")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_file(url: str, path: Path) -> TextIO:
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreUnreachableError(url, f"its lock {path} cannot be made: {error.strerror}") from error


@contextmanager
def _postgres(url: str, wait: bool) -> Iterator[None]:
    from loaders.postgres.reader import connect

    with connect(url) as connection:
        connection.execute(statement("lock/name", name=holder()).encode())
        while not _taken(connection.execute(statement("lock/take", key=ADVISORY_KEY).encode()).fetchone()):
            if not wait:
                found = connection.execute(statement("lock/holder", key=ADVISORY_KEY).encode()).fetchone()
                raise LockedError(url, str(found[0]) if found else "another run")
            time.sleep(PATIENCE_SECONDS)
        try:
            yield
        finally:
            # At once: the server notices a closed session a little later.
            if not connection.closed:
                connection.execute(statement("lock/release", key=ADVISORY_KEY).encode())


def _taken(row: tuple[object, ...] | None) -> bool:
    return row is not None and bool(row[0])


LOCKS = {
    "duckdb": _beside_file,
    "parquet": _beside_file,
    "postgres": _postgres,
    "postgresql": _postgres,
}
