"""What the sections share: the figures behind a line, and what to say of those that are not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from engine.html.blocks import PageTable
from engine.html.cells import Cell, count, day, missing, word
from engine.reports.charts.scales import ChartSeries
from engine.reports.reasons import NO_SNAPSHOT, label, meaning, spans, why
from engine.reports.stored import StoredPortfolio

Form = Callable[[float | None], Cell]
FOOTER = (
    "This page needs no network and reads no clock: the same store gives the same page. A figure that was "
    "not computed has its reason; undefined means that it was computed and has no value."
)
"""The closing remark of every page of a report."""
SHAPE_HEADINGS = ("Series", "First", "Last", "Lowest", "on", "Highest", "on", "Sessions", "Not computed")


def shape_table(caption: str, frame: pl.DataFrame, drawn: Sequence[ChartSeries], form: Form) -> PageTable:
    """Each series of a chart in a row: where it began, ended, was lowest and highest, and its gaps.

    Args:
        frame: date and a column for each series.
    """
    rows = [_shape(frame, one, form) for one in drawn]
    return PageTable(caption, SHAPE_HEADINGS, rows)


def _shape(frame: pl.DataFrame, one: ChartSeries, form: Form) -> list[Cell]:
    figures = frame.select("date", value=pl.col(one.column).cast(pl.Float64).fill_nan(None))
    known = figures.drop_nulls("value")
    counts = [count(known.height), count(figures.height - known.height)]
    if known.is_empty():
        return [word(one.name), *[missing("")] * 6, *counts]
    low, high = (known.sort("value", "date", descending=[down, False]).row(0) for down in (False, True))
    first, last = known["value"][0], known["value"][-1]
    extremes = [form(low[1]), day(low[0]), form(high[1]), day(high[0])]
    return [word(one.name), form(first), form(last), *extremes, *counts]


def gap_notes(stored: StoredPortfolio, job: str, column: str) -> list[str]:
    """A sentence for each reason for which a job left a column of the snapshots without a figure."""
    lacking = stored.snapshots.filter(pl.col(column).is_null())
    return job_notes(stored, job, lacking["date"])


def job_notes(stored: StoredPortfolio, job: str, lacking: pl.Series) -> list[str]:
    """A sentence for each reason for which a job has no figure in these sessions."""
    if lacking.is_empty():
        return []
    total = len(stored.days)
    told = spans(stored.status.filter(pl.col("calculation_date").is_in(lacking.implode())), job)
    notes = [
        f"{label(job)} not computed in {row['sessions']} of {total} sessions, {row['first']} to "
        f"{row['last']}: {row['status']}, {meaning(job, row['reason'])}."
        for row in told.iter_rows(named=True)
    ]
    silent = lacking.len() - int(told["sessions"].sum())
    if silent:
        notes.append(
            f"{label(job)} not computed in {silent} of {total} sessions, for which the store holds no "
            "status that explains it."
        )
    return notes


def reason(stored: StoredPortfolio, job: str, column: str = "", when: date | None = None) -> str:
    """Why a job's figure is null in a session (default: the last)."""
    chosen = when or stored.end
    row = stored.snapshots.filter(pl.col("date") == chosen)
    if row.is_empty() or row["portfolio_id"][0] is None:
        return NO_SNAPSHOT
    return why(stored.status, job, chosen, column)


def undefined_note(snapshots: pl.DataFrame, column: str, what: str) -> list[str]:
    """A sentence on figures that were computed and are undefined."""
    odd = snapshots.select(pl.col(column).cast(pl.Float64).is_nan().sum()).item() or 0
    return [f"{what} undefined in {odd} sessions."] if odd else []
