"""The run at a glance: how it ended, how long it took, what it left undone."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from engine.html.blocks import Card, Cards, Notice, Section
from engine.html.cells import Cell, count, not_applicable, percent, plain
from engine.reports.stored_run import StoredRun


def glance(stored: StoredRun) -> Section:
    """Return the headline figures of a run.

    Args:
        stored: what the page shows.
    """
    window = f"{stored.start} to {stored.end}"
    cards = [
        Card("Ended as", _ending(stored), _error(stored)),
        Card(
            "The command took",
            took(stored),
            f"{stored.runs.height} run{'s' if stored.runs.height > 1 else ''}",
        ),
        Card("Rows written", _rows(stored), "of all tables"),
        Card("Figures done", _done(stored), f"jobs of each portfolio and session, {window}"),
        Card("Figures failed", _of_status(stored, "failed"), "see Figures for the reasons"),
        Card("Held back", _of_status(stored, "held_back"), "wait for closes"),
        Card("Portfolios refused", _refused(stored), "rows that break a rule"),
        Card("Closes stored", _covered(stored), f"of those due, {window}"),
        Card("Sessions missing", _missing(stored), "in the store now"),
    ]
    blocks: list[Cards | Notice] = [Cards(cards)]
    if stored.record is None:
        blocks.append(_no_record(stored))
    return Section("glance", "At a glance", "", blocks)


def ending(stored: StoredRun) -> str:
    """Return how a run ended: done, failed, running, or cut off where no process is at work.

    Args:
        stored: what the page shows.
    """
    status = str(stored.run["status"])
    return "cut off" if status == "running" and not stored.ledger.holder else status


def took(stored: StoredRun) -> Cell:
    """Return the wall time of the command, or else from the first run's start to the last one's end.

    Args:
        stored: what the page shows.
    """
    if stored.record:
        return seconds(stored.record.content.get("wall_seconds"))
    ends = stored.runs["finished_at"].drop_nulls()
    if ends.len() < stored.runs.height:
        return not_applicable("not ended")
    return seconds((ends.max() - stored.runs["started_at"].min()).total_seconds())  # type: ignore[operator, union-attr]


def seconds(value: float | None) -> Cell:
    """Return a duration.

    Args:
        value: in seconds; None where it is not known.
    """
    if value is None:
        return not_applicable("not recorded")
    text = f"{value:,.2f} s" if value < 60 else str(timedelta(seconds=round(value)))
    return Cell(text, f"{value:.4f}", number=True)


def _ending(stored: StoredRun) -> Cell:
    ended = ending(stored)
    return Cell(ended, tone="" if ended == "done" else "down")


def _error(stored: StoredRun) -> str:
    record = stored.record.content.get("exit_code") if stored.record else None
    code = "" if record is None else f"exit code {record}"
    return str(stored.run["error"] or code)


def _no_record(stored: StoredRun) -> Notice:
    where = stored.records.folder or "run_results"
    return Notice(
        "The record of this run is not here",
        f"Durations by stage, rows by table, failures and lots without closes come from the record that each "
        f"command keeps. {where} has none of this run: make the page where the run was started.",
    )


def _rows(stored: StoredRun) -> Cell:
    shards = stored.ledger.shards.filter(pl.col("run_id").is_in(stored.runs["id"].implode()))
    return count(shards["rows_written"].sum())


def _done(stored: StoredRun) -> Cell:
    if stored.status.is_empty():
        return not_applicable("no status is stored")
    return percent((stored.status["status"] == "ok").sum() / stored.status.height)


def _of_status(stored: StoredRun, status: str) -> Cell:
    if stored.status.is_empty():
        return not_applicable("no status is stored")
    return count(stored.status.filter(pl.col("status") == status).height)


def _refused(stored: StoredRun) -> Cell:
    shards = stored.ledger.shards.filter(pl.col("run_id").is_in(stored.runs["id"].implode()))
    return count(shards["left_out"].sum())


def _covered(stored: StoredRun) -> Cell:
    if stored.prices is None:
        return not_applicable("the closes are in another store")
    return percent(stored.prices.cells, digits=2) if stored.prices.symbols.height else plain("no symbol")


def _missing(stored: StoredRun) -> Cell:
    return count((~stored.sessions.due["stored"]).sum())
