"""Stores that versions before 0.2 wrote: parts beside the table's file, staged files and journal at the root.

They are read as they are. The first transaction of a writer converts them, by links: no row is written anew.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl

from engine.core.schema import TABLES
from loaders.parquet.folder_lock import exclusive
from loaders.parquet.journal import commit, read_journal
from loaders.parquet.layout import common_path, engine_folder, part_path, staged_path, table_path

JOURNAL = ".commit.json"
STAGED_SUFFIX = ".new"
DRAFTS = ".*.ahead"
UUID_FORM = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PART = re.compile(rf"(\w+)~({UUID_FORM})~({UUID_FORM})\.parquet")


def old_parts(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the table and the name of each part of the old layout among the names of a store's files."""
    for name in names:
        match = PART.fullmatch(name)
        if match and match[1] in TABLES:
            yield match[1], name


def finish_old_commit(folder: Path) -> None:
    """Finish a commit that was interrupted when the store still had the old layout.

    An OSError is raised if the folder cannot be written.
    """
    if not (folder / JOURNAL).exists():
        return
    with exclusive(folder):
        journal = read_journal(folder / JOURNAL)
        if journal is None:
            return  # somebody else finished it
        for name in journal.renamed:
            with suppress(FileNotFoundError):  # it was renamed before the interruption
                (folder / f"{name}{STAGED_SUFFIX}").replace(folder / name)
        for name in journal.removed:
            (folder / name).unlink(missing_ok=True)
        (folder / JOURNAL).unlink(missing_ok=True)


def convert(folder: Path) -> None:
    """Make folders of tables that have parts of the old layout. The caller has the turn to write."""
    for stale in (*folder.glob(f"*.parquet{STAGED_SUFFIX}"), *folder.glob(DRAFTS)):
        if stale.is_file():
            stale.unlink()
    moves, removed = dict[Path, Path](), list[Path]()
    for table, name in old_parts(os.listdir(folder)):
        match = PART.fullmatch(name)
        assert match is not None
        moves[folder / name] = part_path(folder, table, match[2], match[3])
        own = table_path(folder, table)
        if own.is_file():
            removed.append(own)
            if pl.scan_parquet(own, glob=False).select(pl.len()).collect().item():
                moves[own] = common_path(folder, table)
    if moves:
        engine_folder(folder, "staged")
        for old, new in moves.items():
            _link(old, staged_path(folder, new))
        commit(folder, moves.values(), {*moves, *removed})


def _link(path: Path, name: Path) -> None:
    """Give a file another name; copy it where the file system has no links."""
    name.unlink(missing_ok=True)
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
