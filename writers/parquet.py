"""Parquet: files written beside the old ones, which count all at once when the transaction ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import polars as pl

from engine.core.errors import StoreUnreachableError, WriteError
from engine.core.frames import empty
from engine.core.schema import TABLES, Table
from engine.core.schema.evolution import Catalog, SchemaGap
from engine.core.store_url import StoreURL
from loaders.parquet.files import (
    PART,
    ahead,
    base,
    beside,
    clear_ahead,
    commit,
    files,
    meets,
    part,
    roll_forward,
)
from loaders.parquet.reader import ParquetReader
from writers.file_lock import file_turn
from writers.older_store import columns_to_write
from writers.writer import BATCH_ROWS, Progress, Scope, Turn, Writer

LARGE = 100_000
"""Rows that a table's own file holds at most where a shard brings more: the rest is in parts."""
LAID_OUT = 20_000
"""Rows of a shard that are worth a part of their own, laid out ahead: others wait for fewer of a turn."""
PARENTS = {
    "correlation_calculation_id": "correlation_calculations",
    "cluster_id": "correlation_clusters",
}


class ParquetWriter(Writer):
    """A folder. A file in work is held in memory until the transaction ends."""

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> None:
        super().__init__(url, batch_rows, progress)
        self.folder = url.path
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreUnreachableError(url, str(error)) from error
        self._open: dict[Path, pl.DataFrame] = {}
        self._changed: dict[Path, Table] = {}
        self._scope: Scope | None = None
        self._reader: ParquetReader | None = None
        self._turn = ExitStack()
        self._laid_out: dict[Path, tuple[pl.DataFrame, Path]] = {}
        self._upgraded: dict[Path, Table] = {}

    def catalog(self) -> Catalog:
        assert self._reader is not None, "outside a transaction"
        return self._reader.columns

    def upgrade(self, gaps: Sequence[SchemaGap]) -> None:
        """Rewrite files one by one, so that no more than one is in memory."""
        assert self._reader is not None, "outside a transaction"
        self.create_missing([gap.table for gap in gaps if not gap.column])
        for name in dict.fromkeys(gap.table for gap in gaps if gap.column):
            table = TABLES[name]
            for path in files(self.folder, name):
                with self._refusing(name):
                    _encode(self._reader.read_file(path, table), table, table.names, beside(path))
                self._upgraded[path] = table

    def create_missing(self, wanted: Collection[str] = TABLES) -> list[str]:
        missing = [name for name in TABLES if name in wanted and not files(self.folder, name)]
        for name in missing:
            self._set(base(self.folder, name), TABLES[name], empty(TABLES[name]))
        return missing

    def _set(self, path: Path, table: Table, frame: pl.DataFrame) -> None:
        self._open[path], self._changed[path] = frame, table

    def _frame(self, path: Path, table: Table) -> pl.DataFrame:
        """A file's rows as the transaction has left them so far."""
        if path not in self._open:
            assert self._reader is not None, "outside a transaction"
            self._open[path] = self._reader.read_file(path, table)
        return self._open[path]

    def _files(self, table: Table) -> list[Path]:
        made = [path for path, other in self._changed.items() if other is table]
        return sorted({*files(self.folder, table.name), *made})

    def _whole(self, name: str) -> pl.DataFrame:
        table = TABLES[name]
        return pl.concat([self._frame(path, table) for path in self._files(table)])

    def replace(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:
        self._scope = scope
        super().replace(frames, scope)
        self._scope = None

    def lay_out(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:
        """The larger ones become parts; they are encoded under a name that no reader looks at."""
        for name, frame in frames.items():
            if frame.height <= LAID_OUT or not scope.portfolios:
                continue
            path = part(self.folder, name, min(scope.portfolios), max(scope.portfolios))
            draft = ahead(path)
            self._laid_out[path] = frame, draft
            with self._refusing(name), ParquetReader(self.url) as reader:
                _encode(frame, TABLES[name], self._columns(TABLES[name], reader.columns), draft)

    def tidy(self) -> None:
        with self._refusing(""):
            clear_ahead(self.folder)

    def delete(self, table: Table, scope: Scope) -> None:
        gone = self._in_scope(table, scope)
        for path in self._files(table):
            if not scope.portfolios or meets(path, min(scope.portfolios), max(scope.portfolios)):
                rows = self._frame(path, table)
                kept = rows.filter(~gone)
                if kept.height < rows.height:
                    self._set(path, table, kept)

    def _in_scope(self, table: Table, scope: Scope) -> pl.Expr:
        ours = pl.Series(scope.portfolios, dtype=pl.String)
        match table.owner:
            case "portfolio_id":
                owned = pl.col("portfolio_id").is_in(ours.implode())
            case "position_id":
                held = self._whole("positions").filter(pl.col("portfolio_id").is_in(ours.implode()))
                owned = pl.col("position_id").is_in(held["id"].implode())
            case "correlation_calculation_id" | "cluster_id":
                parent = PARENTS[table.owner]
                heads = self._whole(parent).filter(self._in_scope(TABLES[parent], scope))
                return pl.col(table.owner).is_in(heads["id"].implode())
            case _:
                owned = pl.lit(True)
        day = pl.col(table.date or "").cast(pl.Date)
        return owned & day.is_between(scope.start, scope.end)

    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        path = self._home(table, frame)
        fresh = frame.select(table.names)
        try:
            there = path in self._open or path in files(self.folder, table.name)
            old = self._frame(path, table) if there else empty(table)
            if old.is_empty() and path in self._laid_out and self._laid_out[path][0] is frame:
                self._laid_out[path] = fresh, self._laid_out[path][1]
                self._set(path, table, fresh)
            else:
                self._set(path, table, pl.concat([old, fresh]))
        except pl.exceptions.PolarsError as error:
            raise WriteError(self.url, table.name, str(error)) from error
        self.progress(table.name, frame.height)

    def _home(self, table: Table, frame: pl.DataFrame) -> Path:
        """Where rows go: into the table's own file, but a shard's into a part where that would be large."""
        own = base(self.folder, table.name)
        if self._scope is None or not self._scope.portfolios or frame.is_empty():
            return own
        shards = part(self.folder, table.name, min(self._scope.portfolios), max(self._scope.portfolios))
        if shards in self._laid_out:
            return shards
        return own if self._frame(own, table).height + frame.height <= LARGE else shards

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        path = base(self.folder, table.name)
        self._set(path, table, self._frame(path, table).join(keys, on=table.key, how="anti"))

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        key = (table.primary_key,) if by_id else table.key
        fresh = frame.join(self._frame(base(self.folder, table.name), table), on=key, how="anti")
        self._update(table, frame.drop(keep), key)
        self.progress(table.name, frame.height - fresh.height)
        self.insert(table, fresh)

    def update(self, table: Table, frame: pl.DataFrame) -> None:
        self._update(table, frame, table.key)
        self.progress(table.name, frame.height)

    def _update(self, table: Table, frame: pl.DataFrame, key: tuple[str, ...]) -> None:
        kept = {table.primary_key} if table.made_ids else set()
        fresh = frame.drop(kept - set(key), strict=False)
        path = base(self.folder, table.name)
        try:
            new = self._frame(path, table).update(fresh, on=key, include_nulls=True)
        except pl.exceptions.PolarsError as error:
            raise WriteError(self.url, table.name, str(error)) from error
        self._set(path, table, new.select(table.names))

    def begin(self, turn: Turn | None = None) -> None:
        if turn is not None:
            # Files that are laid out but do not count yet would be cleared, and small tables are one file.
            self._turn.enter_context(file_turn(self.url))
        with self._refusing(""):
            roll_forward(self.folder)
        self._reader = ParquetReader(self.url)

    def commit(self) -> None:
        kept = {p: table for p, table in self._changed.items() if self._open[p].height or PART not in p.name}
        try:
            for path, table in kept.items():
                with self._refusing(table.name):
                    self._put_beside(path, table)
            self._read_no_more()  # a writer does not wait for itself to have read
            with self._refusing(""):
                commit(self.folder, [*kept, *self._upgraded], self._changed.keys() - kept.keys())
        except WriteError:
            for path in (*kept, *self._upgraded):
                with suppress(OSError):
                    beside(path).unlink()
            raise
        finally:
            self.close()

    def _put_beside(self, path: Path, table: Table) -> None:
        rows, draft = self._laid_out.get(path, (None, path))
        if rows is self._open[path]:
            draft.replace(beside(path))
        else:
            _encode(self._open[path], table, self._columns(table, self.catalog()), beside(path))

    def _columns(self, table: Table, catalog: Catalog) -> list[str]:
        """Return the columns that a table's files have; a new table gets all."""
        stored = catalog.get(table.name)
        return table.names if stored is None else columns_to_write(table, table.names, stored, self.url)

    @contextmanager
    def _refusing(self, table: str) -> Iterator[None]:
        try:
            yield
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WriteError(self.url, table, str(error)) from error

    def rollback(self) -> None:
        self.close()

    def close(self) -> None:
        self._open, self._changed, self._upgraded = {}, {}, {}
        self._read_no_more()
        self._turn.close()
        for _, draft in self._laid_out.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        self._laid_out = {}

    def _read_no_more(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None


def _encode(rows: pl.DataFrame, table: Table, columns: Sequence[str], path: Path) -> None:
    """Write a file of rows by key. A higher level takes twice the time, and ids are no smaller for it."""
    by_key = rows if _ordered(rows, table.key) else rows.sort(table.key)
    by_key.select(columns).write_parquet(path, compression="zstd", compression_level=1)


def _ordered(rows: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether rows are in the key's order; looking takes a third of sorting."""
    follows = pl.lit(True)
    for name in reversed(key):
        value, before = pl.col(name), pl.col(name).shift(1)
        follows = (value > before) | ((value == before) & follows)
    return bool(rows.select(follows.all()).item())
