"""Conversion of frames to the schema's exact columns and types."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from engine.core.frames import dtype
from engine.core.schema import TABLES, Column

STAMP = datetime(2023, 1, 1, 12, tzinfo=UTC)
"""Time stamp of every row; not the clock, so that the same arguments give the same bytes."""


def schema_rows(table: str, frame: pl.DataFrame, **constants: object) -> pl.DataFrame:
    """Return rows of a table: cast, with constants and time stamps added, null elsewhere.

    Args:
        table: name.
        frame: some of the table's columns; others are dropped.
        constants: values by column.

    Returns:
        All columns of the table.
    """
    filled = frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items())
    return filled.select(_column(column, filled.columns) for column in TABLES[table].columns)


def _column(column: Column, present: list[str]) -> pl.Expr:
    if column.name in present:
        return pl.col(column.name).cast(dtype(column))
    missing = STAMP if column.type.kind == "timestamp" and not column.nullable else None
    return pl.lit(missing, dtype=dtype(column)).alias(column.name)
