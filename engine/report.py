"""What a run did, in figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from engine.results import FAILURES
from engine.validation import QUARANTINE
from engine.window import Window


@dataclass
class Report:
    """What a run did.

    rows: rows by table, written (or to be written, in a dry run).
    seconds: by stage; shards are written beside the computing, and beside each other.
    failures: `engine.results.FAILURES`. quarantine: `engine.validation.QUARANTINE`.
    """

    window: Window | None
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    portfolios: int = 0
    failures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FAILURES))
    quarantine: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE))

    @property
    def complete(self) -> bool:
        """Whether every portfolio was computed from rows that all kept the rules."""
        return self.failures.is_empty() and self.quarantine.is_empty()

    def count(self, rows: Mapping[str, int]) -> None:
        """Add rows by table."""
        for name, found in rows.items():
            self.rows[name] = self.rows.get(name, 0) + found

    def tell_quarantine(self, rows: pl.DataFrame) -> None:
        """Add rows of the quarantine, those that another shard met as well only once."""
        known = self.quarantine
        fresh = rows.join(known, on=known.columns, how="anti", nulls_equal=True, maintain_order="left")
        self.quarantine = pl.concat([known, fresh])

    def tell_failures(self, rows: pl.DataFrame) -> None:
        """Add portfolios that were left out."""
        self.failures = pl.concat([self.failures, rows])

    def add(self, other: Report) -> None:
        """Add another process's part of the run."""
        self.window = other.window or self.window
        self.portfolios += other.portfolios
        self.count(other.rows)
        self.tell_failures(other.failures)
        self.tell_quarantine(other.quarantine)
        for stage, spent in other.seconds.items():
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 4)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 4)
