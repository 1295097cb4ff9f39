"""Figures that their columns cannot hold; each fails its whole portfolio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from engine.core.schema import TABLES, Column, Table
from engine.pipeline.results import FAILURES


def misfits(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Find the floats that do not fit: too large, infinite, or NaN where neither NaN nor null is allowed.

    Args:
        table: whose columns set the limits.
        rows: portfolio_id, the table's key columns, and figures as Float64.

    Returns:
        Rows of `FAILURES`.
    """
    figures = [c for c in table.columns if c.type.kind == "numeric" and rows.schema.get(c.name) == pl.Float64]
    return _failures(table, rows, table.key, {column.name: _does_not_fit(column) for column in figures})


def _does_not_fit(column: Column) -> pl.Expr:
    value, kind = pl.col(column.name), column.type
    # A value that rounds to the limit does not fit either.
    limit = 10.0 ** (kind.precision - kind.scale) - 0.5 * 10.0**-kind.scale
    wide = (value.abs() >= limit) & value.is_not_nan()
    return wide if column.nan or column.nullable else wide | value.is_nan()


def integer_misfits(table: Table, rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Find the scaled integers that are too large for their columns.

    Args:
        table: whose columns set the limits.
        rows: portfolio_id, and Int128 columns named as the table's, in units of the last decimal place.
        key: columns that identify a row to its reader.

    Returns:
        Rows of `FAILURES`.
    """
    figures = [name for name, kind in rows.schema.items() if kind == pl.Int128 and name in table.by_name]
    wide = {name: pl.col(name).abs() >= 10 ** table[name].type.precision for name in figures}
    return _failures(table, rows, key, wide)


def _failures(
    table: Table, rows: pl.DataFrame, key: Sequence[str], conditions: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """Return a row of `FAILURES` for each cell that meets the condition of its column."""
    # In general no cell does, which one pass over all columns shows.
    any_cell = rows.select(condition.any().alias(name) for name, condition in conditions.items())
    broken = [table[name] for name in any_cell.columns if any_cell[name].item()]
    if not broken:
        return pl.DataFrame(schema=FAILURES)
    days = [name for name in ("date", table.date) if name in rows.columns]
    day = pl.col(days[0]).cast(pl.Date) if days else pl.lit(None, pl.Date)
    row_key = pl.concat_str((pl.col(name).cast(pl.String) for name in key), separator=", ")
    return pl.concat(
        rows.filter(conditions[column.name]).select(
            "portfolio_id",
            day.alias("date"),
            table=pl.lit(table.name),
            column=pl.lit(column.name),
            key=row_key,
            value=_text(pl.col(column.name), rows.schema[column.name], column),
            reason=pl.lit(f"{column.name} does not fit {column.type}"),
        )
        for column in broken
    )


def _text(value: pl.Expr, kind: pl.DataType, column: Column) -> pl.Expr:
    text = value.cast(pl.String)
    return text if kind == pl.Float64 else text + f"e-{column.type.scale}"


def money_misfits(snapshots: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Find the figures of phases 3 and 4 that do not fit, exposures included.

    Args:
        snapshots: of `engine.pipeline.equity.roll_equity`.
        marks: of `engine.pipeline.compute.mark_positions`.

    Returns:
        Rows of `FAILURES`.
    """
    exposed = snapshots.filter(pl.col("too_large").fill_null(False)).select(
        "portfolio_id",
        "date",
        table=pl.lit("portfolio_snapshots"),
        column=pl.lit("gross_exposure"),
        key=pl.col("portfolio_id") + ", " + pl.col("date").cast(pl.String),
        value=pl.lit("1e14 or more"),
        reason=pl.lit("gross_exposure does not fit numeric(16,2)"),
    )
    equity = integer_misfits(TABLES["portfolio_snapshots"], snapshots, ("portfolio_id", "date"))
    return pl.concat([exposed, equity, integer_misfits(TABLES["positions"], marks, ("id", "date"))])
