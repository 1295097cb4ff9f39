"""Single values as Yahoo spells them: what is not one is None, never a text, a zero or a NaN."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def number(value: object) -> float | None:
    """A finite number; Yahoo also says "Infinity", NaN, empty dictionaries."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(value: object) -> str | None:
    """A text with something in it."""
    return value.strip() or None if isinstance(value, str) else None


def day(value: object) -> date | None:
    """A date in ISO 8601, as the ends of estimated periods come."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def new_york_day(value: object) -> date | None:
    """The date in New York of seconds since 1970."""
    seconds = number(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).astimezone(NEW_YORK).date()
    except (ValueError, OverflowError, OSError):
        return None
