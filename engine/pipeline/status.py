"""Rows of analytics_status for the jobs that never skip, and for portfolios that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.analytics.job_result import TIE
from engine.core.job_catalog import (
    JOBS,
    LOW_COVERAGE,
    MARKET_VALUES,
    PNL,
    SNAPSHOT,
    AnalyticsJob,
    Status,
)
from engine.core.schema import TABLES
from engine.pipeline.results import OUTCOMES

REASON_LENGTH = TABLES["analytics_status"]["reason"].type.length
"""Characters of a reason that the table holds; the rest of a longer one is cut."""
COUNTED = {
    PNL.name: ("moved", "still", "moved_usd", "quoted_usd"),
    SNAPSHOT.name: ("valued", "unvalued", "valued_usd", "held_usd"),
    MARKET_VALUES.name: ("marked", "unmarked", "marked_usd", "markable_usd"),
}
"""Of the jobs of phases 3 and 4, the columns that count positions used and left out, and the USD of those
used and of those due."""


def daily_job_status(snapshots: pl.DataFrame, marks: pl.DataFrame, grave: pl.DataFrame) -> pl.DataFrame:
    """Return the status of phases 3 and 4, which never skip: a row for each portfolio, session and job.

    Args:
        snapshots: of `engine.pipeline.equity.roll_equity`.
        marks: of `engine.pipeline.compute.mark_positions`.
        grave: of `engine.pipeline.inputs.Inputs`: the portfolios computed from an inconsistent row.

    Returns:
        Columns of analytics_status without the id.
    """
    due = pl.col("markable") & ~pl.col("private")
    marked = marks.group_by("portfolio_id", "session").agg(
        marked=pl.col("marked").sum(),
        unmarked=(pl.col("markable") & ~pl.col("marked")).sum(),
        marked_usd=pl.col("weight").filter(due & pl.col("marked")).sum(),
        markable_usd=pl.col("weight").filter(due).sum(),
    )
    rows = snapshots.join(marked, on=["portfolio_id", "session"], how="left", maintain_order="left")
    codes = grave.select("portfolio_id", "code")
    rows = rows.join(codes, on="portfolio_id", how="left", maintain_order="left")
    return pl.concat(
        rows.with_columns(coverage=pl.when(pl.col(due) > 0).then(pl.col(rested) / pl.col(due)))
        .with_columns(reason=pl.coalesce("code", _low(JOBS[job])))
        .select(
            "portfolio_id",
            "reason",
            "coverage",
            calculation_date="date",
            job=pl.lit(job),
            status=pl.when(pl.col("reason").is_null()).then(pl.lit("ok")).otherwise(pl.lit("partial")),
            positions_used=pl.col(used).fill_null(0).cast(pl.Int32),
            positions_left_out=pl.col(left_out).fill_null(0).cast(pl.Int32),
        )
        for job, (used, left_out, rested, due) in COUNTED.items()
    )


def _low(job: AnalyticsJob) -> pl.Expr:
    """Return the code of too low a coverage where it is below the job's floor."""
    return pl.when(pl.col("coverage") < job.floor - TIE).then(pl.lit(LOW_COVERAGE))


def with_partial(status: pl.DataFrame, partial: pl.DataFrame) -> pl.DataFrame:
    """Return the status of the jobs that price positions, partial where a session has too few closes.

    Args:
        status: of `daily_job_status`.
        partial: portfolio_id, date, reason.

    Returns:
        The rows, with `kind` where a session has too few closes: the code that such reasons are counted by.
    """
    if partial.is_empty():
        return status
    few = partial.select(
        "portfolio_id", calculation_date="date", why=pl.col("reason").str.slice(0, REASON_LENGTH)
    )
    rows = status.join(few, on=["portfolio_id", "calculation_date"], how="left", maintain_order="left")
    # Words that name the lots say more than the code of a low coverage.
    vague = pl.col("reason").is_null() | (pl.col("reason") == LOW_COVERAGE)
    few_closes = pl.col("why").is_not_null() & vague
    return rows.with_columns(
        status=pl.when(few_closes).then(pl.lit("partial")).otherwise("status"),
        reason=pl.when(few_closes).then("why").otherwise("reason"),
        kind=pl.when(few_closes).then(pl.lit(LOW_COVERAGE)),
    ).drop("why")


def outcomes_of(status: pl.DataFrame) -> pl.DataFrame:
    """Return the number of portfolio sessions by job, status and reason, in the order of the jobs.

    Args:
        status: rows of analytics_status. Reasons that name lots and their weights are counted by their
            `kind`, where there is one, or each session would have its own.
    """
    kind = pl.coalesce("kind", "reason") if "kind" in status.columns else pl.col("reason")
    counted = status.group_by("job", "status", reason=kind).agg(sessions=pl.len().cast(pl.Int64))
    order = pl.col("job").replace_strict({name: n for n, name in enumerate(JOBS)}, return_dtype=pl.Int32)
    return counted.sort(order, "status", "reason").select(OUTCOMES.keys())


def failed_status(failures: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Return a failed row for every job and session of the portfolios that were left out.

    Args:
        failures: portfolio_id and reason; the first reason of a portfolio counts.
        sessions: of the window.
    """
    reasons = failures.unique("portfolio_id", keep="first", maintain_order=True)
    calendar = pl.DataFrame({"calculation_date": pl.Series(sessions, dtype=pl.Date)})
    return _of_every_job(reasons.select("portfolio_id", "reason").join(calendar, how="cross"), "failed")


def held_status(held_back: pl.DataFrame) -> pl.DataFrame:
    """Return a row for every job of sessions that are held back.

    Args:
        held_back: portfolio_id, date, reason.

    Returns:
        Columns of analytics_status without the id.
    """
    return _of_every_job(held_back.rename({"date": "calculation_date"}), "held_back")


def _of_every_job(sessions: pl.DataFrame, status: Status) -> pl.DataFrame:
    rows = sessions.with_columns(pl.col("reason").str.slice(0, REASON_LENGTH))
    jobs = pl.DataFrame({"job": list(JOBS)})
    return rows.join(jobs, how="cross").with_columns(
        status=pl.lit(status), positions_used=0, positions_left_out=0
    )
