"""Portfolios that a run refused, rows that broke a rule, and sessions that wait for closes."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.core.names import distinct_labels
from engine.html.blocks import Block, Notice, PageTable, Section
from engine.html.cells import day, plain
from engine.reports.run_records import RunRecord
from engine.reports.stored_run import StoredRun

MOST_LINES = 500
"""Rows of a table of problems; the record has all."""
BROKEN = {
    "quarantine": "Set aside: the row is not used",
    "inconsistent": "Inconsistent: the columns contradict",
}


def problems(stored: StoredRun) -> Section:
    """Return what somebody has to look into.

    Args:
        stored: what the page shows.
    """
    blocks = [*_of_record(stored), *_held_back(stored)]
    if stored.run["error"]:
        blocks.insert(0, Notice("The run failed", str(stored.run["error"])))
    if not blocks:
        blocks = [
            Notice("Nothing to look into", "No portfolio was refused, and no session waits for closes.")
        ]
    return Section("problems", "Failures and held-back sessions", "", blocks)


def _of_record(stored: StoredRun) -> list[Block]:
    record = stored.record
    if record is None:
        return []
    blocks: list[Block] = []
    if record.content.get("error"):
        blocks.append(Notice("The command failed", str(record.content["error"])))
    names = distinct_labels(stored.names)
    if refused := record.rows_of("failures"):
        rows = [
            [plain(_owner(row, names)), plain(row.get("date") or "all"), plain(row["reason"])]
            for row in refused
        ]
        blocks.append(_table("Refused portfolios", ("Portfolio", "Session", "Reason"), rows))
    if broken := _broken(record, names):
        headings = ("Portfolio", "Kind", "Table and key", "Column and value", "Rule")
        blocks.append(_table("Rows that break a rule", headings, broken))
    if lines := [*(record.content.get("not_computed") or ()), *(record.content.get("stale") or ())]:
        blocks.append(
            _table(
                "Sessions that the command did not compute",
                ("Which, and why",),
                [[plain(one)] for one in lines],
            )
        )
    return blocks


def _broken(record: RunRecord, names: dict[str, str]) -> list[list[Any]]:
    return [
        [
            plain(_owner(row, names)),
            plain(words),
            plain(row["table"], row["key"]),
            plain(row["column"], row["value"]),
            plain(row["rule"]),
        ]
        for kind, words in BROKEN.items()
        for row in record.rows_of(kind)
    ]


def _owner(row: dict[str, Any], names: dict[str, str]) -> str:
    owner = row.get("portfolio_id")
    return names.get(str(owner), str(owner)) if owner else "not known"


def _held_back(stored: StoredRun) -> list[Block]:
    held = stored.sessions.held.join(
        stored.sessions.due.filter(~pl.col("stored")), on=["portfolio_id", "date"], how="semi"
    )
    if held.is_empty():
        return []
    names = distinct_labels(stored.names)
    known = {
        (str(row["portfolio_id"]), str(row["date"])): str(row["reason"])
        for row in (stored.record.rows_of("held_back") if stored.record else ())
    }
    rows = [
        [
            plain(names.get(owner, owner)),
            day(session),
            plain(known.get((owner, str(session)), "too few of the closes are stored")),
        ]
        for owner, session in held.sort("portfolio_id", "date").select("portfolio_id", "date").iter_rows()
    ]
    return [_table("Held back: these sessions wait for closes", ("Portfolio", "Session", "Reason"), rows)]


def _table(caption: str, headings: tuple[str, ...], rows: list[list[Any]]) -> PageTable:
    more = len(rows) - MOST_LINES
    note = f"{more:,} more are in run_results.json." if more > 0 else ""
    return PageTable(caption, headings, rows[:MOST_LINES], note=note, sortable=True)
