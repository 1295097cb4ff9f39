"""A folder's files stay in place while somebody reads them: shared and exclusive locks on the folder itself.

No file is made for it. A reader of the engine holds a shared one as long as it is open, a writer an
exclusive one while it renames. Where a file system knows no such locks, there are none.
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
    """A handle on the folder that keeps its files in place until it is closed."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep readers of the engine out of a folder; those that are in are waited for.

    Raises:
        TimeoutError: somebody goes on reading.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for(handle)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(f"somebody has been reading it for {PATIENCE_SECONDS:.0f} s") from None
            time.sleep(PAUSE_SECONDS)
        except OSError:
            return  # a file system without such locks
        else:
            return
