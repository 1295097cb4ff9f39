"""Rows in the schema's exact columns and types."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from engine.core.frames import dtype
from engine.core.schema import TABLES, Column

STAMP = datetime(2023, 1, 1, 12, tzinfo=UTC)
"""What every row bears as its time of writing: not the clock, so that worlds are repeatable."""


def rows(table: str, given: pl.DataFrame, **constants: object) -> pl.DataFrame:
    """`given` with constant columns and time stamps added, nulls elsewhere, cast to the schema."""
    filled = given.with_columns(pl.lit(value).alias(name) for name, value in constants.items())
    return filled.select(_column(column, filled.columns) for column in TABLES[table].columns)


def _column(column: Column, present: list[str]) -> pl.Expr:
    if column.name in present:
        return pl.col(column.name).cast(dtype(column))
    missing = STAMP if column.type.kind == "timestamp" and not column.nullable else None
    return pl.lit(missing, dtype=dtype(column)).alias(column.name)
