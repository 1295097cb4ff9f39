"""NYSE sessions: the days that a backfill computes.

The weekdays on which the exchange stayed shut are a table beside this file, made from
exchange_calendars' XNYS calendar and held to it by a test. Reading the table costs a
millisecond, where that library's import alone takes half a second of a run's one.
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
"""New York time from which a session's closes count as known (document 01 §2.2)."""


@cache
def _calendar() -> np.busdaycalendar:
    closures = files("engine.core").joinpath("nyse_closures.txt").read_text().split()
    return np.busdaycalendar(holidays=np.array(closures, dtype="datetime64[D]"))


def _known(day: date) -> date:
    if not FIRST <= day <= LAST:
        raise CalendarError(day.isoformat(), FIRST.isoformat(), LAST.isoformat())
    return day


def clamped(day: date) -> date:
    """The day itself, or the end of the calendar that it lies beyond."""
    return min(max(day, FIRST), LAST)


def stored_sessions(days: pl.Series) -> list[date]:
    """The sessions among days, ascending, each once; days beyond the calendar are none."""
    known: list[date] = days.unique().sort().to_list()
    open_days = set(sessions(clamped(known[0]), clamped(known[-1]))) if known else set()
    return [day for day in known if day in open_days]


def sessions(start: date, end: date) -> list[date]:
    """The sessions in [start, end], ascending; none when the range is reversed."""
    if start > end:
        return []
    first, after = np.datetime64(_known(start), "D"), np.datetime64(_known(end), "D") + 1
    days = np.arange(first, after)
    open_days: list[date] = days[np.is_busday(days, busdaycal=_calendar())].tolist()
    return open_days


def last_session(day: date) -> date:
    """The newest session on or before `day`."""
    start = np.datetime64(_known(day), "D")
    rolled = np.busday_offset(start, 0, roll="backward", busdaycal=_calendar()).item()
    assert isinstance(rolled, date)
    return rolled


def target_session(now: datetime) -> date:
    """The newest session whose closes are known at `now`, New York wall-clock time."""
    settled = now.time() >= CUT_OFF
    return last_session(now.date() if settled else now.date() - timedelta(days=1))
