"""Figures as a reader sees them, each with the number behind it. A null is told, never shown as 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Number = float | int | Decimal | None
Tone = Literal["", "up", "down"]
Form = Callable[[float], str]

MINUS = "\N{MINUS SIGN}"
JOINER = "\N{WORD JOINER}"
"""Between a sign and its unit, where a line would else end."""
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
SIZES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
NOT_COMPUTED = "not computed"
UNDEFINED = "undefined"


@dataclass(frozen=True)
class Cell:
    """One entry of a table, or a card's figure.

    value: the number itself, for machines and for sorting; "" where there is none.
    missing: whether the text tells of a figure that is not there.
    small: what stands below in small print. href: where the text leads. drawing: an SVG element
    beside the text.
    """

    text: str
    value: str = ""
    number: bool = False
    missing: bool = False
    tone: Tone = ""
    small: str = ""
    href: str = ""
    drawing: str = ""


def word(text: object, small: str = "", href: str = "") -> Cell:
    """A name, or whatever else is not counted."""
    return Cell(str(text), small=small, href=href)


def day(value: date | None, why: str = "") -> Cell:
    """A date as ISO 8601 spells it."""
    return missing(why) if value is None else Cell(value.isoformat(), value.isoformat())


def missing(why: str) -> Cell:
    """What is not there, and why."""
    return Cell(f"{NOT_COMPUTED}: {why}" if why else NOT_COMPUTED, missing=True)


def absent(text: str) -> Cell:
    """What does not apply here, so that nothing was to be computed."""
    return Cell(text, missing=True)


def money(value: Number, currency: str, why: str = "", *, toned: bool = False, cents: bool = False) -> Cell:
    """An amount, in whole units or to the cent."""
    return _figure(value, lambda v: f"{sign_of(currency)}{v:,.{2 if cents else 0}f}", why, toned)


def percent(value: Number, why: str = "", *, digits: int = 1, toned: bool = False) -> Cell:
    """A fraction, in percent."""
    return _figure(value, lambda v: f"{100 * v:,.{digits}f}%", why, toned)


def ratio(value: Number, why: str = "", *, digits: int = 2, toned: bool = False) -> Cell:
    """A number without a unit."""
    return _figure(value, lambda v: f"{v:,.{digits}f}", why, toned)


def count(value: Number, why: str = "") -> Cell:
    """A number of things."""
    return _figure(value, lambda v: f"{v:,.0f}", why, False)


def quantity(value: Number) -> Cell:
    """Shares or contracts, with no more decimals than there are."""
    return _figure(value, lambda v: f"{v:,.4f}".rstrip("0").rstrip("."), "", False)


def sign_of(currency: str) -> str:
    """What stands before an amount."""
    return SIGNS.get(currency, f"{currency} ")


def short_money(value: float, currency: str) -> str:
    """An amount for a sentence: $1.16M."""
    size, unit = next((known for known in SIZES if abs(value) >= known[0]), (1.0, ""))
    digits = 2 if unit else 0
    told = _signed(value / size, lambda v: f"{sign_of(currency)}{v:.{digits}f}{unit}")
    return told.replace(MINUS, MINUS + JOINER)


def _figure(value: Number, form: Form, why: str, toned: bool) -> Cell:
    if value is None:
        return missing(why)
    if math.isnan(value):
        return Cell(f"{UNDEFINED}{f': {why}' if why else ''}", "NaN", number=True, missing=True)
    tone: Tone = ("up" if value > 0 else "down" if value < 0 else "") if toned else ""
    return Cell(_signed(float(value), form), str(value), number=True, tone=tone)


def _signed(value: float, form: Form) -> str:
    """The text of a magnitude with its sign; what rounds to nothing has none."""
    text = form(abs(value))
    return f"{MINUS}{text}" if value < 0 and any(c in "123456789" for c in text) else text
