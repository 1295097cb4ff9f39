"""Task and result of one collection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from engine.core.names import portfolio_label
from engine.core.progress import Quiet
from engine.core.request_outcomes import RequestOutcome
from engine.core.store_url import StoreURL
from writers.writer import BATCH_ROWS

NEW_YORK = ZoneInfo("America/New_York")
NAMED_SYMBOLS = 5
"""Symbols in one line of a summary."""
ANSWERS: dict[str, pl.DataType] = {"symbol": pl.String(), "outcome": pl.String(), "detail": pl.String()}


@dataclass(frozen=True)
class CollectionTask:
    """Task of a collection: what to request, and which store to fill.

    Attributes:
        url: the store, read and written.
        since: first session to be computed; positions closed before it are left out.
        start: first day of prices, before `since` by the analytics' longest look-back.
        target: last day of prices, the newest finished session at the most.
        now: aware; the time stamp of stored rows.
        symbols: canonical; None for those of the portfolios' positions.
        batch_rows: rows to gather before a commit.
        progress: takes stages, counts and notes.
        refresh: whether stored prices are replaced by the provider's, even without a sign of a change.
    """

    url: StoreURL
    since: date
    start: date
    target: date
    now: datetime
    symbols: Sequence[str] | None = None
    batch_rows: int = BATCH_ROWS
    progress: Quiet = field(default_factory=Quiet)
    refresh: bool = False

    @property
    def today(self) -> date:
        """The date in New York."""
        return self.now.astimezone(NEW_YORK).date()


@dataclass
class CollectionResult:
    """Result of a collection.

    Attributes:
        kind: of data.
        target: as in the task.
        wanted: how many symbols the task covers.
        answers: columns of `ANSWERS`, one row for each symbol requested.
        rows: rows written, by table.
        coverage: fraction of the due data that is stored now, 0 to 1.
        unanswered: fraction of the due data that is missing and that a later run may still get.
        changes: symbol, first, last: the span of sessions whose close was added or changed.
        stale: rows of engine_stale_sessions: portfolios whose stored sessions these changes concern.
        names: of portfolios, by id.
        seconds: wall time.
    """

    kind: str
    target: date
    wanted: int = 0
    answers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ANSWERS))
    rows: dict[str, int] = field(default_factory=dict)
    coverage: float = 0.0
    unanswered: float = 0.0
    changes: pl.DataFrame = field(default_factory=pl.DataFrame)
    stale: pl.DataFrame = field(default_factory=pl.DataFrame)
    names: Mapping[str, str | None] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def earliest(self) -> dict[str, date]:
        """Return the earliest session whose close was added or changed, by symbol."""
        return (
            dict(self.changes.sort("symbol").select("symbol", "first").iter_rows())
            if self.changes.height
            else {}
        )

    @property
    def failed(self) -> pl.DataFrame:
        """The answers without data."""
        return self.answers.filter(pl.col("outcome") != RequestOutcome.OK.value)

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of answers by outcome."""
        counts = self.answers.group_by("outcome").len().sort("outcome")
        return dict(counts.iter_rows())

    def content(self) -> dict[str, Any]:
        """Return the result as values for JSON."""
        return {
            "kind": self.kind,
            "target": self.target,
            "symbols": self.wanted,
            "asked": self.answers.height,
            "outcomes": self.outcomes,
            "rows": self.rows,
            "coverage": round(self.coverage, 6),
            "unanswered": round(self.unanswered, 6),
            "seconds": round(self.seconds, 4),
            "failed": self.failed.to_dicts(),
            "earliest": self.earliest,
            "stale": self.stale.to_dicts(),
        }

    def to_json(self) -> str:
        """Return the result as JSON."""
        return json.dumps(self.content(), indent=1, default=str)

    def to_text(self) -> str:
        """Return a summary of a few lines, with a line for each reason of a failure."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())
        lines = [
            f"{self.kind} up to {self.target}: {self.wanted} symbols, {self.answers.height} asked for"
            + (f" ({outcomes})" if outcomes else "")
            + f", coverage {self.coverage:.2%}, {self.seconds:.2f} s",
            *(f"  {name:<32}{rows:>10,} rows" for name, rows in self.rows.items()),
        ]
        stale = [
            f"  stale: portfolio {portfolio_label(row['portfolio_id'], self.names)} "
            f"from {row['first_session']} on: {row['reason']}"
            for row in self.stale.iter_rows(named=True)
        ]
        return "\n".join([*lines, *_failure_lines(self.failed), *stale])


def _failure_lines(failed: pl.DataFrame) -> Iterator[str]:
    """Yield a line for each reason, with its symbols: an outage is one line."""
    reasons = failed.sort("symbol").group_by("outcome", "detail", maintain_order=True).agg("symbol")
    for outcome, detail, symbols in reasons.iter_rows():
        names = ", ".join(symbols[:NAMED_SYMBOLS])
        more = f" and {len(symbols) - NAMED_SYMBOLS:,} more" if len(symbols) > NAMED_SYMBOLS else ""
        yield f"  {names}{more}: {outcome}: {detail}"


def answer_rows(answers: Iterable[tuple[str, RequestOutcome, str]]) -> pl.DataFrame:
    """Return rows of `ANSWERS`.

    Args:
        answers: symbol, outcome and detail of each request.
    """
    rows = [(symbol, outcome.value, detail) for symbol, outcome, detail in answers]
    return pl.DataFrame(rows, schema=ANSWERS, orient="row")
