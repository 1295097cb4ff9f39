"""Option symbols: the form of the Options Clearing Corporation, and how brokers spell contracts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from loaders.books.dates import parse_date

Right = Literal["C", "P"]

ROOT = r"-?(?P<root>[A-Z][A-Z.]{0,5})\d?"
STRIKE = r"\$?(?P<strike>\d{1,6}(?:\.\d{1,3})?)"
MONTH = r"(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
FORMS = tuple(
    re.compile(form)
    for form in (
        # AAPL  251219C00150000, AAPL251219C00150000: Options Clearing Corporation
        r"-?(?P<root>[A-Z][A-Z.]{0,5})\s*(?P<day>\d{6})(?P<right>[CP])(?P<mills>\d{8})",
        # -AAPL251219C150: Fidelity
        rf"-?(?P<root>[A-Z][A-Z.]{{0,5}})\s*(?P<day>\d{{6}})(?P<right>[CP]){STRIKE}",
        # AAPL 12/19/2025 150.00 C: Schwab
        rf"{ROOT}\s+(?P<day>\d{{1,2}}/\d{{1,2}}/\d{{2,4}})\s+{STRIKE}\s+(?P<right>[CP])(?:ALL|UT)?",
        # AAPL 19DEC25 150 C: Interactive Brokers
        rf"{ROOT}\s+(?P<day>\d{{1,2}}{MONTH}\d{{2}})\s+{STRIKE}\s+(?P<right>[CP])(?:ALL|UT)?",
        # AAPL Dec 19 '25 $150 Call: E*Trade
        rf"{ROOT}\s+(?P<day>{MONTH}\s+\d{{1,2}},?\s+'?\d{{2,4}})\s+{STRIKE}\s+(?P<right>[CP])(?:ALL|UT)",
        # AAPL 12/19/2025 Call $150.00: Robinhood
        rf"{ROOT}\s+(?P<day>\d{{1,2}}/\d{{1,2}}/\d{{2,4}})\s+(?P<right>[CP])(?:ALL|UT)\s+{STRIKE}",
    )
)
SHORT_YEAR = re.compile(r"'?(\d{2})$")


@dataclass(frozen=True)
class Contract:
    """An option contract.

    Attributes:
        underlying: Symbol.
        expiration: Last day.
        right: C for a call, P for a put.
        strike: USD a share.
    """

    underlying: str
    expiration: date
    right: Right
    strike: Decimal

    @property
    def symbol(self) -> str:
        """The form of the Options Clearing Corporation without spaces."""
        root = self.underlying.replace(".", "")
        return f"{root}{self.expiration:%y%m%d}{self.right}{int(self.strike * 1000):08d}"


def contract(text: str) -> Contract | None:
    """Return the contract that a symbol names, None if it names none.

    Args:
        text: A symbol or a description, as brokers write them.
    """
    name = " ".join(text.upper().split())
    for form in FORMS:
        match = form.fullmatch(name)
        if match and (day := _expiration(match["day"])):
            parts = match.groupdict()
            mills = parts.get("mills")
            strike = Decimal(mills) / 1000 if mills else Decimal(parts["strike"])
            return Contract(match["root"], day, "C" if match["right"] == "C" else "P", strike)
    return None


def _expiration(text: str) -> date | None:
    """Return an expiration; month first where both orders are possible, as all US brokers write it."""
    if text.isdecimal():
        return parse_date(f"20{text}", None)
    if "/" in text:
        return parse_date(text, "mdy")
    if text[0].isalpha():
        text = SHORT_YEAR.sub(r"20\1", text) if not re.search(r"\d{4}$", text) else text
        return parse_date(text.replace(",", ""), None)
    return parse_date(text, None)
