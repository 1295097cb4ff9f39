"""Parquet: a file for each table, written beside the old one and renamed over it on commit."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.errors import StoreUnreachableError, WriteError
from engine.frames import empty
from engine.schema import TABLES, Table
from loaders.reader import ParquetReader, store_path
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

    def create_missing(self) -> list[str]:
        missing = [name for name in TABLES if not self._path(name).exists()]
        for name in missing:
            self._write(name, empty(TABLES[name]))
        return missing

    def _path(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def _frame(self, table: str) -> pl.DataFrame:
        if table not in self._open:
            with ParquetReader(self.url) as reader:
                self._open[table] = reader.read(table)
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
            case _:
                owned = pl.lit(True)
        day = pl.col(table.date or "").cast(pl.Date)
        return owned & day.is_between(scope.start, scope.end)

    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        whole = pl.concat([self._frame(table.name), frame.select(table.names)])
        self._open[table.name] = whole
        self.progress(table.name, frame.height)

    def merge(self, table: Table, frame: pl.DataFrame) -> None:
        fresh = frame.join(self._frame(table.name), on=table.key, how="anti")
        self.update(table, frame)
        self.insert(table, fresh)

    def update(self, table: Table, frame: pl.DataFrame) -> None:
        keep = (*table.key, table.primary_key) if table.made_ids else table.key
        fresh = frame.drop(set(keep) & set(frame.columns) - set(table.key))
        old = self._frame(table.name)
        self._open[table.name] = old.update(fresh, on=table.key, include_nulls=True).select(table.names)

    def begin(self) -> None:
        self._open = {}

    def commit(self) -> None:
        for name, frame in self._open.items():
            self._write(name, frame.sort(TABLES[name].key))
        for name in self._open:
            self._beside(name).replace(self._path(name))
        self._open = {}

    def _beside(self, table: str) -> Path:
        return self.folder / f"{table}.parquet.new"

    def _write(self, table: str, frame: pl.DataFrame) -> None:
        target = self._beside(table)
        try:
            frame.write_parquet(target)
            if not self._open:
                target.replace(self._path(table))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WriteError(self.url, table, str(error)) from error

    def rollback(self) -> None:
        for name in self._open:
            self._beside(name).unlink(missing_ok=True)
        self._open = {}

    def close(self) -> None:
        """Nothing is held between transactions."""
