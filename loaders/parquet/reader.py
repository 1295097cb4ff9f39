"""Reader of a folder of Parquet files, seen through DuckDB views."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from engine.core.errors import StoreUnreachableError
from engine.core.frames import conform
from engine.core.schema import TABLES, Table
from loaders.duckdb.reader import DuckDBReader
from loaders.parquet.files import files
from loaders.parquet.folder_lock import hold
from sql import Lowered, Name, Selected, statement

if TYPE_CHECKING:
    import duckdb

ONE_FILE = "one_file"
"""The name of the view on a single file of a Parquet store."""


class ParquetReader(DuckDBReader):
    """A folder with a Parquet file for each table, seen through DuckDB's views.

    As long as it is open, no writer of the engine puts another file in place of one it sees.
    """

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        folder = self.url.path
        if not folder.is_dir():
            raise StoreUnreachableError(self.url, f"there is no folder {folder}")
        self._hold = weakref.finalize(self, os.close, hold(folder))
        connection = duckdb.connect(":memory:")
        try:
            for name, table in TABLES.items():
                found = [*files(folder, name).values()]
                if found:
                    _view(connection, table.name, table, found)
        except (duckdb.Error, OSError) as error:
            self._hold()
            raise StoreUnreachableError(self.url, f"{name}: {error}") from error
        return connection

    def close(self) -> None:
        super().close()
        self._hold()

    def read_file(self, path: Path, table: Table) -> pl.DataFrame:
        """The rows of one of the table's files."""
        _view(self.connection, ONE_FILE, table, [path])
        text = statement("read/table", columns=Selected(table.columns), table=Name(ONE_FILE))
        return conform(self.query(text), table, self.url)


def _view(connection: duckdb.DuckDBPyConnection, name: str, table: Table, paths: Sequence[Path]) -> None:
    """See files as a table. Their uuids may be spelt either way; statements spell them small."""
    names = [str(path) for path in paths]
    present = connection.read_parquet(names).columns
    ids = tuple(c.name for c in table.columns if c.type.kind == "uuid" and c.name in present)
    connection.execute(statement("view_of_files", view=Name(name), columns=Lowered(ids), files=names))
