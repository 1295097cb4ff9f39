"""Drawdowns: how far below its peak the portfolio was, and for how long."""

from __future__ import annotations

from functools import partial

import polars as pl

from engine.core.funds import MARKET_FUND
from engine.html.blocks import Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import count, day, not_applicable, percent
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import area
from engine.reports.charts.scales import series
from engine.reports.measures.benchmark import benchmark
from engine.reports.measures.growth import drawdowns, growth
from engine.reports.sections.common import gap_notes, series_summary
from engine.reports.stored import StoredPortfolio

MOST = 5
HOW = "From compounded daily returns, on which deposits and withdrawals have no effect."


def drawdown(stored: StoredPortfolio) -> Section:
    """Return the drawdown over time, and the deepest ones."""
    grown = growth(stored.snapshots)
    if grown["drawdown"].count() == 0:
        nothing = Notice("Drawdown not computed", "No session of the window has a return.")
        return Section("drawdown", "Drawdown", HOW, [nothing])
    worst = drawdowns(grown, MOST)
    if worst.is_empty():
        return Section("drawdown", "Drawdown", f"The portfolio was never below a peak. {HOW}", [])
    deepest = worst.row(0, named=True)
    lead = f"Deepest on {deepest['trough']}: {percent(-deepest['depth']).text} below the peak."
    return Section("drawdown", "Drawdown", f"{lead} {HOW}", [_chart(stored, grown, lead), _table(worst)])


def _chart(stored: StoredPortfolio, grown: pl.DataFrame, lead: str) -> Chart:
    form = partial(percent, digits=2)
    market = benchmark(stored).select("date", "benchmark_drawdown")
    frame = grown.join(market, on="date", maintain_order="left")
    own, *others = series(drawdown="Drawdown", benchmark_drawdown=MARKET_FUND)
    shown = [own, *others] if frame["benchmark_drawdown"].count() else [own]
    return chart(
        "Below the peak so far",
        f"Area of the drawdown by session. {lead}",
        area(frame, own, shown[1] if len(shown) > 1 else None, "%"),
        220,
        unit="percent",
        legend=[LegendKey(own.name, "down", shape="box"), *(one.key for one in shown[1:])],
        notes=gap_notes(stored, "pnl", "daily_return"),
        tables=[series_summary("Drawdown by session", frame, shown, form)],
    )


def _table(worst: pl.DataFrame) -> PageTable:
    rows = [
        [
            day(row["fell"]),
            day(row["trough"]),
            percent(row["depth"], digits=2, toned=True),
            day(row["recovered"]) if row["recovered"] else not_applicable("not yet"),
            count(row["sessions"]),
        ]
        for row in worst.iter_rows(named=True)
    ]
    headings = ("First below", "Deepest", "Depth", "Recovered", "Sessions below")
    return PageTable("The deepest drawdowns", headings, rows)
