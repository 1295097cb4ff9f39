"""Correlations of the larger positions, similar symbols next to each other."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.job_catalog import CORRELATIONS
from engine.html.blocks import Block, Card, Cards, Notice, PageTable, Section
from engine.html.cells import Cell, count, plain, ratio
from engine.reports.charts.drawing import chart
from engine.reports.charts.heat import matrix_heat
from engine.reports.measures.clusters import cluster_order, correlation_matrix
from engine.reports.sections.common import job_notes, reason, sessions_without
from engine.reports.stored import StoredPortfolio

MOST_SYMBOLS = 60
"""Symbols that a drawing can show; the table of a larger matrix would have megabytes."""
PAIRS = 6
"""Highest and lowest pairs listed."""
DENSE = 25
"""Symbols from which rows are drawn lower."""
CELL, DENSE_CELL, NARROW_CELL, NAMES = 34, 18, 15, 90
"""Heights in pixels: of a row, of a lower one, of one on a phone, and of the names."""


def correlations(stored: StoredPortfolio) -> Section:
    """Return the newest matrix of the window as a heat map, its summary, and the extreme pairs."""
    notes = job_notes(stored, "correlations", sessions_without(stored, stored.heads["date"]))
    if stored.heads.is_empty():
        nothing = Notice("Correlations not computed", " ".join(notes))
        return Section("correlations", "Correlations", "", [nothing])
    head = stored.heads.row(-1, named=True)
    span = f"the {CORRELATIONS.look_back} calendar days up to {head['date']}"
    lead = f"Daily returns of the larger positions over {span}."
    if head["date"] < stored.end:
        lead += f" On {stored.end} not computed: {reason(stored, 'correlations')}."
    blocks: list[Block] = [_head(head), *_matrix(stored, notes), *_extremes(stored.pairs)]
    return Section("correlations", "Correlations", lead, blocks)


def _head(head: dict[str, float]) -> Cards:
    left_out = count(head["positions_excluded"]).text
    return Cards(
        (
            Card("Mean absolute correlation", ratio(head["overall_correlation"])),
            Card("Effective positions", ratio(head["effective_positions"], digits=1)),
            Card("Symbols", count(head["positions_included"]), f"lots left out or merged: {left_out}"),
        )
    )


def _matrix(stored: StoredPortfolio, notes: list[str]) -> list[Block]:
    symbols, square = correlation_matrix(stored.pairs)
    if len(symbols) > MOST_SYMBOLS:
        message = f"A drawing can show {MOST_SYMBOLS} symbols, not {len(symbols)}; the extreme pairs follow."
        return [Notice("Matrix not drawn", message)]
    order = cluster_order(square)
    names = [symbols[place] for place in order]
    ordered = square[np.ix_(order, order)]
    cells = pl.DataFrame(
        {
            "row": np.repeat(names, len(names)),
            "column": names * len(names),
            "value": pl.Series(ordered.ravel(), nan_to_null=True),
        }
    )
    undefined = int(np.isnan(square).sum())
    if undefined:
        notes = [*notes, f"{undefined} cells undefined: a price that never moved, or too few common days."]
    drawing = chart(
        "Correlation matrix in cluster order",
        f"Heat map of the correlations of {len(names)} symbols, similar ones next to each other.",
        matrix_heat(cells, names),
        (CELL if len(names) < DENSE else DENSE_CELL) * len(names) + NAMES,
        narrow_height=NARROW_CELL * len(names) + NAMES,
        unit="average linkage over 1 minus the correlation",
        ends=(ratio(-1.0).text, ratio(1.0).text),
        notes=notes,
        tables=[_table(names, ordered)],
    )
    return [drawing]


def _table(names: list[str], square: NDArray[np.float64]) -> PageTable:
    rows = [[plain(name), *(ratio(float(v)) for v in line)] for name, line in zip(names, square, strict=True)]
    return PageTable("Correlations", ["Symbol", *names], rows)


def _extremes(pairs: pl.DataFrame) -> list[Block]:
    once = pairs.filter(pl.col("symbol_1") < pl.col("symbol_2"), pl.col("correlation_value").is_finite())
    # Each pair is stored in both orders; undefined ones have no rank.
    ranked = once.sort("correlation_value", "symbol_1", "symbol_2", descending=[True, False, False])
    tables = {"Highest correlations": ranked.head(PAIRS), "Lowest correlations": ranked.reverse().head(PAIRS)}
    headings = ("Pair", "Correlation", "Returns", "1 minus p-value")
    return [
        PageTable(caption, headings, [_pair(row) for row in rows.iter_rows(named=True)], width="half")
        for caption, rows in tables.items()
        if rows.height
    ]


def _pair(row: dict[str, float]) -> list[Cell]:
    significance = row["statistical_significance"]
    known = significance is not None and not math.isnan(significance)
    return [
        plain(f"{row['symbol_1']} and {row['symbol_2']}"),
        ratio(row["correlation_value"]),
        count(row["data_points"]),
        ratio(significance, "" if known else "too few returns", digits=4),
    ]
