"""Durations of the stages, in this run and in those before it."""

from __future__ import annotations

import polars as pl

from engine.html.blocks import Block, Chart, LegendKey, Notice, PageTable, Section
from engine.html.cells import Cell, count, not_applicable, plain
from engine.reports.charts.bars import bar_heights
from engine.reports.charts.drawing import chart
from engine.reports.charts.stacks import stacked_bars
from engine.reports.run_records import RunRecord, stages
from engine.reports.run_sections.glance import seconds
from engine.reports.stored_run import StoredRun

COLOURS = ("c1", "c2", "c3", "c4", "skip", "h6", "h2")
"""Colours of the style sheet of the stages, in their order."""
MOST_BARS = 12
"""Commands that the chart shows; the table has all that are kept."""


def durations(stored: StoredRun) -> Section:
    """Return the durations of the stages of a store's commands.

    Args:
        stored: what the page shows.
    """
    lead = "Stages overlap: a shard is written while the next one is computed. The bars add their times up."
    return Section("durations", "Durations", lead, [_chart(stored), _ledger(stored)])


def _chart(stored: StoredRun) -> Block:
    records = stored.records.records
    if not records:
        text = "No record of a command on this store is kept. The ledger below has the whole durations."
        return Notice("Durations by stage are not known", text)
    names = list(stages(records))
    colours = {name: COLOURS[min(place, len(COLOURS) - 1)] for place, name in enumerate(names)}
    shown = records[:MOST_BARS]
    parts = [
        {"name": _label(record), "kind": stage, "value": float(spent)}
        for record in shown
        for stage, spent in record.seconds.items()
    ]
    wide, narrow = bar_heights(len(shown))
    return _drawn(pl.DataFrame(parts), colours, (wide, narrow), _stage_table(stored, names), len(shown))


def _drawn(
    parts: pl.DataFrame, colours: dict[str, str], heights: tuple[int, int], table: PageTable, shown: int
) -> Chart:
    return chart(
        "Seconds by stage",
        f"Stacked bars of the stages of the newest {shown} commands, newest first.",
        stacked_bars(parts, colours, ""),
        heights[0],
        narrow_height=heights[1],
        unit="seconds",
        legend=[LegendKey(name, colour, shape="box") for name, colour in colours.items()],
        tables=[table],
    )


def _label(record: RunRecord) -> str:
    return f"{record.started:%Y-%m-%d %H:%M:%S} {record.command}"


def _stage_table(stored: StoredRun, names: list[str]) -> PageTable:
    rows = [
        [
            plain(_label(record), "this run" if stored.run["id"] in record.run_ids else ""),
            *(
                seconds(record.seconds[name]) if name in record.seconds else not_applicable("-")
                for name in names
            ),
            seconds(record.content.get("wall_seconds")),
            count(record.content.get("peak_memory_mib"), "not recorded"),
            count(record.content.get("exit_code"), "not recorded"),
        ]
        for record in stored.records.records
    ]
    headings = ("Command", *(name.capitalize() for name in names), "Whole", "Peak MiB", "Exit code")
    return PageTable("Seconds by stage and command", headings, rows)


def _ledger(stored: StoredRun) -> PageTable:
    rows = [
        [
            plain(
                f"{row['started_at']:%Y-%m-%d %H:%M:%S}", "this run" if row["id"] == stored.run["id"] else ""
            ),
            plain(row["id"][:8]),
            plain(row["status"], row["error"] or ""),
            plain(f"{row['start_date']} to {row['end_date']}", f"seen from {row['run_date']}"),
            _took(row["started_at"], row["finished_at"]),
            count(row["portfolios"]),
            *(
                count(row[f"jobs_{status}"], "an earlier version ran it")
                for status in ("ok", "partial", "skipped", "failed", "held_back")
            ),
            plain(row["engine_version"] or "not recorded", row["rules"] or ""),
        ]
        for row in stored.ledger.runs.iter_rows(named=True)
    ]
    headings = (
        "Started, UTC",
        "Id",
        "Ended as",
        "Window",
        "Run took",
        "Portfolios",
        "Done",
        "Partial",
        "Skipped",
        "Failed",
        "Held back",
        "Engine and rules",
    )
    return PageTable("Runs of this store", headings, rows, sortable=True, search="Find a run", key="runs")


def _took(started: object, finished: object) -> Cell:
    if finished is None:
        return not_applicable("not ended")
    return seconds((finished - started).total_seconds())  # type: ignore[operator]
