"""Stored numbers (01 §0.1 to 0.4, 02 §6, 03 §0.6)."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

Stored = Decimal | float | None
"""A numeric cell: a decimal, NaN (computed, undefined), or None (not computed)."""


def exact(value: float | Decimal) -> Decimal:
    """The decimal of a float's shortest repr (01 §0.4); a Decimal stays as it is."""
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def stored(value: float | Decimal | None, scale: int) -> Stored:
    """Return what a numeric(p, scale) column holds: half away from zero; NaN stays NaN.

    Source: 03 §0.6.
    """
    if value is None:
        return None
    if isinstance(value, float) and math.isnan(value):
        return math.nan
    return exact(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def money_half_even(value: Decimal) -> Decimal:
    """Two places, half even: the one explicit quantize of the legacy batch.

    Source: 01 §0.3.
    """
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
