"""Sessions of portfolios with a figure that its column cannot hold, apart from the others of a run.

Such a figure fails its portfolio in the window that is computed. A window is as good as its sessions one by
one, so that only the session with the figure may be left out: the sessions before it, it alone and those
after it are computed in windows of their own, as nightly runs would have done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from uuid import UUID

import polars as pl

from engine.batch.missing_sessions import UNTRACKED, Stage
from engine.batch.report import Report
from engine.core.calendar import sessions


def stages_around_failures(report: Report, run_date: date) -> list[Stage]:
    """Return the stages that compute the other sessions of portfolios that failed in some.

    Their failures are taken out of the report: the stage of the failed session reports them again.

    Args:
        report: of a stage that was computed.
        run_date: of the stage.

    Returns:
        The stages, in the order of their sessions. There are none where the stage was of one session, or no
        failure is one session's.
    """
    days = report.window.sessions if report.window else []
    failed = report.failures.group_by("portfolio_id").agg(
        first=pl.col("date").min(), whole=pl.col("date").is_null().any()
    )
    apart = failed.filter(~pl.col("whole"))
    if len(days) < 2 or apart.is_empty():
        return []
    refused = failed.height > apart.height
    report.take_back(apart["portfolio_id"], len(days))
    owners = [UUID(owner) for owner in apart["portfolio_id"].sort()]
    # A session is recorded as done where every portfolio has it.
    tables = UNTRACKED if refused else None
    return [
        Stage(part[0], part[-1], owners, tables, run_date, again=True)
        for part in _parts(days, {*apart["first"]})
    ]


def _parts(days: Sequence[date], apart: set[date]) -> list[list[date]]:
    """Return days in parts of consecutive sessions, with some of them alone."""
    following = dict(pairwise(sessions(days[0], days[-1])))
    parts: list[list[date]] = []
    for day in days:
        if parts and following[parts[-1][-1]] == day and not apart & {day, parts[-1][-1]}:
            parts[-1].append(day)
        else:
            parts.append([day])
    return parts
