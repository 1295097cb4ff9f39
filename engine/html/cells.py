"""Cells of page tables: a figure as text, and the number behind it.

A null is shown as "not computed" with its reason, never as 0; NaN is shown as "undefined".
"""

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
"""Keeps a minus sign and its currency on one line."""
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
SIZES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
NOT_COMPUTED = "not computed"
UNDEFINED = "undefined"


@dataclass(frozen=True)
class Cell:
    """One entry of a table, or the figure of a card.

    Attributes:
        value: the exact number or date, for machines and for sorting; empty where there is none.
        number: whether `value` is a number.
        missing: whether the text stands for a figure that is not there.
        tone: colour of a gain ("up") or a loss ("down").
        small: small print below the text.
        href: where the text links to.
        drawing: an SVG element next to the text.
        colour: of the cell, a step of the diverging scale from `h0` to `h8`; empty: none.
    """

    text: str
    value: str = ""
    number: bool = False
    missing: bool = False
    tone: Tone = ""
    small: str = ""
    href: str = ""
    drawing: str = ""
    colour: str = ""


def plain(text: object, small: str = "", href: str = "") -> Cell:
    """Return a cell of text, such as a name.

    Args:
        text: converted with `str`.
        small: second line, in smaller letters.
        href: address of a link; empty for none.
    """
    return Cell(str(text), small=small, href=href)


def day(value: date | None, reason: str = "") -> Cell:
    """Return a date in ISO 8601, or why there is none.

    Args:
        value: None if there is none.
        reason: why there is none, in words.
    """
    return not_computed(reason) if value is None else Cell(value.isoformat(), value.isoformat())


def not_computed(reason: str) -> Cell:
    """Return a cell for a figure that was not computed.

    Args:
        reason: in words; empty if it is not known.
    """
    return Cell(f"{NOT_COMPUTED}: {reason}" if reason else NOT_COMPUTED, missing=True)


def not_applicable(text: str) -> Cell:
    """Return a cell where there is nothing to compute, such as the price of a closed position."""
    return Cell(text, missing=True)


def money(
    value: Number, currency: str, reason: str = "", *, toned: bool = False, cents: bool = False
) -> Cell:
    """Return an amount.

    Args:
        value: in units of the currency; None: not computed.
        currency: code of three letters.
        reason: why the value is None or NaN.
        toned: colour gains and losses.
        cents: show two decimals instead of none.
    """
    return _figure(value, lambda v: f"{sign_of(currency)}{v:,.{2 if cents else 0}f}", reason, toned)


def percent(value: Number, reason: str = "", *, digits: int = 1, toned: bool = False) -> Cell:
    """Return a fraction in percent: 0.05 is 5.0%.

    Args:
        value: a fraction; None or NaN is shown as not computed.
        reason: why there is no value, in words.
        digits: after the point.
        toned: whether the sign has a colour.
    """
    return _figure(value, lambda v: f"{100 * v:,.{digits}f}%", reason, toned)


def ratio(value: Number, reason: str = "", *, digits: int = 2, toned: bool = False) -> Cell:
    """Return a number without a unit.

    Args:
        value: None or NaN is shown as not computed.
        reason: why there is no value, in words.
        digits: after the point.
        toned: whether the sign has a colour.
    """
    return _figure(value, lambda v: f"{v:,.{digits}f}", reason, toned)


def count(value: Number, reason: str = "") -> Cell:
    """Return a whole number, such as a number of sessions.

    Args:
        value: None is shown as not computed.
        reason: why there is no value, in words.
    """
    return _figure(value, lambda v: f"{v:,.0f}", reason, False)


def quantity(value: Number) -> Cell:
    """Return shares or contracts with up to four decimals, trailing zeros removed.

    Args:
        value: shares or contracts; None is shown as not computed.
    """
    return _figure(value, lambda v: f"{v:,.4f}".rstrip("0").rstrip("."), "", False)


def sign_of(currency: str) -> str:
    """Return what is written before an amount: a sign, or the code and a space.

    Args:
        currency: ISO 4217 code.
    """
    return SIGNS.get(currency, f"{currency} ")


def short_money(value: float, currency: str) -> str:
    """Return an amount for a sentence, such as $1.16M.

    Args:
        value: amount in whole units of the currency, not NaN.
        currency: ISO 4217 code.
    """
    size, unit = next((step for step in SIZES if abs(value) >= step[0]), (1.0, ""))
    digits = 2 if unit else 0
    text = _signed(value / size, lambda v: f"{sign_of(currency)}{v:.{digits}f}{unit}")
    return text.replace(MINUS, MINUS + JOINER)


def _figure(value: Number, form: Form, reason: str, toned: bool) -> Cell:
    if value is None:
        return not_computed(reason)
    if math.isnan(value):
        return Cell(f"{UNDEFINED}{f': {reason}' if reason else ''}", "NaN", number=True, missing=True)
    tone: Tone = ("up" if value > 0 else "down" if value < 0 else "") if toned else ""
    return Cell(_signed(float(value), form), str(value), number=True, tone=tone)


def _signed(value: float, form: Form) -> str:
    """Return a magnitude with its sign; a value that rounds to 0 has none."""
    text = form(abs(value))
    return f"{MINUS}{text}" if value < 0 and any(c in "123456789" for c in text) else text
