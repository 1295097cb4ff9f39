"""Rows of a table as a notebook shows them: names before ids, money formatted, units in the headings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import polars as pl

from engine.core.names import check_columns
from engine.core.schema import Column, Table
from engine.html.blocks import PageTable, Section
from engine.html.cells import Cell, count, money, not_computed, percent, plain, ratio
from engine.html.page import fragment

Names = Mapping[str, Mapping[str, str | None]]
"""Names of rows by the column that refers to them, then by id."""
LABELS = {
    "portfolio_id": "portfolio",
    "position_id": "position",
    "factor_id": "factor",
    "scenario_id": "scenario",
    "user_id": "user",
}
"""Title of the column of names that stands for a column of ids."""
MOST_ROWS = 40
"""Rows that a notebook shows; the frame has all."""
SHORT_ID = 8
LONGEST_TEXT = 80


@dataclass(frozen=True)
class ReadableTable:
    """Rows of a table, to be looked at.

    Attributes:
        table: of the schema.
        frame: the rows as a frame, names before ids; numbers as Float64. Go on working with this.
    """

    table: Table
    frame: pl.DataFrame

    def __repr__(self) -> str:
        return str(self.frame)

    def _repr_html_(self) -> str:
        units = [
            self.table.by_name[name].unit if name in self.table.by_name else "" for name in self.frame.columns
        ]
        headings = [
            f"{name}, {unit}" if unit else name for name, unit in zip(self.frame.columns, units, strict=True)
        ]
        forms = [_form(self.table, name) for name in self.frame.columns]
        rows = [
            [form(value) for form, value in zip(forms, row, strict=True)]
            for row in self.frame.head(MOST_ROWS).iter_rows()
        ]
        more = self.frame.height - len(rows)
        note = f"{more:,} more rows: `.frame` has all." if more else ""
        shown = PageTable(f"{self.frame.height:,} rows", headings, rows, note=note)
        return fragment([Section(self.table.name, self.table.name, self.table.comment, [shown])])


def readable(
    table: Table, rows: pl.DataFrame, names: Names, columns: Sequence[str] | None = None
) -> ReadableTable:
    """Return rows with names before ids, without row ids and times of writing.

    Args:
        table: of the schema.
        rows: in its columns; Decimals become Float64.
        names: of the rows that ids refer to.
        columns: to show, ids left out; default all.

    Raises:
        UnknownColumnError: the table has no such column.
    """
    check_columns(table, columns or ())
    wanted = list(columns) if columns else [one.name for one in table.columns if one.compared]
    ids = [name for name in LABELS if name in wanted and name in rows.columns]
    figures = [name for name in wanted if name in rows.columns and name not in ids]
    labels = [
        pl.col(name)
        .replace_strict(dict(names[name]), default=None, return_dtype=pl.String)
        .alias(LABELS[name])
        for name in ids
        if name in names
    ]
    numbers = [
        pl.col(name).cast(pl.Float64) if rows.schema[name].is_decimal() else pl.col(name) for name in figures
    ]
    return ReadableTable(table, rows.select(*labels, *numbers, *ids))


def _form(table: Table, name: str) -> Callable[[object], Cell]:
    """Return how the values of a column are written."""
    column = table.by_name.get(name)
    if column is None:
        return _text  # a name
    if column.type.kind == "uuid":
        return lambda value: plain("" if value is None else str(value)[:SHORT_ID])
    return partial(figure_cell, column)


def figure_cell(column: Column, value: object) -> Cell:
    """Return a value of a column, as a number of its unit where it is one; a null with what it means.

    Args:
        column: of the schema.
        value: of a row.
    """
    missing, number = column.null or "", _number(column)
    if value is None:
        return not_computed(missing)
    return number(value, missing) if number else _text(value)  # type: ignore[arg-type]


def _number(column: Column) -> Callable[[float | None, str], Cell] | None:
    """Return how the numbers of a column are written; None for other values."""
    if column.type.kind in ("integer", "bigint"):
        return count
    if column.type.kind != "numeric":
        return None
    if column.unit.startswith("USD"):
        return lambda value, missing: money(value, "USD", missing, cents=True)
    if column.unit.startswith("fraction"):
        return partial(percent, digits=2)
    return partial(ratio, digits=4)


def _text(value: object) -> Cell:
    if isinstance(value, datetime):
        return plain(f"{value:%Y-%m-%d %H:%M}")
    if isinstance(value, date):
        return Cell(value.isoformat(), value.isoformat())
    text = "" if value is None else str(value)
    return plain(text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...")


def names_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, str | None]]:
    """Return the names by which rows are called.

    Args:
        tables: rows of tables that have names; those that are missing give none.
    """
    return dict(_names(tables))


NAMED = {
    "portfolio_id": ("portfolios", "name"),
    "position_id": ("positions", "symbol"),
    "factor_id": ("factor_definitions", "name"),
    "scenario_id": ("stress_test_scenarios", "name"),
}
"""Table and column that have the names of the rows that a column refers to."""


def _names(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, dict[str, str | None]]]:
    for key, (table, column) in NAMED.items():
        if table in tables:
            yield key, dict(tables[table].select("id", column).iter_rows())
