"""Reasons why a figure is missing, in words: from analytics_status, or else from the schema."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.core import job_catalog
from engine.core.job_catalog import JOBS
from engine.core.schema import TABLES

NO_SNAPSHOT = "no snapshot is stored for this session"


def label(job: str) -> str:
    """Return what a page calls a job of analytics_status; an unknown job by its name."""
    return JOBS[job].label if job in JOBS else job


def meaning(job: str, reason: str | None) -> str:
    """Return a stored reason in words.

    Args:
        job: name in analytics_status.
        reason: its stored code; None if there is none.
    """
    return job_catalog.meaning(job, reason) if reason else "no reason is stored"


def why_missing(status: pl.DataFrame, job: str, day: date, column: str = "") -> str:
    """Return why a figure of a job is null in a session.

    Args:
        status: analytics_status of one portfolio.
        job: the job that computes the figure.
        day: the session.
        column: of portfolio_snapshots, for what the schema says about a null.
    """
    rows = status.filter(pl.col("job") == job, pl.col("calculation_date") == day)
    if rows.is_empty():
        return _null_meaning(column) or f"the store has no status of {label(job).lower()} for {day}"
    row = rows.row(0, named=True)
    if row["status"] in ("ok", "partial"):
        return _null_meaning(column) or "the job succeeded, but left this figure out"
    return f"{row['status']}, {meaning(job, row['reason'])}"


def not_done(status: pl.DataFrame, job: str) -> pl.DataFrame:
    """Return how often a job was skipped or failed, by reason, most frequent first.

    Args:
        status: analytics_status of one portfolio.
        job: the job.

    Returns:
        Columns status, reason, sessions, first, last.
    """
    missing = status.filter(pl.col("job") == job, pl.col("status").is_in(["skipped", "failed"]))
    return (
        missing.group_by("status", "reason")
        .agg(
            sessions=pl.len(),
            first=pl.col("calculation_date").min(),
            last=pl.col("calculation_date").max(),
        )
        .sort("sessions", "reason", descending=[True, False])
    )


def _null_meaning(column: str) -> str:
    """Return what the schema says about a null; empty where it refers to the status of a job."""
    known = TABLES["portfolio_snapshots"].by_name.get(column)
    text = known.null if known else None
    return text.partition(": see ")[0] if text and not text.startswith("its job") else ""
