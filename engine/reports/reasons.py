"""Why a figure is not there, in words: from analytics_status, and where that is silent, from the schema."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.core import job_catalog
from engine.core.job_catalog import JOBS
from engine.core.schema import TABLES

NO_SNAPSHOT = "no snapshot is stored for this session"


def label(job: str) -> str:
    """Return what a job of analytics_status is called on a page; an unknown one by its name."""
    return JOBS[job].label if job in JOBS else job


def meaning(job: str, reason: str | None) -> str:
    """Return a stored reason in words."""
    return job_catalog.meaning(job, reason) if reason else "no reason is stored"


def why(status: pl.DataFrame, job: str, day: date, column: str = "") -> str:
    """Why a figure of a job is null in a session.

    Args:
        status: analytics_status of one portfolio.
        column: of portfolio_snapshots, for what its schema says of a null.
    """
    rows = status.filter(pl.col("job") == job, pl.col("calculation_date") == day)
    if rows.is_empty():
        return _schema_says(column) or f"the store holds no status of {label(job).lower()} for {day}"
    row = rows.row(0, named=True)
    if row["status"] == "ok":
        return _schema_says(column) or "the job is done, but left this figure out"
    return f"{row['status']}, {meaning(job, row['reason'])}"


def spans(status: pl.DataFrame, job: str) -> pl.DataFrame:
    """How often a job did not get done, by reason.

    Returns:
        status, reason, sessions, first, last; most frequent first.
    """
    missing = status.filter(pl.col("job") == job, pl.col("status") != "ok")
    return (
        missing.group_by("status", "reason")
        .agg(
            sessions=pl.len(),
            first=pl.col("calculation_date").min(),
            last=pl.col("calculation_date").max(),
        )
        .sort("sessions", "reason", descending=[True, False])
    )


def _schema_says(column: str) -> str:
    found = TABLES["portfolio_snapshots"].by_name.get(column)
    text = found.null if found else None
    return text.partition(": see ")[0] if text and not text.startswith("its job") else ""
