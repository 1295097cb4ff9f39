"""Sessions against exchange_calendars, and the target session of a run without dates."""

from __future__ import annotations

import warnings
from datetime import date, datetime

import pytest

from engine.core.calendar import FIRST, LAST, last_session, sessions, target_session
from engine.core.errors import CalendarError


def test_every_session_is_the_exchange_s() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exchange_calendars

        calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST)
    assert sessions(FIRST, LAST) == [day.date() for day in calendar.sessions]


def test_the_day_of_mourning_is_closed() -> None:
    assert sessions(date(2025, 1, 8), date(2025, 1, 10)) == [date(2025, 1, 8), date(2025, 1, 10)]
    assert last_session(date(2025, 1, 9)) == date(2025, 1, 8)


def test_a_reversed_range_is_empty() -> None:
    assert sessions(date(2025, 2, 2), date(2025, 2, 1)) == []


@pytest.mark.parametrize("day", [date(1989, 12, 29), date(2036, 1, 2)])
def test_a_day_outside_the_calendar_is_an_error(day: date) -> None:
    with pytest.raises(CalendarError, match="1990-01-01 to 2035-12-31"):
        sessions(day, day)


@pytest.mark.parametrize(
    ("now", "target"),
    [
        (datetime(2025, 7, 3, 16, 29, 59), date(2025, 7, 2)),  # before the cut-off
        (datetime(2025, 7, 3, 16, 30), date(2025, 7, 3)),  # at the cut-off
        (datetime(2025, 7, 4, 20, 0), date(2025, 7, 3)),  # a holiday
        (datetime(2025, 7, 6, 9, 0), date(2025, 7, 3)),  # a Sunday after it
        (datetime(2025, 7, 7, 9, 0), date(2025, 7, 3)),  # Monday morning
    ],
)
def test_the_target_is_the_newest_session_with_known_closes(now: datetime, target: date) -> None:
    assert target_session(now) == target
