"""Exposures to the spread and ridge factors over time."""

from __future__ import annotations

import polars as pl

from engine.core.funds import SPREAD_FUNDS, STYLE_FUNDS
from engine.core.job_catalog import RIDGE_FACTORS, SPREAD_FACTORS
from engine.html.blocks import Block, Chart, Notice, PageTable, Section
from engine.html.cells import Cell, money, plain, ratio
from engine.reports.charts.drawing import chart
from engine.reports.charts.heat import time_heat
from engine.reports.sections.common import job_notes, reason, sessions_without
from engine.reports.stored import StoredPortfolio

FACTOR_JOBS = (SPREAD_FACTORS.name, RIDGE_FACTORS.name)
NAMES = (*STYLE_FUNDS, *SPREAD_FUNDS)
"""The factors of the two jobs; the betas have a section of their own."""
LIMITS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Values at which the colours may end."""
ROW, NARROW_ROW, AXIS = 26, 20, 36
"""Heights in pixels."""
WEEKLY_FROM = 80
"""Sessions from which a cell stands for a week, by the figure of its last session."""


def factors(stored: StoredPortfolio) -> Section:
    """Return a heat map of ten exposures over time, and the figures of the last session."""
    known = stored.exposures.filter(pl.col("factor").is_in(NAMES))
    if known.is_empty():
        return Section("factors", "Factor exposures", "", [_nothing(stored)])
    blocks: list[Block] = [_chart(stored, known), _last(stored, known)]
    return Section("factors", "Factor exposures", _lead(stored, known), blocks)


def job_of(factor: str) -> str:
    """Return the job that computes a factor's exposure."""
    return (SPREAD_FACTORS if factor in SPREAD_FUNDS else RIDGE_FACTORS).name


def _nothing(stored: StoredPortfolio) -> Notice:
    days = pl.Series(stored.days, dtype=pl.Date)
    notes = [note for job in FACTOR_JOBS for note in job_notes(stored, job, days)]
    return Notice("Factor exposures not computed", " ".join(notes))


def _lead(stored: StoredPortfolio, known: pl.DataFrame) -> str:
    last = known.filter(pl.col("date") == stored.end).sort(pl.col("exposure_value").abs(), descending=True)
    if last.is_empty():
        return f"None on {stored.end}: {reason(stored, 'ridge_factors')}."
    largest = ", ".join(f"{r['factor']} {ratio(r['exposure_value']).text}" for r in last.head(3).to_dicts())
    return (
        f"The largest on {stored.end}: {largest}. Each spread factor is regressed by itself, the six ridge "
        "factors together; exposures are weighted by value over equity."
    )


def _cells(stored: StoredPortfolio, known: pl.DataFrame) -> pl.DataFrame:
    """Return a cell per factor and week, or per factor and session of a short window.

    Returns:
        Columns name, session (whose figure the cell has), date and until (the cell's ends), value.
    """
    calendar = pl.DataFrame({"session": pl.Series(stored.days, dtype=pl.Date)})
    if len(stored.days) >= WEEKLY_FROM:
        weeks = calendar.group_by(date=pl.col("session").dt.truncate("1w")).agg(pl.col("session").max())
        spans = weeks.sort("date").with_columns(until=pl.col("date") + pl.duration(days=7))
    else:
        after = pl.col("session").shift(-1).fill_null(pl.col("session") + pl.duration(days=1))
        spans = calendar.with_columns(date="session", until=after)
    # The whole grid, so that a cell without a figure exists and is drawn blank.
    grid = pl.DataFrame({"name": NAMES}).join(spans, how="cross", maintain_order="left_right")
    figures = known.select("exposure_value", name="factor", session="date").rename(
        {"exposure_value": "value"}
    )
    return grid.join(figures, on=["name", "session"], how="left", maintain_order="left")


def _limit(cells: pl.DataFrame) -> float:
    """Return the value at which the colours end: the largest size, rounded up to one of LIMITS."""
    largest = float(cells.select(pl.col("value").abs().max()).item() or 0.0)
    return next((limit for limit in LIMITS if largest <= limit), largest)


def _chart(stored: StoredPortfolio, known: pl.DataFrame) -> Chart:
    cells = _cells(stored, known)
    limit = _limit(cells)
    low, high = ratio(-limit).text, ratio(limit).text
    return chart(
        "Exposures over time",
        f"Heat map of {len(NAMES)} factor exposures over time, in colours from {low} to {high}. A table "
        "below holds the figures at the end of each month.",
        time_heat(cells, NAMES, limit),
        ROW * len(NAMES) + AXIS,
        narrow_height=NARROW_ROW * len(NAMES) + AXIS,
        unit="last session of each week" if len(stored.days) >= WEEKLY_FROM else "by session",
        ends=(low, high),
        notes=[note for job in FACTOR_JOBS for note in _notes(stored, known, job)],
        tables=[_months(cells)],
    )


def _notes(stored: StoredPortfolio, known: pl.DataFrame, job: str) -> list[str]:
    days = known.filter(pl.col("factor").map_elements(job_of, pl.String) == job)["date"].unique()
    return job_notes(stored, job, sessions_without(stored, days))


def _months(cells: pl.DataFrame) -> PageTable:
    """Return each factor's last figure of each month."""
    monthly = cells.group_by("name", month=pl.col("session").dt.truncate("1mo")).agg(
        pl.col("value").sort_by("session").last()
    )
    months = monthly["month"].unique().sort().to_list()
    figures = {(row["name"], row["month"]): row["value"] for row in monthly.iter_rows(named=True)}
    rows = [[plain(name), *(ratio(figures[name, month]) for month in months)] for name in NAMES]
    return PageTable("Exposures at the end of each month", ["Factor", *(f"{m:%Y-%m}" for m in months)], rows)


def _last(stored: StoredPortfolio, known: pl.DataFrame) -> PageTable:
    """Return the last session's exposures, as ratios and as amounts."""
    last = {row["factor"]: row for row in known.filter(pl.col("date") == stored.end).iter_rows(named=True)}
    rows = [_row(stored, name, last.get(name)) for name in NAMES]
    return PageTable(f"On {stored.end}", ("Factor", "Kind", "Exposure", f"{stored.currency}"), rows)


def _row(stored: StoredPortfolio, name: str, row: dict[str, float] | None) -> list[Cell]:
    job = job_of(name)
    missing = "" if row else reason(stored, job)
    exposure = ratio(row["exposure_value"] if row else None, missing, digits=3)
    dollars = money(row["exposure_dollar"] if row else None, stored.currency, missing)
    return [plain(name), plain(job.removesuffix("_factors")), exposure, dollars]
