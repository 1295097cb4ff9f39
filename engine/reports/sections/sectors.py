"""Sectors beside the benchmark's, and how concentrated the portfolio is."""

from __future__ import annotations

import json
from datetime import date

import polars as pl

from engine.analytics.concentration.sector import GICS_NAMES
from engine.html.blocks import Block, Card, Cards, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import Cell, absent, count, percent, ratio, word
from engine.reports.charts.bars import bar_heights, paired_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.scales import series
from engine.reports.sections.common import reason
from engine.reports.stored import StoredPortfolio

DRAWN = series(held="Portfolio, of equity", benchmark="S&P 500")
NO_DOCUMENT = ("", "null")
"""What a store holds of a session without sectors, beside nothing at all."""


def sectors(stored: StoredPortfolio) -> Section:
    """The newest session of the window that has sectors: weights, concentration."""
    known = stored.snapshots.filter(
        pl.col("sector_exposure").is_not_null(), ~pl.col("sector_exposure").is_in(NO_DOCUMENT)
    )
    if known.is_empty():
        told = f"On {stored.end}: {reason(stored, 'sector', 'sector_exposure')}."
        return Section("sectors", "Sectors", "", [Notice("Sectors not computed", told)])
    row = known.row(-1, named=True)
    weights = compared(json.loads(row["sector_exposure"]), stored.benchmark, row["date"])
    lead = f"On {row['date']}: values, long and short alike, as shares of equity."
    if row["date"] < stored.end:
        lead += f" On {stored.end} not computed: {reason(stored, 'sector', 'sector_exposure')}."
    blocks: list[Block] = [_concentration(row), _chart(weights), _table(weights)]
    return Section("sectors", "Sectors", lead, blocks)


def compared(held: dict[str, float], benchmark: pl.DataFrame, day: date) -> pl.DataFrame:
    """Sectors of the portfolio and of the benchmark's newest weights up to a day.

    A sector that the portfolio's document does not name is one that it holds nothing of; a bucket
    that is no sector has no benchmark weight.

    Args:
        held: weight by sector. benchmark: asof_date, sector, weight.

    Returns:
        name, held, benchmark (fractions; null where the benchmark has none), asof; by weight held.
    """
    past = benchmark.filter(pl.col("asof_date") <= day)
    newest = past.filter(pl.col("asof_date") == pl.col("asof_date").max()).select(
        name=pl.col("sector").replace(GICS_NAMES), benchmark="weight", asof="asof_date"
    )
    mine = pl.DataFrame(
        {"name": list(held), "held": list(held.values())}, schema_overrides={"held": pl.Float64}
    )
    both = mine.join(newest, on="name", how="full", coalesce=True)
    return both.with_columns(pl.col("held").fill_null(0.0)).sort("held", "name", descending=[True, False])


def _concentration(row: dict[str, float]) -> Cards:
    return Cards(
        (
            Card("Herfindahl index", count(row["hhi"]), "10,000 is one symbol alone"),
            Card("Effective positions", ratio(row["effective_num_positions"], digits=1)),
            Card("Three largest symbols", percent(row["top_3_concentration"]), "of gross value"),
            Card("Ten largest symbols", percent(row["top_10_concentration"]), "of gross value"),
        )
    )


def _chart(weights: pl.DataFrame) -> Chart:
    largest = weights.row(0, named=True)
    wide, narrow = bar_heights(weights.height)
    dates = weights["asof"].drop_nulls()
    return chart(
        "Against the benchmark",
        f"Bars of {weights.height} sectors' weights, with the benchmark's as strokes; the largest is "
        f"{largest['name']} with {percent(largest['held']).text}. The table below holds the figures.",
        paired_bars(weights, DRAWN, "%"),
        wide,
        narrow_height=narrow,
        unit="percent",
        legend=[LegendKey(one.name, one.key.colour, shape="box") for one in DRAWN],
        notes=[
            f"Benchmark weights as of {dates[0]}." if dates.len() else "The store holds no benchmark weights."
        ],
    )


def _table(weights: pl.DataFrame) -> PageTable:
    rows = [_row(row) for row in weights.iter_rows(named=True)]
    return PageTable("Sector weights", ("Sector", "Portfolio", "S&P 500", "Difference"), rows)


def _row(row: dict[str, float | None]) -> list[Cell]:
    held, benchmark = row["held"], row["benchmark"]
    assert held is not None
    none = absent("no benchmark weight")
    against = none if benchmark is None else percent(benchmark)
    difference = none if benchmark is None else percent(held - benchmark, toned=True)
    return [word(row["name"]), percent(held), against, difference]
