"""Rounding as the store rounds, one number at a time, in decimal text."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

WIDE = Context(prec=80, rounding=ROUND_HALF_UP)
"""Half away from zero, which Python calls up."""


def exact(value: float) -> Decimal:
    """The decimal that a float stands for: its shortest text."""
    return Decimal(repr(value))


def rounded(value: Decimal | float, scale: int) -> Decimal:
    """Half away from zero at `scale` decimals; a float by its shortest text. Finite numbers only."""
    known = exact(value) if isinstance(value, float) else value
    return WIDE.quantize(known, Decimal(1).scaleb(-scale)) + 0


def half_even_cents(value: Decimal) -> Decimal:
    """To cents, ties to the even one: the exposures' own rounding."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN, WIDE) + 0


def undefined(value: object) -> bool:
    """Whether a figure was computed and is undefined."""
    return isinstance(value, float) and math.isnan(value)
