"""Rows of analytics_status for the jobs that never skip, and for portfolios that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.core.job_catalog import JOBS, MARKET_VALUES, PNL, SNAPSHOT
from engine.core.schema import TABLES

REASON_LENGTH = TABLES["analytics_status"]["reason"].type.length
"""Characters of a reason that the table holds; the rest of a longer one is cut."""
COUNTED = {
    PNL.name: ("moved", "still"),
    SNAPSHOT.name: ("valued", "unvalued"),
    MARKET_VALUES.name: ("marked", "unmarked"),
}
"""Of the jobs of phases 3 and 4, the columns that count positions used and left out."""


def daily_job_status(snapshots: pl.DataFrame, marks: pl.DataFrame, grave: pl.DataFrame) -> pl.DataFrame:
    """Return the status of phases 3 and 4, which never skip: a row for each portfolio, session and job.

    Args:
        snapshots: of `engine.pipeline.compute.roll_equity`.
        marks: of `engine.pipeline.compute.mark_positions`.
        grave: of `engine.pipeline.inputs.Inputs`: the portfolios computed from an inconsistent row.

    Returns:
        Columns of analytics_status without the id.
    """
    marked = marks.group_by("portfolio_id", "session").agg(
        marked=pl.col("marked").sum(), unmarked=(pl.col("markable") & ~pl.col("marked")).sum()
    )
    rows = snapshots.join(marked, on=["portfolio_id", "session"], how="left", maintain_order="left")
    reasons = grave.select("portfolio_id", reason="code")
    rows = rows.join(reasons, on="portfolio_id", how="left", maintain_order="left")
    return pl.concat(
        rows.select(
            "portfolio_id",
            calculation_date="date",
            job=pl.lit(job),
            status=pl.when(pl.col("reason").is_null()).then(pl.lit("ok")).otherwise(pl.lit("partial")),
            reason="reason",
            positions_used=pl.col(used).fill_null(0).cast(pl.Int32),
            positions_left_out=pl.col(left_out).fill_null(0).cast(pl.Int32),
        )
        for job, (used, left_out) in COUNTED.items()
    )


def failed_status(failures: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return a failed row for every job and session of the portfolios that were left out.

    Args:
        failures: portfolio_id and reason; the first reason of a portfolio counts.
        sessions: of the window.
    """
    reasons = failures.unique("portfolio_id", keep="first", maintain_order=True)
    calendar = pl.DataFrame({"calculation_date": pl.Series(sessions, dtype=pl.Date)})
    return (
        reasons.select("portfolio_id", reason=pl.col("reason").str.slice(0, REASON_LENGTH))
        .join(calendar, how="cross")
        .join(pl.DataFrame({"job": list(JOBS)}), how="cross")
        .with_columns(status=pl.lit("failed"), positions_used=0, positions_left_out=0)
    )
