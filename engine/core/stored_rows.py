"""From computed figures to the rows of a table: rounded, typed, numbered, stamped and sorted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np
import polars as pl

from engine.core.frames import dtype
from engine.core.money import decimal
from engine.core.row_ids import ID_WORDS, IdForm, check_key, id_words, row_ids
from engine.core.schema import Column, Table
from engine.core.sort_keys import plain_texts, sorted_by_key
from engine.numerics.rounding import round_half_away

STAMPS = ("created_at", "updated_at", "assigned_at")


def stored_rows(
    table: Table, rows: pl.DataFrame, stamp: datetime, ids: IdForm = "text", written: datetime | None = None
) -> pl.DataFrame:
    """Return whole rows of a table, sorted by its natural key.

    Args:
        table: The table.
        rows: Its natural key and any of its other columns; see `stored_columns`. Columns that are not the
            table's are dropped. An absent id is made from the key; other absent columns are null.
        stamp: When the rows were made: the value of absent time stamps.
        ids: The form of the ids that are made.
        written: The value of an absent `updated_at`; default `stamp`.

    Raises:
        BadKeyError: A key column has nulls, or a type that no key has.
    """
    for name in table.key:
        check_key(table.name, rows[name], rows.height)
    rows = sorted_by_key(rows, table.key)
    makes_id = table.primary_key == "id" and "id" not in rows.columns
    names = [name for name in table.names if not (makes_id and name == "id")]
    added: list[pl.Series | pl.Expr] = [*_absent(table, rows, names, stamp, written)]
    if makes_id:
        added.append(row_ids(table.name, *(rows[name] for name in table.key), form=ids))
    if ids == "words":
        added += _reference_words(table, rows)
    return stored_columns(table, rows.with_columns(added), table.names)


def unnumbered_rows(
    table: Table, rows: pl.DataFrame, stamp: datetime, written: datetime | None = None
) -> pl.DataFrame:
    """Return rows of a table without their ids, in the order in which they come.

    Args:
        table: The table.
        rows: As `stored_rows` takes them. Key texts that are enumerations stay so.
        stamp: The value of absent time stamps.
        written: The value of an absent `updated_at`; default `stamp`.

    Raises:
        BadKeyError: A key column has nulls, or a type that no key has.
    """
    for name in table.key:
        check_key(table.name, rows[name], rows.height)
    names = [name for name in table.names if name != table.primary_key]
    others = [name for name in names if name not in table.key]
    filled = rows.with_columns(_absent(table, rows, names, stamp, written))
    return filled.select(*table.key, *(_stored(filled, table[name]) for name in others))


def _absent(
    table: Table, rows: pl.DataFrame, names: Iterable[str], stamp: datetime, written: datetime | None
) -> Iterator[pl.Expr]:
    """Yield those of some columns that rows lack: time stamps, else null."""
    stamps = {**dict.fromkeys(STAMPS, stamp), "updated_at": written or stamp}
    for name in names:
        if name not in rows.columns:
            yield pl.lit(stamps.get(name), dtype(table[name])).alias(name)


def raised_stamp(changed: pl.Expr, written: datetime) -> pl.Expr:
    """Return `updated_at`, raised to the time of writing where a row changed; it never goes back.

    Args:
        changed: condition on the row.
        written: time of writing, UTC.
    """
    raised = pl.max_horizontal("updated_at", pl.lit(written))
    return pl.when(changed).then(raised).otherwise("updated_at").alias("updated_at")


def _reference_words(table: Table, rows: pl.DataFrame) -> list[pl.Series]:
    """Return the ids of other rows in the key as words: DuckDB reads them faster than texts."""
    keys = (rows[name] for name in table.key if table[name].type.kind == "uuid")
    words = (id_words(key) for key in keys if isinstance(key.dtype, pl.Enum))
    return [series for series in words if series is not None]


def stored_columns(table: Table, rows: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return columns as their table stores them.

    Args:
        table: The table.
        rows: Numeric columns are Float64 figures, rounded here, Int128 in units of the column's last
            decimal, or decimals. Other columns are of any type that casts to the table's.
        names: The columns to return.
    """
    return rows.select(_stored(rows, table[name]) for name in names)


def _stored(rows: pl.DataFrame, column: Column) -> pl.Series | pl.Expr:
    kind = rows.schema[column.name]
    if kind == ID_WORDS:
        return pl.col(column.name)
    if kind == pl.Int128 and column.type.kind == "numeric":
        return decimal(pl.col(column.name), column.type.precision, column.type.scale)
    if kind.is_float() and column.type.kind == "numeric":
        return stored_figures(rows[column.name], column)
    if kind == dtype(column):
        return pl.col(column.name)
    return plain_texts(rows[column.name]).cast(dtype(column))


def stored_figures(values: pl.Series, column: Column) -> pl.Series:
    """Return floats as their column stores them: shortest decimal text, rounded half away from zero.

    Args:
        values: Figures that fit the column (`engine.pipeline.column_limits`). NaN becomes null unless the
            column stores NaN.
        column: A numeric column.
    """
    blank = values.is_null() if values.null_count() else None
    known = values if blank is None else values.fill_null(np.nan)
    rounded = round_half_away(known.to_numpy(), column.type.scale)
    fresh = pl.Series(column.name, rounded, nan_to_null=not column.nan)
    if column.nan and blank is not None:
        fresh = fresh.set(blank, None)
    return fresh.cast(dtype(column))
