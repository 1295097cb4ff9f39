"""Conversion of Yahoo's symbols and single values: what is no value becomes None, never 0 or NaN."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def yahoo_symbol(symbol: str) -> str:
    """Return Yahoo's spelling of a canonical symbol: `BRK-B` for `BRK.B` (document 04 §2.1)."""
    return symbol.replace(".", "-")


def number(value: object) -> float | None:
    """Return a finite number; Yahoo also sends "Infinity", NaN and empty dictionaries.

    Args:
        value: of Yahoo's JSON, of any type.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def text(value: object) -> str | None:
    """Return a text that is not blank, trimmed.

    Args:
        value: of Yahoo's JSON, of any type.
    """
    return value.strip() or None if isinstance(value, str) else None


def iso_date(value: object) -> date | None:
    """Parse an ISO 8601 date, the form of the ends of estimated periods.

    Args:
        value: of Yahoo's JSON, of any type.

    Returns:
        None for anything but such a text.
    """
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def new_york_date(value: object) -> date | None:
    """Return the date in New York of a Unix time stamp in seconds.

    Args:
        value: of Yahoo's JSON; anything but a number in the range of dates gives None.
    """
    seconds = number(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).astimezone(NEW_YORK).date()
    except (ValueError, OverflowError, OSError):
        return None
