"""Closes that a run had: how many of those due are stored, and what those that are missing weigh."""

from __future__ import annotations

import polars as pl

from engine.core.names import distinct_labels
from engine.html.blocks import Block, Chart, Notice, PageTable, Section
from engine.html.cells import count, day, not_applicable, percent, plain
from engine.market_data.price_coverage import PriceCoverage
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import series
from engine.reports.stored_run import StoredRun

MOST_SYMBOLS = 500
"""Symbols with gaps that the table lists, those with the most first."""


def prices(stored: StoredRun) -> Section:
    """Return the coverage of prices in the window of a run.

    Args:
        stored: what the page shows.
    """
    lead = (
        f"Closes of held symbols and factor funds, {stored.start} to {stored.end}, as the store has them now."
    )
    coverage = stored.prices
    if coverage is None:
        text = "The run read its closes from another store: `engine coverage` of that store shows them."
        return Section("prices", "Coverage of prices", "", [Notice("The closes are in another store", text)])
    if coverage.days.is_empty():
        return Section(
            "prices", "Coverage of prices", lead, [Notice("No close is due", "No symbol is held.")]
        )
    return Section(
        "prices", "Coverage of prices", lead, [_by_day(coverage), *_gaps(coverage), *_unpriced(stored)]
    )


def _by_day(coverage: PriceCoverage) -> Chart | Notice:
    if coverage.days.height == 1:
        session, due, number = coverage.days.row(0)
        return Notice("Closes stored", f"On {session} {number:,} of {due:,} due closes are stored.")
    days = coverage.days.with_columns(share=pl.col("stored") / pl.col("due"))
    incomplete = days.filter(pl.col("stored") < pl.col("due"))
    rows = [
        [day(row["date"]), count(row["due"]), count(row["stored"]), percent(row["share"], digits=2)]
        for row in incomplete.sort("share", "date").head(MOST_SYMBOLS).iter_rows(named=True)
    ]
    complete = days.height - incomplete.height
    return chart(
        "Closes stored, by session",
        f"Line of the share of due closes stored. {complete} of {days.height} sessions are complete.",
        lines(days, series(share="Share of due closes"), ".1%", steps=True),
        200,
        unit="share of due closes",
        notes=[f"{complete} of {days.height} sessions have every close that is due."],
        tables=[PageTable("Sessions without all closes", ("Session", "Due", "Stored", "Share"), rows)],
    )


def _gaps(coverage: PriceCoverage) -> list[Block]:
    missing = coverage.symbols.filter(pl.col("missing") > 0)
    if missing.is_empty():
        return [Notice("No gap", f"All {coverage.symbols.height} symbols have every close that is due.")]
    rows = [
        [
            plain(row["symbol"]),
            count(row["due"]),
            count(row["missing"]),
            day(row["first_missing"]),
            day(row["last_missing"]),
            day(row["newest"]) if row["newest"] else not_applicable("never priced"),
            plain(row["reason"] or ""),
        ]
        for row in missing.head(MOST_SYMBOLS).iter_rows(named=True)
    ]
    headings = ("Symbol", "Due", "Missing", "First missing", "Last missing", "Newest close", "Reason")
    more = missing.height - len(rows)
    note = f"{more:,} more symbols: `engine coverage --json` has all." if more else ""
    return [
        PageTable(
            "Symbols with gaps",
            headings,
            rows,
            note=note,
            sortable=True,
            search="Find a symbol",
            key="symbols",
        )
    ]


def _unpriced(stored: StoredRun) -> list[Block]:
    """Return what lots without a close weigh, from the record of the run."""
    lots = stored.record.rows_of("unpriced") if stored.record else []
    if not lots:
        return []
    counted = (
        pl.DataFrame(lots, infer_schema_length=None)
        .group_by("portfolio_id", "symbol")
        .agg(
            sessions=pl.len(),
            first=pl.col("date").min(),
            last=pl.col("date").max(),
            weight=pl.col("weight").max(),
        )
        .sort("weight", "portfolio_id", "symbol", descending=[True, False, False])
    )
    names = distinct_labels(stored.names)
    rows = [
        [
            plain(names.get(row["portfolio_id"], row["portfolio_id"])),
            plain(row["symbol"]),
            count(row["sessions"]),
            plain(row["first"]),
            plain(row["last"]),
            percent(row["weight"]),
        ]
        for row in counted.head(MOST_SYMBOLS).iter_rows(named=True)
    ]
    headings = ("Portfolio", "Symbol", "Sessions", "First", "Last", "Highest share of its value")
    return [PageTable("Lots without a close when the run took place", headings, rows, sortable=True)]
