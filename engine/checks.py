"""The last gate of a computation: figures that their columns cannot hold fail their portfolio."""

from __future__ import annotations

import polars as pl

from engine.results import FAILURES
from engine.schema import TABLES, Table


def misfits(rows: pl.DataFrame, table: Table, *key: str) -> pl.DataFrame:
    """The integers that are too wide for their columns, one failure each.

    Args:
        rows: portfolio_id and Int128 columns named as the table's numeric columns, each in
            units of its column's last place.
        key: columns that name a row to its reader.

    Returns:
        Rows of `FAILURES`.
    """
    named = pl.concat_str((pl.col(name).cast(pl.String) for name in key), separator=", ")
    found = [
        rows.filter(pl.col(name).abs() >= 10 ** table[name].type.precision).select(
            "portfolio_id",
            table=pl.lit(table.name),
            column=pl.lit(name),
            key=named,
            value=pl.col(name).cast(pl.String) + f"e-{table[name].type.scale}",
            reason=pl.lit(f"{name} does not fit {table[name].type}"),
        )
        for name, kind in rows.schema.items()
        if kind == pl.Int128 and name in table.by_name
    ]
    return pl.concat([pl.DataFrame(schema=FAILURES), *found])


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
    snapshots = misfits(book, TABLES["portfolio_snapshots"], "portfolio_id", "date")
    return pl.concat([exposed, snapshots, misfits(days, TABLES["positions"], "id", "date")])
