"""Writer of a Parquet folder: files are staged and published together when the transaction commits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import polars as pl

from engine.core.compact import Layout
from engine.core.errors import (
    MissingTableError,
    StoreUnreachableError,
    UnfinishedCommitError,
    WriteError,
    refuse_gaps,
)
from engine.core.files import new_file
from engine.core.frames import empty
from engine.core.schema import TABLES, Table
from engine.core.schema.evolution import Catalog, SchemaGap, optional_column
from engine.core.store_url import StoreURL
from loaders.parquet.journal import HalfRenamedError, commit, roll_forward
from loaders.parquet.layout import (
    common_path,
    engine_folder,
    is_own,
    may_hold,
    new_draft_path,
    part_path,
    remove_drafts,
    remove_staged,
    staged_path,
    table_path,
)
from loaders.parquet.old_layout import convert, finish_old_commit
from loaders.parquet.reader import ParquetReader
from writers.file_lock import file_turn
from writers.layout_errors import NoViewsError
from writers.older_store import columns_to_write
from writers.rows_ahead import RowsAhead
from writers.writer import BATCH_ROWS, LockScope, Progress, Scope, Writer

LARGE = 100_000
"""Largest number of rows to which a shard's rows are added in a table's own file; else they get a part."""
PREPARED = 20_000
"""Smallest number of rows that are encoded before the turn: others wait only briefly for fewer."""
PARENTS = {
    "correlation_calculation_id": "correlation_calculations",
    "cluster_id": "correlation_clusters",
}


class ParquetWriter(Writer):
    """A folder of Parquet files, opened to write. Changed files are kept in memory until the commit."""

    def __init__(self, url: StoreURL, batch_rows: int = BATCH_ROWS, progress: Progress | None = None) -> None:
        super().__init__(url, batch_rows, progress)
        self.folder = url.real_path
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreUnreachableError(url, str(error)) from error
        self._open: dict[Path, pl.DataFrame] = {}
        self._changed: dict[Path, Table] = {}
        self._gone: set[Path] = set()
        self._scope: Scope | None = None
        self._reader: ParquetReader | None = None
        self._turn = ExitStack()
        self._drafts: dict[Path, tuple[pl.DataFrame, Path]] = {}
        self._upgraded: dict[Path, Table] = {}

    def catalog(self) -> Catalog:
        assert self._reader is not None, "outside a transaction"
        return self._reader.columns

    def upgrade(self, gaps: Sequence[SchemaGap]) -> None:
        """Rewrite files one by one, so that no more than one is in memory.

        Args:
            gaps: of `engine.core.schema.evolution`.
        """
        assert self._reader is not None, "outside a transaction"
        self.create_missing([gap.table for gap in gaps if not gap.column])
        with self._write_errors(""):
            engine_folder(self.folder, "staged")
        for name in dict.fromkeys(gap.table for gap in gaps if gap.column):
            table = TABLES[name]
            for path in self._stored(name):
                with self._write_errors(name):
                    rows = self._reader.read_file(path, table)
                    _encode(rows, table, table.names, staged_path(self.folder, path))
                self._upgraded[path] = table

    def create_missing(self, wanted: Collection[str] = TABLES, layout: Layout | None = None) -> list[str]:
        assert self._reader is not None, "outside a transaction"
        if layout == "compact":
            raise NoViewsError(self.url)
        missing = [name for name in TABLES if name in wanted and name not in self._reader.files]
        forms = {name: self._reader.other_forms[name] for name in missing}
        refuse_gaps(
            self.url, [MissingTableError(self.url, name, forms[name]) for name in missing if forms[name]]
        )
        for name in missing:
            self._set(table_path(self.folder, name), TABLES[name], empty(TABLES[name]))
        return missing

    def _set(self, path: Path, table: Table, frame: pl.DataFrame) -> None:
        self._open[path], self._changed[path] = frame, table

    def _drop(self, path: Path) -> None:
        """Leave a file out of the store from the commit on."""
        self._open.pop(path, None)
        self._changed.pop(path, None)
        self._gone.add(path)

    def _frame(self, path: Path, table: Table) -> pl.DataFrame:
        """Return the rows of a file, with the changes of the transaction; none if there is no such file."""
        if path not in self._open:
            assert self._reader is not None, "outside a transaction"
            exists = path not in self._gone and path in self._stored(table.name)
            self._open[path] = self._reader.read_file(path, table) if exists else empty(table)
        return self._open[path]

    def _stored(self, name: str) -> Collection[Path]:
        """Return the files that a table had when the transaction began: no other can change them."""
        assert self._reader is not None, "outside a transaction"
        return self._reader.files.get(name, ())

    def _files(self, table: Table) -> list[Path]:
        changed = [path for path, other in self._changed.items() if other is table]
        return sorted({*self._stored(table.name), *changed} - self._gone)

    def _whole(self, name: str) -> pl.DataFrame:
        table = TABLES[name]
        return pl.concat([self._frame(path, table) for path in self._files(table)])

    def _common(self, table: Table) -> Path:
        """Return the file of rows that are in no shard's part; parts of other programs are merged into it."""
        folder, own = common_path(self.folder, table.name), table_path(self.folder, table.name)
        is_folder = own.is_dir() or any(path.parent == own for path in self._files(table))
        common = folder if is_folder else own
        foreign = [path for path in self._files(table) if not is_own(self.folder, path)]
        if foreign:
            frames = [self._frame(path, table) for path in (*foreign, common)]
            self._set(common, table, pl.concat(frames))
            for path in foreign:
                self._drop(path)
        return common

    def _make_folder(self, table: Table) -> None:
        """Make a folder of a table that is one file so far."""
        own = self._common(table)
        if own == table_path(self.folder, table.name):
            rows = self._frame(own, table)
            self._drop(own)
            if rows.height:
                self._set(common_path(self.folder, table.name), table, rows)

    def replace_by(self, rows: RowsAhead, scope: Scope) -> None:
        self._scope = scope
        super().replace_by(rows, scope)
        self._scope = None

    def prepare(self, frames: Mapping[str, pl.DataFrame], scope: Scope) -> None:
        """Encode large frames as drafts of parts.

        Args:
            frames: rows by table; small ones are encoded when they are written.
            scope: portfolios and days that the rows will replace.
        """
        large = {
            name: frame for name, frame in frames.items() if scope.portfolios and frame.height > PREPARED
        }
        if not large:
            return
        with ParquetReader(self.url, checked=False) as reader:
            columns = {name: self._columns(TABLES[name], reader.columns, large[name]) for name in large}
        for name, frame in large.items():
            path = part_path(self.folder, name, min(scope.portfolios), max(scope.portfolios))
            with self._write_errors(name):
                draft = new_draft_path(self.folder)
                self._drafts[path] = frame, draft
                _encode(frame, TABLES[name], columns[name], draft)

    def tidy(self) -> None:
        with self._write_errors(""):
            remove_drafts(self.folder)

    def delete(self, table: Table, scope: Scope) -> None:
        self._common(table)
        spans = (min(scope.portfolios), max(scope.portfolios)) if scope.portfolios else ()
        paths = [path for path in self._files(table) if not spans or may_hold(path, *spans)]
        stored = {path: rows for path in paths if not (rows := self._frame(path, table)).is_empty()}
        if not stored:
            return
        gone = self._in_scope(table, scope)
        for path, rows in stored.items():
            kept = rows.filter(~gone)
            if kept.height < rows.height:
                self._set(path, table, kept)

    def _in_scope(self, table: Table, scope: Scope) -> pl.Expr:
        """Return the condition on a table's rows that an SQL store states in sql/write/by_*.sql."""
        portfolios = pl.Series(scope.portfolios, dtype=pl.String).implode()
        match table.owner:
            case "portfolio_id":
                owned = pl.col("portfolio_id").is_in(portfolios)
            case "position_id":
                held = self._whole("positions").filter(pl.col("portfolio_id").is_in(portfolios))
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
            old = self._frame(path, table)
            if old.is_empty() and path in self._drafts and self._drafts[path][0] is frame:
                # The very frame that was prepared, and nothing else in the part: its draft can be used.
                self._drafts[path] = fresh, self._drafts[path][1]
                self._set(path, table, fresh)
            else:
                self._set(path, table, pl.concat([old, fresh]))
        except pl.exceptions.PolarsError as error:
            raise WriteError(self.url, table.name, str(error)) from error
        self.progress(table.name, frame.height)

    def _home(self, table: Table, frame: pl.DataFrame) -> Path:
        """Return the file for new rows: the common one, or the shard's part if that would get large."""
        common = self._common(table)
        if self._scope is None or not self._scope.portfolios or frame.is_empty():
            return common
        part = part_path(self.folder, table.name, min(self._scope.portfolios), max(self._scope.portfolios))
        if part not in self._drafts and self._frame(common, table).height + frame.height <= LARGE:
            return common
        self._make_folder(table)
        return part

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        path = self._common(table)
        self._set(path, table, self._frame(path, table).join(keys, on=table.key, how="anti"))

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        key = (table.primary_key,) if by_id else table.key
        stored = self._frame(self._common(table), table)
        if stored.is_empty():
            self.insert(table, frame)
            return
        fresh = frame.join(stored, on=key, how="anti")
        self._update(table, frame.drop(keep), key)
        self.progress(table.name, frame.height - fresh.height)
        self.insert(table, fresh)

    def update(self, table: Table, frame: pl.DataFrame) -> None:
        self._update(table, frame, table.key)
        self.progress(table.name, frame.height)

    def _update(self, table: Table, frame: pl.DataFrame, key: tuple[str, ...]) -> None:
        kept = {table.primary_key} if table.made_ids else set()
        fresh = frame.drop(kept - set(key), strict=False)
        path = self._common(table)
        try:
            new = self._frame(path, table).update(fresh, on=key, include_nulls=True)
        except pl.exceptions.PolarsError as error:
            raise WriteError(self.url, table.name, str(error)) from error
        self._set(path, table, new.select(table.names))

    def begin(self, lock: LockScope | None = None) -> None:
        if lock is not None:
            # Another process' staged files would be removed as stale, and shards share small tables' files.
            self._turn.enter_context(file_turn(self.url))
        with self._write_errors(""):
            finish_old_commit(self.folder)
            roll_forward(self.folder)
            if lock is not None:
                remove_staged(self.folder)
            convert(self.folder)
        self._reader = ParquetReader(self.url, checked=False)

    def commit(self) -> None:
        kept, removed = self._published()
        try:
            with self._write_errors(""):
                if kept:
                    engine_folder(self.folder, "staged")
            for path, table in kept.items():
                with self._write_errors(table.name):
                    self._stage(path, table)
            self._close_reader()  # its shared lock would keep this writer waiting
            if kept or self._upgraded or removed:
                with self._write_errors(""):
                    commit(self.folder, [*kept, *self._upgraded], removed)
        except WriteError:
            for path in (*kept, *self._upgraded):
                with suppress(OSError):
                    staged_path(self.folder, path).unlink()
            raise
        finally:
            self.close()

    def _published(self) -> tuple[dict[Path, Table], set[Path]]:
        """Return the changed files with their tables, and the files to remove: parts without rows."""
        parts = {path: table for path, table in self._changed.items() if path.parent != self.folder}
        hollow = {path: table for path, table in parts.items() if self._open[path].is_empty()}
        for path, table in hollow.items():
            self._drop(path)
            if not self._files(table):  # a table's folder is never without a part
                common = common_path(self.folder, table.name)
                self._set(common, table, empty(table))
                self._gone.discard(common)
        stored = {path for name in TABLES for path in self._stored(name)}
        return self._changed, self._gone & stored

    def _stage(self, path: Path, table: Table) -> None:
        """Put a changed file's next content where `commit` publishes it."""
        drafted, draft = self._drafts.get(path, (None, path))
        if drafted is self._open[path]:
            draft.replace(staged_path(self.folder, path))
        else:
            rows = self._open[path]
            columns = self._columns(table, self.catalog(), rows)
            _encode(rows, table, columns, staged_path(self.folder, path))

    def _columns(self, table: Table, catalog: Catalog, rows: pl.DataFrame) -> list[str]:
        """Return the columns of a table's files; a new table gets all, an older one those with a value."""
        stored = catalog.get(table.name)
        if stored is None:
            return table.names
        lacking = {column.name for column in table.columns if column.name not in stored}
        optional = {name for name in lacking if not table[name].later and optional_column(table, table[name])}
        filled = {name for name in optional if rows[name].null_count() < rows.height}
        others = [name for name in table.names if name not in optional]
        kept = {*columns_to_write(table, others, stored, self.url), *filled}
        return [name for name in table.names if name in kept]

    @contextmanager
    def _write_errors(self, table: str) -> Iterator[None]:
        try:
            yield
        except HalfRenamedError as error:
            raise UnfinishedCommitError(self.url, str(error)) from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WriteError(self.url, table, str(error)) from error

    def rollback(self) -> None:
        self.close()

    def close(self) -> None:
        self._open, self._changed, self._gone, self._upgraded = {}, {}, set(), {}
        self._close_reader()
        self._turn.close()
        for _, draft in self._drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        self._drafts = {}

    def _close_reader(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None


def _encode(rows: pl.DataFrame, table: Table, columns: list[str], path: Path) -> None:
    """Write rows sorted by key. A higher compression level takes twice the time and saves nothing on ids."""
    by_key = rows if rows.height < 2 or _ordered(rows, table.key) else rows.sort(table.key)
    stored = by_key if by_key.columns == columns else by_key.select(columns)
    with new_file(path) as file:
        stored.write_parquet(file, compression="zstd", compression_level=1)


def _ordered(rows: pl.DataFrame, key: Sequence[str]) -> bool:
    """Return whether rows are sorted by their key; the check takes a third of a sort's time."""
    follows = pl.lit(True)
    for name in reversed(key):
        value, before = pl.col(name), pl.col(name).shift(1)
        follows = (value > before) | ((value == before) & follows)
    return bool(rows.select(follows.all()).item())
