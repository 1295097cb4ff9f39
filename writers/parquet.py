"""Parquet: a file for each table, written beside the old one and renamed over it on commit."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import polars as pl

from engine.errors import StoreUnreachableError, WriteError
from engine.frames import empty
from engine.schema import TABLES, Table
from engine.store_url import store_path
from loaders.reader import ParquetReader
from writers.writer import BATCH_ROWS, Progress, Scope, Writer


class ParquetWriter(Writer):
    """A folder. A table in work is held in memory until the transaction ends."""

    def __init__(self, url: str, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> None:
        super().__init__(url, batch_rows, progress)
        self.folder = store_path(url)
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreUnreachableError(url, str(error)) from error
        self._open: dict[str, pl.DataFrame] = {}
        self._reader: ParquetReader | None = None

    def create_missing(self, wanted: Collection[str] = TABLES) -> list[str]:
        missing = [name for name in TABLES if name in wanted and not self._path(name).exists()]
        self._open |= {name: empty(TABLES[name]) for name in missing}
        return missing

    def _path(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def _beside(self, table: str) -> Path:
        return self.folder / f"{table}.parquet.new"

    def _frame(self, table: str) -> pl.DataFrame:
        if table not in self._open:
            assert self._reader is not None, "outside a transaction"
            self._open[table] = self._reader.read(table)
        return self._open[table]

    def delete(self, table: Table, scope: Scope) -> None:
        gone = self._in_scope(table, scope)
        self._open[table.name] = self._frame(table.name).filter(~gone)

    def _in_scope(self, table: Table, scope: Scope) -> pl.Expr:
        ours = pl.Series(scope.portfolios, dtype=pl.String)
        match table.owner:
            case "portfolio_id":
                owned = pl.col("portfolio_id").is_in(ours.implode())
            case "position_id":
                held = self._frame("positions").filter(pl.col("portfolio_id").is_in(ours.implode()))
                owned = pl.col("position_id").is_in(held["id"].implode())
            case "correlation_calculation_id":
                parent = TABLES["correlation_calculations"]
                heads = self._frame(parent.name).filter(self._in_scope(parent, scope))
                return pl.col("correlation_calculation_id").is_in(heads["id"].implode())
            case "cluster_id":
                parent = TABLES["correlation_clusters"]
                heads = self._frame(parent.name).filter(self._in_scope(parent, scope))
                return pl.col("cluster_id").is_in(heads["id"].implode())
            case _:
                owned = pl.lit(True)
        day = pl.col(table.date or "").cast(pl.Date)
        return owned & day.is_between(scope.start, scope.end)

    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        old = self._frame(table.name)
        try:
            self._open[table.name] = pl.concat([old, frame.select(table.names)])
        except pl.exceptions.PolarsError as error:
            raise WriteError(self.url, table.name, str(error)) from error
        self.progress(table.name, frame.height)

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        self._open[table.name] = self._frame(table.name).join(keys, on=table.key, how="anti")

    def merge(self, table: Table, frame: pl.DataFrame, keep: Collection[str] = ()) -> None:
        fresh = frame.join(self._frame(table.name), on=table.key, how="anti")
        self.update(table, frame.drop(keep))
        self.insert(table, fresh)

    def update(self, table: Table, frame: pl.DataFrame) -> None:
        kept = {table.primary_key} if table.made_ids else set()
        fresh = frame.drop(kept - set(table.key), strict=False)
        old = self._frame(table.name)
        try:
            new = old.update(fresh, on=table.key, include_nulls=True)
        except pl.exceptions.PolarsError as error:
            raise WriteError(self.url, table.name, str(error)) from error
        self._open[table.name] = new.select(table.names)

    def begin(self) -> None:
        self._reader = ParquetReader(self.url)

    def commit(self) -> None:
        self._put({name: frame.sort(TABLES[name].key) for name, frame in self._open.items()})
        self.close()

    def _put(self, frames: dict[str, pl.DataFrame]) -> None:
        """All files are whole beside the old ones before the first is renamed."""
        name = ""
        try:
            for name, frame in frames.items():
                frame.write_parquet(self._beside(name))
            for name in frames:
                self._beside(name).replace(self._path(name))
        except (OSError, pl.exceptions.PolarsError) as error:
            for stale in frames:
                with suppress(OSError):
                    self._beside(stale).unlink()
            raise WriteError(self.url, name, str(error)) from error

    def rollback(self) -> None:
        self.close()

    def close(self) -> None:
        self._open = {}
        if self._reader:
            self._reader.close()
            self._reader = None
