"""Ridge regression against scikit-learn, slopes of one regressor against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from engine.numerics.arrays import Floats
from engine.numerics.coefficients import rolling_ridge, rolling_slopes

PARITY = 1e-10
"""Absolute and relative: four digits beyond the finest stored scale."""

SLOPE_TOLERANCE = 1e-12
"""Relative to the steepest slope: both sides lose a few digits of sixteen."""


def by_sklearn(x: Floats, y: Floats, penalty: float) -> Floats:
    model = make_pipeline(StandardScaler(), Ridge(alpha=penalty)).fit(x, y)
    return np.asarray((model[-1].coef_ / model[0].scale_).T)


def ridge(x: Floats, y: Floats, penalty: float) -> Floats:
    """Coefficients [k,m] over all rows as one window."""
    return rolling_ridge(x, y, np.array([0]), np.array([len(x)]), penalty)[0]


def factors(rows: int, noise: float) -> tuple[Floats, Floats]:
    """Six factors whose idiosyncratic part is `noise` of the common one, and five responses."""
    rng = np.random.default_rng(3)
    market = rng.normal(0.0004, 0.01, (rows, 1))
    x = market + noise * rng.normal(0.0, 0.01, (rows, 6))
    return x, x @ rng.normal(0.0, 1.0, (6, 5)) + rng.normal(0.0, 0.01, (rows, 5))


@pytest.mark.parametrize("noise", [10.0, 0.5, 1e-3, 1e-6, 0.0])
@pytest.mark.parametrize("penalty", [1.0, 0.01])
def test_ridge_equals_sklearn(noise: float, penalty: float) -> None:
    x, y = factors(84, noise)
    expected = by_sklearn(x, y, penalty)
    np.testing.assert_allclose(ridge(x, y, penalty), expected, rtol=PARITY, atol=PARITY)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6])
def test_constant_factor_has_no_coefficient(level: float) -> None:
    x, y = factors(84, 0.5)
    x[:, 2] = level
    coefficients = ridge(x, y, 1.0)
    np.testing.assert_array_equal(coefficients[2], 0.0)
    np.testing.assert_allclose(coefficients, by_sklearn(x, y, 1.0), rtol=PARITY, atol=PARITY)


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_flat_response_has_no_coefficients(level: float) -> None:
    x, y = factors(84, 0.5)
    y[:, 1] = level
    # Of 84 products with the level, each rounded to a unit in the last place, over deviations of x.
    rounding = 84 * np.finfo(np.float64).eps * level / np.linalg.norm(x - x.mean(axis=0), axis=0).min()
    np.testing.assert_allclose(ridge(x, y, 1.0)[:, 1], 0.0, rtol=0.0, atol=rounding)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_response_that_is_not_finite_gives_zeros_for_itself_only(bad: float) -> None:
    x, y = factors(84, 0.5)
    expected = by_sklearn(x, y, 1.0)
    y[5, 1] = bad
    coefficients = ridge(x, y, 1.0)
    np.testing.assert_array_equal(coefficients[:, 1], 0.0)
    others = [0, 2, 3, 4]
    np.testing.assert_allclose(coefficients[:, others], expected[:, others], rtol=PARITY, atol=PARITY)


@pytest.mark.parametrize("factor_count", [1, 5, 6])
def test_rolling_equals_sklearn_window_by_window(factor_count: int) -> None:
    x, y = factors(150, 0.3)
    x = x[:, :factor_count]
    stop = np.arange(60, 151, 4)
    first = stop - 40 - stop % 9
    coefficients = rolling_ridge(x, y, first, stop, 1.0)
    for d, (start, end) in enumerate(zip(first, stop, strict=True)):
        expected = by_sklearn(x[start:end], y[start:end], 1.0)
        np.testing.assert_allclose(coefficients[d], expected, rtol=PARITY, atol=PARITY)


def test_rolling_ignores_rows_outside_of_its_windows() -> None:
    x, y = factors(150, 0.3)
    y[0], y[100, 2] = np.nan, np.inf
    first, stop = np.array([1, 20, 101, 40]), np.array([80, 120, 150, 40])
    coefficients = rolling_ridge(x, y, first, stop, 1.0)
    np.testing.assert_array_equal(coefficients[1, :, 2], 0.0)
    np.testing.assert_array_equal(coefficients[3], 0.0)
    for d in (0, 2):
        expected = by_sklearn(x[first[d] : stop[d]], y[first[d] : stop[d]], 1.0)
        np.testing.assert_allclose(coefficients[d], expected, rtol=PARITY, atol=PARITY)


@pytest.mark.parametrize("columns", [[0], [3], [4, 1], [0, 1, 2, 3]])
def test_same_bytes_whatever_else_is_computed(columns: list[int]) -> None:
    x, y = factors(150, 0.3)
    stop = np.arange(60, 151, 4)
    whole = rolling_ridge(x, y, stop - 50, stop, 1.0)
    for d in range(len(stop)):
        alone = rolling_ridge(x, y[:, columns], stop[d : d + 1] - 50, stop[d : d + 1], 1.0)
        assert whole[d][:, columns].tobytes() == alone[0].tobytes()


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
