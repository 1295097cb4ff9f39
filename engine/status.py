"""Status: what became of each job, so that an absent figure can always be explained."""

from __future__ import annotations

import polars as pl

from engine.frames import dtype
from engine.ids import row_ids
from engine.schema import TABLES

STATUS = TABLES["analytics_status"]


def status_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of analytics_status in the table's own columns.

    Args:
        rows: portfolio_id, calculation_date, job, status ("ok", "skipped" or "failed"), reason,
            positions_used, positions_left_out.
    """
    known = rows.select(
        pl.col(column.name).cast(dtype(column)) for column in STATUS.columns if column.name != "id"
    )
    ids = row_ids(STATUS.name, *(known[name] for name in STATUS.key))
    return known.insert_column(0, ids.alias("id")).sort(STATUS.key)


def refused(failures: pl.DataFrame, days: pl.Series, jobs: list[str]) -> pl.DataFrame:
    """Every job of every session, failed, for the portfolios that were left out."""
    reasons = failures.unique("portfolio_id", keep="first", maintain_order=True)
    calendar = pl.DataFrame({"calculation_date": days})
    return (
        reasons.select("portfolio_id", reason=pl.col("reason").str.slice(0, 64))
        .join(calendar, how="cross")
        .join(pl.DataFrame({"job": jobs}, schema={"job": pl.String}), how="cross")
        .with_columns(status=pl.lit("failed"), positions_used=0, positions_left_out=0)
    )
