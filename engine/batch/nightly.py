"""The nightly run: the session that is due, its market data, and every session that is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from engine.batch.backfill import backfill
from engine.batch.missing_sessions import Stage, backlog
from engine.batch.plan import settled
from engine.batch.report import Report, left_out, report_content
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.market_data import KINDS, CollectionResult
from engine.market_data.collect import collect
from loaders import open_reader
from loaders.earlier_results import EarlierResults
from loaders.market import Provider
from writers.writer import BATCH_ROWS

ENOUGH = 0.95
"""The fraction of closes to have: the legacy batch warned when more than 5 % lacked one
(document 04 §4.5)."""


@dataclass
class Night:
    """What a nightly run did.

    target: the session that was due. collected: one for each kind of data. stages: what was
    missing. reports: of the stages that were computed. held_back: why none was, else empty.
    """

    target: date
    enough: float
    collected: list[CollectionResult] = field(default_factory=list)
    stages: Sequence[Stage] = ()
    reports: Sequence[Report] = ()
    held_back: str = ""

    @property
    def complete(self) -> bool:
        """Whether enough closes are there, and every portfolio was computed."""
        prices = [found for found in self.collected if found.kind == "prices"]
        covered = all(found.coverage >= self.enough for found in prices)
        return covered and not self.held_back and all(report.complete for report in self.reports)

    def content(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        return {
            "target": self.target,
            "complete": self.complete,
            "held_back": self.held_back,
            "collected": [found.content() for found in self.collected],
            "computed": [report_content(report) for report in self.reports],
        }

    def to_json(self) -> str:
        """All of it as JSON."""
        return json.dumps(self.content(), indent=1, default=str)

    def to_text(self) -> str:
        """One summary for a person."""
        lines = [f"the session of {self.target}", *(found.to_text() for found in self.collected)]
        if self.held_back:
            lines.append(f"nothing was computed: {self.held_back}")
        elif not self.stages:
            lines.append("no session is missing: nothing to compute")
        for report in self.reports:
            lines.append(_line(report))
        told = dict.fromkeys(line for report in self.reports for line in left_out(report))
        return "\n".join([*lines, *told])


def _line(report: Report) -> str:
    if report.window is None:
        return "computed nothing"
    days = report.window.sessions
    return (
        f"computed {len(days)} sessions, {days[0]} to {days[-1]}, of {report.portfolios} portfolios: "
        f"{sum(report.rows.values()):,} rows, {sum(report.seconds.values()):.2f} s"
    )


def daily(
    url: str,
    provider: Provider | None,
    *,
    now: datetime,
    kinds: Sequence[str] = KINDS,
    enough: float = ENOUGH,
    rules: Rules | None = None,
    batch_rows: int = BATCH_ROWS,
    wait: bool = False,
    progress: Quiet | None = None,
) -> Night:
    """Bring a store up to the newest session whose closes are known.

    The session is decided from New York's time (document 01 §2.2), and counts as today for its
    figures whenever the run takes place: a run on the next morning, or after a weekend, leaves
    what one on the same evening would have left. A second run finds nothing missing.

    Nothing is computed while more than 1 - `enough` of the closes due may still come: a session
    without prices would be stored as one on which nothing moved, and never be missing again.

    Args:
        url: the store.
        provider: of market data; None collects nothing.
        now: aware; any zone.
        kinds: of data to collect, in this order.
        enough: the fraction of closes to have, 0 to 1.
        rules: default those of the store.
        batch_rows: rows in one batch.
        wait: wait for another run in the store instead of raising an error.
        progress: shows stages and rows; default none.

    Returns:
        What the nightly run did.

    Raises:
        EngineError: see `engine.core.errors`; what was committed before stays.
    """
    told = progress or Quiet()
    night = Night(settled(now), enough)
    with open_reader(url) as reader:
        night.stages = backlog(EarlierResults(reader), night.target)
    since = min((stage.start for stage in night.stages), default=night.target)
    for kind in kinds if provider else ():
        assert provider is not None
        night.collected.append(
            collect(
                kind,
                url,
                provider,
                now=now,
                since=since,
                end=night.target,
                batch_rows=batch_rows,
                wait=wait,
                progress=told,
            )
        )
    night.held_back = _held_back(night)
    if night.stages and not night.held_back:
        done = backfill(
            url,
            end=night.target,
            run_date=night.target,
            batch_rows=batch_rows,
            wait=wait,
            rules=rules,
            progress=told,
        )
        night.reports = done.stages
    return night


def _held_back(night: Night) -> str:
    for found in night.collected:
        if found.kind == "prices" and found.unanswered > 1 - night.enough:
            return f"{found.unanswered:.2%} of the closes of {night.target} may still come; run again later"
    return ""
