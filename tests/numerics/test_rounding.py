"""Rounding against decimal's own quantize."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.numerics.rounding import round_half_away

EXACT = Context(prec=800)
"""Digits enough for any float64 written out in full."""

repeatable = settings(derandomize=True, deadline=None, max_examples=400)


def by_decimal(x: float, scale: int) -> float:
    rounded = Decimal(repr(x)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, context=EXACT)
    return float(rounded) + 0.0


@pytest.mark.parametrize(
    ("x", "scale", "expected"),
    [
        (2.345, 2, 2.35),
        (-2.345, 2, -2.35),
        (1.005, 2, 1.01),
        (2.675, 2, 2.68),
        (0.5, 0, 1.0),
        (-0.5, 0, -1.0),
        (1.5, 0, 2.0),
        (2.5, 0, 3.0),
        (0.49999999999999994, 0, 0.0),
        (1e15 + 0.5, 0, 1e15 + 1.0),
        (4503599627370495.5, 0, 4503599627370496.0),
        (4503599627.3704965, 6, 4503599627.370497),
        (1e22, 4, 1e22),
        (1.7976931348623157e308, 22, 1.7976931348623157e308),
        (5e-324, 6, 0.0),
        (0.0000005, 6, 0.000001),
    ],
)
def test_known_cases(x: float, scale: int, expected: float) -> None:
    assert round_half_away(np.array([x]), scale)[0] == expected


@pytest.mark.parametrize("x", [-0.0, -0.001])
def test_zero_has_no_sign(x: float) -> None:
    assert not np.signbit(round_half_away(np.array([x]), 2)[0])


def test_undefined_and_infinite_stay() -> None:
    rounded = round_half_away(np.array([[np.nan, np.inf, -np.inf]]), 4)
    np.testing.assert_array_equal(rounded, [[np.nan, np.inf, -np.inf]])


def test_input_is_not_changed() -> None:
    x = np.array([1.005, -0.0])
    round_half_away(x, 2)
    np.testing.assert_array_equal(x, [1.005, -0.0])


@pytest.mark.parametrize("scale", [-1, 23])
def test_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(ValueError, match="scale"):
        round_half_away(np.array([1.0]), scale)


@repeatable
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(0, 12))
def test_any_float_equals_quantize(values: list[float], scale: int) -> None:
    expected = [by_decimal(x, scale) for x in values]
    np.testing.assert_array_equal(round_half_away(np.array(values), scale), expected)


@repeatable
@given(st.integers(-(10**13), 10**13), st.integers(0, 8), st.integers(-2, 2))
def test_ties_and_their_neighbours_equal_quantize(whole: int, scale: int, steps: int) -> None:
    x = float(Decimal(whole * 10 + 5).scaleb(-scale - 1))
    for _ in range(abs(steps)):
        x = float(np.nextafter(x, np.copysign(np.inf, steps)))
    assert round_half_away(np.array([x]), scale)[0] == by_decimal(x, scale)
