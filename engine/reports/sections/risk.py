"""Parts of the predicted volatility: factors, specific moves and positions."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.analytics.risk import RULES
from engine.html.blocks import Block, Card, Cards, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import count, not_applicable, percent, plain, ratio
from engine.reports.charts.bars import bar_heights, signed_bars
from engine.reports.charts.drawing import chart
from engine.reports.sections.attribution import name_of
from engine.reports.sections.common import reason
from engine.reports.stored import StoredPortfolio

TITLE = "Sources of risk"
MOST_BARS = 10
ADDS, LOWERS = "c1", "c2"
"""Colours of contributions above and below 0: neither is a gain or a loss."""
MEANING = (
    "The volatility that the model predicts for a year, and where it comes from. Each factor and each "
    "position contributes a part; the parts add up to it. A negative part lowers it: a hedge. Specific moves "
    "are what the factors leave of the moves of single symbols."
)


def risk_contributions(stored: StoredPortfolio) -> list[Section]:
    """Return the section of risk contributions; none by rules without a joint model."""
    if not stored.rules.among(RULES):
        return []
    if stored.risk.totals.is_empty():
        nothing = Notice("Risk contributions not computed", f"On {stored.end}: {reason(stored, 'risk')}.")
        return [Section("risk", TITLE, "", [nothing])]
    total = stored.risk.totals.row(0, named=True)
    factors, positions = stored.risk.factors.sort("contribution", descending=True), _positions(stored)
    # Rounded, because threads add the lots of a symbol in any order, and a page is the same each time.
    by_symbol = positions.group_by(name="symbol").agg(value=pl.col("share").sum().round(9))
    blocks: list[Block] = [
        _cards(stored, total),
        _chart("Contributions by factor", _named(factors)),
        _chart("Largest contributions by symbol", by_symbol),
        _factor_table(factors, total),
        _position_table(positions, total),
    ]
    return [Section("risk", TITLE, _lead(stored, total), blocks)]


def _lead(stored: StoredPortfolio, total: dict[str, Any]) -> str:
    day = total["calculation_date"]
    lead = f"{MEANING} On {day} the volatility is {percent(total['volatility']).text}."
    if day < stored.end:
        lead += f" On {stored.end} not computed: {reason(stored, 'risk')}."
    return lead


def _cards(stored: StoredPortfolio, total: dict[str, Any]) -> Cards:
    """Return the volatility, its two parts, and how much of the portfolio is in it."""
    day, of_factors = total["calculation_date"], total["factor_share"]
    rows = stored.status.filter(pl.col("job") == "risk", pl.col("calculation_date") == day)
    status = rows.row(0, named=True) if rows.height else {}
    used, left_out = (count(status.get(f"positions_{name}")).text for name in ("used", "left_out"))
    return Cards(
        (
            Card("Predicted volatility", percent(total["volatility"]), f"a year, on {day}"),
            Card("From factors", percent(total["factor_volatility"]), _of_variance(of_factors)),
            Card("Specific", percent(total["specific_volatility"]), _of_variance(1 - of_factors)),
            Card(
                "Value in the figure",
                percent(status.get("coverage"), "the store has no coverage"),
                f"positions: {used} in it, {left_out} left out",
            ),
        )
    )


def _of_variance(fraction: float) -> str:
    return f"{percent(fraction).text} of the variance"


def _positions(stored: StoredPortfolio) -> pl.DataFrame:
    """Return the contributions of positions with symbol and company, the largest first."""
    symbols = stored.positions.select("symbol", position_id="id")
    names = stored.profiles.select("symbol", "company_name")
    rows = stored.risk.positions.join(symbols, on="position_id").join(names, on="symbol", how="left")
    size = pl.col("contribution").abs()
    return rows.sort(size, "symbol", "position_id", descending=[True, False, False])


def _named(factors: pl.DataFrame) -> pl.DataFrame:
    return factors.select(pl.col("share").alias("value"), name=pl.Series(map(name_of, factors["factor"])))


def _chart(title: str, shares: pl.DataFrame) -> Chart:
    """Return bars of the largest shares.

    Args:
        title: of the chart.
        shares: columns name, value (fraction of the volatility).
    """
    largest = shares.sort(pl.col("value").abs(), "name", descending=[True, False]).head(MOST_BARS)
    shown = largest.sort("value", "name", descending=[True, False])
    wide, narrow = bar_heights(shown.height)
    return chart(
        title,
        f"Bars of the {shown.height} largest of {shares.height} contributions to the volatility, from "
        f"{shown['name'][0]} down to {shown['name'][-1]}. The table below holds the figures.",
        signed_bars(shown, "%", colours=(ADDS, LOWERS)),
        wide,
        narrow_height=narrow,
        width="half",
        unit="percent of the volatility",
        legend=[
            LegendKey("Adds to the volatility", ADDS, shape="box"),
            LegendKey("Lowers it", LOWERS, shape="box"),
        ],
    )


def _factor_table(factors: pl.DataFrame, total: dict[str, Any]) -> PageTable:
    none = not_applicable("none")
    cells = [
        [
            plain(name_of(row["factor"])),
            percent(row["share"]),
            percent(row["contribution"], digits=2),
            none if row["exposure"] is None else ratio(row["exposure"]),
            percent(row["volatility"]),
        ]
        for row in factors.iter_rows(named=True)
    ]
    headings = ("Factor", "Of the volatility", "Contribution", "Portfolio's beta", "Factor's volatility")
    caption = f"Contributions by factor on {total['calculation_date']}"
    return PageTable(caption, headings, cells, note=_reconciled(factors, total))


def _reconciled(rows: pl.DataFrame, total: dict[str, Any]) -> str:
    added, whole = float(rows["contribution"].sum()), total["volatility"]
    texts = (percent(value, digits=2).text for value in (added, whole, added - whole))
    return "The contributions sum to {}; the predicted volatility is {}; difference {}.".format(*texts)


def _position_table(positions: pl.DataFrame, total: dict[str, Any]) -> PageTable:
    shown = ("contribution", "factor_contribution", "specific_contribution")
    cells = [
        [
            plain(row["symbol"], row["company_name"] or ""),
            percent(row["share"]),
            *(percent(row[name], digits=2) for name in shown),
            percent(row["weight"]),
        ]
        for row in positions.iter_rows(named=True)
    ]
    headings = ("Position", "Of the volatility", "Contribution", "by factors", "specific", "Of equity")
    return PageTable(
        f"Contributions by position on {total['calculation_date']}",
        headings,
        cells,
        note=f"{_reconciled(positions, total)} An option counts with its delta.",
        folded=True,
    )
