"""Report of a run: rows, times, refused portfolios, rows in quarantine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from engine.batch.gate import Decisions
from engine.core.consistency import FINDINGS
from engine.core.row_rules import QUARANTINE
from engine.core.schema.evolution import SchemaGap
from engine.core.window import Window
from engine.pipeline.results import FAILURES


@dataclass
class Report:
    """Result of a run.

    Attributes:
        window: sessions that were computed; None if there were none.
        rows: rows written by table; in a dry run those that would be.
        seconds: by stage. Stages overlap: a shard is written while the next one is computed.
        portfolios: number of portfolios that were computed.
        failures: refused portfolios (`engine.pipeline.results.FAILURES`).
        quarantine: rows that broke a rule (`engine.core.row_rules.QUARANTINE`).
        inconsistent: rows that break a rule across columns (`engine.core.consistency.FINDINGS`).
        schema_gaps: tables, columns and widths that the target lacks.
        schema_note: the same in one line, with the command that adds them.
        decided: what the gate decided on the sessions that were due.
        not_computed: sessions that were due and are never computed, in a line for each reason.
        stale: a line for each portfolio with more stale sessions than are computed again unasked.
        stages: the reports of the stages in which missing sessions were computed.
    """

    window: Window | None
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    portfolios: int = 0
    failures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FAILURES))
    quarantine: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE))
    inconsistent: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDINGS))
    schema_gaps: Sequence[SchemaGap] = ()
    schema_note: str = ""
    decided: Decisions = field(default_factory=Decisions)
    not_computed: Sequence[str] = ()
    stale: Sequence[str] = ()
    stages: Sequence[Report] = ()

    @property
    def complete(self) -> bool:
        """Return whether every session was computed of every portfolio, from rows that all keep the rules."""
        gated = self.not_computed or self.stale or not self.decided.held_back.is_empty()
        return self.failures.is_empty() and self.quarantine.is_empty() and not gated

    def count(self, rows: Mapping[str, int]) -> None:
        """Add rows by table.

        Args:
            rows: number of rows by table.
        """
        for name, height in rows.items():
            self.rows[name] = self.rows.get(name, 0) + height

    def add_quarantine(self, rows: pl.DataFrame) -> None:
        """Add rows to the quarantine, each once, although several shards may meet it.

        Args:
            rows: columns of `engine.core.row_rules.QUARANTINE`.
        """
        stored = self.quarantine
        fresh = rows.join(stored, on=stored.columns, how="anti", nulls_equal=True, maintain_order="left")
        self.quarantine = pl.concat([stored, fresh])

    def add_inconsistent(self, rows: pl.DataFrame) -> None:
        """Add rows that break a rule across columns, each once."""
        self.inconsistent = pl.concat([self.inconsistent, rows]).unique(maintain_order=True)

    def add_failures(self, rows: pl.DataFrame) -> None:
        """Add refused portfolios, with their reasons.

        Args:
            rows: columns of `engine.pipeline.results.FAILURES`.
        """
        self.failures = pl.concat([self.failures, rows])

    def add(self, other: Report) -> None:
        """Add the report of another process."""
        self.window = other.window or self.window
        self.portfolios += other.portfolios
        self.count(other.rows)
        self.add_failures(other.failures)
        self.add_quarantine(other.quarantine)
        self.add_inconsistent(other.inconsistent)
        for stage, spent in other.seconds.items():
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 4)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage.

        Args:
            stage: name of the stage, such as compute.

        Yields:
            Nothing.
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 4)


def combined(stages: Sequence[Report]) -> Report:
    """Return one report of consecutive stages; portfolios are counted once.

    Args:
        stages: in the order of the run, one or more.
    """
    first = stages[0]
    total = Report(
        None,
        schema_gaps=first.schema_gaps,
        schema_note=first.schema_note,
        decided=first.decided,
        not_computed=first.not_computed,
        stale=first.stale,
    )
    for report in stages:
        total.add(report)
    total.stages = [report for report in stages if report.window]
    total.portfolios = max(report.portfolios for report in stages)
    if total.window and total.stages[0].window:
        total.window = replace(total.window, start=total.stages[0].window.start)
    return total


def withheld_lines(report: Report) -> list[str]:
    """Return a line for each reason why sessions were not computed."""
    held = report.decided.held_back.unique("portfolio_id", keep="first", maintain_order=True)
    return [
        *(f"not computed: {line}" for line in report.not_computed),
        *(
            f"held back: portfolio {row['portfolio_id']} from {row['date']} on: {row['reason']}"
            for row in held.to_dicts()
        ),
        *report.stale,
    ]


def gate_lines(report: Report) -> list[str]:
    """Return the lines of `withheld_lines`, and one for each lot without closes."""
    unpriced = report.decided.unpriced.group_by("portfolio_id", "symbol", maintain_order=True).agg(
        days=pl.len(), first=pl.col("date").min(), last=pl.col("date").max(), weight=pl.col("weight").max()
    )
    return [
        *withheld_lines(report),
        *(
            f"no close: portfolio {row['portfolio_id']}: {row['symbol']}, {_days(row)}, "
            f"up to {row['weight']:.1%} of its value"
            for row in unpriced.to_dicts()
        ),
    ]


def _days(row: dict[str, Any]) -> str:
    several = f"{row['days']} sessions from {row['first']} to {row['last']}"
    return f"{row['first']}" if row["days"] == 1 else several


def refusal_lines(report: Report) -> list[str]:
    """Return a line for each refused portfolio and each row in quarantine."""
    refused = report.failures.unique("portfolio_id", maintain_order=True)
    return [
        *(f"refused: portfolio {row['portfolio_id']}: {row['reason']}" for row in refused.to_dicts()),
        *(
            f"quarantined: {row['table']} {row['key']}: {row['column']} = {row['value']} {row['rule']}"
            for row in report.quarantine.to_dicts()
        ),
        *(
            f"inconsistent: {row['table']} {row['key']}: {row['column']} = {row['value']} {row['rule']}"
            for row in report.inconsistent.to_dicts()
        ),
    ]


def report_content(report: Report) -> dict[str, Any]:
    """Return a report as JSON values."""
    window = report.window
    return {
        "start": window and window.sessions[0],
        "end": window and window.sessions[-1],
        "run_date": window and window.run_date,
        "sessions": len(window.sessions) if window else 0,
        "portfolios": report.portfolios,
        "rows": report.rows,
        "seconds": report.seconds,
        "failures": report.failures.to_dicts(),
        "quarantine": report.quarantine.to_dicts(),
        "inconsistent": report.inconsistent.to_dicts(),
        "not_computed": list(report.not_computed),
        "stale": list(report.stale),
        "held_back": report.decided.held_back.to_dicts(),
        "partial": report.decided.partial.to_dicts(),
        "unpriced": report.decided.unpriced.to_dicts(),
        "schema_gaps": [str(gap) for gap in report.schema_gaps],
        "schema_note": report.schema_note,
    }
