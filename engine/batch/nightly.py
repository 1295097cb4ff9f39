"""The nightly run: the session that is due, its market data, and every session that is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine.analytics.stress.scenarios import load_scenarios
from engine.batch.backfill import execute
from engine.batch.gate import THRESHOLD
from engine.batch.missing_sessions import missing_stages
from engine.batch.plan import settled
from engine.batch.report import (
    Report,
    gate_lines,
    outcome_lines,
    refusal_lines,
    report_content,
    withheld_lines,
)
from engine.batch.request import Request, destination
from engine.batch.table_choice import with_required_tables
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.core.store_url import StoreURL
from engine.market_data import KINDS, CollectionResult
from loaders import open_reader
from loaders.earlier_results import EarlierResults
from writers.writer import BATCH_ROWS

if TYPE_CHECKING:
    from loaders.market import Provider

RECOMPUTE_LIMIT = 30
"""Stale sessions of a portfolio that a nightly run computes again unasked: six weeks."""


@dataclass
class DailyRun:
    """Result of a nightly run.

    Attributes:
        target: the session that was due.
        enough: the fraction of closes to have, 0 to 1.
        collected: one result for each kind of data.
        reports: of the stages that were computed.
        report: of all stages together, with what the gate decided.
    """

    target: date
    enough: float
    collected: list[CollectionResult] = field(default_factory=list)
    reports: Sequence[Report] = ()
    report: Report = field(default_factory=lambda: Report(None))

    @property
    def complete(self) -> bool:
        """Return whether enough closes are stored, and every portfolio was computed."""
        prices = [result for result in self.collected if result.kind == "prices"]
        covered = all(result.coverage >= self.enough for result in prices)
        return covered and self.report.complete

    @property
    def held_back(self) -> str:
        """Return why sessions were held back or not computed, in a line each; else empty."""
        return "\n".join(withheld_lines(self.report))

    def content(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {
            "target": self.target,
            "complete": self.complete,
            "held_back": self.held_back,
            "collected": [result.content() for result in self.collected],
            "computed": [report_content(report) for report in self.reports],
        }

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(self.content(), indent=1, default=str)

    def to_text(self) -> str:
        """Return a summary to read."""
        lines = [f"the session of {self.target}", *(result.to_text() for result in self.collected)]
        if not self.reports and self.report.complete:
            lines.append("no session is missing: nothing to compute")
        lines += [_line(report) for report in self.reports]
        return "\n".join(
            [*lines, *outcome_lines(self.report), *gate_lines(self.report), *refusal_lines(self.report)]
        )


def _line(report: Report) -> str:
    if report.window is None:
        return "computed nothing"
    days = report.window.sessions
    return (
        f"computed {len(days)} sessions, {days[0]} to {days[-1]}, of {report.portfolios} portfolios: "
        f"{sum(report.rows.values()):,} rows, {sum(report.seconds.values()):.2f} s"
    )


def _first_missing(url: str, target: date) -> date:
    """Return the first missing session up to the target, else the target."""
    with open_reader(url) as reader:
        stages = missing_stages(EarlierResults(reader), target)
    return min((stage.start for stage in stages), default=target)


def daily(
    url: str,
    provider: Provider | None,
    *,
    now: datetime,
    kinds: Sequence[str] = KINDS,
    enough: float = THRESHOLD,
    rules: Rules | None = None,
    allow_stale: bool = False,
    recompute: bool = True,
    recompute_limit: int = RECOMPUTE_LIMIT,
    batch_rows: int = BATCH_ROWS,
    wait: bool = False,
    progress: Quiet | None = None,
) -> DailyRun:
    """Bring a store up to the newest session whose closes are known.

    The session is decided from New York's time (document 01 §2.2). Each session is computed as of its own
    evening, whenever the run takes place: a run on the next morning, after a weekend or after a close that
    came late leaves what one in time would have left. A second run finds nothing missing.

    Sessions that were computed from closes that have changed since are computed again, from the first one on.

    A session of a portfolio whose closes cover less than `enough` of its value is held back while they may
    still come (`engine.batch.gate`): it would be stored as one on which nothing moved.

    Args:
        url: the store.
        provider: of market data; None collects nothing.
        now: aware; any zone.
        kinds: of data to collect, in this order.
        enough: the fraction of a portfolio's value that closes must cover, 0 to 1.
        rules: default those of the store.
        allow_stale: compute sessions with too few closes, or none, all the same.
        recompute: compute stale sessions again; else the run reports them and is not complete.
        recompute_limit: the most stale sessions of a portfolio that are computed again; one with more is
            reported, and the run is not complete.
        batch_rows: rows in one batch.
        wait: wait for another run in the store instead of raising an error.
        progress: shows stages and rows; default none.

    Returns:
        What the nightly run did.

    Raises:
        EngineError: see `engine.core.errors`; what was committed before stays.
    """
    progress = progress or Quiet()
    run = DailyRun(settled(now), enough)
    if provider is not None:  # a run that collects nothing does not import what collects
        from engine.market_data.collect import collect

        since = _first_missing(url, run.target)
        options: dict[str, Any] = {"batch_rows": batch_rows, "wait": wait, "progress": progress}
        run.collected = [
            collect(kind, url, provider, now=now, since=since, end=run.target, **options) for kind in kinds
        ]
    store = StoreURL.parse(url)
    request = Request(
        store,
        destination(store, None),
        start=None,
        end=run.target,
        run_date=run.target,
        portfolios=None,
        wanted=with_required_tables(None, in_place=True),
        asked_rules=rules,
        scenarios=load_scenarios(),
        batch_rows=batch_rows,
        threshold=enough,
        allow_stale=allow_stale,
        recompute_limit=recompute_limit if recompute else 0,
    )
    report = execute(request, progress, wait=wait)
    run.reports, run.report = report.stages, report
    return run
