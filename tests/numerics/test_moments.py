"""Means and deviations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.numerics.centring import centred

LAST_PLACES = 1e-15
"""Relative to the largest value: a few units in the last place."""

repeatable = settings(derandomize=True, deadline=None, max_examples=300)


@repeatable
@given(st.floats(-1e150, 1e150), st.integers(1, 400), st.integers(1, 3))
def test_equal_numbers_are_exact(level: float, n: int, columns: int) -> None:
    mean, deviations = centred(np.full((n, columns), level))
    assert (mean == level).all()
    assert (deviations == 0.0).all()


@repeatable
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_equals_exact_arithmetic(values: list[float]) -> None:
    exact = sum(map(Fraction, values)) / len(values)
    mean, deviations = centred(np.array(values)[:, None])
    tolerance = LAST_PLACES * max(map(abs, values))
    np.testing.assert_allclose(mean[0], float(exact), rtol=0.0, atol=tolerance)
    expected = [float(Fraction(value) - exact) for value in values]
    np.testing.assert_allclose(deviations[:, 0], expected, rtol=0.0, atol=tolerance)
