"""The valid files of each table of a Parquet store."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from loaders.parquet.journal import pending
from loaders.parquet.layout import LayoutError, part_names, staged_path, table_of, table_path
from loaders.parquet.old_layout import old_parts


def files(folder: Path, table: str) -> dict[Path, Path]:
    """Return a table's valid files: {path after all renames: path at present}.

    Args:
        folder: The store.
        table: Name of the table.

    Returns:
        The files; none if the store lacks the table.

    Raises:
        LayoutError: The table's folder holds no part file, or something else besides.
    """
    journal = pending(folder)
    own = table_path(folder, table)
    names = {*_present(own, os.listdir(folder))}
    names |= {name for name in journal.renamed if table_of(name) == table}
    valid = {}
    for name in sorted(names.difference(journal.removed)):
        path = folder / name
        staged = staged_path(folder, path)
        is_staged = name in journal.renamed and staged.is_file()
        valid[path] = staged if is_staged else path
    if not valid and own.is_dir():
        raise LayoutError(f"{own.name}/ holds no part file")
    return valid


def _present(own: Path, names: Collection[str]) -> Iterator[str]:
    """Yield the paths in the store of a table's files."""
    if own.is_dir():
        yield from (f"{own.name}/{part}" for part in part_names(own))
    elif own.name in names:
        yield own.name
    yield from (name for table, name in old_parts(names) if table == own.stem)
