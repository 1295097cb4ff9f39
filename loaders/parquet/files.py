"""The valid files of each table of a Parquet store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.core.schema import TABLES
from loaders.parquet.journal import pending
from loaders.parquet.layout import LayoutError, part_names, staged_path, table_of, table_path
from loaders.parquet.old_layout import old_parts


class Listing:
    """The entries of a store's folder and its unfinished commit, read once."""

    def __init__(self, folder: Path) -> None:
        """Read the folder and the journal.

        Args:
            folder: The store.
        """
        self._folder = folder
        self._journal = pending(folder)
        self._names = {*os.listdir(folder)}
        self._old_parts = [*old_parts(self._names)]

    def files(self, table: str) -> dict[Path, Path]:
        """Return a table's valid files: {path after all renames: path at present}.

        Args:
            table: Name of the table.

        Returns:
            The files; none if the store lacks the table.

        Raises:
            LayoutError: The table's folder holds no part file, or something else besides.
        """
        own = table_path(self._folder, table)
        names = {*self._present(own)}
        names |= {name for name in self._journal.renamed if table_of(name) == table}
        valid = {}
        for name in sorted(names.difference(self._journal.removed)):
            path = self._folder / name
            staged = staged_path(self._folder, path)
            is_staged = name in self._journal.renamed and staged.is_file()
            valid[path] = staged if is_staged else path
        if not valid and own.name in self._names and own.is_dir():
            raise LayoutError(f"{own.name}/ holds no part file")
        return valid

    def all_files(self) -> tuple[dict[str, dict[Path, Path]], list[str]]:
        """Return the files of each table that the store has, and what is wrong with the other tables."""
        valid, problems = dict[str, dict[Path, Path]](), list[str]()
        for table in TABLES:
            try:
                if paths := self.files(table):
                    valid[table] = paths
            except OSError as error:
                problems.append(f"{table}: {error}")
        return valid, problems

    def _present(self, own: Path) -> Iterator[str]:
        """Yield the paths in the store of a table's files."""
        if own.name in self._names:
            if own.is_dir():
                yield from (f"{own.name}/{part}" for part in part_names(own))
            else:
                yield own.name
        yield from (name for table, name in self._old_parts if table == own.stem)


def files(folder: Path, table: str) -> dict[Path, Path]:
    """Return a table's valid files; see `Listing.files`.

    Args:
        folder: The store.
        table: Name of the table.
    """
    return Listing(folder).files(table)
