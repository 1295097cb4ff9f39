"""Counters of a run in the text format of Prometheus, for the collector of text files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import polars as pl

from engine.batch.report import Report, by_status
from engine.core.files import write_text

Sample = tuple[str, str, Mapping[str, str], float]
"""Name without prefix, help, labels, value."""


class Record(Protocol):
    """The parts of a run's record that become counters: see `engine.cli.run_results.RunRecord`."""

    arguments: dict[str, Any]
    report: Report | None
    exit_code: int
    began: datetime
    wall_seconds: float


def metrics_text(record: Record) -> str:
    """Return the counters of a run. Source of the format: Prometheus, exposition formats, version 0.0.4."""
    lines: list[str] = []
    for name, words, labels, value in _samples(record):
        if f"# TYPE engine_{name} gauge" not in lines:
            lines += [f"# HELP engine_{name} {words}", f"# TYPE engine_{name} gauge"]
        marks = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"engine_{name}{{{marks}}} {value:.15g}" if marks else f"engine_{name} {value:.15g}")
    return "\n".join(lines) + "\n"


def write_metrics(record: Record, path: str) -> None:
    """Write the counters at once: the collector never reads a half-written file.

    Args:
        record: of the run.
        path: of the file; its folder exists.
    """
    write_text(path, metrics_text(record))


def _samples(record: Record) -> Iterator[Sample]:
    command = {"command": str(record.arguments.get("command", ""))}
    yield "run_exit_code", "Exit code of the last run.", command, record.exit_code
    yield "run_started_seconds", "Start of the last run, Unix time.", command, record.began.timestamp()
    yield "run_duration_seconds", "Duration of the last run.", command, record.wall_seconds
    if record.report:
        yield from _report_samples(record.report)


def _report_samples(report: Report) -> Iterator[Sample]:
    sessions = len(report.window.sessions) if report.window else 0
    refused, held = (rows["portfolio_id"].n_unique() for rows in (report.failures, report.decided.held_back))
    yield "run_sessions", "Sessions that the last run computed.", {}, sessions
    yield "run_portfolios", "Portfolios that the last run computed.", {}, report.portfolios
    yield "portfolios_refused", "Portfolios that the last run refused.", {}, refused
    yield "portfolios_held_back", "Portfolios with a session that waits for closes.", {}, held
    unpriced = report.decided.unpriced.height
    yield "lots_without_close", "Lots without a close, by session.", {}, unpriced
    yield "rows_quarantined", "Rows that broke a rule.", {}, report.quarantine.height
    yield "rows_inconsistent", "Rows that broke a rule across columns.", {}, report.inconsistent.height
    for status, count in by_status(report).items():
        yield "jobs", "Jobs by session and portfolio, by status.", {"status": status}, count
    undone = report.outcomes.filter(~pl.col("status").is_in(["ok", "skipped"]))
    for job, status, reason, count in undone.iter_rows():
        labels = {"job": job, "status": status, "reason": reason or ""}
        yield "jobs_undone", "The same of jobs that are not ok, by reason.", labels, count
    for table, count in report.rows.items():
        yield "rows_written", "Rows that the last run wrote.", {"table": table}, count


def _escaped(text: str) -> str:
    """Return a label's value with backslash, quote and line break escaped."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
