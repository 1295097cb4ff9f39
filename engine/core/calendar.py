"""NYSE sessions: the trading days that a run computes.

The exchange's holidays are listed in nyse_closures.txt, generated from exchange_calendars' XNYS
calendar; a test compares the two. Reading the file takes a millisecond, importing that library
half a second, which is half the time of a small run.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from engine.core.errors import CalendarError

FIRST = date(1990, 1, 1)
LAST = date(2035, 12, 31)
CUT_OFF = time(16, 30)
"""New York time from which a session's closes are taken as final (document 01 §2.2)."""


@cache
def _calendar() -> np.busdaycalendar:
    closures = files("engine.core").joinpath("nyse_closures.txt").read_text().split()
    return np.busdaycalendar(holidays=np.array(closures, dtype="datetime64[D]"))


def _checked(day: date) -> date:
    if not FIRST <= day <= LAST:
        raise CalendarError(day.isoformat(), FIRST.isoformat(), LAST.isoformat())
    return day


def clamped(day: date) -> date:
    """Return the day, or the first or last day of the calendar if it lies outside."""
    return min(max(day, FIRST), LAST)


def stored_sessions(days: pl.Series) -> list[date]:
    """Return the distinct sessions among days, ascending; days outside the calendar are left out.

    Args:
        days: Date, in any order, repeated or not.
    """
    stored: list[date] = days.unique().sort().to_list()
    open_days = set(sessions(clamped(stored[0]), clamped(stored[-1]))) if stored else set()
    return [day for day in stored if day in open_days]


def sessions(start: date, end: date) -> list[date]:
    """Return the sessions of a span, ascending; none if it starts after its end.

    Args:
        start: first day, inclusive.
        end: last day, inclusive.
    """
    if start > end:
        return []
    first, after = np.datetime64(_checked(start), "D"), np.datetime64(_checked(end), "D") + 1
    days = np.arange(first, after)
    open_days: list[date] = days[np.is_busday(days, busdaycal=_calendar())].tolist()
    return open_days


def last_session(day: date) -> date:
    """Return the newest session on or before `day`.

    Args:
        day: within the years of the calendar.

    Raises:
        CalendarError: the calendar does not reach the day.
    """
    start = np.datetime64(_checked(day), "D")
    rolled = np.busday_offset(start, 0, roll="backward", busdaycal=_calendar()).item()
    assert isinstance(rolled, date)
    return rolled


def target_session(now: datetime) -> date:
    """Return the newest session whose closes are final.

    Args:
        now: wall-clock time in New York.
    """
    final = now.time() >= CUT_OFF
    return last_session(now.date() if final else now.date() - timedelta(days=1))
