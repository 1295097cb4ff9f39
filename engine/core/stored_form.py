"""From computed figures to stored rows: rounded once, numbered, stamped, in the table's types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.frames import coded, dtype, plain
from engine.core.row_ids import check_key, numbered, packed
from engine.core.schema import Column, Table
from engine.numerics.rounding import round_half_away

STAMPS = ("created_at", "updated_at", "assigned_at")


def figure(values: pl.Series, column: Column) -> pl.Series:
    """Floats as their column stores them: shortest decimal text, half away from zero.

    NaN stays NaN in a column that knows it, and is no figure (null) in one that does not; a null
    stays null. Figures too wide for the column must be taken out before: see `engine.pipeline.column_limits`.
    """
    blank = values.is_null() if values.null_count() else None
    known = values if blank is None else values.fill_null(np.nan)
    rounded = round_half_away(known.to_numpy(), column.type.scale)
    fresh = pl.Series(column.name, rounded, nan_to_null=not column.nan)
    if column.nan and blank is not None:
        fresh = fresh.set(blank, None)
    return fresh.cast(dtype(column))


def store_rows(table: Table, rows: pl.DataFrame, stamp: datetime, in_words: bool = False) -> pl.DataFrame:
    """Whole rows of a table, sorted by natural key.

    Args:
        rows: the table's columns but ids and time stamps, figures as Float64; other columns are
            dropped, absent ones are null. Texts may be coded: see `engine.core.frames.coded`.
        stamp: what the rows bear as their time.
        in_words: whether ids are to be words instead of texts, those of other rows too where they are coded.
    """
    rows = _sorted(table, rows)
    given = [column for column in table.columns if column.name in rows.columns]
    known = pl.DataFrame([_stored(rows[column.name], column, in_words) for column in given])
    if "id" not in known.columns and table.primary_key == "id":
        ids = numbered(table.name, [rows[name] for name in table.key], in_words)
        known = known.with_columns(ids.alias("id"))
    absent = [
        pl.lit(stamp if column.name in STAMPS else None).cast(dtype(column)).alias(column.name)
        for column in table.columns
        if column.name not in known.columns
    ]
    return known.with_columns(absent).select(table.names)


def _stored(values: pl.Series, column: Column, in_words: bool) -> pl.Series:
    if column.type.kind == "numeric" and values.dtype.is_float():
        return figure(values, column)
    if in_words and column.type.kind == "uuid" and isinstance(values.dtype, pl.Enum):
        return packed(values)
    return plain(values).cast(dtype(column))


def _sorted(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by key, its texts coded: one sort of whole numbers takes a quarter of one of texts."""
    keys = [coded(rows[name]) if rows.schema[name] == pl.String else rows[name] for name in table.key]
    for key in keys:
        check_key(table.name, key, rows.height)
    rows = rows.with_columns(keys)
    if rows.is_empty():
        return rows
    words = _packed(keys)
    if len(words) == 1 and (words[0][1:] >= words[0][:-1]).all():
        return rows
    return rows[np.lexsort(words[::-1])]


def _packed(keys: Sequence[pl.Series]) -> list[NDArray[np.int64]]:
    """Whole numbers that sort as the keys do, as many keys in one as 62 bits hold."""
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
