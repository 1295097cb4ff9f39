"""Dates as people and brokers write them; an order of day and month that is not certain is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

DateOrder = Literal["mdy", "dmy"]

ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[ T;,]+\d.*)?")
"""Year first, with or without separators, with or without a time of day behind."""
TWO_NUMBERS = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:[ T,;]+\d.*)?")
WORDS = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d%b%y", "%b %d %Y")
FIRST_YEAR, LAST_YEAR = 1900, 2100


def date_order(texts: Iterable[str]) -> tuple[DateOrder | None, bool]:
    """Return the order of day and month that dates show.

    Args:
        texts: dates of one file.

    Returns:
        The order that at least one date proves; and whether a date has another meaning in the other order.
    """
    pairs = [(int(match[1]), int(match[2])) for text in texts if (match := TWO_NUMBERS.fullmatch(text))]
    proofs = {"dmy" if first > second else "mdy" for first, second in pairs if max(first, second) > 12}
    order: DateOrder | None = None
    if len(proofs) == 1:
        order = "dmy" if "dmy" in proofs else "mdy"
    return order, any(first != second for first, second in pairs)


def parse_date(text: str, order: DateOrder | None) -> date | None:
    """Return a date, None if the text is none.

    Args:
        text: in any of the forms above, or with the month in English.
        order: of numbers that do not begin with the year.
    """
    try:
        if match := ISO.fullmatch(text):
            return _checked(int(match[1]), int(match[2]), int(match[3]))
        if match := TWO_NUMBERS.fullmatch(text):
            first, second, year = (int(part) for part in match.groups())
            month, day = (second, first) if order == "dmy" else (first, second)
            return _checked(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None
    return _in_words(text)


def _in_words(text: str) -> date | None:
    for form in WORDS:
        try:
            found = datetime.strptime(text.title(), form)
        except ValueError:
            continue
        return _checked(found.year, found.month, found.day)
    return None


def _checked(year: int, month: int, day: int) -> date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(year)
    return date(year, month, day)
