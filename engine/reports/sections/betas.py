"""Betas through time, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from engine.analytics.betas.rate import FACTOR as RATE_FACTOR
from engine.html.blocks import Block, Notice, Section
from engine.html.cells import count, ratio
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import ChartSeries, series
from engine.reports.reasons import label
from engine.reports.sections.common import Form, job_notes, reason, shape_table, undefined_note
from engine.reports.stored import StoredPortfolio

COUNTING = ("market_beta", "provider_beta", "rate_beta")
"""The jobs whose status says how many positions a beta counts."""


@dataclass(frozen=True)
class BetaChart:
    """A chart of the section: its series, the job that computes each, and how a figure is shown.

    axis: the axis's format; "" as the steps demand.
    """

    title: str
    drawn: Sequence[ChartSeries]
    jobs: Sequence[str]
    shown: Form
    axis: str = ""


PANELS = (
    BetaChart(
        "Market and provider beta",
        series(beta_calculated_90d="Market beta, 90 days", beta_provider_1y="Provider beta, 1 year"),
        ("market_beta", "provider_beta"),
        ratio,
    ),
    BetaChart("Rate beta (TLT)", series(rate="Rate beta"), ("rate_beta",), partial(ratio, digits=3)),
    BetaChart(
        "Returns behind the market beta",
        series(beta_calculated_90d_observations="Fewest returns of a position"),
        ("market_beta",),
        count,
        "d",
    ),
    BetaChart(
        "Fit of the market beta (R²)",
        series(beta_calculated_90d_r_squared="R²"),
        ("market_beta",),
        ratio,
    ),
)


def betas(stored: StoredPortfolio) -> Section:
    """Market, provider and rate beta; returns, R² and positions behind them."""
    frame = _frame(stored)
    blocks = [_block(stored, frame, panel) for panel in PANELS]
    return Section("betas", "Betas", _lead(stored, frame), [*blocks, *_positions(stored)])


def _frame(stored: StoredPortfolio) -> pl.DataFrame:
    rates = stored.exposures.filter(pl.col("factor") == RATE_FACTOR).select("date", rate="exposure_value")
    return stored.snapshots.join(rates, on="date", how="left", maintain_order="left")


def _lead(stored: StoredPortfolio, frame: pl.DataFrame) -> str:
    last = frame.row(-1, named=True)
    market = ratio(last["beta_calculated_90d"], reason(stored, "market_beta", "beta_calculated_90d"))
    provider = ratio(last["beta_provider_1y"], reason(stored, "provider_beta", "beta_provider_1y"))
    rate = ratio(last["rate"], reason(stored, "rate_beta"), digits=3)
    return (
        f"On {stored.end}: market {market.text}; provider {provider.text}; rate {rate.text}. Each adds up "
        "its positions' betas, weighted by value over equity, so that leverage counts."
    )


def _block(stored: StoredPortfolio, frame: pl.DataFrame, panel: BetaChart) -> Block:
    lacking = {one.column: frame.filter(pl.col(one.column).is_null())["date"] for one in panel.drawn}
    notes = [
        note
        for one, job in zip(panel.drawn, panel.jobs, strict=True)
        for note in (
            *job_notes(stored, job, lacking[one.column]),
            *undefined_note(frame, one.column, one.name),
        )
    ]
    if all(days.len() == frame.height for days in lacking.values()):
        return Notice(f"{panel.title} not computed", " ".join(notes), "half")
    return chart(
        panel.title,
        f"{panel.title} by session: {_told(frame, panel.drawn, panel.shown)}.",
        lines(frame, panel.drawn, panel.axis),
        220,
        width="half",
        legend=[one.key for one in panel.drawn] if len(panel.drawn) > 1 else [],
        notes=notes,
        tables=[shape_table(f"{panel.title} by session", frame, panel.drawn, panel.shown)],
    )


def _told(frame: pl.DataFrame, drawn: Sequence[ChartSeries], shown: Form) -> str:
    parts = []
    for one in drawn:
        known = frame[one.column].cast(pl.Float64).fill_nan(None).drop_nulls()
        if known.len():
            parts.append(f"{one.name} from {shown(known[0]).text} to {shown(known[-1]).text}")
    return ", ".join(parts)


def _positions(stored: StoredPortfolio) -> list[Block]:
    """How many positions each beta counts."""
    wide = (
        stored.status.filter(pl.col("job").is_in(COUNTING), pl.col("status") == "ok")
        .pivot("job", index="calculation_date", values="positions_used")
        .rename({"calculation_date": "date"})
    )
    jobs = [job for job in COUNTING if job in wide.columns]
    if not jobs:
        return []
    frame = stored.snapshots.select("date").join(wide, on="date", how="left", maintain_order="left")
    drawn = series(**{job: label(job) for job in jobs})
    drawing = chart(
        "Positions behind each beta",
        f"Positions that each beta counts, by session: {_told(frame, drawn, count)}.",
        lines(frame, drawn, "d", zero=True, steps=True),
        200,
        unit="positions",
        legend=[one.key for one in drawn],
        tables=[shape_table("Positions behind each beta, by session", frame, drawn, count)],
    )
    return [drawing]
