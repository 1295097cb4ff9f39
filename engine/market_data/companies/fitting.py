"""What a provider says, made to fit a table: rounded, cut, or left out with a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from engine.core.frames import dtype
from engine.core.schema import Column, Table
from engine.numerics.rounding import round_half_away

LIMITS = {"integer": 2.0**31, "bigint": 2.0**63}
NUL = "\x00"
"""The one character that Postgres refuses in a text."""


def raw_rows(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows of values by column as a frame: figures and counts as Float64, the rest in its type."""
    named = {name for row in rows for name in row}
    schema = {
        column.name: pl.Float64() if _is_number(column) else dtype(column)
        for column in table.columns
        if column.name in named
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _is_number(column: Column) -> bool:
    return column.type.kind in ("numeric", *LIMITS)


def fitted(table: Table, raw: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The rows in the table's types, and a note for each figure that its column cannot hold.

    A figure is rounded half away from zero at its column's scale. NaN and infinities are no
    figures; a figure too wide is left out as one, so that no single value loses its row. A text is
    cut at its column's width, an empty one is none.

    Args:
        raw: columns of the table, the key among them; figures and counts as Float64.

    Returns:
        The same rows and columns in the types of `engine.core.frames`.
    """
    columns = [table[name] for name in raw.columns]
    rows = pl.DataFrame([fit(raw[column.name], column) for column in columns])
    numbers = [column for column in columns if _is_number(column)]
    return rows, [note for column in numbers for note in _notes(table, column, raw, rows)]


def fit(values: pl.Series, column: Column) -> pl.Series:
    """One column's values in its type; null where it cannot hold one: see `fitted`."""
    kind = column.type
    if values.dtype == pl.Float64:
        limit = 10.0 ** (kind.precision - kind.scale) if kind.kind == "numeric" else LIMITS[kind.kind]
        rounded = round_half_away(values.fill_null(np.nan).to_numpy(), kind.scale)
        fitting = np.where(np.abs(rounded) < limit, rounded, np.nan)
        return pl.Series(column.name, fitting, nan_to_null=True).cast(dtype(column))
    if kind.kind == "text":
        text = values.cast(pl.String).str.replace_all(NUL, "", literal=True).str.strip_chars()
        return text.set(text == "", None).str.slice(0, kind.length)
    return values.cast(dtype(column))


def _notes(table: Table, column: Column, raw: pl.DataFrame, rows: pl.DataFrame) -> list[str]:
    lost = raw[column.name].is_finite() & rows[column.name].is_null()
    if not lost.any():
        return []
    told = raw.filter(lost).select("symbol", column.name).iter_rows()
    return [
        f"{table.name} of {symbol}: {column.name} {value:g} does not fit {column.type}, and is left out"
        for symbol, value in told
    ]
