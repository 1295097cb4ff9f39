"""Fresh rows over stored ones: what was not said this time stays as it is."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from engine.core.frames import dtype
from engine.core.row_ids import row_ids
from engine.core.schema import Table
from engine.market_data.companies.fitting import fit

KEPT = ("id", "created_at")
"""What the writer is to leave of a row that is there."""

DEFAULTS = {"currency": "USD"}
"""What stands where a column must have a value and nobody has told it yet."""


def merged(table: Table, stored: pl.DataFrame, fresh: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Whole rows to write: for each column the fresh value, where there is none the stored one.

    Args:
        stored: rows of the table under some of the fresh rows' keys, all columns. A numeric column
            is Float64 where a database holds a NaN or an infinity in it: that counts as nothing.
        fresh: the key and some columns, in the table's types; one row a key.
        now: when a row counts as made, if it is new, and as changed.

    Returns:
        One row for each fresh row, the table's columns in order; `KEPT` is for new rows alone.
    """
    made = fresh.with_columns(created_at=pl.lit(now), updated_at=pl.lit(now))
    if "id" in table.by_name:
        made = made.with_columns(row_ids(table.name, *(made[name] for name in table.key)))
    silent = (
        pl.lit(None, dtype(column)).alias(column.name)
        for column in table.columns
        if column.name not in made.columns
    )
    floats = [table[name] for name, kind in stored.schema.items() if kind == pl.Float64]
    stored = stored.with_columns(fit(stored[column.name], column) for column in floats)
    rows = made.with_columns(silent).join(stored, on=table.key, how="left", suffix=" stored")
    said = (
        pl.coalesce(name, f"{name} stored", pl.lit(DEFAULTS.get(name)))
        for name in table.names
        if name not in table.key
    )
    return rows.with_columns(said).select(table.names).sort(table.key)
