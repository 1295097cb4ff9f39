"""The P&L of each stress scenario, worst first."""

from __future__ import annotations

import polars as pl

from engine.core.job_catalog import STRESS
from engine.html.blocks import Block, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import money, plain, short_money
from engine.reports.charts.bars import bar_heights, signed_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.scales import money_format
from engine.reports.sections.common import job_notes, reason, sessions_without, share
from engine.reports.stored import StoredPortfolio

HOW = (
    "Direct: only the shocks of the scenario. Correlated: the other factors move as well, as they did over "
    f"the last {STRESS.look_back} days."
)


def stress(stored: StoredPortfolio) -> Section:
    """Return the scenarios as sorted bars, and their figures."""
    notes = _notes(stored)
    if stored.stress.is_empty():
        nothing = Notice("Stress tests not computed", " ".join(notes))
        return Section("stress", "Stress tests", "", [nothing])
    ranked = stored.stress.sort("correlated_pnl", "scenario")
    worst = ranked.row(0, named=True)
    lead = (
        f"On {worst['date']}; the worst of {ranked.height} scenarios is {worst['scenario']}: "
        f"{short_money(worst['correlated_pnl'], stored.currency)}. {HOW}"
    )
    if worst["date"] < stored.end:
        lead += f" On {stored.end} not computed: {reason(stored, 'stress')}."
    blocks: list[Block] = [_chart(stored, ranked, notes), _table(stored, ranked)]
    return Section("stress", "Stress tests", lead, blocks)


def _notes(stored: StoredPortfolio) -> list[str]:
    status = stored.status.filter(pl.col("job") == "stress")
    if status.is_empty() and not stored.stress.is_empty():
        return []  # results without any status: tables of the legacy batch, which writes none
    done = status.filter(pl.col("status") == "ok")["calculation_date"]
    return job_notes(stored, "stress", sessions_without(stored, done))


def _chart(stored: StoredPortfolio, ranked: pl.DataFrame, notes: list[str]) -> Chart:
    frame = ranked.select("direct_pnl", name="scenario", value="correlated_pnl")
    wide, narrow = bar_heights(frame.height)
    losses = (frame["value"] < 0).sum()
    return chart(
        "P&L by scenario",
        f"Bars of {frame.height} scenarios by correlated P&L, worst first; {losses} lose. Strokes mark "
        "the direct P&L. The table below holds the figures.",
        signed_bars(frame, money_format(stored.currency), tick="direct_pnl"),
        wide,
        narrow_height=narrow,
        unit=stored.currency,
        legend=[
            LegendKey("Correlated gain", "up", shape="box"),
            LegendKey("Correlated loss", "down", shape="box"),
            LegendKey("Direct", "ink", shape="box"),
        ],
        notes=notes,
    )


def _table(stored: StoredPortfolio, ranked: pl.DataFrame) -> PageTable:
    equity = stored.snapshots.filter(pl.col("date") == ranked["date"][0])["equity_balance"][0]
    rows = [
        [
            plain(row["scenario"], f"{row['category']}, {row['severity']}"),
            money(row["direct_pnl"], stored.currency, toned=True),
            money(row["correlated_pnl"], stored.currency, toned=True),
            money(row["correlation_effect"], stored.currency, toned=True),
            share(row["correlated_pnl"], equity),
        ]
        for row in ranked.iter_rows(named=True)
    ]
    headings = ("Scenario", "Direct", "Correlated", "Effect", "Of equity")
    return PageTable("Scenarios", headings, rows)
