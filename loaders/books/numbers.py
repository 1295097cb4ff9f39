"""Numbers as people and brokers write them: `$1,234.50`, `(1,234.50)`, `1.234,50`."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import polars as pl

DecimalMark = Literal[".", ","]
EXACT = pl.Decimal(38, 8)
"""Wide enough for every column of the schema; the column's own scale is applied later."""

SIGNS = r"[\s\x{A0}$']|USD"
"""Marks of the dollar, spaces and separators of thousands: they are left out."""
FOREIGN = r"[€£¥]|EUR|GBP|GBp|GBX|JPY|CHF|CAD|AUD|HKD"
"""Marks of other currencies: no figure is converted, so that such an amount is refused."""
ABSENT = ("", "-", "--", "---", "n/a", "na", "nan", "null", "none")
"""Texts that stand for no number, in lower case."""
PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$"
GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"

COMMA_ONLY = r"\d,\d{1,2}$|\d,\d{4,}$|\.\d{3},\d"
"""Forms that only a decimal comma gives."""
POINT_ONLY = r"\.\d{1,2}$|\.\d{4,}$|,\d{3}\.\d"
"""Forms that only a decimal point gives."""
EITHER = r"^[+-]?\d{1,3}([,.])\d{3}$"
"""A thousand and a fraction look alike: `1,234`."""


def cleaned(texts: pl.Series) -> pl.Series:
    """Return the texts without currency marks and spaces, `(1)` as `-1`, null where there is no number.

    Args:
        texts: As the file has them; null where there is none.
    """
    values = texts.str.replace_all(SIGNS, "").str.replace_all("\N{MINUS SIGN}", "-", literal=True)
    values = values.str.replace(r"^\((.*)\)$", "-$1").str.replace(r"^([\d.,]+)-$", "-$1")
    return values.to_frame("v").select(
        pl.when(~pl.col("v").str.to_lowercase().is_in(ABSENT)).then("v").alias(texts.name)
    )[texts.name]


def is_number(texts: pl.Series, mark: DecimalMark) -> pl.Series:
    """Return whether each cleaned text is a number; null where there is none.

    Args:
        texts: of `cleaned`.
        mark: what separates decimals in the file.
    """
    points = _with_points(texts, mark)
    return points.str.contains(PLAIN) | points.str.contains(GROUPED)


def parsed(texts: pl.Series, mark: DecimalMark) -> pl.Series:
    """Return cleaned texts as decimals.

    Args:
        texts: of `cleaned`.
        mark: what separates the decimals.

    Returns:
        `EXACT`; null where there is no number, or one of more than 30 digits.
    """
    points = _with_points(texts, mark).str.replace_all(",", "", literal=True)
    return points.str.strip_prefix("+").cast(EXACT, strict=False)


def _with_points(texts: pl.Series, mark: DecimalMark) -> pl.Series:
    if mark == ".":
        return texts
    swapped = texts.str.replace_all(".", "\0", literal=True).str.replace_all(",", ".", literal=True)
    return swapped.str.replace_all("\0", ",", literal=True)


def plain(value: Decimal) -> str:
    """Return a number without trailing zeros and exponent, for messages.

    Args:
        value: Any finite number.
    """
    return f"{value.normalize():f}"
