"""Rounding as in the store, one number at a time, in exact decimals."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

WIDE = Context(prec=80, rounding=ROUND_HALF_UP)
"""ROUND_HALF_UP of Python rounds half away from zero; 80 digits keep sums and products exact."""


def exact(value: float) -> Decimal:
    """Return the decimal of a float's shortest text."""
    return Decimal(repr(value))


def rounded(value: Decimal | float, scale: int) -> Decimal:
    """Round a finite number half away from zero to `scale` decimals; a float by its shortest text.

    Args:
        value: neither NaN nor infinite.
        scale: digits after the point.

    Returns:
        With exactly `scale` digits after the point; never -0.
    """
    number = exact(value) if isinstance(value, float) else value
    return WIDE.quantize(number, Decimal(1).scaleb(-scale)) + 0


def half_even_cents(value: Decimal) -> Decimal:
    """Round to cents half to even, as the legacy batch rounds exposures."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN, WIDE) + 0


def undefined(value: object) -> bool:
    """Return whether a figure was computed and is undefined (NaN)."""
    return isinstance(value, float) and math.isnan(value)
