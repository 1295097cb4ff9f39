"""Betas through time, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from engine.pages.blocks import Block, Notice, Section, Width
from engine.pages.cells import Cell, count, ratio
from engine.pages.charts.drawing import chart
from engine.pages.charts.lines import lines
from engine.pages.charts.scales import Series, series
from engine.pages.reasons import JOBS
from engine.pages.sections.parts import Form, gap_notes, job_notes, reason, shape_table, undefined_note
from engine.pages.stored import Stored

RATE = "IR Beta"
MARKET = series(beta_calculated_90d="Market beta, 90 days", beta_provider_1y="Provider beta, 1 year")
BETA_JOBS = {"market_beta": "Market", "provider_beta": "Provider", "rate_beta": "Rate"}


def betas(stored: Stored) -> Section:
    """Market, provider and rate beta; returns, R² and positions behind them."""
    frame = _frame(stored)
    blocks = [
        _block(
            stored,
            frame,
            "Market and provider beta",
            MARKET,
            {"market_beta": MARKET[0].column, "provider_beta": MARKET[1].column},
            ratio,
        ),
        _block(stored, frame, "Rate beta (TLT)", series(rate="Rate beta"), {"rate_beta": "rate"}, _three),
        _block(
            stored,
            frame,
            "Returns behind the market beta",
            series(beta_calculated_90d_observations="Fewest returns of a position"),
            {"market_beta": "beta_calculated_90d_observations"},
            count,
            form="d",
        ),
        _block(
            stored,
            frame,
            "Fit of the market beta (R²)",
            series(beta_calculated_90d_r_squared="R²"),
            {"market_beta": "beta_calculated_90d_r_squared"},
            ratio,
        ),
        *_positions(stored),
    ]
    return Section("betas", "Betas", _lead(stored, frame), blocks)


def _three(value: float | None) -> Cell:
    return ratio(value, digits=3)


def _frame(stored: Stored) -> pl.DataFrame:
    rates = stored.exposures.filter(pl.col("factor") == RATE).select("date", rate="exposure_value")
    return stored.snapshots.join(rates, on="date", how="left", maintain_order="left")


def _lead(stored: Stored, frame: pl.DataFrame) -> str:
    last = frame.row(-1, named=True)
    market = ratio(last["beta_calculated_90d"], reason(stored, "market_beta", "beta_calculated_90d"))
    provider = ratio(last["beta_provider_1y"], reason(stored, "provider_beta", "beta_provider_1y"))
    rate = ratio(last["rate"], reason(stored, "rate_beta"), digits=3)
    return (
        f"On {stored.end}: market {market.text}; provider {provider.text}; rate {rate.text}. Each adds up "
        "its positions' betas, weighted by value over equity, so that leverage counts."
    )


def _block(
    stored: Stored,
    frame: pl.DataFrame,
    title: str,
    drawn: Sequence[Series],
    jobs: dict[str, str],
    shown: Form,
    form: str = "",
    width: Width = "half",
) -> Block:
    notes = [
        note
        for job, column in jobs.items()
        for note in (
            gap_notes(stored, job, column)
            if column in stored.snapshots.columns
            else job_notes(stored, job, frame.filter(pl.col(column).is_null())["date"])
        )
    ]
    notes += [note for one in drawn for note in undefined_note(frame, one.column, one.name)]
    if all(frame[one.column].null_count() == frame.height for one in drawn):
        return Notice(f"{title} not computed", " ".join(notes), width)
    return chart(
        title,
        f"{title} by session: {_told(frame, drawn)}.",
        lines(frame, drawn, form),
        220,
        width=width,
        legend=[one.key for one in drawn] if len(drawn) > 1 else [],
        notes=notes,
        tables=[shape_table(f"{title} by session", frame, drawn, shown)],
    )


def _told(frame: pl.DataFrame, drawn: Sequence[Series]) -> str:
    parts = []
    for one in drawn:
        known = frame[one.column].cast(pl.Float64).fill_nan(None).drop_nulls()
        if known.len():
            parts.append(f"{one.name} from {ratio(known[0]).text} to {ratio(known[-1]).text}")
    return ", ".join(parts)


def _positions(stored: Stored) -> list[Block]:
    """How many positions each beta counts."""
    wide = (
        stored.status.filter(pl.col("job").is_in(list(BETA_JOBS)), pl.col("status") == "ok")
        .pivot("job", index="calculation_date", values="positions_used")
        .rename({"calculation_date": "date"})
    )
    jobs = [job for job in BETA_JOBS if job in wide.columns]
    if not jobs:
        return []
    frame = stored.snapshots.select("date").join(wide, on="date", how="left", maintain_order="left")
    drawn = series(**{job: JOBS[job] for job in jobs})
    drawing = chart(
        "Positions behind each beta",
        f"Positions that each beta counts, by session: {_told(frame, drawn)}.",
        lines(frame, drawn, "d", zero=True, steps=True),
        200,
        unit="positions",
        legend=[one.key for one in drawn],
        tables=[shape_table("Positions behind each beta, by session", frame, drawn, count)],
    )
    return [drawing]
