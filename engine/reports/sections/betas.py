"""Betas over time, and the data that they are based on."""

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
from engine.reports.missing_figures import label
from engine.reports.sections.common import Form, job_notes, reason, series_summary, undefined_note
from engine.reports.stored import StoredPortfolio

COUNTING = ("market_beta", "provider_beta", "rate_beta")
"""Jobs whose status has the number of positions that a beta uses."""


@dataclass(frozen=True)
class BetaChart:
    """A chart of the section.

    Attributes:
        series: the series of the chart.
        jobs: for each series, the job that computes it.
        form: how a figure is written in tables.
        axis: number format of the axis; empty: what Vega chooses.
    """

    title: str
    series: Sequence[ChartSeries]
    jobs: Sequence[str]
    form: Form
    axis: str = ""


CHARTS = (
    BetaChart(
        "Market and provider beta",
        series(beta_calculated_90d="Market beta, 90 days", beta_provider_1y="Provider beta, 1 year"),
        ("market_beta", "provider_beta"),
        ratio,
    ),
    BetaChart("Rate beta (TLT)", series(rate="Rate beta"), ("rate_beta",), partial(ratio, digits=3)),
    BetaChart(
        "Returns used by the market beta",
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
    """Return market, provider and rate beta, with the returns, R² and positions that they use."""
    frame = _frame(stored)
    blocks = [_block(stored, frame, one) for one in CHARTS]
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
        f"On {stored.end}: market {market.text}; provider {provider.text}; rate {rate.text}. Each is the sum "
        "of the positions' betas, weighted by value over equity, so that it includes leverage."
    )


def _block(stored: StoredPortfolio, frame: pl.DataFrame, one: BetaChart) -> Block:
    missing = {s.column: frame.filter(pl.col(s.column).is_null())["date"] for s in one.series}
    notes = [
        note
        for s, job in zip(one.series, one.jobs, strict=True)
        for note in (
            *job_notes(stored, job, missing[s.column]),
            *undefined_note(frame, s.column, s.name),
        )
    ]
    if all(days.len() == frame.height for days in missing.values()):
        return Notice(f"{one.title} not computed", " ".join(notes), "half")
    return chart(
        one.title,
        f"{one.title} by session: {_first_to_last(frame, one.series, one.form)}.",
        lines(frame, one.series, one.axis),
        220,
        width="half",
        legend=[s.key for s in one.series] if len(one.series) > 1 else [],
        notes=notes,
        tables=[series_summary(f"{one.title} by session", frame, one.series, one.form)],
    )


def _first_to_last(frame: pl.DataFrame, series: Sequence[ChartSeries], form: Form) -> str:
    parts = []
    for one in series:
        known = frame[one.column].cast(pl.Float64).fill_nan(None).drop_nulls()
        if known.len():
            parts.append(f"{one.name} from {form(known[0]).text} to {form(known[-1]).text}")
    return ", ".join(parts)


def _positions(stored: StoredPortfolio) -> list[Block]:
    """Return a chart of the number of positions that each beta uses, if any is stored."""
    wide = (
        stored.status.filter(pl.col("job").is_in(COUNTING), pl.col("status") == "ok")
        .pivot("job", index="calculation_date", values="positions_used")
        .rename({"calculation_date": "date"})
    )
    jobs = [job for job in COUNTING if job in wide.columns]
    if not jobs:
        return []
    frame = stored.snapshots.select("date").join(wide, on="date", how="left", maintain_order="left")
    shown = series(**{job: label(job) for job in jobs})
    drawing = chart(
        "Positions used by each beta",
        f"Positions used by each beta, by session: {_first_to_last(frame, shown, count)}.",
        lines(frame, shown, "d", zero=True, steps=True),
        200,
        unit="positions",
        legend=[one.key for one in shown],
        tables=[series_summary("Positions used by each beta, by session", frame, shown, count)],
    )
    return [drawing]
