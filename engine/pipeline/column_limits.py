"""The last gate of a computation: figures that their columns cannot hold fail their portfolio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from engine.core.schema import TABLES, Column, Table
from engine.pipeline.results import FAILURES


def misfits(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The floats that their columns cannot hold: rows of `FAILURES`.

    Too wide a figure, an infinite one, or an undefined one where the column has to have a number.

    Args:
        rows: portfolio_id, the table's key columns and figures as Float64.
    """
    figures = [c for c in table.columns if c.type.kind == "numeric" and rows.schema.get(c.name) == pl.Float64]
    return _told(table, rows, table.key, {column.name: _misfit(column) for column in figures})


def _misfit(column: Column) -> pl.Expr:
    value, kind = pl.col(column.name), column.type
    # What rounds to the limit is as wide as the limit.
    limit = 10.0 ** (kind.precision - kind.scale) - 0.5 * 10.0**-kind.scale
    wide = (value.abs() >= limit) & value.is_not_nan()
    return wide if column.nan or column.nullable else wide | value.is_nan()


def integer_misfits(table: Table, rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The integers that are too wide for their columns: rows of `FAILURES`.

    Args:
        rows: portfolio_id and Int128 columns named as the table's numeric columns, each in
            units of its column's last place.
        key: columns that name a row to its reader.
    """
    figures = [name for name, kind in rows.schema.items() if kind == pl.Int128 and name in table.by_name]
    wide = {name: pl.col(name).abs() >= 10 ** table[name].type.precision for name in figures}
    return _told(table, rows, key, wide)


def _told(table: Table, rows: pl.DataFrame, key: Sequence[str], wrong: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """A failure for each cell that is wrong. One look tells for all columns that there is none, as a rule."""
    found = rows.select(test.any().alias(name) for name, test in wrong.items())
    named = pl.concat_str((pl.col(name).cast(pl.String) for name in key), separator=", ")
    failures = [
        rows.filter(wrong[column.name]).select(
            "portfolio_id",
            table=pl.lit(table.name),
            column=pl.lit(column.name),
            key=named,
            value=_text(pl.col(column.name), rows.schema[column.name], column),
            reason=pl.lit(f"{column.name} does not fit {column.type}"),
        )
        for column in (table[name] for name in found.columns)
        if found[column.name].item()
    ]
    return pl.concat([pl.DataFrame(schema=FAILURES), *failures])


def _text(value: pl.Expr, kind: pl.DataType, column: Column) -> pl.Expr:
    text = value.cast(pl.String)
    return text if kind == pl.Float64 else text + f"e-{column.type.scale}"


def money_misfits(book: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """What does not fit of the figures of phases 3 and 4, exposures included."""
    exposed = book.filter(pl.col("too_large").fill_null(False)).select(
        "portfolio_id",
        table=pl.lit("portfolio_snapshots"),
        column=pl.lit("gross_exposure"),
        key=pl.col("portfolio_id") + ", " + pl.col("date").cast(pl.String),
        value=pl.lit("1e14 or more"),
        reason=pl.lit("gross_exposure does not fit numeric(16,2)"),
    )
    snapshots = integer_misfits(TABLES["portfolio_snapshots"], book, ("portfolio_id", "date"))
    return pl.concat([exposed, snapshots, integer_misfits(TABLES["positions"], days, ("id", "date"))])
