"""Rows by their natural key: a generated id is replaced by the natural key of the row it refers to.

Row ids that the engine generates differ from run to run. A column that refers to such a row
therefore holds, after this module, the parent's own key as text (`factor name`, or
`portfolio / days / day`). It is looked up in the child's own store, and recursively. An id without
a parent stays visible as `unknown id ...`, which equals only itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Protocol

import polars as pl

from engine.core.frames import empty
from engine.core.schema import TABLES, Column, ForeignKey, Table
from engine.core.store_url import StoreURL
from engine.parity.canonical import canonical, needed, show

SEPARATOR = " / "
_DAY = "day of the row"
_ID, _NAME = "row id", "row name"


class TableReader(Protocol):
    """A store that returns whole tables, in the types of `engine.core.frames` or convertible ones."""

    @property
    def url(self) -> str | StoreURL:
        """The store's address."""
        ...

    @property
    def columns(self) -> Mapping[str, Collection[str]]:
        """The columns of every table that the store has."""
        ...

    def tables(self) -> set[str]:
        """Return the names of the tables that the store has."""
        ...

    def read(self, table: str) -> pl.DataFrame:
        """Return a whole table, all columns."""
        ...


class ComparedStore:
    """One of the two stores: tables in canonical values, ids resolved, cut to the window."""

    def __init__(self, reader: TableReader, start: date | None, end: date | None) -> None:
        self.reader, self.start, self.end = reader, start, end
        self.present = reader.tables()
        self._parents: dict[str, pl.DataFrame] = {}
        self._lookups: dict[str, pl.DataFrame] = {}

    def lacks(self, table: Table, column: Column) -> bool:
        """Return whether the store has the table, but not this column of a later schema.

        Args:
            table: of the schema.
            column: of that table.
        """
        later = not column.legacy and table.name in self.present
        return later and column.name not in self.reader.columns[table.name]

    def _needed(self, table: Table) -> list[Column]:
        return [column for column in needed(table) if not self.lacks(table, column)]

    def table(self, table: Table) -> pl.DataFrame:
        """Return the rows of the window; no rows where the store lacks the table.

        Args:
            table: of the schema.

        Returns:
            Canonical values of the columns that a comparison needs.
        """
        frame = self._resolved(table)
        day = pl.col(_DAY)
        # Rows whose day is unknown are compared whatever the window.
        if self.start is not None:
            frame = frame.filter((day >= self.start).fill_null(True))
        if self.end is not None:
            frame = frame.filter((day <= self.end).fill_null(True))
        return frame.select(column.name for column in needed(table))

    def _stored(self, table: Table) -> pl.DataFrame:
        """Return a table in canonical values; parents are cached, because children need them again."""
        if table.name in self._parents:
            return self._parents[table.name]
        frame = self.reader.read(table.name) if table.name in self.present else empty(table)
        columns = self._needed(TABLES[table.name])  # children may need columns that only this store has
        if table.made_ids:
            columns = [table[table.primary_key], *(c for c in columns if c.name != "id")]
        frame = canonical(frame, table, columns, self.reader.url)
        if table.made_ids:
            self._parents[table.name] = frame
        return frame

    def _resolved(self, table: Table) -> pl.DataFrame:
        """Return a table with generated ids replaced, and the day of each row where one is known."""
        frame = self._stored(table)
        days = [pl.col(table.date).cast(pl.Date)] if table.date else []
        for reference in made_references(table):
            days.append(pl.col(reference.column + _DAY))
            frame = _replace(frame, reference, self._lookup(TABLES[reference.parent]))
        day = pl.coalesce(days) if days else pl.lit(None, pl.Date)
        names = [column.name for column in self._needed(table)]
        made = [table.primary_key] if table.made_ids and table.primary_key not in names else []
        return frame.select(*made, *names, day.alias(_DAY))

    def _lookup(self, parent: Table) -> pl.DataFrame:
        """Return for each row of a parent its id, its natural key as text, and its day."""
        if parent.name not in self._lookups:
            frame = self._resolved(parent)
            name = pl.Series(_NAME, _distinct_keys(frame, parent), dtype=pl.String)
            chosen = frame.select(pl.col(parent.primary_key).alias(_ID), name, _DAY)
            self._lookups[parent.name] = chosen.unique(_ID, keep="first", maintain_order=True)
        return self._lookups[parent.name]


def made_references(table: Table) -> list[ForeignKey]:
    """Return the foreign keys to tables whose ids the engine generates."""
    return [key for key in table.foreign_keys if TABLES[key.parent].made_ids]


def _replace(frame: pl.DataFrame, reference: ForeignKey, lookup: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with the parent's natural key in place of its id."""
    column = reference.column
    names = lookup.rename({_ID: column, _NAME: column + _NAME, _DAY: column + _DAY})
    joined = frame.join(names, on=column, how="left", maintain_order="left")
    unknown = pl.format("unknown id {}", pl.col(column))
    return joined.with_columns(pl.coalesce(column + _NAME, unknown).alias(column))


def natural_keys(frame: pl.DataFrame, table: Table, limit: int | None = None) -> list[str]:
    """Return the natural key of each row, or of the first `limit` rows, as text to show.

    Args:
        frame: rows with the table's key, ids replaced by natural keys.
        table: names the key and its types.
        limit: rows to show; default all.
    """
    return [SEPARATOR.join(parts) for parts in _key_parts(frame.head(limit or frame.height), table)]


def _distinct_keys(frame: pl.DataFrame, table: Table) -> list[str]:
    """Return natural keys as text that is unique: a slash inside a part is doubled."""
    return [SEPARATOR.join(part.replace("/", "//") for part in parts) for parts in _key_parts(frame, table)]


def _key_parts(frame: pl.DataFrame, table: Table) -> Iterator[list[str]]:
    columns = [table[name] for name in table.key]
    for row in frame.select(table.key).iter_rows():
        yield [show(value, column, quoted=False) for value, column in zip(row, columns, strict=True)]
