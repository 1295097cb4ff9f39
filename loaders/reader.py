"""The abstract reader: typed frames from the tables of a store, by statements that all kinds share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Self

import polars as pl

from engine.core.errors import ColumnTypeError, MissingColumnError, MissingTableError, ReadError
from engine.core.frames import conform, empty, with_nulls
from engine.core.schema import TABLES, Column, Table
from engine.core.schema.evolution import OWN_ROLES, can_be_added, catalog_of, upgrade_command
from engine.core.store_url import StoreURL
from sql import Name, Selected, Value, statement

TEXTS = ("varchar", "character", "text", "name", "enum", "user-defined", "uuid", "json")
INTEGERS = ("integer", "bigint", "smallint", "tinyint", "hugeint", "uint", "ubig", "usmall", "utiny", "uhuge")
FITTING = {
    **dict.fromkeys(("uuid", "text", "enum", "json"), TEXTS),
    **dict.fromkeys(("integer", "bigint"), INTEGERS),
    "numeric": (*INTEGERS, "decimal", "numeric", "double", "real", "float"),
    "date": ("date",),
    "timestamp": ("timestamp",),
    "boolean": ("boolean",),
}
"""By kind of column, how the names of the store's types begin that can hold one."""


class Reader(ABC):
    """A store that can be read; use it as a context manager.

    catalog: the statement that names its columns.
    """

    catalog = "catalog"

    def __init__(self, url: StoreURL) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  a store that nothing is held of has nothing to let go
        """Let go of the store."""

    @abstractmethod
    def query(self, text: str) -> pl.DataFrame:
        """The rows of one statement, in the store's own types."""

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        """The columns of every table that the store has, with the store's own types."""
        return catalog_of(self.query(statement(self.catalog)).iter_rows())

    @cached_property
    def may_create(self) -> bool:
        """Whether a run may make tables in the store."""
        return True

    @cached_property
    def bare(self) -> frozenset[str]:
        """The tables that are known to hold no row, so that nothing is asked of them."""
        return frozenset()

    def tables(self) -> set[str]:
        """The names of the known tables that the store has."""
        return set(self.columns) & set(TABLES)

    def require(self, table: Table, columns: Sequence[str]) -> None:
        """Raise a typed error unless the store has these columns of the table."""
        present = self.columns.get(table.name)
        if present is None:
            raise MissingTableError(self.url, table.name)
        for column in columns:
            if column not in present:
                hint = f"`{upgrade_command(self.url)}` adds it" if can_be_added(table, table[column]) else ""
                raise MissingColumnError(self.url, table.name, column, present, hint)

    def check_types(self, table: Table, columns: Sequence[str]) -> None:
        """Raise a typed error if the store holds one of these columns as another kind of thing."""
        for name in columns:
            kind, found = table[name].type, self.columns[table.name][name]
            if not found.lower().startswith(FITTING[kind.kind]):
                raise ColumnTypeError(self.url, table.name, name, found, str(kind))

    def read(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a whole table in the schema's types; no rows where an output table does not exist yet.

        A column that was added since the store was made is null: see `engine.core.schema.kinds.Column.later`.
        """
        return self.select("read/table", table, columns)

    def select(
        self, name: str, table: str, columns: Sequence[str] | None = None, **values: Value
    ) -> pl.DataFrame:
        """The rows of sql/<name>.sql over `table`, in the schema's types."""
        known = TABLES[table]
        wanted = known.names if columns is None else list(columns)
        if table not in self.columns and known.role in OWN_ROLES:
            return empty(known, wanted)
        stored = self.columns_to_read(known, wanted)
        self.require(known, stored)
        if table in self.bare:
            return empty(known, wanted)
        chosen = tuple(known[column] for column in stored)
        try:
            rows = self.selected(name, chosen, table=Name(table), **values)
        except ReadError:
            filtered = [known.date] if known.date in self.columns[table] else []
            self.check_types(known, [*stored, *filtered])
            raise
        return with_nulls(conform(rows, known, self.url), known, wanted)

    def columns_to_read(self, table: Table, columns: Sequence[str]) -> list[str]:
        """Return the columns less those added since the store was made: they read as null."""
        present = self.columns.get(table.name, {})
        return [name for name in columns if name in present or not table[name].later] or [table.key[0]]

    def selected(self, name: str, columns: tuple[Column, ...], **values: Value) -> pl.DataFrame:
        """The rows of sql/<name>.sql, in the store's own types."""
        return self.query(statement(name, columns=Selected(columns), **values))
