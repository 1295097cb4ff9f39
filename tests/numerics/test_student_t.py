"""Student's t tail against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from engine.numerics.student_t import two_sided_tail

TAIL = 1e-12
"""Absolute: the stored scale is 1e-6 and the series sums up to 200 terms below 1."""

T_VALUES = np.concatenate(
    [
        [0.0, 5e-324, 1e-160, 1e154, 1e200, 1.7e308, np.inf, -np.inf],
        np.linspace(-12.0, 12.0, 501),
        10.0 ** np.linspace(-20.0, 20.0, 201),
    ]
)


DEGREES = [*range(2, 130), *range(130, 400, 9), 399, 400]


@pytest.mark.parametrize("df", DEGREES)
def test_equals_scipy(df: int) -> None:
    expected = 2.0 * special.stdtr(df, -np.abs(T_VALUES))
    np.testing.assert_allclose(two_sided_tail(T_VALUES, df), expected, rtol=0.0, atol=TAIL)


def test_degrees_of_each_number_s_own_equal_scipy() -> None:
    t, df = (grid.ravel() for grid in np.meshgrid(T_VALUES, DEGREES))
    order = np.random.default_rng(5).permutation(t.size)
    t, df = t[order], df[order]
    tail = two_sided_tail(t, df)
    np.testing.assert_allclose(tail, 2.0 * special.stdtr(df, -np.abs(t)), rtol=0.0, atol=TAIL)
    alone = [two_sided_tail(t[[i]], df[[i]]).item() for i in range(0, t.size, 997)]
    assert tail[::997].tolist() == alone


def test_one_degree_equals_cauchy() -> None:
    # scipy.special.stdtr(1, t) is wrong by 2e-9 near t = 3e-8.
    expected = 2.0 * stats.cauchy.sf(np.abs(T_VALUES))
    np.testing.assert_allclose(two_sided_tail(T_VALUES, 1), expected, rtol=0.0, atol=TAIL)


def test_degrees_broadcast() -> None:
    df = np.array([[3], [82], [0], [83]])
    t = np.linspace(-3.0, 3.0, 7)
    expected = 2.0 * special.stdtr(np.array([[3.0], [82.0], [np.nan], [83.0]]), -np.abs(t))
    np.testing.assert_allclose(two_sided_tail(np.tile(t, (4, 1)), df), expected, rtol=0.0, atol=TAIL)


def test_undefined_stays() -> None:
    tail = two_sided_tail(np.array([np.nan, 1.0, 1.0]), np.array([5, 0, -1]))
    assert np.isnan(tail).all()
