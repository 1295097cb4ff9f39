"""JSON and TOML that users write, read to a limit of size and depth."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources.abc import Traversable

LARGEST_MIB = 64
"""A file of 100,000 scenarios has a third of it; a larger one is no file of settings."""
DEEPEST = 50
"""Tables in tables. The engine's own files have four."""


class DocumentError(ValueError):
    """A file that is too large or too deep to be read."""


def read_text(path: Traversable, largest_mib: int = LARGEST_MIB) -> str:
    """Return the text of a file.

    Args:
        path: The file.
        largest_mib: The limit of its size in MiB.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is no UTF-8.
        DocumentError: It is too large.
    """
    return read_bytes(path, largest_mib).decode("utf-8")


def read_bytes(path: Traversable, largest_mib: int) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        largest_mib: The limit of its size in MiB.

    Raises:
        DocumentError: It is too large.
    """
    with path.open("rb") as file:
        content = bytes(file.read((largest_mib << 20) + 1))
    if len(content) > largest_mib << 20:
        raise DocumentError(f"it is larger than {largest_mib} MiB")
    return content


def parsed(parse: Callable[[str], object], text: str) -> object:
    """Return what a parser makes of a text.

    Args:
        parse: The parser.
        text: The content of a file or a cell.

    Raises:
        DocumentError: It nests tables or lists too deeply.
    """
    try:
        value = parse(text)
    except RecursionError:
        raise DocumentError("it nests its tables and lists too deeply") from None
    level: list[object] = [value]
    for _ in range(DEEPEST + 1):
        members = [item for item in level if isinstance(item, dict | list)]
        if not members:
            return value
        level = [inner for item in members for inner in (item.values() if isinstance(item, dict) else item)]
    raise DocumentError(f"it nests its tables and lists more than {DEEPEST} deep")
