"""Locks on file stores, one for each store by whatever name it is reached.

The system releases them when a process dies. They are locks of an open file (`F_OFD_SETLK`), not of
`flock`, because whether one is held can be asked without taking it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from engine.core.errors import EngineError, StoreUnreachableError
from engine.core.files import open_own
from engine.core.store_url import StoreURL, safe_url
from loaders.parquet.layout import ENGINE_FOLDER, engine_folder

PAUSE_SECONDS = 0.2
"""Between two attempts to take a lock."""
LOCK = struct.Struct("hhqqi4x")
"""C's `struct flock`: type, whence, start, length, process."""
HOLDER = re.compile(r"process \d+ on [^\n]*|")
"""The content of a lock file."""
LONGEST_HOLDER = 200


class LockedError(EngineError, BlockingIOError):
    """Another run is at work in the store."""

    def __init__(self, url: str | StoreURL, holder: str) -> None:
        self.url, self.holder = safe_url(url), holder
        super().__init__(
            f"another run is at work in store {self.url}: {holder}",
            "Wait for it with --wait, or try again later",
        )


def holder() -> str:
    """Return who holds a lock that this process takes now, for other runs to show."""
    since = datetime.now(UTC)
    return f"process {os.getpid()} on {socket.gethostname()[:20]} since {since:%Y-%m-%d %H:%M:%S}"


@contextmanager
def file_lock(url: StoreURL, wait: bool) -> Iterator[None]:
    """Hold a file or folder for a run, by a lock file: next to a file, inside a folder.

    Args:
        url: The store. A folder is made if it is missing.
        wait: Wait while another run holds the lock.

    Yields:
        Nothing; the lock is held.

    Raises:
        LockedError: Another run holds the lock, and `wait` is False.
    """
    with _lock_file(url, "lock") as handle:
        while not _locked(handle, fcntl.F_OFD_SETLK):
            if not wait:
                raise LockedError(url, _content(handle) or "another run")
            time.sleep(PAUSE_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, holder().encode(), 0)
        yield


@contextmanager
def file_turn(url: StoreURL) -> Iterator[None]:
    """Wait until this process is the only one that is in a transaction of a file store."""
    with _lock_file(url, "turn") as handle:
        _locked(handle, fcntl.F_OFD_SETLKW)
        yield


def file_holder(url: StoreURL) -> str | None:
    """Return who holds a file store, None if nobody does. It only asks: nothing is locked or made."""
    try:
        handle = os.open(_lock_path(url, "lock"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None  # no run has been here
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        free = LOCK.unpack(answer)[0] == fcntl.F_UNLCK
        return None if free else _content(handle) or "another run"
    finally:
        os.close(handle)


def _locked(handle: int, command: int) -> bool:
    """Take the lock of an open file; return False if another process has it."""
    try:
        fcntl.fcntl(handle, command, LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _content(handle: int) -> str:
    return os.pread(handle, LONGEST_HOLDER, 0).decode(errors="replace").strip()


def _lock_path(url: StoreURL, suffix: str) -> Path:
    """Return the path of a lock file: inside a folder of Parquet files, next to a database file."""
    path = url.real_path
    if url.kind == "parquet":
        return path / ENGINE_FOLDER / suffix
    return path.with_name(f".{path.name}.{suffix}")


@contextmanager
def _lock_file(url: StoreURL, suffix: str) -> Iterator[int]:
    """Open a lock file. Neither what a link points to nor a file of another program is touched.

    Yields:
        A handle to read and write.

    Raises:
        StoreUnreachableError: The file cannot be made, or is not the engine's.
    """
    path = _lock_path(url, suffix)
    try:
        if url.kind == "parquet":
            url.real_path.mkdir(exist_ok=True)
            engine_folder(url.real_path)
        handle = open_own(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"{error}"
        raise StoreUnreachableError(url, f"its lock {path} cannot be made: {reason}") from error
    try:
        if not HOLDER.fullmatch(_content(handle)):
            raise StoreUnreachableError(url, f"its lock {path} is a file of another program")
        yield handle
    finally:
        os.close(handle)
