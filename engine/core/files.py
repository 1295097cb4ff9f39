"""Files that are never seen half-written, and files in folders that others may write, too."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from shutil import copymode
from stat import S_ISREG
from typing import BinaryIO


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all: a full disk leaves the former one as it was.

    Args:
        path: The file, or a link to it; a device or pipe is written as it is.
        text: Written in UTF-8.

    Raises:
        OSError: The file cannot be written.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        place.write_text(text, encoding="utf-8")
        return
    fresh = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    try:
        with new_file(fresh) as file:
            file.write(text.encode("utf-8"))
        if place.exists():
            copymode(place, fresh)
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)


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
