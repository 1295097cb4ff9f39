"""Rows that a run wrote, and how the tables of the store grow."""

from __future__ import annotations

import polars as pl

from engine.html.blocks import Block, Chart, Notice, PageTable, Section
from engine.html.cells import count, day, not_applicable, plain
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import ChartSeries
from engine.reports.stored_run import StoredRun

LINES = 4
"""Tables in the chart, the largest ones: as many as there are colours of lines."""


def sizes(stored: StoredRun) -> Section:
    """Return the sizes of tables over time.

    Args:
        stored: what the page shows.
    """
    lead = "Rows by the session that they belong to, added up; as the store is now."
    blocks: list[Block] = []
    largest = (
        stored.by_day.group_by("table")
        .agg(pl.col("rows").sum())
        .sort("rows", "table", descending=[True, False])
    )
    if largest.is_empty():
        blocks.append(Notice("No figures are stored", "No table that a run writes has rows."))
    else:
        blocks.append(_growth(stored, largest["table"].head(LINES).to_list()))
    return Section("sizes", "Sizes of tables", lead, [*blocks, _tables(stored)])


def growth(by_day: pl.DataFrame, tables: list[str]) -> pl.DataFrame:
    """Return the rows of tables up to each day.

    Args:
        by_day: table, day, rows.
        tables: names.

    Returns:
        Columns date, and one for each table, ascending; a day without rows keeps the number before it.
    """
    wide = (
        by_day.filter(pl.col("table").is_in(tables), pl.col("day").is_not_null())
        .pivot("table", index="day", values="rows")
        .sort("day")
        .with_columns(pl.col(name).fill_null(0).cum_sum() for name in tables)
    )
    return wide.select("day", *tables).rename({"day": "date"})


def _growth(stored: StoredRun, tables: list[str]) -> Chart:
    grown = growth(stored.by_day, tables)
    series = [ChartSeries(name, name, place) for place, name in enumerate(tables)]
    monthly = (
        grown.group_by(month=pl.col("date").dt.strftime("%Y-%m")).agg(pl.col(tables).last()).sort("month")
    )
    rows = [
        [plain(row["month"]), *(count(row[name]) for name in tables)] for row in monthly.iter_rows(named=True)
    ]
    return chart(
        "Rows of the largest tables",
        f"Lines of the rows of {', '.join(tables)} up to each session.",
        lines(grown, series, "~s", zero=True, steps=True),
        230,
        unit="rows",
        legend=[one.key for one in series],
        tables=[PageTable("Rows at the end of each month", ("Month", *tables), rows)],
    )


def _tables(stored: StoredRun) -> PageTable:
    written = (stored.record.content.get("rows") if stored.record else None) or {}
    rows = [
        [
            plain(row["table"]),
            count(row["rows"]),
            count(written[row["table"]])
            if row["table"] in written
            else not_applicable("none, or not recorded"),
            *(day(row[name]) if row[name] else not_applicable("no day") for name in ("first", "last")),
        ]
        for row in stored.tables.iter_rows(named=True)
        if row["rows"] or written.get(row["table"])
    ]
    headings = ("Table", "Rows now", "Written by this command", "First day", "Last day")
    return PageTable(
        "Tables with rows", headings, rows, sortable=True, search="Find a table", key="tables-with-rows"
    )
