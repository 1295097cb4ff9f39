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
from engine.core.job_catalog import meaning
from engine.core.names import portfolio_label
from engine.core.row_rules import QUARANTINE
from engine.core.schema.evolution import SchemaGap
from engine.core.window import Window
from engine.pipeline.results import FAILURES, OUTCOMES
from engine.pipeline.status import REASON_LENGTH

STATUSES = ("ok", "partial", "skipped", "failed", "held_back")
UNDONE = ("partial", "failed")
"""Statuses of figures that somebody has to look into; a skipped job has nothing to compute."""


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
        closes_note: a line that says that values and P&L come from adjusted closes where quoted ones are due.
        outcomes: number of portfolio sessions by job, status and reason (`engine.pipeline.results.OUTCOMES`).
        run_ids: ids of the runs in engine_runs.
        rules: of the figures, as `--rules` takes them.
        names: names of the portfolios that the report mentions, by id.
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
    closes_note: str = ""
    outcomes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTCOMES))
    run_ids: list[str] = field(default_factory=list)
    rules: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    decided: Decisions = field(default_factory=Decisions)
    not_computed: Sequence[str] = ()
    stale: Sequence[str] = ()
    stages: Sequence[Report] = ()

    @property
    def complete(self) -> bool:
        """Return whether every session was computed of every portfolio, from rows that all keep the rules."""
        gated = self.not_computed or self.stale or not self.decided.held_back.is_empty()
        return self.failures.is_empty() and self.quarantine.is_empty() and not gated

    @property
    def flawless(self) -> bool:
        """Return whether the run is complete, and nothing is partial, failed, unpriced or inconsistent."""
        undone = self.outcomes.filter(pl.col("status").is_in(UNDONE))
        return self.complete and all(
            rows.is_empty() for rows in (undone, self.inconsistent, self.decided.unpriced)
        )

    @property
    def mentioned(self) -> set[str]:
        """The ids of the portfolios that the report mentions."""
        frames = (self.failures, self.inconsistent, self.decided.held_back, self.decided.unpriced)
        return {owner for frame in frames for owner in frame["portfolio_id"].drop_nulls()}

    def add_outcomes(self, rows: pl.DataFrame) -> None:
        """Add counts of outcomes.

        Args:
            rows: columns of `engine.pipeline.results.OUTCOMES`.
        """
        keys = ("job", "status", "reason")
        both = pl.concat([self.outcomes, rows])
        self.outcomes = both.group_by(keys, maintain_order=True).agg(pl.col("sessions").sum())

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
        if rows.is_empty():
            return
        stored = self.quarantine
        fresh = rows.join(stored, on=stored.columns, how="anti", nulls_equal=True, maintain_order="left")
        self.quarantine = pl.concat([stored, fresh])

    def add_inconsistent(self, rows: pl.DataFrame) -> None:
        """Add rows that break a rule across columns, each once."""
        if not rows.is_empty():
            self.inconsistent = pl.concat([self.inconsistent, rows]).unique(maintain_order=True)

    def add_failures(self, rows: pl.DataFrame) -> None:
        """Add refused portfolios, with their reasons.

        Args:
            rows: columns of `engine.pipeline.results.FAILURES`.
        """
        self.failures = pl.concat([self.failures, rows])

    def take_back(self, portfolios: pl.Series, sessions: int) -> None:
        """Remove refused portfolios that will be computed in other windows, with their outcomes.

        Args:
            portfolios: ids.
            sessions: number of sessions of the window in which they were refused.
        """
        theirs = pl.col("portfolio_id").is_in(portfolios.implode())
        reasons = self.failures.filter(theirs).unique("portfolio_id", keep="first", maintain_order=True)
        taken = reasons.group_by(reason=pl.col("reason").str.slice(0, REASON_LENGTH)).agg(
            status=pl.lit("failed"), taken=pl.len().cast(pl.Int64) * sessions
        )
        left = self.outcomes.join(taken, on=["status", "reason"], how="left", maintain_order="left")
        left = left.with_columns(pl.col("sessions") - pl.col("taken").fill_null(0)).drop("taken")
        self.outcomes = left.filter(pl.col("sessions") > 0)
        self.failures = self.failures.filter(~theirs)

    def add(self, other: Report) -> None:
        """Add the report of another process."""
        self.window = other.window or self.window
        self.portfolios += other.portfolios
        self.count(other.rows)
        self.add_failures(other.failures)
        self.add_quarantine(other.quarantine)
        self.add_inconsistent(other.inconsistent)
        self.add_outcomes(other.outcomes)
        self.run_ids += other.run_ids
        self.rules = other.rules or self.rules
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
        closes_note=first.closes_note,
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
            f"held back: portfolio {portfolio_label(row['portfolio_id'], report.names)} from {row['date']} "
            f"on: {row['reason']}"
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
            f"no close: portfolio {portfolio_label(row['portfolio_id'], report.names)}: {row['symbol']}, "
            f"{_days(row)}, up to {row['weight']:.1%} of its value"
            for row in unpriced.to_dicts()
        ),
    ]


def _days(row: dict[str, Any]) -> str:
    several = f"{row['days']} sessions from {row['first']} to {row['last']}"
    return f"{row['first']}" if row["days"] == 1 else several


def _refusal(row: dict[str, Any], names: Mapping[str, str]) -> str:
    days = f", {_days(row)}" if row["days"] else ""
    return f"refused: portfolio {portfolio_label(row['portfolio_id'], names)}{days}: {row['reason']}"


def refusal_lines(report: Report) -> list[str]:
    """Return a line for each refused portfolio and each row in quarantine."""
    day = pl.col("date")
    refused = report.failures.group_by("portfolio_id", maintain_order=True).agg(
        pl.col("reason").first(), first=day.min(), last=day.max(), days=day.drop_nulls().n_unique()
    )
    return [
        *(_refusal(row, report.names) for row in refused.to_dicts()),
        *(
            f"quarantined: {row['table']} {row['key']}: {row['column']} = {row['value']} {row['rule']}"
            for row in report.quarantine.to_dicts()
        ),
        *(
            f"inconsistent: portfolio {portfolio_label(row['portfolio_id'], report.names)}: {row['table']} "
            f"{row['key']}: {row['column']} = {row['value']} {row['rule']}"
            for row in report.inconsistent.to_dicts()
        ),
    ]


def outcome_lines(report: Report) -> list[str]:
    """Return a line with the numbers of outcomes, and one for each reason of partial and failed figures."""
    if report.outcomes.is_empty():
        return []
    numbers = ", ".join(f"{count:,} {status}" for status, count in by_status(report).items() if count)
    undone = report.outcomes.filter(pl.col("status").is_in(UNDONE)).to_dicts()
    return [
        f"jobs by session of each portfolio: {numbers}",
        *(
            f"{row['status']}: {row['job']} in {row['sessions']:,}: {meaning(row['job'], row['reason'])}"
            for row in undone
        ),
    ]


def by_status(report: Report) -> dict[str, int]:
    """Return the number of portfolio sessions of all jobs by status; 0 for a status that does not occur."""
    totals = dict.fromkeys(STATUSES, 0)
    for status, sessions in report.outcomes.select("status", "sessions").iter_rows():
        totals[status] += sessions
    return totals


def report_content(report: Report) -> dict[str, Any]:
    """Return a report as JSON values."""
    window = report.window
    return {
        "start": window and window.sessions[0],
        "end": window and window.sessions[-1],
        "run_date": window and window.run_date,
        "sessions": len(window.sessions) if window else 0,
        "portfolios": report.portfolios,
        "run_ids": report.run_ids,
        "rules": report.rules,
        "jobs": by_status(report),
        "jobs_by_reason": report.outcomes.filter(pl.col("status") != "ok").to_dicts(),
        "portfolio_names": dict(report.names),
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
        "closes_note": report.closes_note,
    }
