"""What span of time a run computes, and what it must look back on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from engine.errors import UsageError
from engine.sessions import sessions

MARK_LOOK_BACK = timedelta(days=5)
"""Calendar days back to a price that can still mark a position (document 01 §8.1)."""
PRICE_LOOK_BACK = timedelta(days=366)
"""Calendar days of prices before the first session: the longest figure needs 365."""


@dataclass(frozen=True)
class Window:
    """The sessions in [start, end], seen from `run_date`.

    run_date stands for the legacy server's "today": a session before it is historical, and
    factor correlations look back from it. All three are dates, both ends inclusive.
    A rerun computes sessions that are stored already. It starts from what the ledger remembers,
    not from what the last run left, and takes everything that follows along:
    rerun: whether a session of the window, or one after it, is stored already.
    earlier: stored sessions before the window, in which positions got the values they carry.
    later: stored sessions after the window, which go on from its last one.
    known: stored sessions of the window itself.
    """

    start: date
    end: date
    run_date: date
    rerun: bool = False
    earlier: tuple[date, ...] = ()
    later: tuple[date, ...] = ()
    known: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise UsageError(f"the window ends ({self.end}) before it starts ({self.start})")

    def __str__(self) -> str:
        return f"{self.start} to {self.last} seen from {self.run_date}"

    @cached_property
    def sessions(self) -> list[date]:
        """The NYSE sessions of the window and the later ones, ascending."""
        return [*sessions(self.start, self.end), *self.later]

    @property
    def fresh(self) -> list[date]:
        """The sessions that are computed for the first time."""
        return [day for day in sessions(self.start, self.end) if day not in self.known]

    @property
    def last(self) -> date:
        """The last day that a figure of the window looks at."""
        return self.later[-1] if self.later else self.end

    @property
    def first_price(self) -> date:
        """The oldest day whose prices any figure of the window looks at."""
        first = self.sessions[0] if self.sessions else self.start
        marked = self.earlier[0] - MARK_LOOK_BACK if self.earlier else first
        return min(first - PRICE_LOOK_BACK, marked)

    @property
    def stamp(self) -> datetime:
        """What a written row bears as its time: midnight UTC of the run date.

        Not the clock: the same input gives the same bytes, whenever it is run.
        """
        return datetime(self.run_date.year, self.run_date.month, self.run_date.day, tzinfo=UTC)
