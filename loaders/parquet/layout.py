"""Paths of the files of a Parquet store.

A table is a file `<table>.parquet`, or a folder `<table>.parquet/` of part files: pandas, Polars, pyarrow and
DuckDB read both by that name. A large dated table has a part for each shard, `part-<first>-<last>.parquet`,
with the rows of the portfolios from first to last, so that a shard rewrites its own rows only; other rows are
in `part-common.parquet`. Everything else that the engine needs is in `_engine/` at the root of the store,
because readers take any file inside a table's folder for a part of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

from engine.core.schema import TABLES

ENGINE_FOLDER = "_engine"
"""Folder of the engine's own files in a folder of Parquet files."""
PART = re.compile(r"part-([0-9a-f]{32})-([0-9a-f]{32})\.parquet")
"""Name of a part, with the ids of its first and last portfolio."""
COMMON = "part-common.parquet"
FILE = re.compile(r"(\w+)(?:~[0-9a-f-]{36}~[0-9a-f-]{36})?\.parquet(?:/[^/\0]+)?")
"""Path of a table's file in its store; with `~` in the layout before 0.2."""


class LayoutError(OSError):
    """A folder whose files cannot be told to be parts of a table."""


def table_path(folder: Path, table: str) -> Path:
    """Return the path of a table: of its file, or of the folder with its parts.

    Args:
        folder: The store.
        table: Name of the table.
    """
    return folder / f"{table}.parquet"


def part_path(folder: Path, table: str, first: str, last: str) -> Path:
    """Return the path of a part.

    Args:
        folder: The store.
        table: Name of the table.
        first: Id of the first portfolio whose rows it holds, a UUID.
        last: Id of the last one.

    Returns:
        The path, in the table's folder.
    """
    return table_path(folder, table) / f"part-{UUID(first).hex}-{UUID(last).hex}.parquet"


def common_path(folder: Path, table: str) -> Path:
    """Return the path of a table's rows that belong to no shard's part, if the table is a folder.

    Args:
        folder: The store.
        table: Name of the table.
    """
    return table_path(folder, table) / COMMON


def is_own(folder: Path, path: Path) -> bool:
    """Return whether a file has a name that the engine gives; other programs name their parts otherwise.

    Args:
        folder: The store.
        path: A file of one of its tables.
    """
    return path.parent == folder or path.name == COMMON or bool(PART.fullmatch(path.name))


def may_hold(path: Path, first: str, last: str) -> bool:
    """Return whether a file may hold rows of the portfolios from first to last.

    Args:
        path: A file of a table.
        first: Smallest id of the portfolios.
        last: Largest id.
    """
    span = PART.fullmatch(path.name)
    return span is None or (span[1] <= UUID(last).hex and UUID(first).hex <= span[2])


def table_of(name: str) -> str | None:
    """Return the table that a path inside a store belongs to, None if it is no path of a table's file."""
    match = FILE.fullmatch(name)
    return match[1] if match and match[1] in TABLES and not name.endswith("/..") else None


def name_in_store(folder: Path, path: Path) -> str:
    """Return the path of a table's file inside its store, with slashes.

    Args:
        folder: The store.
        path: The file, in its place.
    """
    return "/".join(path.parts[len(folder.parts) :])


def engine_folder(folder: Path, *names: str) -> Path:
    """Return the folder of the engine's own files in a store, or a folder in it; it is made if missing.

    Args:
        folder: The store.
        names: Names of folders, outermost first.

    Returns:
        The folder.

    Raises:
        LayoutError: It is a link, which may lead out of the store.
    """
    path = folder
    for name in (ENGINE_FOLDER, *names):
        path /= name
        if path.is_symlink():
            raise LayoutError(f"{path} is a link; the engine needs a folder of its own there")
        path.mkdir(exist_ok=True)
    return path


def staged_path(folder: Path, path: Path) -> Path:
    """Return the path at which the next content of a file is staged.

    Args:
        folder: The store.
        path: The file, in its place.
    """
    name = name_in_store(folder, path).replace("/", "--")
    return folder / f"{ENGINE_FOLDER}/staged/{name}"


def new_draft_path(folder: Path) -> Path:
    """Return a unique path where a part is encoded before the turn to write."""
    return engine_folder(folder, "drafts") / f"{uuid4().hex}.parquet"


def remove_drafts(folder: Path) -> None:
    """Remove drafts that processes left behind when they died."""
    _empty(folder / ENGINE_FOLDER / "drafts")


def remove_staged(folder: Path) -> None:
    """Remove files that were staged but never committed. The caller makes sure that nobody else writes."""
    _empty(folder / ENGINE_FOLDER / "staged")


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            if not path.is_dir():
                path.unlink(missing_ok=True)


def part_names(folder: Path) -> Iterator[str]:
    """Yield the names of the part files in a table's folder.

    Notes of other programs are left out: Spark's `_SUCCESS` and `.crc` files, `_metadata`, `.DS_Store`.

    Raises:
        LayoutError: There is something else, so that the table's rows are not certain.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_note(entry):
            continue
        if not entry.is_file() or entry.name.startswith(("_", ".")) or not entry.name.endswith(".parquet"):
            kind = "folder" if entry.is_dir() else "file"
            raise LayoutError(
                f"{folder.name}/ holds the {kind} {entry.name}, which is no part file. Write the table as "
                f"{folder.name} or {folder.name}/part-*.parquet, without partition folders"
            )
        yield entry.name


def other_forms(folder: Path) -> dict[str, list[str]]:
    """Return the entries of a store that look like a table and are not read as it, by table.

    Args:
        folder: The store.

    Returns:
        Names: folders without the ending `.parquet`, numbered files, other endings, other letters.
    """
    forms: dict[str, list[str]] = {table: [] for table in TABLES}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        longest = max(
            (table for table in TABLES if entry.name.lower().startswith(table)), key=len, default=""
        )
        if longest and entry.name != f"{longest}.parquet":
            forms[longest].append(f"{entry.name}/" if entry.is_dir() else entry.name)
    return forms


def is_note(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry of a table's folder is a note of another program and holds no rows."""
    hidden = entry.name.startswith(("_", ".")) and not entry.name.endswith(".parquet")
    return entry.is_file() and (hidden or entry.name.startswith("._"))
