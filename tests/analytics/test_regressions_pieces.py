"""The numbers beneath the regression jobs: products, slopes, sets of aligned sessions."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given
from hypothesis import strategies as st

from engine.analytics.factors.alignment import (
    aligned_sessions,
    chained_returns,
    common_rows,
    window_slices,
)
from engine.analytics.job_result import dollars
from engine.numerics.coefficients import rolling_slopes

SLOPE_TOLERANCE = 1e-12
"""Relative to the steepest slope: both sides lose a few digits of sixteen."""
money = st.floats(-1e12, 1e12).map(lambda value: round(value, 2))
ratio = st.floats(-50, 50) | st.integers(-50_000, 50_000).map(lambda value: value / 1000)


@given(ratio, money)
@example(2.675, 1.0)
@example(1.005, 1.0)
@example(-0.5, 0.01)
@example(5.0, 0.001)
@example(0.1, 0.15)
def test_a_product_is_rounded_as_its_decimal_texts_are(a: float, b: float) -> None:
    exact = Decimal(repr(a)) * Decimal(repr(b))
    expected = exact.quantize(Decimal("0.01"), context=Context(prec=60, rounding=ROUND_HALF_UP))
    assert dollars(np.array([a]), np.array([b]))[0] == float(expected)


def test_a_product_keeps_what_is_not_finite_and_has_no_negative_zero() -> None:
    found = dollars(np.array([np.nan, np.inf, -0.001, 1e200]), np.array([1.0, 2.0, 1.0, 1e200]))
    assert np.isnan(found[0])
    assert found[1] == found[3] == np.inf
    assert found[2] == 0.0
    assert not np.signbit(found[2])


def test_rolling_slopes_are_those_of_statsmodels() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 0.01, (200, 4)), rng.normal(0, 0.02, (200, 11))
    y[:, 3] = 0.0
    stop = np.arange(60, 201, 7)
    first = stop - rng.integers(20, 60, len(stop))
    found = rolling_slopes(x, y, first, stop)
    for d, k, m in [(0, 0, 0), (3, 1, 5), (20, 3, 10), (11, 2, 3)]:
        rows = slice(first[d], stop[d])
        fit = sm.OLS(y[rows, m], sm.add_constant(x[rows, k])).fit()
        assert found[d, k, m] == pytest.approx(fit.params[1], abs=SLOPE_TOLERANCE)


def test_a_slope_is_the_same_in_any_company() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(0, 0.01, (300, 4)), rng.normal(0, 0.02, (300, 37))
    stop = np.arange(150, 301)
    first = stop - 145
    whole = rolling_slopes(x, y, first, stop)
    assert np.array_equal(rolling_slopes(x, y[:, 36:], first, stop), whole[:, :, 36:])
    assert np.array_equal(rolling_slopes(x, y[:, 3:9], first[40:], stop[40:]), whole[40:, :, 3:9])


def test_a_constant_regressor_has_no_slope_unless_it_is_zero() -> None:
    x = np.column_stack([np.zeros(20), np.full(20, 0.01), np.linspace(0, 1, 20)])
    found = rolling_slopes(x, np.linspace(0, 2, 20)[:, None], np.array([0]), np.array([20]))[0, :, 0]
    assert found[0] == 0.0
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(2.0)


def test_only_a_symbol_with_prices_and_gaps_restricts_its_group() -> None:
    present = np.ones((10, 4), dtype=bool)
    present[3, 1] = False  # a gap
    present[:, 2] = False  # never priced
    holds = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)
    found = aligned_sessions(present, holds, np.array([0, 4]), np.array([4, 10]))
    assert found.of_group[0, 1] == found.of_group[0, 2] != found.of_group[0, 0]
    assert len(set(found.of_group[1])) == 1  # the gap has left the look-back
    assert np.flatnonzero(~found.rows[found.of_group[0, 1]]).tolist() == [3]
    assert found.rows[found.of_group[0, 0]].all()


def test_returns_are_not_chained_anew_where_two_frames_meet() -> None:
    close = np.array([[1.0], [2.0], [4.0], [8.0]])
    gap = np.array([True, True, False, True])
    x, y = chained_returns(close, np.ones(4, dtype=bool)), chained_returns(close, gap)
    rows, previous = common_rows(x, y)
    assert rows.tolist() == [1, 3]
    assert previous.tolist() == [0, 1]
    assert x.returns[3, 0] == 1.0
    assert y.returns[3, 0] == 3.0
    starts, stops = window_slices(rows, previous, np.array([0, 1, 2]), np.array([4, 4, 4]))
    assert (stops - starts).tolist() == [2, 1, 0]
