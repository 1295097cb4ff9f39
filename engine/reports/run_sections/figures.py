"""Which jobs a run did, by portfolio, and why others were not done."""

from __future__ import annotations

import polars as pl

from engine.core.job_catalog import JOBS
from engine.core.names import distinct_labels
from engine.html.blocks import Block, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import count, day, plain
from engine.reports.charts.bars import bar_heights
from engine.reports.charts.drawing import chart
from engine.reports.charts.stacks import grid, stacked_bars
from engine.reports.missing_figures import label, meaning
from engine.reports.sections.quality import COLOURS, WORDS
from engine.reports.stored_run import StoredRun

WORST_FIRST = ("failed", "held_back", "partial", "skipped", "ok")
BY_WORD = {WORDS[status]: colour for status, colour in COLOURS.items()}
"""Colours of the style sheet by the words for a status."""
MOST_ROWS = 40
"""Portfolios that the grid shows, those with the most undone figures first; the table has all."""
ROW, NARROW_ROW, TOP = 22, 18, 130
"""Pixels of a row of the grid, and of the names above it."""


def figures(stored: StoredRun) -> Section:
    """Return the outcomes of all jobs in the window of a run.

    Args:
        stored: what the page shows.
    """
    lead = f"What the store has now of {stored.start} to {stored.end}: later runs may have changed it."
    if stored.status.is_empty():
        text = "The store has no analytics_status for these sessions."
        return Section("figures", "Figures", lead, [Notice("No status is stored", text)])
    return Section("figures", "Figures", lead, [_by_job(stored), _by_portfolio(stored), *_reasons(stored)])


def _jobs(stored: StoredRun) -> list[str]:
    present = set(stored.status["job"])
    return [*(job for job in JOBS if job in present), *sorted(present - set(JOBS))]


def _legend() -> list[LegendKey]:
    return [LegendKey(WORDS[status], colour, shape="box") for status, colour in COLOURS.items()]


def _by_job(stored: StoredRun) -> Chart:
    counted = stored.status.group_by("job", "status").len()
    numbers = {(job, status): number for job, status, number in counted.iter_rows()}
    jobs = _jobs(stored)
    parts = [
        {"name": label(job), "kind": WORDS[status], "value": float(numbers.get((job, status), 0))}
        for job in jobs
        for status in COLOURS
    ]
    rows = [
        [plain(label(job)), *(count(numbers.get((job, status), 0)) for status in COLOURS)] for job in jobs
    ]
    wide, narrow = bar_heights(len(jobs))
    return chart(
        "Outcome of each job",
        f"Stacked bars of the outcomes of {len(jobs)} jobs.",
        stacked_bars(pl.DataFrame(parts), BY_WORD, ",~f"),
        wide,
        narrow_height=narrow,
        unit="sessions of each portfolio",
        legend=_legend(),
        tables=[PageTable("Sessions of each portfolio, by job and outcome", ("Job", *WORDS.values()), rows)],
    )


def _by_portfolio(stored: StoredRun) -> Chart:
    names = distinct_labels(stored.names)
    jobs = {job: label(job) for job in _jobs(stored)}
    order = {status: place for place, status in enumerate(WORST_FIRST)}
    place = pl.col("status").replace_strict(order, return_dtype=pl.Int64, default=0)
    cells = (
        stored.status.with_columns(place=place)
        .group_by("portfolio_id", "job")
        .agg(
            pl.col("place").min(),
            undone=pl.col("status").is_in(["failed", "held_back", "partial"]).sum(),
            kind=pl.col("status").sort_by("place").first(),
        )
        .sort("portfolio_id", "job")
    )
    by_owner = cells.group_by("portfolio_id").agg(pl.col("undone").sum())
    ranked = by_owner.sort("undone", "portfolio_id", descending=[True, False])
    shown = ranked["portfolio_id"].head(MOST_ROWS).to_list()
    boxes = pl.concat(
        cells.filter(pl.col("portfolio_id") == owner).select(
            row=pl.lit(names.get(owner, owner)),
            column=pl.col("job").replace(jobs),
            kind=pl.col("kind").replace(dict(WORDS)),
        )
        for owner in shown
    )
    more = ranked.height - len(shown)
    notes = [f"{more} more portfolios, with fewer figures undone, are in the table."] if more else []
    return chart(
        "Worst outcome of each job, by portfolio",
        f"Grid of {len(shown)} portfolios and {len(jobs)} jobs, by the worst outcome of any session.",
        grid(boxes, list(jobs.values()), BY_WORD),
        ROW * len(shown) + TOP,
        narrow_height=NARROW_ROW * len(shown) + TOP,
        legend=_legend(),
        notes=notes,
        tables=[_portfolio_table(stored, names, ranked["portfolio_id"].to_list())],
    )


def _portfolio_table(stored: StoredRun, names: dict[str, str], owners: list[str]) -> PageTable:
    counted = stored.status.group_by("portfolio_id", "status").len()
    numbers = {(owner, status): number for owner, status, number in counted.iter_rows()}
    undone = stored.status.filter(pl.col("status").is_in(["failed", "held_back", "partial"]))
    jobs = dict(undone.group_by("portfolio_id").agg(pl.col("job").unique().sort()).iter_rows())
    rows = [
        [
            plain(names.get(owner, owner), owner),
            *(count(numbers.get((owner, status), 0)) for status in COLOURS),
            plain(", ".join(label(job).lower() for job in jobs.get(owner, ())) or "none"),
        ]
        for owner in owners
    ]
    headings = ("Portfolio", *WORDS.values(), "Jobs that are partial, failed or held back")
    return PageTable("Figures by portfolio and outcome", headings, rows, sortable=True)


def _reasons(stored: StoredRun) -> list[Block]:
    missing = stored.status.filter(pl.col("status") != "ok")
    if missing.is_empty():
        return [Notice("Nothing left out", "Every job succeeded for every portfolio in every session.")]
    order = {job: place for place, job in enumerate(JOBS)}
    rows = [
        [
            plain(label(row["job"])),
            plain(WORDS.get(row["status"], row["status"])),
            count(row["figures"]),
            count(row["portfolios"]),
            day(row["first"]),
            day(row["last"]),
            plain(meaning(row["job"], row["reason"]), _others(row["reasons"])),
        ]
        for row in sorted(
            counted_reasons(missing).iter_rows(named=True),
            key=lambda row: (order.get(row["job"], len(order)), row["status"], str(row["reason"])),
        )
    ]
    headings = ("Job", "Outcome", "Sessions", "Portfolios", "First", "Last", "Reason")
    return [PageTable("Not computed, or in part, by reason", headings, rows, sortable=True)]


def counted_reasons(missing: pl.DataFrame) -> pl.DataFrame:
    """Return figures that were not computed, or in part, by job, status and kind of reason.

    Reasons that differ in figures only, such as how much of a portfolio the closes cover, are of one kind.

    Args:
        missing: portfolio_id, calculation_date, job, status, reason.

    Returns:
        Columns job, status, figures, portfolios, first, last, reason (of the first session), reasons (how
        many different ones).
    """
    day_ = pl.col("calculation_date")
    kind = pl.col("reason").str.extract(r"^([^0-9]*)")
    return (
        missing.sort("calculation_date", "portfolio_id")
        .group_by("job", "status", kind=kind)
        .agg(
            pl.col("reason").first(),
            figures=pl.len(),
            portfolios=pl.col("portfolio_id").n_unique(),
            first=day_.min(),
            last=day_.max(),
            reasons=pl.col("reason").n_unique(),
        )
        .drop("kind")
    )


def _others(reasons: int) -> str:
    return f"and {reasons - 1:,} like it, with other figures" if reasons > 1 else ""
