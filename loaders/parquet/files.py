"""The files of a Parquet store, and the journal that publishes several of them at once.

A table is `<table>.parquet`. A large dated table has parts, `<table>~<first>~<last>.parquet`, with the rows
of the portfolios from first to last, so that a shard rewrites its own rows only. New content is staged
as `<file>.new`. A commit is the moment at which the journal gets its name: it lists the staged files to
rename and the files to remove. From then on the staged files are valid, whether they are renamed yet or not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from loaders.parquet.folder_lock import exclusive

JOURNAL = ".commit.json"
STAGED_SUFFIX = ".new"
PART = "~"
DRAFT_SUFFIX = ".ahead"


@dataclass(frozen=True)
class Journal:
    """A commit.

    Attributes:
        renamed: Names of the files that replace older ones.
        removed: Names of the files to remove.
    """

    renamed: tuple[str, ...]
    removed: tuple[str, ...]


def table_path(folder: Path, table: str) -> Path:
    """Return the path of a table's own file.

    Args:
        folder: Of the store.
        table: Name.
    """
    return folder / f"{table}.parquet"


def part_path(folder: Path, table: str, first: str, last: str) -> Path:
    """Return the path of a part: a large table's rows of the portfolios from first to last.

    Args:
        folder: Of the store.
        table: Name.
        first: Smallest portfolio id of the part.
        last: Largest portfolio id of the part.
    """
    return folder / f"{table}{PART}{first}{PART}{last}.parquet"


def staged_path(path: Path) -> Path:
    """Return where the next content of a file is staged.

    Args:
        path: Of a table's own file or of a part.
    """
    return path.with_name(path.name + STAGED_SUFFIX)


def new_draft_path(path: Path) -> Path:
    """Return a unique path where a part is encoded before the turn to write; no reader looks there.

    Args:
        path: Of the part.
    """
    return path.with_name(f".{path.name}.{uuid4().hex}{DRAFT_SUFFIX}")


def remove_drafts(folder: Path) -> None:
    """Remove drafts that processes left behind when they died."""
    for draft in folder.glob(f".*{DRAFT_SUFFIX}"):
        draft.unlink(missing_ok=True)


def may_hold(path: Path, first: str, last: str) -> bool:
    """Return whether a file may hold rows of the portfolios from first to last.

    Args:
        path: Of a table's own file or of a part.
        first: Smallest portfolio id that is wanted.
        last: Largest portfolio id that is wanted.
    """
    _, *span = path.name.removesuffix(".parquet").split(PART)
    return not span or (span[0] <= last and first <= span[1])


def files(folder: Path, table: str) -> dict[Path, Path]:
    """Return a table's valid files: path after all renames, and path at present.

    Args:
        folder: Of the store.
        table: Name.
    """
    journal = pending(folder)
    names = {path.name for path in (table_path(folder, table), *folder.glob(f"{table}{PART}*.parquet"))}
    names |= {name for name in journal.renamed if name.split(PART)[0].removesuffix(".parquet") == table}
    valid = {}
    for name in sorted(names - set(journal.removed)):
        path = folder / name
        is_staged = name in journal.renamed and staged_path(path).is_file()
        if is_staged or path.is_file():
            valid[path] = staged_path(path) if is_staged else path
    return valid


def pending(folder: Path) -> Journal:
    """Return the commit whose renames were interrupted, or an empty one."""
    try:
        journal = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Journal((), ())
    return Journal(tuple(journal["renamed"]), tuple(journal["removed"]))


def commit(folder: Path, renamed: Iterable[Path], removed: Iterable[Path]) -> None:
    """Publish staged files and remove others, atomically.

    After an OSError, or a TimeoutError because another program keeps reading the folder, nothing has changed.

    Args:
        folder: The store.
        renamed: Paths whose staged content becomes valid.
        removed: Paths that become invalid.
    """
    journal = {"renamed": [path.name for path in renamed], "removed": [path.name for path in removed]}
    # Content must be on the disk before the journal that declares it valid.
    for name in journal["renamed"]:
        _sync(staged_path(folder / name))
    with exclusive(folder):
        draft = staged_path(folder / JOURNAL)
        draft.write_text(json.dumps(journal), encoding="utf-8")
        _sync(draft)
        draft.replace(folder / JOURNAL)
        _sync(folder)
        finish_commit(folder)


def roll_forward(folder: Path) -> None:
    """Finish an interrupted commit, and remove files that were staged but never committed.

    Args:
        folder: Of the store; no other process writes it now.
    """
    if any(folder.glob(f"*{STAGED_SUFFIX}")) or (folder / JOURNAL).exists():
        with exclusive(folder):
            finish_commit(folder)


def finish_commit(folder: Path) -> None:
    """Do what the journal lists, then clean up. The caller keeps readers out."""
    journal = pending(folder)
    for name in journal.renamed:
        with suppress(FileNotFoundError):  # it was renamed before the interruption
            staged_path(folder / name).replace(folder / name)
    for name in journal.removed:
        (folder / name).unlink(missing_ok=True)
    (folder / JOURNAL).unlink(missing_ok=True)
    for stale in folder.glob(f"*.parquet{STAGED_SUFFIX}"):
        if stale.is_file():
            stale.unlink()


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
