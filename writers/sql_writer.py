"""The statements that DuckDB and Postgres share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection

import polars as pl

from engine.core.schema import TABLES, Table
from sql import Dialect, Name, Names, Pairs, Value, create, statement
from writers.writer import Scope, Turn, Writer

DELETE_BY = {
    "portfolio_id": "write/by_portfolio",
    "position_id": "write/by_position",
    "correlation_calculation_id": "write/by_calculation",
    "cluster_id": "write/by_cluster",
    None: "write/by_date",
}


class DatabaseWriter(Writer):
    """A writer that speaks SQL.

    dialect: whose CREATE statements it sends.
    """

    dialect: Dialect

    @abstractmethod
    def present(self) -> set[str]:
        """The names of the tables that the store has."""

    @abstractmethod
    def execute(self, text: str, table: str) -> None:
        """Run one statement; a failure becomes a WriteError that names `table`."""

    @abstractmethod
    def stage(self, table: Table, frame: pl.DataFrame) -> Name:
        """Lay a frame where a statement can read it; its name there."""

    def begin(self, turn: Turn | None = None) -> None:
        self.execute("begin", "")

    def commit(self) -> None:
        self.execute("commit", "")

    def delete(self, table: Table, scope: Scope) -> None:
        values: dict[str, Value] = {
            "table": Name(table.name),
            "portfolios": scope.portfolios,
            "date": Name(table.date or ""),
            "start": scope.start,
            "end": scope.end,
        }
        self.execute(statement(DELETE_BY[table.owner], **values), table.name)

    def remove(self, table: Table, keys: pl.DataFrame) -> None:
        if keys.is_empty():
            return
        source = self.stage(table, keys)
        same = Pairs(table.key, "kept.", "gone.", "and")
        text = statement("write/remove", table=Name(table.name), source=source, same=same)
        self.execute(text, table.name)

    def merge(
        self, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        self._merge("write/merge", table, frame, keep, by_id)

    def update(self, table: Table, frame: pl.DataFrame) -> None:
        self._merge("write/update", table, frame)

    def _merge(
        self, name: str, table: Table, frame: pl.DataFrame, keep: Collection[str] = (), by_id: bool = False
    ) -> None:
        if frame.is_empty():
            return
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

    def create_missing(self, wanted: Collection[str] = TABLES) -> list[str]:
        present = self.present()
        missing = [name for name in TABLES if name in wanted and name not in present]
        for text in create(missing, self.dialect):
            self.execute(text, "")
        return missing
