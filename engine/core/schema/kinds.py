"""The parts of a table's declaration: column types, columns, keys.

Plain data, so that importing the schema is cheap; `engine.core.frames` derives Polars types from it,
and `sql.ddl` makes CREATE statements from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple

FIRST_VERSION = "1"
"""Schema version of every table and column that the engine has had from the start."""
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
"""The days that a date of a row lies between, both included."""
SCHEMA_VERSION = "2"
"""Version of the schema as it is now. It grows by 1 when a table or a column is added, or a text widened."""

Kind = Literal["uuid", "text", "date", "timestamp", "integer", "bigint", "boolean", "numeric", "json", "enum"]
Role = Literal["input", "output", "state", "engine"]


class Type(NamedTuple):
    """An SQL type, or with `array` a list of it.

    `length` is that of a text (None: unlimited), `precision` and `scale` those of a numeric.
    """

    kind: Kind
    length: int | None = None
    precision: int = 0
    scale: int = 0
    enum_name: str = ""
    values: tuple[str, ...] = ()
    binary: bool = False
    array: bool = False

    def __str__(self) -> str:
        if self.array:
            return f"{self._replace(array=False)}[]"
        if self.kind == "numeric":
            return f"numeric({self.precision},{self.scale})"
        if self.kind == "enum":
            return self.enum_name
        if self.kind == "json":
            return "jsonb" if self.binary else "json"
        if self.kind == "text" and self.length is not None:
            return f"varchar({self.length})"
        return {"timestamp": "timestamptz"}.get(self.kind, self.kind)


UUID = Type("uuid")
DATE = Type("date")
TIMESTAMP = Type("timestamp")
INTEGER = Type("integer")
BIGINT = Type("bigint")
BOOLEAN = Type("boolean")
TEXT = Type("text")
JSON = Type("json")
JSONB = Type("json", binary=True)


def varchar(length: int) -> Type:
    """Return a text type of at most `length` characters."""
    return Type("text", length=length)


def numeric(precision: int, scale: int) -> Type:
    """Return an exact decimal type of `precision` digits, `scale` of them after the point.

    Args:
        precision: digits in all, at most 38.
        scale: digits after the point.
    """
    return Type("numeric", precision=precision, scale=scale)


MONEY = numeric(16, 2)
LEVEL = numeric(10, 4)
"""Betas, shares of a whole, and annual volatilities."""


def enum(name: str, *values: str) -> Type:
    """Return an enumeration: one of `values`; a native type in Postgres.

    Args:
        name: of the type in Postgres.
        values: all that a column may hold, in the order in which Postgres sorts them.
    """
    return Type("enum", enum_name=name, values=values)


class Column(NamedTuple):
    """One column.

    null: what a null means; None if the column takes no nulls.
    unit: of the figure; empty for names, keys and flags.
    nan: whether the figure may be computed and undefined; such a column is a double in stores
        whose decimals have no NaN.
    compared: False if the column differs between any two runs (row ids, time stamps, durations).
    job: the analytics job that fills it, in a table whose rows several jobs or others write.
    since: the schema version that introduced it.
    legacy: False if a table of the legacy schema lacks the column.
    legacy_null: False if the column takes nulls although the legacy schema's does not; a store in which
        it takes none gets no row with a null in it.
    """

    name: str
    type: Type
    null: str | None = None
    unit: str = ""
    nan: bool = False
    compared: bool = True
    job: str = ""
    since: str = FIRST_VERSION
    legacy: bool = True
    legacy_null: bool = True

    @property
    def nullable(self) -> bool:
        """Return whether the column takes nulls."""
        return self.null is not None

    @property
    def later(self) -> bool:
        """Return whether the column was added to an existing table, so that an older store may lack it.

        Such a column takes nulls and is in no key: rows stored before have null, "not computed".
        """
        return self.since != FIRST_VERSION or not self.legacy


class ForeignKey(NamedTuple):
    """A reference: `column` holds the `parent_column` of a row of `parent`."""

    name: str
    column: str
    parent: str
    parent_column: str = "id"
    cascade: bool = False


@dataclass(frozen=True)
class Table:
    """One table: columns in the database's order, and its keys.

    key: the natural key, by which rows are matched, replaced and given their ids.
    date: the column with the session that a figure belongs to; None for undated tables.
    owner: the column that leads to the portfolio: the id of it, of a position, or of a parent row.
    primary_key: the column of row ids; empty if the natural key is the primary key.
    made_ids: whether row ids are made by the run, so that they differ between stores; children are
        then matched by this table's natural key.
    jobs: the analytics jobs that write its rows (`engine.core.job_catalog`).
    since: the schema version that introduced it.
    legacy: False if the legacy schema lacks the table.
    """

    name: str
    role: Role
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    date: str | None = None
    owner: str | None = None
    made_ids: bool = False
    jobs: tuple[str, ...] = ()
    primary_key: str = "id"
    unique: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    since: str = FIRST_VERSION
    legacy: bool = True

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        return self.by_name[name]


def array(of: Type) -> Type:
    """Return the type of a list of values of a type."""
    return of._replace(array=True)


def row_id() -> Column:
    """Return the column of row ids, which have no meaning outside the store."""
    return Column("id", UUID, compared=False)


def stamp(name: str, null: str | None = None) -> Column:
    """Return a column with a time of writing, which is never compared.

    Args:
        name: of the column.
        null: why the column may be null; None makes it NOT NULL.
    """
    return Column(name, TIMESTAMP, null, compared=False)


def stamps() -> tuple[Column, Column]:
    """Return the columns with the times at which a row was made and last changed."""
    return stamp("created_at"), stamp("updated_at")


def columns_alike(kind: Type, null: str | None, unit: str, *names: str, job: str = "") -> tuple[Column, ...]:
    """Return columns that differ only by name.

    Args:
        kind: their type.
        null: what a null means; None if they take no nulls.
        unit: of their figures.
        names: one for each column.
        job: that fills them, where it is another one than the table's.
    """
    return tuple(Column(name, kind, null, unit, job=job) for name in names)
