"""What span of time a run computes, and what it must look back on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from engine.core.calendar import sessions
from engine.core.errors import UsageError
from engine.core.job_catalog import JOBS

PRICE_LOOK_BACK = timedelta(days=1 + max(job.look_back for job in JOBS.values() if not job.from_run_date))
"""Calendar days of prices before the first session: the longest look-back, both ends included."""


@dataclass(frozen=True)
class Window:
    """The sessions in [start, end], seen from `run_date`; at least one.

    run_date stands for the legacy server's "today": a session before it is historical, and
    factor correlations look back from it. All three are dates, both ends inclusive.
    A rerun computes sessions that are stored already. It starts from what the ledger remembers,
    not from what the last run left, and takes everything that follows along:
    later: stored sessions after the window, which go on from its last one.
    known: the sessions, of the window or later, that the shard's portfolios have already.

    Raises:
        UsageError: the window is reversed, or holds no session.
    """

    start: date
    end: date
    run_date: date
    later: tuple[date, ...] = ()
    known: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise UsageError(f"the window ends ({self.end}) before it starts ({self.start})")
        if not self.sessions:
            raise UsageError(f"there is no session from {self.start} to {self.end}")

    @property
    def rerun(self) -> bool:
        """Whether something that is to be computed is stored already."""
        return bool(self.known)

    def __str__(self) -> str:
        return f"{self.start} to {self.last} seen from {self.run_date}"

    @cached_property
    def sessions(self) -> list[date]:
        """The NYSE sessions of the window and the later ones, ascending."""
        return [*sessions(self.start, self.end), *self.later]

    @property
    def oldest_known(self) -> date:
        """The first of the sessions that are there already; without any, a day after them all."""
        return min(self.known, default=date.max)

    @property
    def fresh(self) -> list[date]:
        """The sessions that are computed for the first time."""
        return [day for day in self.sessions if day not in self.known]

    @property
    def tags_move(self) -> bool:
        """Whether phase 5 comes to pass: on the run date, and after it."""
        return any(day >= self.run_date for day in self.fresh)

    @property
    def last(self) -> date:
        """The last day that a figure of the window looks at."""
        return self.later[-1] if self.later else self.end

    @property
    def first_price(self) -> date:
        """The oldest day whose prices a figure of the window looks at, but for carried values."""
        return self.sessions[0] - PRICE_LOOK_BACK

    @property
    def stamp(self) -> datetime:
        """What a written row bears as its time: midnight UTC of the run date.

        Not the clock: the same input gives the same bytes, whenever it is run.
        """
        return datetime(self.run_date.year, self.run_date.month, self.run_date.day, tzinfo=UTC)
