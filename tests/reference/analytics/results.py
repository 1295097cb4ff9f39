"""Result of a job: an outcome, table rows, snapshot columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Row = dict[str, Any]
Status = Literal["ok", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a job for one (portfolio, date), with the reason code when it is not ok.

    Source: 02 §8.
    """

    job: str
    status: Status
    reason: str | None = None


@dataclass(frozen=True)
class JobResult:
    """A job's outcome, rows by table, snapshot columns, and failures by position."""

    outcome: Outcome
    rows: dict[str, list[Row]] = field(default_factory=dict)
    snapshot: Row = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    positions_used: int = 0


def ok(job: str, rows: dict[str, list[Row]] | None = None, snapshot: Row | None = None) -> JobResult:
    """A success with its rows and snapshot columns."""
    return JobResult(Outcome(job, "ok"), rows or {}, snapshot or {})


def skipped(job: str, reason: str) -> JobResult:
    """A skip: counted as a success by the legacy batch, nothing written (02 §8)."""
    return JobResult(Outcome(job, "skipped", reason))


def failed(job: str, reason: str, rows: dict[str, list[Row]] | None = None) -> JobResult:
    """A failure: nothing written but position rows already staged (02 §8)."""
    return JobResult(Outcome(job, "failed", reason), rows or {})
