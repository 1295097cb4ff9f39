"""The part of a writer that DuckDB and Postgres share: SQL statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import polars as pl

from engine.core.compact import COMPACT, Layout, Packing, layout_of, packable_rows, packing_of
from engine.core.schema import TABLES, Table
from engine.core.schema.evolution import Catalog, SchemaGap, catalog_of
from sql import Name, Names, Pairs, Query, Value, statement
from sql.ddl import create, definition
from writers.layout_errors import OtherLayoutError
from writers.older_store import as_stored
from writers.packed_rows import insert_packed, merged, rewrite
from writers.sql_store import SqlStore
from writers.writer import LockScope, Scope

DELETE_BY = {
    "portfolio_id": "write/by_portfolio",
    "position_id": "write/by_position",
    "correlation_calculation_id": "write/by_calculation",
    "cluster_id": "write/by_cluster",
    None: "write/by_date",
}
"""Statement that deletes a scope's rows, by the column that refers to the owner."""


class DatabaseWriter(SqlStore):
    """A writer that sends SQL statements."""

    def begin(self, lock: LockScope | None = None) -> None:
        self._catalog = None
        self.execute(self.begin_text, "")

    def commit(self) -> None:
        self.execute("commit", "")

    def catalog(self) -> Catalog:
        if self._catalog is None:
            self._catalog = catalog_of(self.fetch(statement(self.catalog_statement)))
        return self._catalog

    def fitted(self, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame as the store can hold it; see `writers.older_store`.

        Args:
            table: Of the schema.
            frame: Rows in the schema's types.
        """
        stored = self.catalog().get(table.name)
        return frame if stored is None else as_stored(frame, table, stored, self.url)

    def packing(self, table: Table) -> Packing | None:
        """Return how the store packs a table, or would if it had it; None if it stores the rows as they are.

        Args:
            table: Of the schema.
        """
        catalog = self.catalog()
        if table.name not in catalog and layout_of(catalog) == "compact":
            return COMPACT.get(table.name)
        return packing_of(table.name, catalog)

    def delete(self, table: Table, scope: Scope) -> None:
        packing = self.packing(table)
        stored = packing.table if packing else table
        values: dict[str, Value] = {
            "table": Name(stored.name),
            "portfolios": scope.portfolios,
            "date": Name(table.date or ""),
            "start": scope.start,
            "end": scope.end,
        }
        self.execute(statement(DELETE_BY[table.owner], **values), table.name)

    def insert(self, table: Table, frame: pl.DataFrame) -> None:
        if packing := self.packing(table):
            insert_packed(self, packing, frame)
        else:
            self.load(table, self.fitted(table, frame), frame.height)

    def maker(self, table: Table, frames: Mapping[str, pl.DataFrame]) -> Callable[[], pl.DataFrame]:
        return (
            partial(packable_rows, frames, table.name)
            if self.packing(table)
            else super().maker(table, frames)
        )

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        if keys.is_empty():
            return
        if packing := self.packing(table):
            rewrite(self, table, packing, keys, lambda rows: rows.join(keys, on=table.key, how="anti"))
            return
        source = self.stage(table, keys)
        same = Pairs(table.key, "kept.", "gone.", "and")
        text = statement("write/remove", table=Name(table.name), source=source, same=same)
        self.execute(text, table.name)

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        packing = self.packing(table)
        if packing is None:
            self._merge("write/merge", table, frame, keep, by_id)
        elif frame.height:
            rewrite(self, table, packing, frame, lambda rows: merged(table, rows, frame, keep))

    def update(self, table: Table, frame: pl.DataFrame) -> None:
        if packing := self.packing(table):
            rewrite(
                self, table, packing, frame, lambda rows: rows.update(frame, on=table.key, include_nulls=True)
            )
            return
        self._merge("write/update", table, frame)

    def _merge(
        self, name: str, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        if frame.is_empty():
            return
        frame = self.fitted(table, frame)
        columns = tuple(frame.columns)
        key = (table.primary_key,) if by_id else table.key
        kept_id = (table.primary_key,) if table.made_ids else ()
        changed = tuple(c for c in columns if c not in (*key, *kept_id, *keep))
        text = statement(
            name,
            table=Name(table.name),
            source=self.stage(table, frame),
            same=Pairs(key, "kept.", "fresh.", "and"),
            assignments=Pairs(changed, "", "fresh.", ","),
            columns=Names(columns),
            values=Names(columns, "fresh."),
        )
        self.execute(text, table.name)
        self.progress(table.name, frame.height)

    def create_missing(self, wanted: Collection[str] = TABLES, layout: Layout | None = None) -> list[str]:
        present = layout_of(self.catalog())
        missing = [name for name in TABLES if name in wanted and name not in self.catalog()]
        if layout not in (None, present) and not COMPACT.keys() <= set(missing):
            raise OtherLayoutError(self.url, present)
        for text in create(missing, self.dialect, layout or present):
            self.execute(text, "")
        if missing:
            self._catalog = None
        return missing

    def upgrade(self, gaps: Sequence[SchemaGap]) -> None:
        self.create_missing([gap.table for gap in gaps if not gap.column])
        for gap in gaps:
            if gap.column:
                self.execute(self._alter(TABLES[gap.table], gap), gap.table)
        self._catalog = None

    def _alter(self, table: Table, gap: SchemaGap) -> str:
        """Return the statement that adds or widens a column."""
        name = Name(table.name)
        if gap.stored is None:
            column = definition(table[gap.column], self.dialect)
            return statement("upgrade/add_column", table=name, definition=Query(column))
        kind = Query(str(table[gap.column].type))
        return statement("upgrade/widen", table=name, column=Name(gap.column), type=kind)
