"""Sector weights against the benchmark, and concentration."""

from __future__ import annotations

import json
from datetime import date

import polars as pl

from engine.analytics.concentration.sector import GICS_NAMES
from engine.html.blocks import Block, Card, Cards, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import Cell, count, money, not_applicable, percent, plain, ratio
from engine.reports.charts.bars import bar_heights, paired_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.scales import series
from engine.reports.sections.common import reason
from engine.reports.stored import StoredPortfolio

SHOWN = series(held="Portfolio, of equity", benchmark="S&P 500")
NO_DOCUMENT = ("", "null")
"""Texts, besides a null, that a store may hold for a session without sectors."""


def sectors(stored: StoredPortfolio) -> Section:
    """Return weights and concentration of the newest session of the window that has sectors."""
    known = stored.snapshots.filter(
        pl.col("sector_exposure").is_not_null(), ~pl.col("sector_exposure").is_in(NO_DOCUMENT)
    )
    missing = reason(stored, "sector", "sector_exposure")
    if known.is_empty():
        nothing = Notice("Sectors not computed", f"On {stored.end}: {missing}.")
        return Section("sectors", "Sectors", "", [nothing])
    row = known.row(-1, named=True)
    weights = compared(json.loads(row["sector_exposure"]), stored.benchmark, row["date"])
    net = stored.rules.sectors == "every_session"
    values = "long less short positions" if net else "absolute values of long and short positions"
    lead = f"On {row['date']}: {values}, as shares of equity."
    if row["date"] < stored.end:
        lead += f" On {stored.end} not computed: {missing}."
    blocks: list[Block] = [
        _concentration(row),
        _chart(weights),
        _table(weights),
        *_sides(stored, row["date"]),
    ]
    return Section("sectors", "Sectors", lead, blocks)


def compared(held: dict[str, float], benchmark: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return sector weights of a portfolio and of the benchmark, by the portfolio's weight.

    A sector that the portfolio does not name has weight 0 in it; a group that is not a sector has
    no weight in the benchmark.

    Args:
        held: the portfolio's weight by sector, a fraction of equity.
        benchmark: columns asof_date, sector, weight (fraction).
        day: the benchmark's newest weights up to this day are used.

    Returns:
        Columns name, held, benchmark (null where it has no weight), asof.
    """
    past = benchmark.filter(pl.col("asof_date") <= day)
    newest = past.filter(pl.col("asof_date") == pl.col("asof_date").max()).select(
        name=pl.col("sector").replace(GICS_NAMES), benchmark="weight", asof="asof_date"
    )
    # A portfolio without company profiles holds no sector: two empty lists, which have no types.
    names, weights = list(held), list(held.values())
    owned = pl.DataFrame({"name": names, "held": weights}, {"name": pl.String, "held": pl.Float64})
    both = owned.join(newest, on="name", how="full", coalesce=True)
    return both.with_columns(pl.col("held").fill_null(0.0)).sort("held", "name", descending=[True, False])


def _concentration(row: dict[str, float]) -> Cards:
    return Cards(
        (
            Card("Herfindahl index", count(row["hhi"]), "10,000: a single symbol"),
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
        f"Bars of the weights of {weights.height} sectors, with the benchmark's as strokes; the largest is "
        f"{largest['name']} with {percent(largest['held']).text}. The table below holds the figures.",
        paired_bars(weights, SHOWN, "%"),
        wide,
        narrow_height=narrow,
        unit="percent",
        legend=[LegendKey(one.name, one.key.colour, shape="box") for one in SHOWN],
        notes=[
            f"Benchmark weights as of {dates[0]}." if dates.len() else "The store has no benchmark weights."
        ],
    )


def _table(weights: pl.DataFrame) -> PageTable:
    rows = [_row(row) for row in weights.iter_rows(named=True)]
    return PageTable("Sector weights", ("Sector", "Portfolio", "S&P 500", "Difference"), rows)


def _sides(stored: StoredPortfolio, day: date) -> list[PageTable]:
    """Return long, short and net values of each sector; none by rules that add shorts to longs."""
    rows = stored.sector_values.filter(pl.col("calculation_date") == day)
    amounts = ("long_value", "short_value", "net_value")
    cells = [
        [plain(row["sector"]), *(money(row[name], stored.currency) for name in amounts)]
        for row in rows.sort(pl.col("net_value").abs(), "sector", descending=[True, False]).to_dicts()
    ]
    return [PageTable("Long and short by sector", ("Sector", "Long", "Short", "Net"), cells)] if cells else []


def _row(row: dict[str, float | None]) -> list[Cell]:
    held, benchmark = row["held"], row["benchmark"]
    assert held is not None
    none = not_applicable("no benchmark weight")
    weight = none if benchmark is None else percent(benchmark)
    difference = none if benchmark is None else percent(held - benchmark, toned=True)
    return [plain(row["name"]), percent(held), weight, difference]
