"""Locks on file stores. The system releases them when the process dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from engine.core.errors import EngineError, StoreUnreachableError
from engine.core.store_url import StoreURL, safe_url

PAUSE_SECONDS = 0.2
"""Between two attempts to take a lock."""


class LockedError(EngineError, BlockingIOError):
    """Another run is at work in the store."""

    def __init__(self, url: str | StoreURL, holder: str) -> None:
        self.url, self.holder = safe_url(url), holder
        super().__init__(
            f"store {self.url} is being written by {holder}", "Wait for it with --wait, or try again later"
        )


def holder() -> str:
    """Return who holds a lock that this process takes now, for other runs to show."""
    since = datetime.now(UTC)
    return f"process {os.getpid()} on {socket.gethostname()[:20]} since {since:%Y-%m-%d %H:%M:%S}"


@contextmanager
def file_lock(url: StoreURL, wait: bool) -> Iterator[None]:
    """Hold a file store for a run, by flock on a file next to it.

    Args:
        url: The store.
        wait: Wait while another run holds the lock.

    Yields:
        Nothing; the lock is held.

    Raises:
        LockedError: Another run holds the lock, and `wait` is False.
        StoreUnreachableError: The folder does not exist.
    """
    if not url.path.parent.is_dir():
        raise StoreUnreachableError(url, f"there is no folder {url.path.parent}")
    with _lock_file(url, "lock") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    file.seek(0)
                    raise LockedError(url, file.read().strip() or "another run") from None
                time.sleep(PAUSE_SECONDS)
        file.truncate(0)
        file.write(holder())
        file.flush()
        yield


@contextmanager
def file_turn(url: StoreURL) -> Iterator[None]:
    """Wait until this process is the only one that is in a transaction of a file store."""
    with _lock_file(url, "turn") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_file(url: StoreURL, suffix: str) -> TextIO:
    path = url.path.with_name(f".{url.path.name}.{suffix}")
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreUnreachableError(url, f"its lock {path} cannot be made: {error.strerror}") from error
