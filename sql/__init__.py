"""SQL statements, one file each. CREATE statements are made by `sql.ddl`.

A file has {placeholders}. Their values are typed: the classes of this module become quoted
identifiers, other Python values become literals. No text that a user typed reaches a statement in
any other way, so that none has to be escaped where a statement is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID

from engine.core.schema import Column

FOLDER = files("sql")


class Name(NamedTuple):
    """Name of a table or column, quoted."""

    text: str

    def __str__(self) -> str:
        escaped = self.text.replace('"', '""')
        return f'"{escaped}"'


class Names(NamedTuple):
    """Column names, separated by commas.

    Attributes:
        texts: The names.
        prefix: A table's alias with its dot, put before each name.
    """

    texts: tuple[str, ...]
    prefix: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{self.prefix}{Name(text)}" for text in self.texts)


class Pairs(NamedTuple):
    """Equations of columns: conditions of a join, or assignments.

    Attributes:
        texts: The names of the columns.
        left: What comes before each name on the left, as `kept.`.
        right: What comes before each name on the right.
        joined_by: `and` or a comma.
    """

    texts: tuple[str, ...]
    left: str
    right: str
    joined_by: str

    def __str__(self) -> str:
        return f" {self.joined_by} ".join(
            f"{self.left}{Name(text)} = {self.right}{Name(text)}" for text in self.texts
        )


class Selected(NamedTuple):
    """Columns to read, cast so that every kind of store gives the same types.

    Ids, enums and JSON documents are read as text, columns that may hold NaN as double.

    Attributes:
        columns: The columns.
        exact_text: Read exact numbers as text, too.
    """

    columns: tuple[Column, ...]
    exact_text: bool = False

    def __str__(self) -> str:
        return ", ".join(self._one(column) for column in self.columns)

    def _one(self, column: Column) -> str:
        name, kind = Name(column.name), column.type.kind
        if kind in ("uuid", "enum", "json") or (self.exact_text and kind == "numeric" and not column.nan):
            return f"{name}::text as {name}"
        return f"{name}::float8 as {name}" if column.nan else str(name)


class Query(NamedTuple):
    """Another statement, inserted as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


class Adapted(NamedTuple):
    """Columns of a table, some of them as expressions or nulls.

    Attributes:
        expressions: {name: SQL}, an empty text for the column as it is.
    """

    expressions: Mapping[str, str]

    def __str__(self) -> str:
        return ", ".join(
            f"{sql} as {Name(name)}" if sql else f"{Name(name)}" for name, sql in self.expressions.items()
        )


class Unpacked(NamedTuple):
    """Columns of a frame, ids in two 64-bit numbers converted to UUIDs.

    Attributes:
        texts: The names of the columns.
        words: Which of them are `engine.core.row_ids.WORDS`.
    """

    texts: tuple[str, ...]
    words: Set[str]

    def __str__(self) -> str:
        return ", ".join(self._one(text) for text in self.texts)

    def _one(self, text: str) -> str:
        name = str(Name(text))
        return f"({name}.high::uhugeint << 64 | {name}.low)::uuid" if text in self.words else name


Value = (
    Name
    | Names
    | Pairs
    | Selected
    | Adapted
    | Unpacked
    | Query
    | date
    | timedelta
    | bool
    | int
    | str
    | UUID
    | Iterable[str]
    | None
)


def _literal(value: Value) -> str:
    match value:
        case Name() | Names() | Pairs() | Selected() | Adapted() | Unpacked() | Query():
            return str(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case date():
            return f"date '{value.isoformat()}'"
        case UUID():
            return f"'{value}'"
        case str():
            escaped = value.replace("'", "''")
            return f"'{escaped}'"
        case timedelta():
            return f"interval '{value.days} days'"
        case _:
            return "(" + (", ".join(_literal(item) for item in value) or "null") + ")"


@cache
def _template(name: str) -> str:
    return FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def statement(name: str, /, **values: Value) -> str:
    """Return a statement with its placeholders filled.

    Args:
        name: Path of the file in `sql`, without its suffix.
        values: The value of each placeholder.

    Returns:
        The text to send.
    """
    literals = {key: _literal(value) for key, value in values.items()}
    return _template(name).format_map(literals)
