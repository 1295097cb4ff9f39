"""Sessions that are missing, held back or stale, on a calendar."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from engine.analyst.inventory import DueSessions
from engine.core.names import distinct_labels
from engine.html.blocks import Block, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import count, day, not_applicable, plain
from engine.reports.charts.drawing import chart
from engine.reports.charts.stacks import calendar
from engine.reports.stored_run import StoredRun

COLOURS = {"missing": "down", "held back": "c3", "stale": "c4", "complete": "c1"}
"""Colours of the style sheet by the worst state of a session in any portfolio, worst first."""
SHOWN = timedelta(weeks=53)
"""Length of the calendar, up to the newest session."""
MOST_DAYS = 300


def gaps(stored: StoredRun) -> Section:
    """Return which sessions the store lacks, or has from closes that have changed since.

    Args:
        stored: what the page shows.
    """
    states = states_of(stored.sessions)
    lead = "Sessions that the portfolios should have, as the store is now, whichever run computed them."
    if states.is_empty():
        nothing = Notice("No session is due", "No portfolio has a position or a snapshot.")
        return Section("gaps", "Gaps and stale figures", lead, [nothing])
    return Section(
        "gaps", "Gaps and stale figures", lead, [_calendar(states), _portfolios(stored), *_stale(stored)]
    )


def states_of(sessions: DueSessions) -> pl.DataFrame:
    """Return the sessions with the numbers of portfolios that lack them, and the worst state as `kind`.

    Args:
        sessions: which sessions of which portfolios are due, stored, held back and stale.

    Returns:
        Columns date, due, missing, held, stale (portfolios), kind, ascending.
    """
    marked = (
        sessions.due.join(
            sessions.held.select("portfolio_id", "date", held=pl.lit(True)),
            on=["portfolio_id", "date"],
            how="left",
        )
        .join(sessions.stale.select("portfolio_id", "first_session"), on="portfolio_id", how="left")
        .with_columns(
            held=~pl.col("stored") & pl.col("held").fill_null(False),
            stale=pl.col("stored") & (pl.col("date") >= pl.col("first_session")).fill_null(False),
        )
    )
    counted = marked.group_by("date").agg(
        due=pl.len(),
        missing=(~pl.col("stored") & ~pl.col("held")).sum(),
        held=pl.col("held").sum(),
        stale=pl.col("stale").sum(),
    )
    worst = (
        pl.when(pl.col("missing") > 0)
        .then(pl.lit("missing"))
        .when(pl.col("held") > 0)
        .then(pl.lit("held back"))
        .when(pl.col("stale") > 0)
        .then(pl.lit("stale"))
        .otherwise(pl.lit("complete"))
    )
    return counted.with_columns(kind=worst).sort("date")


def _calendar(states: pl.DataFrame) -> Chart:
    newest = states["date"][-1]
    assert isinstance(newest, date)
    shown = states.filter(pl.col("date") > newest - SHOWN)
    undone = states.filter(pl.col("kind") != "complete").sort("date", descending=True)
    rows = [
        [
            day(row["date"]),
            plain(row["kind"]),
            *(count(row[name]) for name in ("due", "missing", "held", "stale")),
        ]
        for row in undone.head(MOST_DAYS).iter_rows(named=True)
    ]
    more = undone.height - len(rows)
    headings = ("Session", "Worst state", "Due", "Missing", "Held back", "Stale")
    counts = {kind: shown.filter(pl.col("kind") == kind).height for kind in COLOURS}
    words = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    return chart(
        "Calendar of sessions",
        f"A box for each of {shown.height} sessions up to {newest}, by its worst state: {words}.",
        calendar(shown, COLOURS),
        150,
        narrow_height=130,
        legend=[LegendKey(kind.capitalize(), colour, shape="box") for kind, colour in COLOURS.items()],
        notes=[f"{shown.height} sessions: {words}."],
        tables=[
            PageTable(
                "Sessions that are not complete, newest first",
                headings,
                rows,
                note=f"{more:,} older sessions are not listed." if more else "Numbers of portfolios.",
            )
        ],
    )


def _portfolios(stored: StoredRun) -> PageTable:
    names = distinct_labels(stored.names)
    rows = [
        [
            plain(names.get(row["portfolio_id"], row["portfolio_id"])),
            *(count(row[name]) for name in ("expected", "stored", "missing", "held_back", "stale")),
            *(
                day(row[name]) if row[name] else not_applicable("none")
                for name in ("first_missing", "last_missing", "first_stale")
            ),
        ]
        for row in stored.sessions.counts.sort(
            "missing", "stale", "name", descending=[True, True, False]
        ).iter_rows(named=True)
    ]
    headings = (
        "Portfolio", "Due", "Stored", "Missing", "Held back", "Stale", "First missing", "Last missing",
        "Stale from",
    )  # fmt: skip
    return PageTable(
        "Sessions by portfolio",
        headings,
        rows,
        sortable=True,
        search="Find a portfolio",
        key="sessions-by-portfolio",
    )


def _stale(stored: StoredRun) -> list[Block]:
    rows = stored.sessions.stale
    if rows.is_empty():
        return [Notice("No figure is stale", "No close was added or changed after it was used.")]
    names = distinct_labels(stored.names)
    cells = [
        [
            plain(names.get(row["portfolio_id"], row["portfolio_id"])),
            day(row["first_session"]),
            plain(row["reason"]),
            plain(f"{row['found_at']:%Y-%m-%d %H:%M}"),
        ]
        for row in rows.sort("first_session", "portfolio_id").iter_rows(named=True)
    ]
    note = "`engine daily` computes them again; `engine backfill --start DAY` does so at once."
    headings = ("Portfolio", "Stale from", "Symbols whose closes came or changed", "Found, UTC")
    return [PageTable("Stale figures: closes have changed since", headings, cells, note=note)]
