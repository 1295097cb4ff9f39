"""The files of a Parquet store: which of them make up a table, also where a commit was cut off.

A table is `<table>.parquet`. A large dated one has parts beside it, `<table>~<first>~<last>.parquet`: rows
of the portfolios from first to last, so that a shard rewrites no other's rows. New files are laid out
as `<file>.new`. A commit is the moment at which the journal, which lists what is to be renamed and
what removed, gets its name; from then on the new files count, whether they are renamed already or not.
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
NEW = ".new"
PART = "~"
AHEAD = ".ahead"


@dataclass(frozen=True)
class Journal:
    """A commit: names of files that are new, and of files that are gone."""

    renamed: tuple[str, ...]
    removed: tuple[str, ...]


def base(folder: Path, table: str) -> Path:
    """The table's own file."""
    return folder / f"{table}.parquet"


def part(folder: Path, table: str, first: str, last: str) -> Path:
    """The file of a large table's rows of the portfolios from first to last."""
    return folder / f"{table}{PART}{first}{PART}{last}.parquet"


def beside(path: Path) -> Path:
    """Where a file's next content is laid out."""
    return path.with_name(path.name + NEW)


def ahead(path: Path) -> Path:
    """Where a process lays a part out before its turn to write: a name of its own, which is no table's."""
    return path.with_name(f".{path.name}.{uuid4().hex}{AHEAD}")


def clear_ahead(folder: Path) -> None:
    """Take away parts that were laid out ahead, and whose processes are no more."""
    for stale in folder.glob(f".*{AHEAD}"):
        stale.unlink(missing_ok=True)


def meets(path: Path, first: str, last: str) -> bool:
    """Whether a file may have rows of the portfolios from first to last."""
    _, *span = path.name.removesuffix(".parquet").split(PART)
    return not span or (span[0] <= last and first <= span[1])


def files(folder: Path, table: str) -> dict[Path, Path]:
    """The table's files by the name that they have or will have: where they lie now."""
    journal = pending(folder)
    names = {path.name for path in (base(folder, table), *folder.glob(f"{table}{PART}*.parquet"))}
    names |= {name for name in journal.renamed if name.split(PART)[0].removesuffix(".parquet") == table}
    found = {}
    for name in sorted(names - set(journal.removed)):
        path = folder / name
        laid_out = name in journal.renamed and beside(path).is_file()
        if laid_out or path.is_file():
            found[path] = beside(path) if laid_out else path
    return found


def pending(folder: Path) -> Journal:
    """The commit that was cut off after it counted, or an empty one."""
    try:
        found = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Journal((), ())
    return Journal(tuple(found["renamed"]), tuple(found["removed"]))


def commit(folder: Path, renamed: Iterable[Path], removed: Iterable[Path]) -> None:
    """Make files that are laid out beside count, all at once, and others not.

    Raises:
        TimeoutError: somebody goes on reading the folder; nothing has changed.
        OSError: the journal cannot be written; nothing has changed.
    """
    told = {"renamed": [path.name for path in renamed], "removed": [path.name for path in removed]}
    for name in told["renamed"]:
        _synced(beside(folder / name))
    with exclusive(folder):
        draft = beside(folder / JOURNAL)
        draft.write_text(json.dumps(told), encoding="utf-8")
        _synced(draft)
        draft.replace(folder / JOURNAL)
        _synced(folder)
        rename_all(folder)


def roll_forward(folder: Path) -> None:
    """Carry out the commit that counts, if one is left to carry out, and clear what never counted."""
    if any(folder.glob(f"*{NEW}")) or (folder / JOURNAL).exists():
        with exclusive(folder):
            rename_all(folder)


def rename_all(folder: Path) -> None:
    """The same, for who keeps readers out already."""
    journal = pending(folder)
    for name in journal.renamed:
        with suppress(FileNotFoundError):
            beside(folder / name).replace(folder / name)
    for name in journal.removed:
        (folder / name).unlink(missing_ok=True)
    (folder / JOURNAL).unlink(missing_ok=True)
    for stale in folder.glob(f"*.parquet{NEW}"):
        if stale.is_file():
            stale.unlink()


def _synced(path: Path) -> None:
    """On the disk, before what depends on it."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
