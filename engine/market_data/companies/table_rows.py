"""Conversion of a provider's values to a table's types, and their merge into stored rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl

from engine.core.frames import dtype
from engine.core.schema import Column, Table
from engine.core.stored_rows import STAMPS, stored_rows
from engine.numerics.rounding import round_half_away

INTEGER_BOUNDS = {"integer": 2.0**31, "bigint": 2.0**63}
NUL = "\x00"
"""The only character that Postgres refuses in a text."""
KEPT_COLUMNS = ("id", "created_at")
"""Columns of a stored row that the writer keeps."""
DEFAULTS = {"currency": "USD"}
"""Values of NOT NULL columns that neither the provider nor the store has."""


def raw_rows(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Return rows as a frame of raw values: numbers as Float64, the rest in the column's type.

    Args:
        table: of the rows.
        rows: values by column.

    Returns:
        The columns that any row has, in the table's order.
    """
    present = {name for row in rows for name in row}
    schema = {
        column.name: pl.Float64() if _is_number(column) else dtype(column)
        for column in table.columns
        if column.name in present
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _is_number(column: Column) -> bool:
    return column.type.kind in ("numeric", *INTEGER_BOUNDS)


def fit_rows(table: Table, raw: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Convert raw rows to the table's types; leave out single values that do not fit, not rows.

    Numbers are rounded half away from zero at the column's scale. NaN, infinities and numbers that
    the column cannot hold become null. Texts are cut at the column's width; a blank one is null.

    Args:
        table: of the rows.
        raw: columns of the table, the symbol among them; numbers as Float64.

    Returns:
        The same rows and columns in the types of `engine.core.frames`; a note for each finite
        number that does not fit.
    """
    columns = [table[name] for name in raw.columns]
    rows = pl.DataFrame([_fit(raw[column.name], column) for column in columns])
    numbers = [column for column in columns if _is_number(column)]
    return rows, [note for column in numbers for note in _notes(table, column, raw, rows)]


def _fit(values: pl.Series, column: Column) -> pl.Series:
    kind = column.type
    if values.dtype == pl.Float64:
        numeric = kind.kind == "numeric"
        bound = 10.0 ** (kind.precision - kind.scale) if numeric else INTEGER_BOUNDS[kind.kind]
        rounded = round_half_away(values.fill_null(np.nan).to_numpy(), kind.scale)
        fitting = np.where(np.abs(rounded) < bound, rounded, np.nan)
        return pl.Series(column.name, fitting, nan_to_null=True).cast(dtype(column))
    if kind.kind == "text":
        text = values.cast(pl.String).str.replace_all(NUL, "", literal=True).str.strip_chars()
        return text.set(text == "", None).str.slice(0, kind.length)
    return values.cast(dtype(column))


def _notes(table: Table, column: Column, raw: pl.DataFrame, rows: pl.DataFrame) -> list[str]:
    lost = raw[column.name].is_finite() & rows[column.name].is_null()
    return [
        f"{table.name} of {symbol}: {column.name} {value:g} does not fit {column.type}, and is left out"
        for symbol, value in raw.filter(lost).select("symbol", column.name).iter_rows()
    ]


def merge_rows(table: Table, stored: pl.DataFrame, fresh: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return whole rows to write: in each column the fresh value, else the stored one.

    Args:
        table: of the rows.
        stored: rows of the table with some of the fresh rows' keys, all columns. A numeric column
            in which the database holds a NaN or an infinity is Float64; these count as null.
        fresh: the key and some columns, in the table's types; one row for each key.
        now: created_at of new rows, updated_at of new and changed ones.

    Returns:
        One row for each fresh row, the table's columns in order. `KEPT_COLUMNS` hold values for
        new rows; the writer keeps those of stored rows.
    """
    # Otherwise a stored NaN would replace a null of the fresh row.
    floats = [table[name] for name, kind in stored.schema.items() if kind == pl.Float64]
    stored = stored.with_columns(_fit(stored[column.name], column) for column in floats)
    rows = stored_rows(table, fresh, now).join(stored, on=table.key, how="left", suffix=" stored")
    values = (
        pl.coalesce(name, f"{name} stored", pl.lit(DEFAULTS.get(name)))
        for name in table.names
        if name not in table.key
    )
    others = [name for name in table.names if name not in (*table.key, table.primary_key, *STAMPS)]
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name} stored")) for name in others)
    written = pl.when(same).then(pl.coalesce("updated_at stored", "updated_at")).otherwise("updated_at")
    merged = rows.with_columns(values).with_columns(updated_at=written)
    return merged.select(table.names).sort(table.key)
