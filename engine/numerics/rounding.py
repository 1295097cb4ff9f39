"""Rounding of floats as their shortest decimal text."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

import numpy as np

from engine.numerics.arrays import Floats

LARGEST_SCALE = 22
"""10**22 is the largest power of ten that float64 holds exactly."""

TIE_MARGIN = 2.0**-50
"""|x| 10^scale misses the decimal text's value by under 2 ulp: half from the product, 1 from the text. This
share of it is 4 to 8 ulp, and from 2^50 on, where too few bits are left for a fraction, more than half."""

BLOCK = 1 << 14
"""Numbers rounded at once: they stay in the processor's cache."""

FRACTION_LIMIT = 2.0**50
"""From here on too few bits of |x| 10^scale are left for the fraction to be trusted."""

INTEGER_LIMIT = 2.0**53
"""Every float64 at least this large is an integer, so that rounding leaves it alone."""

CONTEXT = Context(prec=64, rounding=ROUND_HALF_UP)

PRODUCT_MARGIN_ULPS = 8.0
"""|a b| 10^scale misses the value of the texts' product by about 4 ulp at most: two texts and two
products, each with a relative error of 2^-53, which is at most one ulp."""

PRODUCT_CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""Python's default context for decimals: 28 significant digits."""


def round_half_away(x: Floats, scale: int) -> Floats:
    """Round each number half away from zero at `scale` decimals, as its shortest decimal text.

    x: float64 of any shape; scale: 0 to 22. The number meant by a float is the shortest decimal that
    reads back as that float (Python's repr), so 2.675 at 2 decimals is 2.68 although the float is
    slightly below. The result is the float64 nearest to the rounded decimal; NaN and infinities stay,
    -0.0 becomes 0.0. Source: SQL numeric columns, which take a float as that text.
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
    """Round into `rounded`. An integer below 2^53 over an exact power of ten is one correct division."""
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
    # NaN is on neither side of a tie.
    unclear = np.flatnonzero(~(off < 0.5))
    if unclear.size:
        rounded[unclear] = _by_text(values[unclear], scale)
    rounded += 0.0


def _by_text(values: Floats, scale: int) -> Floats:
    """Numbers about which the floats say too little; those from 2^53 on, and no numbers, as they are."""
    exact = values.copy()
    small = np.flatnonzero(np.abs(values) < INTEGER_LIMIT)
    exact[small] = [_round_text(number, scale) for number in values[small].tolist()]
    return exact


def _round_text(number: float, scale: int) -> float:
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-scale), context=CONTEXT))


def product_half_away(a: Floats, b: Floats, scale: int) -> Floats:
    """a b rounded half away from zero at `scale` decimals, multiplied as shortest decimal texts.

    a, b: float64 that broadcast to one shape; scale: 0 to 22. The texts' product is taken at 28
    significant digits, half to even, and then rounded; the result is the float64 nearest to that decimal.
    Products far enough from a tie are rounded as floats, the others as Decimals. NaN and infinities stay,
    -0.0 becomes 0.0. Source: Python's Decimal arithmetic, stored in an SQL numeric column.
    """
    if not 0 <= scale <= LARGEST_SCALE:
        raise ValueError(f"scale {scale} is outside 0..{LARGEST_SCALE}")
    left, right = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    power = 10.0**scale
    with np.errstate(invalid="ignore", over="ignore"):
        product = left * right
        scaled = np.abs(product) * power
        from_tie = np.abs(scaled - np.floor(scaled) - 0.5)
        unclear = from_tie <= PRODUCT_MARGIN_ULPS * np.spacing(scaled)
        unclear |= (scaled >= FRACTION_LIMIT) & np.isfinite(product)
        rounded = np.where(np.isfinite(scaled), np.rint(scaled) / power, np.abs(product))
    if unclear.any():
        pairs = zip(left[unclear].tolist(), right[unclear].tolist(), strict=True)
        rounded[unclear] = [abs(_product_text(x, y, scale)) for x, y in pairs]
    return np.asarray(np.copysign(rounded, product) + 0.0)


def _product_text(a: float, b: float, scale: int) -> float:
    product = PRODUCT_CONTEXT.multiply(Decimal(repr(a)), Decimal(repr(b)))
    return float(product.quantize(Decimal(1).scaleb(-scale), context=CONTEXT))
