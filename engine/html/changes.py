"""Differences of two results as a notebook shows them."""

from __future__ import annotations

import polars as pl

from engine.core.schema import TABLES
from engine.html.blocks import PageTable, Section
from engine.html.cells import Cell, count, day, not_applicable, plain
from engine.html.page import fragment
from engine.html.readable import figure_cell

SNAPSHOTS = TABLES["portfolio_snapshots"]


def changes_fragment(headline: pl.DataFrame, summary: pl.DataFrame) -> str:
    """Return two tables: equity, P&L and risk by portfolio, and how many cells of each figure differ.

    Args:
        headline: `engine.pipeline.changed.Changed.headline`.
        summary: `Changed.summary`.
    """
    blocks = [_headline(headline), _summary(summary)] if headline.height else [_summary(summary)]
    return fragment([Section("changes", "What changed", "", blocks)])


def _headline(rows: pl.DataFrame) -> PageTable:
    cells = [
        [
            plain(row["portfolio"]),
            day(row["snapshot_date"]),
            plain(row["figure"]),
            plain(row["unit"]),
            *(figure_cell(SNAPSHOTS[row["figure"]], row[side]) for side in ("before", "after", "change")),
        ]
        for row in rows.iter_rows(named=True)
    ]
    headings = ("Portfolio", "Session", "Figure", "Unit", "Before", "After", "Change")
    return PageTable("Equity, P&L and risk in the last session that differs", headings, cells)


def _summary(rows: pl.DataFrame) -> PageTable:
    cells = [
        [
            plain(row["table"]),
            plain(row["figure"]),
            count(row["cells"]),
            _largest(row),
            plain(row["unit"] or ""),
        ]
        for row in rows.iter_rows(named=True)
    ]
    return PageTable("Cells that differ", ("Table", "Figure", "Cells", "Largest change", "Unit"), cells)


def _largest(row: dict[str, object]) -> Cell:
    column = TABLES[str(row["table"])].by_name.get(str(row["figure"]))
    if column is None or row["largest_change"] is None:
        return not_applicable("")
    return figure_cell(column, row["largest_change"])
