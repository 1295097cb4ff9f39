"""What stands behind the figures: gaps, carried prices, short histories, and why jobs left figures out."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.core.job_catalog import JOBS, MARKET_VALUES, Status
from engine.html.blocks import Block, Card, Cards, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import Cell, absent, count, day, money, word
from engine.reports.charts.drawing import chart
from engine.reports.charts.heat import spans_chart
from engine.reports.measures.data_quality import (
    FULL_HISTORY,
    missing_sessions,
    price_quality,
    status_counts,
    status_spans,
    troubled,
    unbooked_flows,
    unquoted_positions,
)
from engine.reports.reasons import label, meaning
from engine.reports.stored import StoredPortfolio

COLOURS: dict[Status, str] = {"ok": "c1", "skipped": "skip", "failed": "down"}
"""By status: names of the style sheet."""
WORDS: dict[Status, str] = {"ok": "Done", "skipped": "Skipped", "failed": "Failed"}
ROW, NARROW_ROW, AXIS = 24, 20, 36


def quality(stored: StoredPortfolio, days: pl.DataFrame) -> Section:
    """Counts, the jobs through time and by reason, prices, and cash that no session booked.

    Args:
        days: of `engine.reports.measures.contributions.priced_days`.
    """
    prices = price_quality(stored, days)
    blocks: list[Block] = [_counts(stored, prices, days), *_jobs(stored), *_prices(prices)]
    lead = (
        "Every figure that is not on this page, and what the ones that are rest on. A figure that was not "
        "computed is never shown as 0."
    )
    return Section("quality", "Data quality", lead, [*blocks, *_sessions(stored), *_cash(stored)])


def _counts(stored: StoredPortfolio, prices: pl.DataFrame, days: pl.DataFrame) -> Cards:
    missing, total = missing_sessions(stored).len(), len(stored.days)
    carried = int(prices["carried"].sum())
    short = prices.filter(pl.col("closes") < FULL_HISTORY).height
    stale = prices.filter(pl.col("stale") > 0).height
    failed = stored.status.filter(pl.col("calculation_date") == stored.end, pl.col("status") == "failed")
    last = "no status is stored" if stored.status.is_empty() else f"on {stored.end}"
    return Cards(
        (
            Card("Sessions without a snapshot", count(missing), f"of {total}"),
            Card(
                "Jobs that failed",
                count(failed.height) if stored.status.height else absent("unknown"),
                last,
            ),
            Card("Prices carried", count(carried), "positions times sessions"),
            Card(
                "Values that stood still", count(stale), f"of {prices.height} quoted positions, at some time"
            ),
            Card(
                "Short histories", count(short), f"positions with fewer than {FULL_HISTORY} closes in a year"
            ),
            Card("Not quoted", count(unquoted_positions(days)), "private assets and option contracts"),
        )
    )


def _jobs(stored: StoredPortfolio) -> list[Block]:
    if stored.status.is_empty():
        told = (
            "The store has no analytics_status for these sessions: the batch that wrote its tables left "
            "none. Absent figures cannot be explained."
        )
        return [Notice("No status is stored", told)]
    return [_timeline(stored), *_reasons(stored)]


def _timeline(stored: StoredPortfolio) -> Chart:
    spans = status_spans(stored).filter(pl.col("job").is_in(list(JOBS)))
    present = spans["job"].unique().to_list()
    names = [job.label for job in JOBS.values() if job.name in present]
    return chart(
        "When each figure was computed",
        f"Spans of time in which each of {len(names)} jobs was done, skipped or failed.",
        spans_chart(
            spans.with_columns(name=pl.col("job").replace({job.name: job.label for job in JOBS.values()})),
            names,
            COLOURS,
        ),
        ROW * len(names) + AXIS,
        narrow_height=NARROW_ROW * len(names) + AXIS,
        legend=[LegendKey(WORDS[kind], colour, shape="box") for kind, colour in COLOURS.items()],
        tables=[_outcomes(stored, names)],
    )


def _outcomes(stored: StoredPortfolio, names: list[str]) -> PageTable:
    counts = stored.status.group_by("job", "status").len()
    found = {(job, status): number for job, status, number in counts.iter_rows()}
    most = dict(stored.status.group_by("job").agg(pl.col("positions_left_out").max()).iter_rows())
    jobs = {job.label: job.name for job in JOBS.values()}
    rows = [
        [
            word(name),
            *(count(found.get((jobs[name], status), 0)) for status in COLOURS),
            count(most[jobs[name]]),
        ]
        for name in names
    ]
    return PageTable("Sessions by job and outcome", ("Job", *WORDS.values(), "Most positions left out"), rows)


def _reasons(stored: StoredPortfolio) -> list[Block]:
    """What was left out, by reason: a figure's absence is always one of these."""
    order = {job: place for place, job in enumerate(JOBS)}
    lacking = status_counts(stored).filter(pl.col("status") != "ok").iter_rows(named=True)
    rows = sorted(lacking, key=lambda row: order.get(row["job"], len(order)))
    if not rows:
        return [Notice("Nothing left out", "Every job was done in every session.")]
    headings = ("Job", "Outcome", "Sessions", "First", "Last", "Reason")
    return [PageTable("What was not computed, by reason", headings, [_reason(row) for row in rows])]


def _reason(row: dict[str, Any]) -> list[Cell]:
    return [
        word(label(row["job"])),
        word(row["status"]),
        count(row["sessions"]),
        day(row["first"]),
        day(row["last"]),
        word(meaning(row["job"], row["reason"])),
    ]


def _prices(prices: pl.DataFrame) -> list[Block]:
    bad = troubled(prices)
    fine = prices.height - bad.height
    if bad.is_empty():
        told = f"All {fine} quoted positions have a close in every session and a full history."
        return [Notice("Prices complete", told)]
    rows = [
        [
            word(row["symbol"]),
            count(row["sessions"]),
            count(row["priced"]),
            count(row["carried"]),
            count(row["stale"]),
            day(row["last_close"]) if row["last_close"] else absent("never priced"),
            count(row["closes"]),
        ]
        for row in bad.iter_rows(named=True)
    ]
    headings = (
        "Position",
        "Sessions held",
        "Own close",
        "Carried",
        "Stood still",
        "Newest close",
        "Closes in a year",
    )
    note = (
        f"{fine} of {prices.height} quoted positions have a close in every session and a full history, and "
        "are not listed. Carried: priced by a close at most "
        f"{MARKET_VALUES.look_back} days old. Stood still: the value stayed."
    )
    return [PageTable("Prices with gaps or a short history", headings, rows, note=note)]


def _sessions(stored: StoredPortfolio) -> list[Block]:
    missing = missing_sessions(stored)
    if missing.is_empty():
        return []
    rows = [[day(one)] for one in missing]
    return [
        PageTable("Sessions without a snapshot", ("Session",), rows, folded=missing.len() > 10, width="half")
    ]


def _cash(stored: StoredPortfolio) -> list[Block]:
    lost = unbooked_flows(stored)
    if lost.is_empty():
        return []
    rows = [
        [
            day(row["change_date"]),
            word(str(row["change_type"]).lower()),
            money(row["amount"], stored.currency, cents=True),
        ]
        for row in lost.iter_rows(named=True)
    ]
    note = (
        "Dated on a day without a snapshot. The legacy rules book such cash nowhere; the corrected ones in "
        "the next session."
    )
    return [PageTable("Cash dated on no session", ("Day", "Kind", "Amount"), rows, note=note, width="half")]
