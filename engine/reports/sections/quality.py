"""Data quality: gaps, carried prices, short histories, and why jobs left figures out."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.core.job_catalog import JOBS, MARKET_VALUES, Status
from engine.html.blocks import Block, Card, Cards, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import Cell, count, day, money, not_applicable, plain
from engine.reports.charts.drawing import chart
from engine.reports.charts.heat import spans_chart
from engine.reports.measures.data_quality import (
    FULL_HISTORY,
    imperfect,
    missing_sessions,
    price_quality,
    status_counts,
    status_spans,
    unbooked_flows,
    unquoted_positions,
)
from engine.reports.missing_figures import label, meaning
from engine.reports.stored import StoredPortfolio

COLOURS: dict[Status, str] = {
    "ok": "c1",
    "partial": "c4",
    "held_back": "c3",
    "skipped": "skip",
    "failed": "down",
}
"""Colours of the style sheet by status."""
WORDS: dict[Status, str] = {
    "ok": "Done",
    "partial": "Partial",
    "held_back": "Held back",
    "skipped": "Skipped",
    "failed": "Failed",
}
ROW, NARROW_ROW, AXIS = 24, 20, 36
"""Heights in pixels."""
MOST_UNFOLDED = 10
"""Missing sessions up to which their table is not collapsed."""


def quality(stored: StoredPortfolio, days: pl.DataFrame) -> Section:
    """Return counts, jobs over time and by reason, prices, and cash flows outside sessions.

    Args:
        stored: the portfolio's rows.
        days: the result of `engine.reports.measures.contributions.priced_days`.
    """
    prices = price_quality(stored, days)
    blocks: list[Block] = [_counts(stored, prices, days), *_jobs(stored), *_prices(prices)]
    lead = (
        "Every figure that is missing on this page, and the data behind those that are not. A figure that "
        "was not computed is never shown as 0."
    )
    return Section("quality", "Data quality", lead, [*blocks, *_sessions(stored), *_cash(stored)])


def _counts(stored: StoredPortfolio, prices: pl.DataFrame, days: pl.DataFrame) -> Cards:
    missing, total = missing_sessions(stored).len(), len(stored.days)
    short = prices.filter(pl.col("closes") < FULL_HISTORY).height
    stale = prices.filter(pl.col("stale") > 0).height
    failed = stored.status.filter(pl.col("calculation_date") == stored.end, pl.col("status") == "failed")
    known = not stored.status.is_empty()
    return Cards(
        (
            Card("Sessions without a snapshot", count(missing), f"of {total}"),
            Card(
                "Jobs that failed",
                count(failed.height) if known else not_applicable("unknown"),
                f"on {stored.end}" if known else "no status is stored",
            ),
            Card("Prices carried", count(prices["carried"].sum()), "positions times sessions"),
            Card("Stale values", count(stale), f"of {prices.height} quoted positions, in some session"),
            Card(
                "Short histories", count(short), f"positions with fewer than {FULL_HISTORY} closes in a year"
            ),
            Card("Not quoted", count(unquoted_positions(days)), "private assets and option contracts"),
        )
    )


def _jobs(stored: StoredPortfolio) -> list[Block]:
    if stored.status.is_empty():
        text = (
            "The store has no analytics_status for these sessions: the batch that wrote its tables wrote "
            "none. Missing figures cannot be explained."
        )
        return [Notice("No status is stored", text)]
    return [_timeline(stored), *_reasons(stored)]


def _timeline(stored: StoredPortfolio) -> Chart:
    labels = {job.name: job.label for job in JOBS.values()}
    spans = status_spans(stored).filter(pl.col("job").is_in(list(labels)))
    present = spans["job"].unique().to_list()
    names = [name for job, name in labels.items() if job in present]
    return chart(
        "When each figure was computed",
        f"Spans of time in which each of {len(names)} jobs was done, partial, skipped or failed.",
        spans_chart(spans.with_columns(name=pl.col("job").replace(labels)), names, COLOURS),
        ROW * len(names) + AXIS,
        narrow_height=NARROW_ROW * len(names) + AXIS,
        legend=[LegendKey(WORDS[status], colour, shape="box") for status, colour in COLOURS.items()],
        tables=[_outcomes(stored, names)],
    )


def _outcomes(stored: StoredPortfolio, names: list[str]) -> PageTable:
    by_status = stored.status.group_by("job", "status").len()
    sessions = {(job, status): number for job, status, number in by_status.iter_rows()}
    most = dict(stored.status.group_by("job").agg(pl.col("positions_left_out").max()).iter_rows())
    jobs = {job.label: job.name for job in JOBS.values()}
    rows = [
        [
            plain(name),
            *(count(sessions.get((jobs[name], status), 0)) for status in COLOURS),
            count(most[jobs[name]]),
        ]
        for name in names
    ]
    return PageTable("Sessions by job and outcome", ("Job", *WORDS.values(), "Most positions left out"), rows)


def _reasons(stored: StoredPortfolio) -> list[Block]:
    order = {job: place for place, job in enumerate(JOBS)}
    missing = status_counts(stored).filter(pl.col("status") != "ok").iter_rows(named=True)
    rows = sorted(missing, key=lambda row: order.get(row["job"], len(order)))
    if not rows:
        return [Notice("Nothing left out", "Every job succeeded in every session.")]
    headings = ("Job", "Outcome", "Sessions", "First", "Last", "Reason")
    return [PageTable("Not computed, or in part, by reason", headings, [_reason(row) for row in rows])]


def _reason(row: dict[str, Any]) -> list[Cell]:
    return [
        plain(label(row["job"])),
        plain(row["status"]),
        count(row["sessions"]),
        day(row["first"]),
        day(row["last"]),
        plain(meaning(row["job"], row["reason"])),
    ]


def _prices(prices: pl.DataFrame) -> list[Block]:
    listed = imperfect(prices)
    complete = prices.height - listed.height
    if listed.is_empty():
        text = f"All {complete} quoted positions have a close in every session and a full history."
        return [Notice("Prices complete", text)]
    rows = [
        [
            plain(row["symbol"]),
            count(row["sessions"]),
            count(row["priced"]),
            count(row["carried"]),
            count(row["stale"]),
            day(row["last_close"]) if row["last_close"] else not_applicable("never priced"),
            count(row["closes"]),
        ]
        for row in listed.iter_rows(named=True)
    ]
    headings = (
        "Position",
        "Sessions held",
        "Own close",
        "Carried",
        "Stale",
        "Newest close",
        "Closes in a year",
    )
    note = (
        f"{complete} of {prices.height} quoted positions have a close in every session and a full history, "
        f"and are not listed. Carried: priced by a close at most {MARKET_VALUES.look_back} days old. Stale: "
        "no such close, so the value did not change."
    )
    return [PageTable("Prices with gaps or a short history", headings, rows, note=note)]


def _sessions(stored: StoredPortfolio) -> list[Block]:
    missing = missing_sessions(stored)
    if missing.is_empty():
        return []
    rows = [[day(session)] for session in missing]
    folded = missing.len() > MOST_UNFOLDED
    return [PageTable("Sessions without a snapshot", ("Session",), rows, folded=folded, width="half")]


def _cash(stored: StoredPortfolio) -> list[Block]:
    unbooked = unbooked_flows(stored)
    if unbooked.is_empty():
        return []
    rows = [
        [
            day(row["change_date"]),
            plain(str(row["change_type"]).lower()),
            money(row["amount"], stored.currency, cents=True),
        ]
        for row in unbooked.iter_rows(named=True)
    ]
    note = (
        "Dated on a day without a snapshot. The legacy rules never book such cash; the corrected rules book "
        "it in the next session."
    )
    return [
        PageTable("Cash flows outside sessions", ("Day", "Kind", "Amount"), rows, note=note, width="half")
    ]
