"""Declared exemptions: cells that need not be equal, each with a reason.

An exempt cell is still compared, counted and shown, but cannot make the verdict `different`.
The file is a JSON list of {"table", "columns": "*" or a list, "where": {column: [values]},
"reason"}. An exemption covers a row when each `where` column holds one of its values; where the
two sides differ there, the expected side decides. A date covers every time of that day. A row with
a generated id is named by its natural key (`"factor_id": ["Momentum"]`). Only `"columns": "*"`
exempts rows that are missing, extra or duplicated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NoReturn

import polars as pl

from engine.core.documents import parsed, read_text
from engine.core.errors import nearest
from engine.core.schema import TABLES, Column, Table
from engine.parity.canonical import NOT_A_NUMBER, canonical_type, needed
from engine.parity.comparison_errors import ExemptionError
from engine.parity.keys import made_references

Value = str | int | float | bool | None
_FIELDS = {"table", "columns", "where", "reason"}


@dataclass(frozen=True)
class Exemption:
    """Cells of one table that need not be equal.

    Attributes:
        columns: names of columns, or "*" for all columns and unmatched rows.
        where: for each column the values that choose rows; empty: all rows.
    """

    table: str
    reason: str
    columns: tuple[str, ...] | Literal["*"] = "*"
    where: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that do not exist: they would silently exempt nothing."""
        if self.table not in TABLES:
            self._refuse(f"no table is called {self.table}{nearest(self.table, TABLES)}")
        table = TABLES[self.table]
        for name in (*(() if self.columns == "*" else self.columns), *self.where):
            if name not in table.names:
                self._refuse(f"no column is called {name}{nearest(name, table.names)}")
        if not self.reason.strip():
            self._refuse("no reason is given")
        for name in self.where:
            if table[name] not in needed(table):
                self._refuse(f"column {name} is never compared, so it cannot choose rows")
        self.rows()  # building the expression checks every value

    def covers(self, column: str) -> bool:
        """Return whether cells of a column are exempt where the exemption's condition holds.

        Args:
            column: name, of the exemption's table.
        """
        return self.columns == "*" or column in self.columns

    def rows(self) -> pl.Expr:
        """Return which rows of the table, in canonical values, the exemption covers."""
        table = TABLES[self.table]
        chosen = [self._holds_any(table, table[name], values) for name, values in self.where.items()]
        return pl.all_horizontal(pl.lit(True), *chosen)

    def condition(self) -> str:
        """Return the `where` part as text."""
        parts = (f"{name} in {', '.join(map(str, v))}" for name, v in self.where.items())
        return "; ".join(parts) or "all rows"

    def _holds_any(self, table: Table, column: Column, values: tuple[Value, ...]) -> pl.Expr:
        stored = pl.col(column.name)
        try:
            if column.type.kind == "timestamp" and all(map(_is_day, values)):
                days = [date.fromisoformat(str(value)) for value in values]
                return stored.dt.date().is_in(days, nulls_equal=True)
            allowed = [_canonical(table, column, value) for value in values]
        except (ArithmeticError, KeyError, TypeError, ValueError):
            self._refuse(f"column {column.name} ({column.type}) cannot hold {list(values)}")
        return stored.is_in(pl.Series(allowed, dtype=canonical_type(column)).implode(), nulls_equal=True)

    def _refuse(self, problem: str) -> NoReturn:
        raise ExemptionError(f"of {self.table}", problem)


def _is_day(value: Value) -> bool:
    return isinstance(value, str) and len(value) == len("2025-05-02")


def _canonical(table: Table, column: Column, value: Value) -> object:
    """Return a value of the file as a canonical value of its column."""
    if value is None:
        return None
    text = str(value)
    match column.type.kind:
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case "numeric":
            number = Decimal(text)
            return NOT_A_NUMBER if number.is_nan() else int(number.scaleb(column.type.scale))
        case "integer" | "bigint":
            return int(text)
        case "boolean":
            return {"true": True, "false": False}[text.lower()]
    # A reference to a generated id holds the parent's natural key by now, whose case matters.
    reference = column.name in {key.column for key in made_references(table)}
    return text.lower() if column.type.kind == "uuid" and not reference else text


def load_exemptions(path: str | Path) -> tuple[Exemption, ...]:
    """Return the exemptions that a JSON file declares.

    Args:
        path: of the file: a list of objects.

    Raises:
        ExemptionError: the file cannot be read, or an entry is malformed or names something that
            does not exist.
    """
    try:
        entries = parsed(json.loads, read_text(Path(path)))
    except (OSError, ValueError) as error:
        raise ExemptionError(f"file {path}", f"cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise ExemptionError(f"file {path}", "a list is expected")
    return tuple(_entry(f"{n} of {path}", entry) for n, entry in enumerate(entries, start=1))


def _entry(name: str, entry: object) -> Exemption:
    if not isinstance(entry, dict):
        raise ExemptionError(name, "an object is expected")
    unknown, absent = set(entry) - _FIELDS, {"table", "columns", "reason"} - set(entry)
    for problem, fields in (("unknown field", unknown), ("missing field", absent)):
        if fields:
            raise ExemptionError(name, f"{problem} {', '.join(sorted(fields))}")
    columns, where = entry["columns"], entry.get("where", {})
    _check_shape(name, entry, columns, where)
    return Exemption(
        table=entry["table"],
        reason=entry["reason"],
        columns="*" if columns == "*" else tuple(columns),
        where={column: tuple(values) for column, values in where.items()},
    )


def _check_shape(name: str, entry: dict[str, Any], columns: object, where: object) -> None:
    if not isinstance(entry["table"], str) or not isinstance(entry["reason"], str):
        raise ExemptionError(name, "table and reason are texts")
    if columns != "*" and not (
        isinstance(columns, list) and columns and all(isinstance(c, str) for c in columns)
    ):
        raise ExemptionError(name, 'columns is "*" or a list of names')
    if not isinstance(where, dict) or not all(isinstance(v, list) for v in where.values()):
        raise ExemptionError(name, "where is an object of column: [values]")
