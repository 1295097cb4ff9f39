"""Means and deviations against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.numerics.arrays import Floats, centred, masked_centred, pad_indices, row_groups

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


@repeatable
@given(st.floats(-1e150, 1e150), st.integers(1, 100), st.integers(0, 1000))
def test_masked_equal_numbers_are_exact(level: float, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, used = rng.normal(size=(n, 8)), rng.random((n, 8)) < 0.5
    values[used] = level
    constant, mean, deviations = masked_centred(values, used)
    assert constant.all()
    np.testing.assert_array_equal(mean, np.where(used.any(axis=0), level, 0.0))
    np.testing.assert_array_equal(deviations, 0.0)


@repeatable
@given(st.integers(0, 1000), st.integers(2, 60))
def test_masked_rows_leave_no_trace(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(1e3, 1.0, (n, 8))
    used = np.zeros((n, 8), dtype=np.bool_)
    used[n // 3 : n // 3 + n // 2] = True
    others: Floats = np.where(used, values, rng.normal(-1e6, 1.0, (n, 8)))
    inside = slice(n // 3, n // 3 + n // 2)
    alone = masked_centred(values[inside], used[inside])
    for got in (masked_centred(values, used), masked_centred(others, used)):
        np.testing.assert_array_equal(got[0], alone[0])
        np.testing.assert_array_equal(got[1], alone[1])
        np.testing.assert_array_equal(got[2][inside], alone[2])
        np.testing.assert_array_equal(got[2][~used], 0.0)


def test_indices_fill_whole_groups() -> None:
    assert pad_indices(np.array([4, 7, 9])).tolist() == [4, 7, 9, 4, 7, 9, 4, 7]
    first, last = row_groups(np.arange(18))
    assert first.tolist() == list(range(16))
    assert last.tolist() == [16] + [17] * 15
    assert row_groups(np.arange(0)) == []
