"""What is to be collected, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from engine.core.progress import Quiet
from loaders.market.provider import RequestOutcome
from writers.writer import BATCH_ROWS

NEW_YORK = ZoneInfo("America/New_York")
ANSWERS: dict[str, pl.DataType] = {"symbol": pl.String(), "outcome": pl.String(), "detail": pl.String()}


@dataclass(frozen=True)
class Order:
    """What is to be collected.

    url: the store, read and written. symbols: canonical; None for what the portfolios hold.
    since: the first session to be computed: positions closed before it are left out.
    start: first day of prices, long enough before `since` for what the analytics look back on.
    target: the newest finished session wanted. now: aware; what stored rows bear as their time.
    batch_rows: rows a batch. told: progress.
    """

    url: str
    since: date
    start: date
    target: date
    now: datetime
    symbols: Sequence[str] | None = None
    batch_rows: int = BATCH_ROWS
    told: Quiet = field(default_factory=Quiet)

    @property
    def today(self) -> date:
        """The day in New York."""
        return self.now.astimezone(NEW_YORK).date()


@dataclass
class Collected:
    """What came of an order.

    kind: of data. wanted: how many symbols the order is about.
    answers: columns of `ANSWERS`, one row for each symbol that was asked for.
    rows: written, by table. seconds: wall time.
    coverage: the fraction of what is due that is stored now, 0 to 1. unanswered: the fraction
        that is not there and that a later run may well bring.
    """

    kind: str
    target: date
    wanted: int = 0
    answers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ANSWERS))
    rows: dict[str, int] = field(default_factory=dict)
    coverage: float = 0.0
    unanswered: float = 0.0
    seconds: float = 0.0

    @property
    def failed(self) -> pl.DataFrame:
        """The answers that brought nothing."""
        return self.answers.filter(pl.col("outcome") != RequestOutcome.OK.value)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many answers had each outcome."""
        counted = self.answers.group_by("outcome").len().sort("outcome")
        return dict(counted.iter_rows())

    def content(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
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
        }

    def to_json(self) -> str:
        """All of it as JSON."""
        return json.dumps(self.content(), indent=1, default=str)

    def to_text(self) -> str:
        """A few lines for a person."""
        asked = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())
        lines = [
            f"{self.kind} up to {self.target}: {self.wanted} symbols, {self.answers.height} asked for"
            + (f" ({asked})" if asked else "")
            + f", coverage {self.coverage:.2%}, {self.seconds:.2f} s",
            *(f"  {name:<32}{rows:>10,} rows" for name, rows in self.rows.items()),
        ]
        lines += [
            f"  {row['symbol']}: {row['outcome']}: {row['detail']}"
            for row in self.failed.sort("symbol").iter_rows(named=True)
        ]
        return "\n".join(lines)
