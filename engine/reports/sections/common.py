"""Helpers of several sections: summaries of series, and sentences about missing figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from engine.html.blocks import PageTable
from engine.html.cells import Cell, count, day, not_computed, percent, plain
from engine.reports.charts.scales import ChartSeries
from engine.reports.missing_figures import NO_SNAPSHOT, label, meaning, not_done, why_missing
from engine.reports.stored import StoredPortfolio

Form = Callable[[float | None], Cell]
FOOTER = (
    "This page needs no network and reads no clock: the same store gives the same page. A figure that was "
    "not computed has its reason; undefined means that it was computed and has no value."
)
"""The closing remark of every page of a report."""
SUMMARY_HEADINGS = ("Series", "First", "Last", "Lowest", "on", "Highest", "on", "Sessions", "Not computed")


def share(amount: float | None, equity: float | None) -> Cell:
    """Return an amount as a share of equity.

    Args:
        amount: in the portfolio's currency.
        equity: in the same currency; None without a snapshot.
    """
    if amount is None or equity is None:
        return not_computed(NO_SNAPSHOT)
    if equity <= 0:
        return not_computed("the equity is not above 0")
    return percent(amount / equity)


def cents_sum(values: pl.Series) -> float | None:
    """Return the sum of amounts, rounded to cents; None where all of them are null."""
    known = values.drop_nulls()
    return None if known.is_empty() else round(float(known.sum()), 2)


def series_summary(caption: str, frame: pl.DataFrame, series: Sequence[ChartSeries], form: Form) -> PageTable:
    """Return a table with a row per series: first, last, lowest and highest figure, and gaps.

    Args:
        caption: of the table.
        frame: column date, and a column for each series.
        series: the series of a chart.
        form: how a figure is written.
    """
    return PageTable(caption, SUMMARY_HEADINGS, [_summary(frame, one, form) for one in series])


def _summary(frame: pl.DataFrame, one: ChartSeries, form: Form) -> list[Cell]:
    figures = frame.select("date", value=pl.col(one.column).cast(pl.Float64).fill_nan(None))
    known = figures.drop_nulls("value")
    counts = [count(known.height), count(figures.height - known.height)]
    if known.is_empty():
        return [plain(one.name), *[not_computed("")] * 6, *counts]
    low, high = (known.sort("value", "date", descending=[down, False]).row(0) for down in (False, True))
    first, last = known["value"][0], known["value"][-1]
    extremes = [form(low[1]), day(low[0]), form(high[1]), day(high[0])]
    return [plain(one.name), form(first), form(last), *extremes, *counts]


def sessions_without(stored: StoredPortfolio, days: pl.Series) -> pl.Series:
    """Return the sessions of the window that are not among `days`.

    Args:
        stored: names the sessions of the window.
        days: dates, in any order.
    """
    calendar = pl.Series(stored.days, dtype=pl.Date)
    return calendar.filter(~calendar.is_in(days.implode()))


def gap_notes(stored: StoredPortfolio, job: str, column: str) -> list[str]:
    """Return a sentence for each reason for which a job left a column of the snapshots null.

    Args:
        stored: snapshots and statuses of the window.
        job: name in analytics_status.
        column: of portfolio_snapshots.
    """
    return job_notes(stored, job, stored.snapshots.filter(pl.col(column).is_null())["date"])


def job_notes(stored: StoredPortfolio, job: str, missing: pl.Series) -> list[str]:
    """Return a sentence for each reason for which a job has no figure in some sessions.

    Args:
        stored: the portfolio's rows.
        job: the job.
        missing: the sessions, as dates.
    """
    if missing.is_empty():
        return []
    total = len(stored.days)
    explained = not_done(stored.status.filter(pl.col("calculation_date").is_in(missing.implode())), job)
    notes = [
        f"{label(job)} not computed in {row['sessions']} of {total} sessions, {row['first']} to "
        f"{row['last']}: {row['status']}, {meaning(job, row['reason'])}."
        for row in explained.iter_rows(named=True)
    ]
    unexplained = missing.len() - int(explained["sessions"].sum())
    if unexplained:
        notes.append(
            f"{label(job)} not computed in {unexplained} of {total} sessions; the store has no status that "
            "explains it."
        )
    return notes


def reason(stored: StoredPortfolio, job: str, column: str = "") -> str:
    """Return why a job's figure is null in the last session.

    Args:
        stored: the portfolio's rows.
        job: the job that computes the figure.
        column: of portfolio_snapshots, if the figure is one of its columns.
    """
    if stored.last["portfolio_id"] is None:
        return NO_SNAPSHOT
    return why_missing(stored.status, job, stored.end, column)


def undefined_note(snapshots: pl.DataFrame, column: str, name: str) -> list[str]:
    """Return a sentence that counts the figures that were computed and are NaN; nothing if there are none.

    Args:
        snapshots: a row for each session.
        column: of portfolio_snapshots.
        name: how the page calls the figure.
    """
    undefined = snapshots.select(pl.col(column).cast(pl.Float64).is_nan().sum()).item() or 0
    return [f"{name} undefined in {undefined} sessions."] if undefined else []
