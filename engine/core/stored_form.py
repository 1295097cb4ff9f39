"""Stored form of computed rows: figures rounded once, ids and time stamps added, in the table's types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.frames import coded, dtype, plain
from engine.core.row_ids import check_key, make_ids, text_to_words
from engine.core.schema import Column, Table
from engine.numerics.rounding import round_half_away

STAMPS = ("created_at", "updated_at", "assigned_at")
"""Columns that bear the time of writing."""


def stored_figures(values: pl.Series, column: Column) -> pl.Series:
    """Return floats as their column stores them: shortest decimal text, rounded half away from zero.

    NaN stays NaN if the column allows it, and becomes null (no figure) if not. Figures too wide for
    the column must be removed before: see `engine.pipeline.column_limits`.

    Args:
        values: Float64; null where nothing was computed.
        column: a numeric column.

    Returns:
        Values of the column's Polars type and name; null stays null.
    """
    absent = values.is_null() if values.null_count() else None
    floats = values if absent is None else values.fill_null(np.nan)
    rounded = round_half_away(floats.to_numpy(), column.type.scale)
    stored = pl.Series(column.name, rounded, nan_to_null=not column.nan)
    if column.nan and absent is not None:
        stored = stored.set(absent, None)
    return stored.cast(dtype(column))


def store_rows(table: Table, rows: pl.DataFrame, stamp: datetime, in_words: bool = False) -> pl.DataFrame:
    """Return whole rows of a table, sorted by natural key.

    Args:
        table: the table.
        rows: its columns but ids and time stamps, figures as Float64; other columns are dropped,
            absent ones are null. Texts may be Enum: see `engine.core.frames.coded`.
        stamp: time of writing.
        in_words: whether ids become `engine.core.row_ids.WORDS` instead of texts; ids of other rows
            become so too if they are Enum.

    Returns:
        All columns of the table, in its types.
    """
    rows = _sorted(table, rows)
    given = [column for column in table.columns if column.name in rows.columns]
    stored = pl.DataFrame([_stored(rows[column.name], column, in_words) for column in given])
    if "id" not in stored.columns and table.primary_key == "id":
        ids = make_ids(table.name, [rows[name] for name in table.key], in_words)
        stored = stored.with_columns(ids.alias("id"))
    absent = [
        pl.lit(stamp if column.name in STAMPS else None).cast(dtype(column)).alias(column.name)
        for column in table.columns
        if column.name not in stored.columns
    ]
    return stored.with_columns(absent).select(table.names)


def _stored(values: pl.Series, column: Column, in_words: bool) -> pl.Series:
    if column.type.kind == "numeric" and values.dtype.is_float():
        return stored_figures(values, column)
    if in_words and column.type.kind == "uuid" and isinstance(values.dtype, pl.Enum):
        return text_to_words(values)
    return plain(values).cast(dtype(column))


def _sorted(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows by key, with texts as Enum: sorting integers takes a quarter of sorting texts."""
    keys = [coded(rows[name]) if rows.schema[name] == pl.String else rows[name] for name in table.key]
    for key in keys:
        check_key(table.name, key, rows.height)
    rows = rows.with_columns(keys)
    if rows.is_empty():
        return rows
    words = _sort_words(keys)
    if len(words) == 1 and (words[0][1:] >= words[0][:-1]).all():
        return rows
    return rows[np.lexsort(words[::-1])]


def _sort_words(keys: Sequence[pl.Series]) -> list[NDArray[np.int64]]:
    """Return integers that sort as the keys do; several keys share one while they fit into 62 bits."""
    words: list[NDArray[np.int64]] = []
    room = 1
    for key in keys:
        number = key.to_physical().cast(pl.Int64).to_numpy()
        number = number - number.min()
        span = int(number.max()) + 1
        if words and room * span < 1 << 62:
            words[-1] = words[-1] * span + number
            room *= span
        else:
            words.append(number)
            room = span
    return words
