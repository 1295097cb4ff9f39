"""Shared and exclusive locks on a folder, so that its files stay in place while they are read.

The lock is on the folder itself; no file is made for it. A reader holds a shared lock while it is open,
a writer an exclusive one while it renames. File systems without such locks are used without them.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.02


def hold(folder: Path) -> int:
    """Return a file handle that keeps the folder's files in place until it is closed."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextmanager
def exclusive(folder: Path, patience: float = PATIENCE_SECONDS) -> Iterator[bool]:
    """Keep readers out of a folder; wait for those that have it open.

    Args:
        folder: The store.
        patience: Seconds to wait; a TimeoutError is raised after them.

    Yields:
        Whether the folder is locked: not on a file system without such locks.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _lock(handle, patience)
    finally:
        os.close(handle)


def _lock(handle: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(f"another program still reads it after {patience:.0f} s") from None
            time.sleep(PAUSE_SECONDS)
        except OSError:
            return False
        else:
            return True
