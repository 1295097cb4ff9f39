"""Files in folders that others may write, too: no link is followed, and no file of others is emptied."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO


def new_file(path: Path) -> BinaryIO:
    """Return a new, empty file, opened to write.

    A file or link of that name is removed, and what a link points to is left as it is.

    Args:
        path: The file.

    Returns:
        The open file.

    Raises:
        OSError: The file cannot be made.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb")


def open_own(path: Path) -> int:
    """Return a handle to a file that the engine keeps in a shared folder; it is made if it is missing.

    Args:
        path: The file.

    Returns:
        A handle to read and write; the caller closes it.

    Raises:
        OSError: The file cannot be opened, is a link, or is no plain file.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    status = os.fstat(handle)
    if S_ISREG(status.st_mode) and status.st_nlink == 1:
        return handle
    os.close(handle)
    raise OSError(None, "it is no plain file with one name")
