"""The journal that publishes several staged files of a Parquet store at once.

New content is staged in `_engine/staged/`. A commit is the moment at which the journal gets its name: it
lists the files to remove and the staged files to rename to their places. From then on the staged files are
valid, whether they are renamed yet or not, and the commit only goes forward: whoever opens the store next
finishes it.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from loaders.parquet.folder_lock import exclusive
from loaders.parquet.layout import (
    ENGINE_FOLDER,
    LayoutError,
    engine_folder,
    name_in_store,
    staged_path,
    table_of,
)

STALE = re.compile(r"_SUCCESS|_metadata|_common_metadata|\..+\.crc")
"""Notes of Spark and of Parquet writers on part files, which are wrong after a change. Others stay."""


class HalfRenamedError(OSError):
    """A commit that is valid, and whose files could not all be renamed."""


@dataclass(frozen=True)
class Journal:
    """A commit.

    Attributes:
        renamed: Paths in the store of the files whose staged content is valid.
        removed: Paths in the store of the files to remove.
    """

    renamed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def journal_path(folder: Path) -> Path:
    """Return the path of a store's journal; it exists while a commit is being finished."""
    return folder / ENGINE_FOLDER / "commit.json"


def pending(folder: Path) -> Journal:
    """Return the commit whose renames were interrupted, or an empty one.

    Raises:
        LayoutError: The folder of the journal, or of a table that it names, is a link, which may lead out of
            the store.
    """
    journal = read_journal(journal_path(folder)) or Journal()
    parents = _parents(folder, (*journal.renamed, *journal.removed))
    _require_no_links({folder / ENGINE_FOLDER, *parents} - {folder})
    return journal


def _parents(folder: Path, names: Iterable[str]) -> set[Path]:
    """Return the folders of files with these paths in the store."""
    return {folder / name for name in {name.rpartition("/")[0] for name in names}}


def _require_no_links(folders: Iterable[Path]) -> None:
    """Raise an error if a table's folder, or the engine's own, is a link: its files are not the store's.

    Raises:
        LayoutError: One is.
    """
    for own in sorted(folders):
        if own.is_symlink():
            raise LayoutError(
                f"{own} is a link, through which nothing is written. Put the folder in its place"
            )


def read_journal(path: Path) -> Journal | None:
    """Return a journal, None if there is none.

    Raises:
        LayoutError: The file is no journal, or names something other than files of the store's tables.
    """
    try:
        journal = json.loads(path.read_text(encoding="utf-8"))
        renamed, removed = (tuple(map(str, journal[key])) for key in ("renamed", "removed"))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise LayoutError(f"{path} is no journal of a commit ({type(error).__name__})") from error
    for name in (*renamed, *removed):
        if table_of(name) is None:
            raise LayoutError(f"{path} names {name[:100]!r}, which is no file of a table")
    return Journal(renamed, removed)


def commit(folder: Path, renamed: Iterable[Path], removed: Iterable[Path]) -> None:
    """Publish staged files and remove others, atomically.

    After an OSError, or a TimeoutError because another program keeps reading the folder, nothing has changed.

    Args:
        folder: The store.
        renamed: Paths whose staged content becomes valid.
        removed: Paths that become invalid.

    Raises:
        HalfRenamedError: The commit is valid, but a file could not be put in its place.
    """
    renamed, removed = [*renamed], [*removed]
    # Content must be on the disk before the journal that declares it valid.
    for path in renamed:
        _sync(staged_path(folder, path))
    _sync(engine_folder(folder, "staged"))
    with exclusive(folder):
        parents = {path.parent for path in (*renamed, *removed)}
        _require_no_links(parents - {folder})
        _require_writable(folder, parents)
        _require_replaceable(folder, (*renamed, *removed))
        _write_journal(folder, renamed, removed)
        try:
            finish_commit(folder)
        except OSError as error:
            raise HalfRenamedError(str(error)) from error


def _write_journal(folder: Path, renamed: Sequence[Path], removed: Sequence[Path]) -> None:
    lists = {"renamed": renamed, "removed": removed}
    names = {key: [name_in_store(folder, path) for path in paths] for key, paths in lists.items()}
    draft = engine_folder(folder) / f"{uuid4().hex}.json"
    try:
        draft.write_text(json.dumps(names), encoding="utf-8")
        _sync(draft)
        draft.replace(journal_path(folder))
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync(folder / ENGINE_FOLDER)


def _require_writable(folder: Path, parents: Iterable[Path]) -> None:
    """Raise an error if files cannot be put into a table's folder, or into the store's where there is none.

    Raises:
        PermissionError: A folder cannot be written.
    """
    for parent in sorted({parent if parent.is_dir() else folder for parent in parents}):
        if not os.access(parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "the folder cannot be written", str(parent))


def _require_replaceable(folder: Path, paths: Iterable[Path]) -> None:
    """Raise an error if a file cannot be replaced: after the journal is written that would be too late.

    A link can be made to whatever can be replaced, and to no immutable file or mount point. Where links
    are refused for other reasons, the file is taken to be replaceable.

    Raises:
        OSError: A file cannot be replaced.
    """
    probe = engine_folder(folder) / f"{uuid4().hex}.probe"
    for path in paths:
        try:
            os.link(path, probe, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if _links_work(folder, path):
                raise OSError(error.errno, f"{path.name} cannot be replaced: {error.strerror}") from error
        else:
            probe.unlink()


def _links_work(folder: Path, path: Path) -> bool:
    """Return whether this user may link files like one, on its file system."""
    if os.geteuid() not in (0, path.lstat().st_uid):
        return False  # the system may forbid links to files of others
    one, other = (engine_folder(folder) / f"{uuid4().hex}.probe" for _ in range(2))
    one.touch()
    try:
        os.link(one, other)
    except OSError:
        return False
    finally:
        for probe in (one, other):
            probe.unlink(missing_ok=True)
    return True


def roll_forward(folder: Path) -> None:
    """Finish an interrupted commit."""
    if journal_path(folder).exists():
        with exclusive(folder):
            finish_commit(folder)


def try_roll_forward(folder: Path) -> None:
    """Finish an interrupted commit if nobody else has the folder open and it can be written.

    A reader does this. If it cannot, it reads the staged files where they are.
    """
    if journal_path(folder).exists():
        with suppress(OSError), exclusive(folder, patience=0.0) as locked:
            if locked:
                finish_commit(folder)


def finish_commit(folder: Path) -> None:
    """Do what the journal lists, then remove it. The caller keeps readers out."""
    journal = pending(folder)
    for name in journal.removed:
        _remove(folder / name)
    for parent in _parents(folder, journal.renamed):
        parent.mkdir(exist_ok=True)
    for path in (folder / name for name in journal.renamed):
        with suppress(FileNotFoundError):  # it was renamed before the interruption
            staged_path(folder, path).replace(path)
    for parent in _parents(folder, (*journal.renamed, *journal.removed)):
        _tidy(folder, parent)
    journal_path(folder).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    """Remove a file. Where a table's file was, its folder may be already."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)


def _tidy(folder: Path, parent: Path) -> None:
    """Remove other programs' notes on a table's folder that has changed, and flush the renames."""
    if parent != folder:
        for entry in [entry for entry in os.scandir(parent) if STALE.fullmatch(entry.name)]:
            Path(entry).unlink(missing_ok=True)
    _sync(parent)


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
