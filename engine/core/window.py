"""The window of a run: the sessions that it computes, and how far back it reads prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from engine.core.calendar import last_session, sessions
from engine.core.errors import UsageError
from engine.core.job_catalog import JOBS, PERCENTILE_LOOK_BACK
from engine.core.schema.kinds import FIRST_DAY, LAST_DAY

ONE_DAY = timedelta(days=1)
PRICE_LOOK_BACK = timedelta(
    days=1 + max(PERCENTILE_LOOK_BACK, *(job.look_back for job in JOBS.values() if not job.from_run_date))
)
"""Calendar days of prices before the first session: the longest look-back, both ends included."""


@dataclass(frozen=True)
class Window:
    """The sessions in [start, end], seen from `run_date`; at least one.

    A window that is reversed or holds no session raises `UsageError`. A rerun computes sessions
    that are stored already: it starts from the opening balances in the ledger, not from what the
    last run stored, and computes all later sessions anew, too.

    start, end: first and last day, both included.
    run_date: stands for the legacy server's "today": a session before it is historical, and factor
        correlations look back from it.
    later: stored sessions after `end`, which a rerun computes anew.
    known: the sessions, of the window or later, that the shard's portfolios have already.
    skipped: sessions that are not computed because nothing has a close; perhaps some directly before `start`.
        Cash of such a day is booked on the next session.
    written_at: when the run began, UTC; None where nothing is written to a store.
    """

    start: date
    end: date
    run_date: date
    later: tuple[date, ...] = ()
    known: tuple[date, ...] = ()
    skipped: tuple[date, ...] = ()
    written_at: datetime | None = None

    def __post_init__(self) -> None:
        if not FIRST_DAY <= self.run_date <= LAST_DAY:
            raise UsageError(f"the run date {self.run_date} lies outside {FIRST_DAY} to {LAST_DAY}")
        if self.start > self.end:
            raise UsageError(f"the window ends ({self.end}) before it starts ({self.start})")
        if not self.sessions:
            raise UsageError(f"there is no session from {self.start} to {self.end}")

    @property
    def rerun(self) -> bool:
        """Return whether a session of the window is stored already."""
        return bool(self.known)

    def __str__(self) -> str:
        return f"{self.start} to {self.last} seen from {self.run_date}"

    @cached_property
    def sessions(self) -> list[date]:
        """The NYSE sessions of the window and the later ones, ascending."""
        days = sessions(self.start, self.end)
        return [*(day for day in days if day not in self.skipped), *self.later]

    @property
    def first_cash(self) -> date:
        """The first day whose cash is booked in the window: the one after the last session before it."""
        before = last_session(self.start - ONE_DAY)
        while before in self.skipped:
            before = last_session(before - ONE_DAY)
        return before + ONE_DAY

    @property
    def first_stored(self) -> date:
        """The first of the stored sessions; `date.max` if there is none."""
        return min(self.known, default=date.max)

    @property
    def fresh(self) -> list[date]:
        """The sessions that are computed for the first time."""
        return [day for day in self.sessions if day not in self.known]

    @property
    def updates_tags(self) -> bool:
        """Return whether sector tags (phase 5) are updated: by new sessions on and after the run date."""
        return any(day >= self.run_date for day in self.fresh)

    @property
    def last(self) -> date:
        """The last day that the window computes."""
        return self.later[-1] if self.later else self.end

    @property
    def first_price(self) -> date:
        """The oldest day whose prices the window reads, except for carried values."""
        return self.sessions[0] - PRICE_LOOK_BACK

    @property
    def stamp(self) -> datetime:
        """The created_at of computed rows: midnight UTC of the run date.

        Not the clock: rows of one session are read back in the order of created_at.
        """
        return datetime(self.run_date.year, self.run_date.month, self.run_date.day, tzinfo=UTC)

    @property
    def written(self) -> datetime:
        """The updated_at of rows that the run makes or changes, never before their created_at."""
        return max(self.stamp, self.written_at or self.stamp)
