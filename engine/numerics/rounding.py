"""Rounding of floats as their shortest decimal text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np

from engine.numerics.arrays import Floats

LARGEST_SCALE = 22
"""10**22 is the largest power of ten that float64 holds exactly."""

TIE_MARGIN = 2.0**-50
"""|x| 10^scale misses the decimal text's value by under 2 ulp: half from the product, 1 from the text. This
share of it is 4 to 8 ulp, and from 2^50 on, where too few bits are left for a fraction, more than half."""

BLOCK = 1 << 14
"""Numbers rounded at once, so that they stay in the processor's cache."""

INTEGER_LIMIT = 2.0**53
"""Every float64 at least this large is an integer, which rounding leaves alone."""

CONTEXT = Context(prec=64, rounding=ROUND_HALF_UP)


def round_half_away(x: Floats, scale: int) -> Floats:
    """Round each number half away from zero at `scale` decimals, as its shortest decimal text.

    The number meant by a float is the shortest decimal that reads back as that float (Python's repr): 2.675
    at 2 decimals is 2.68, although the float is slightly below. numpy.round and Polars round the float
    itself and differ in thousands of ties; Decimal texts for every number take 50 times as long, and are
    made only near a tie. Source: SQL numeric columns, which take a float as that text.

    Args:
        x: float64 of any shape.
        scale: decimals, 0 to 22.

    Returns:
        The float64 nearest to the rounded decimal, in the shape of x. NaN and infinities stay, -0.0 becomes
        0.0.

    Raises:
        ValueError: If the scale is outside 0 to 22.
    """
    if not 0 <= scale <= LARGEST_SCALE:
        raise ValueError(f"scale {scale} is outside 0..{LARGEST_SCALE}")
    values = np.asarray(x, dtype=np.float64)
    flat = np.ascontiguousarray(values).reshape(-1)
    rounded = np.empty_like(flat)
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, flat.size, BLOCK):
            block = slice(start, start + BLOCK)
            _round_block(flat[block], scale, rounded[block])
    return rounded.reshape(values.shape)


def _round_block(values: Floats, scale: int, rounded: Floats) -> None:
    """Round into `rounded`: an integer below 2^53 over an exact power of ten is one correct division."""
    power = 10.0**scale
    scaled = np.abs(values)
    scaled *= power
    np.rint(scaled, out=rounded)
    off = scaled - rounded
    np.abs(off, out=off)
    scaled *= TIE_MARGIN
    off += scaled
    rounded /= power
    np.copysign(rounded, values, out=rounded)
    # Written so that NaN, on neither side of a tie, is unclear too.
    unclear = np.flatnonzero(~(off < 0.5))
    if unclear.size:
        rounded[unclear] = _by_text(values[unclear], scale)
    rounded += 0.0


def _by_text(values: Floats, scale: int) -> Floats:
    """Round numbers near a tie as Decimals; NaN, infinities and numbers from 2^53 on stay as they are."""
    exact = values.copy()
    small = np.flatnonzero(np.abs(values) < INTEGER_LIMIT)
    unit = Decimal(1).scaleb(-scale)
    exact[small] = [float(Decimal(repr(x)).quantize(unit, context=CONTEXT)) for x in values[small].tolist()]
    return exact
