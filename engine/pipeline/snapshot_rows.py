"""Snapshots: the row of portfolio_snapshots for each portfolio and session."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from engine.core.frames import dtype
from engine.core.money import decimal
from engine.core.row_ids import make_ids
from engine.core.schema import TABLES, Column
from engine.core.stored_form import stored_figures

SNAPSHOTS = TABLES["portfolio_snapshots"]


def stored(rows: pl.DataFrame, stamp: datetime, in_words: bool = False) -> pl.DataFrame:
    """Those figures as rows of portfolio_snapshots; columns that nothing has filled are null."""
    ids = make_ids(SNAPSHOTS.name, [rows["portfolio_id"], rows["date"]], in_words)
    rows = rows.with_columns(snapshot_date="date", created_at=pl.lit(stamp))
    return rows.select(ids, *(_column(column, rows) for column in SNAPSHOTS.columns if column.name != "id"))


def _column(column: Column, rows: pl.DataFrame) -> pl.Expr | pl.Series:
    found = rows.schema.get(column.name)
    if found is None:
        return pl.lit(None, dtype(column)).alias(column.name)
    if found == pl.Int128:
        return decimal(pl.col(column.name), column.type.precision, column.type.scale)
    if found == pl.Float64:
        return stored_figures(rows[column.name], column)
    return pl.col(column.name).cast(dtype(column))
