"""Regressions with one regressor against statsmodels."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.numerics.arrays import Floats, Ints
from engine.numerics.ols import OlsFit, PairReturns, aligned_returns, rolling_ols

PARITY = 1e-10
"""Absolute and relative: four digits beyond the finest stored scale."""

ROUNDING = 1e-15
"""Largest size of a figure that is 0 but for rounding."""

Spoil = Callable[[Floats, Floats], None]
"""Puts gaps or extremes into closes y [T,S], x [T]."""

FIGURES = ("slope", "intercept", "r_squared", "std_error", "p_value")


def statsmodels_fit(x: Floats, y: Floats) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = sm.OLS(y, sm.add_constant(x)).fit()
        return {
            "slope": result.params[1],
            "intercept": result.params[0],
            "r_squared": result.rsquared,
            "std_error": result.bse[1],
            "p_value": result.pvalues[1],
        }


def assert_cell(fit: OlsFit, at: tuple[int, int], x: Floats, y: Floats) -> None:
    assert fit.fitted[at]
    assert fit.observations[at] == len(x)
    for name, expected in statsmodels_fit(x, y).items():
        np.testing.assert_allclose(
            getattr(fit, name)[at], expected, rtol=PARITY, atol=PARITY, err_msg=f"{name} {at}"
        )


def ols(x: Floats, y: Floats) -> OlsFit:
    """Each column of y [n,m] on each column of x [n,k], over all rows as one window: results [k,m]."""
    rows, columns = len(y) + 1, y.shape[1]
    previous = np.arange(rows, dtype=np.int32) - 1
    fit = OlsFit.blank((x.shape[1], columns))
    for k in range(x.shape[1]):
        base = np.append(np.nan, x[:, k])
        pairs = PairReturns(
            y=np.vstack([np.full(columns, np.nan), y]),
            x=np.broadcast_to(base[:, None], (rows, columns)),
            previous=np.repeat(previous[:, None], columns, axis=1),
            base_x=base,
            base_previous=previous,
        )
        fit.put(slice(k, k + 1), rolling_ols(pairs, np.array([0]), np.array([rows]), 1))
    return fit


def only(returns: PairReturns, columns: Ints) -> PairReturns:
    """Some of the pairs."""
    return returns._replace(
        y=returns.y[:, columns], x=returns.x[:, columns], previous=returns.previous[:, columns]
    )


def closes_of(returns: Floats) -> Floats:
    return np.concatenate([np.ones((1, *returns.shape[1:])), np.cumprod(1.0 + returns, axis=0)]) * 100.0


def slow_returns(y_close: Floats, x_close: Floats) -> tuple[Floats, Floats]:
    both = np.isfinite(y_close) & np.isfinite(x_close)
    y, x = y_close[both], x_close[both]
    return x[1:] / x[:-1] - 1.0, y[1:] / y[:-1] - 1.0


# --- complete data ----------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(3, 120),
    noise=st.sampled_from([0.0, 1e-9, 1e-6, 1e-4, 1e-2, 1.0]),
    scale=st.sampled_from([1e-6, 1e-2, 1.0, 1e3]),
    level=st.sampled_from([0.0, 1e-3, 1.0]),
)
def test_ols_equals_statsmodels(seed: int, n: int, noise: float, scale: float, level: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 0.01, (n, 2)) + level * 0.01
    y = scale * (x[:, :1] * [1.0, -0.3, 2.0] + 0.01 * noise * rng.normal(size=(n, 3)) + level * 0.01)
    fit = ols(x, y)
    for i in range(2):
        for j in range(3):
            expected = statsmodels_fit(x[:, i], y[:, j])
            for name in ("slope", "intercept", "std_error"):
                got = getattr(fit, name)[i, j] / scale
                np.testing.assert_allclose(got, expected[name] / scale, rtol=PARITY, atol=PARITY)
            np.testing.assert_allclose(fit.r_squared[i, j], expected["r_squared"], rtol=0, atol=PARITY)
            if noise > 0.0 or i == 1:
                # Without noise the error is rounding of rounding, and with few rows p follows it.
                np.testing.assert_allclose(fit.p_value[i, j], expected["p_value"], rtol=0, atol=PARITY)


@pytest.mark.parametrize("spread", [1e-12, 1e-9, 1e-6])
def test_tiny_variance_around_zero(spread: float) -> None:
    rng = np.random.default_rng(5)
    x, y = spread * rng.normal(size=(80, 1)), spread * rng.normal(size=(80, 1))
    assert_cell(ols(x, y), (0, 0), x[:, 0], y[:, 0])


@pytest.mark.parametrize("level", [1.0, 2.0**10, 2.0**20])
def test_level_that_dwarfs_the_variation(level: float) -> None:
    """The same figures as at level 0, where the sums lose nothing: adding a power of two is exact here."""
    rng = np.random.default_rng(6)
    x, y = rng.integers(-512, 512, (2, 60, 1)) * 2.0**-20
    shifted, plain = ols(x + level, y + level), ols(x, y)
    for name in ("slope", "r_squared", "std_error", "p_value"):
        np.testing.assert_allclose(getattr(shifted, name), getattr(plain, name), rtol=PARITY)


def test_identical_series() -> None:
    x = np.random.default_rng(1).normal(0.0, 0.01, (84, 1))
    fit = ols(x, x)
    assert fit.fitted[0, 0]
    np.testing.assert_allclose(fit.slope[0, 0], 1.0, rtol=ROUNDING)
    np.testing.assert_allclose(fit.r_squared[0, 0], 1.0, rtol=ROUNDING)
    np.testing.assert_allclose(fit.std_error[0, 0], 0.0, atol=ROUNDING)
    np.testing.assert_allclose(fit.p_value[0, 0], 0.0, atol=ROUNDING)


@pytest.mark.parametrize("level", [0.0, 0.25, 0.003, -0.1])
def test_constant_response(level: float) -> None:
    """statsmodels: exact 0 and NaN for y = 0 and 0.003; for others rounding noise over rounding noise."""
    x = np.random.default_rng(2).normal(0.0, 0.01, (50, 1))
    fit = ols(x, np.full((50, 1), level))
    assert fit.fitted[0, 0]
    assert (fit.slope[0, 0], fit.intercept[0, 0], fit.std_error[0, 0]) == (0.0, level, 0.0)
    assert np.isnan(fit.r_squared[0, 0])
    assert np.isnan(fit.p_value[0, 0])


def test_zero_response_equals_statsmodels() -> None:
    x = np.random.default_rng(2).normal(0.0, 0.01, (50, 1))
    assert_cell(ols(x, np.zeros((50, 1))), (0, 0), x[:, 0], np.zeros(50))


def test_zero_regressor_equals_statsmodels() -> None:
    y = np.random.default_rng(3).normal(0.001, 0.01, (50, 1))
    assert_cell(ols(np.zeros((50, 1)), y), (0, 0), np.zeros(50), y[:, 0])


@pytest.mark.parametrize("level", [0.1, 1e-30, -3.0])
def test_constant_regressor_is_not_fitted(level: float) -> None:
    y = np.random.default_rng(3).normal(0.0, 0.01, (50, 2))
    fit = ols(np.full((50, 1), level), y)
    assert not fit.fitted.any()
    assert all(np.isnan(getattr(fit, name)).all() for name in FIGURES)
    assert (fit.observations == 50).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_column_that_is_not_finite_spoils_only_itself(bad: float) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    x[3, 0], y[7, 1] = bad, bad
    fit = ols(x, y)
    np.testing.assert_array_equal(fit.fitted, [[False, False], [True, False]])
    assert_cell(fit, (1, 0), x[:, 1], y[:, 0])


@pytest.mark.parametrize(("n", "fitted"), [(0, False), (1, False), (2, True)])
def test_too_few_rows(n: int, fitted: bool) -> None:
    x = np.arange(n, dtype=np.float64)[:, None]
    fit = ols(x, x * x + 1.0)
    assert fit.fitted[0, 0] == fitted
    assert np.isnan(fit.std_error[0, 0])
    assert np.isnan(fit.p_value[0, 0])


# --- returns ----------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.02, 0.3, 1.0]), rows=st.integers(1, 30))
def test_aligned_returns_chain_over_common_rows(seed: int, missing: float, rows: int) -> None:
    rng = np.random.default_rng(seed)
    y_close, x_close = rng.uniform(1.0, 2.0, (rows, 4)), rng.uniform(1.0, 2.0, rows)
    y_close[rng.random((rows, 4)) < missing] = np.nan
    x_close[rng.random(rows) < missing / 2] = np.nan
    returns = aligned_returns(y_close, x_close)
    for s in range(4):
        both = np.flatnonzero(np.isfinite(y_close[:, s]) & np.isfinite(x_close))
        x, y = slow_returns(y_close[:, s], x_close)
        np.testing.assert_array_equal(returns.y[both[1:], s], y)
        np.testing.assert_array_equal(returns.x[both[1:], s], x)
        np.testing.assert_array_equal(returns.previous[both[1:], s], both[:-1])
        others = np.setdiff1d(np.arange(rows), both[1:])
        assert np.isnan(returns.y[others, s]).all()
        assert np.isnan(returns.x[others, s]).all()
        assert (returns.previous[others, s] == -1).all()


# --- rolling ----------------------------------------------------------------------------------------


def panel(rows: int = 150, columns: int = 12) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(11)
    x = rng.normal(0.0005, 0.01, rows - 1)
    y = x[:, None] * rng.normal(1.0, 0.5, columns) + rng.normal(0.0, 0.012, (rows - 1, columns))
    return closes_of(y), closes_of(x)


def windows(rows: int = 150) -> tuple[Ints, Ints]:
    stop = np.arange(20, rows + 1, 5)
    first = np.maximum(stop - 60 - stop % 7, 0)
    # One window begins with the row of the jump below: the return into it lies outside.
    return np.append(first, 60), np.append(stop, 130)


def gaps_none(y: Floats, x: Floats) -> None:
    pass


def gaps_few(y: Floats, x: Floats) -> None:
    y[40, 1] = y[90:94, 2] = y[:70, 3] = y[100:, 4] = y[:, 5] = np.nan


def gaps_random(y: Floats, x: Floats) -> None:
    y[np.random.default_rng(8).random(y.shape) < 0.15] = np.nan


def gaps_common(y: Floats, x: Floats) -> None:
    gaps_few(y, x)
    x[[0, 33, 34, 120]] = np.nan


def jump(y: Floats, x: Floats) -> None:
    y[60:, 0] *= 1e7
    y[60:, 1] *= 1e4
    y[61, 1] = np.nan


def steady_growth(y: Floats, x: Floats) -> None:
    """Returns whose mean is 10,000 times their spread."""
    noise = np.random.default_rng(9).normal(0.0, 1e-7, len(y))
    y[:, 0] = y[:, 1] = np.cumprod(1.001 + noise)
    y[70, 1] = np.nan


def same_series(y: Floats, x: Floats) -> None:
    y[:, 0] = x
    y[:, 1] = x
    y[50, 1] = np.nan


@pytest.mark.parametrize("spoil", [gaps_none, gaps_few, gaps_random, gaps_common, jump, steady_growth])
def test_rolling_equals_statsmodels_window_by_window(spoil: Spoil) -> None:
    y_close, x_close = panel()
    spoil(y_close, x_close)
    first, stop = windows()
    minimum = 30
    fit = rolling_ols(aligned_returns(y_close, x_close), first, stop, minimum)
    for d, s in np.ndindex(fit.slope.shape):
        x, y = slow_returns(y_close[first[d] : stop[d], s], x_close[first[d] : stop[d]])
        assert fit.observations[d, s] == len(x)
        if len(x) < minimum:
            assert not fit.fitted[d, s]
            assert all(np.isnan(getattr(fit, name)[d, s]) for name in FIGURES)
        else:
            assert_cell(fit, (d, s), x, y)
    assert fit.fitted.any()
    assert not fit.fitted.all()


def test_rolling_identical_series_with_and_without_gap() -> None:
    y_close, x_close = panel()
    same_series(y_close, x_close)
    fit = rolling_ols(aligned_returns(y_close, x_close), *windows(), 30)
    kept = fit.fitted[:, :2]
    assert kept.any()
    np.testing.assert_allclose(fit.slope[:, :2][kept], 1.0, rtol=ROUNDING)
    np.testing.assert_allclose(fit.r_squared[:, :2][kept], 1.0, rtol=ROUNDING)
    np.testing.assert_allclose(fit.std_error[:, :2][kept], 0.0, atol=ROUNDING)
    np.testing.assert_allclose(fit.p_value[:, :2][kept], 0.0, atol=ROUNDING)


def test_rolling_flat_response_and_flat_stretch() -> None:
    y_close, x_close = panel()
    y_close[:, 0] = 1.0
    y_close[20:100, 1] = 7.0
    y_close[50, 1] = np.nan
    fit = rolling_ols(aligned_returns(y_close, x_close), np.array([30]), np.array([95]), 30)
    assert fit.fitted[0, :2].all()
    np.testing.assert_array_equal(fit.slope[0, :2], 0.0)
    np.testing.assert_array_equal(fit.intercept[0, :2], 0.0)
    np.testing.assert_array_equal(fit.std_error[0, :2], 0.0)
    assert np.isnan(fit.r_squared[0, :2]).all()
    assert np.isnan(fit.p_value[0, :2]).all()


@pytest.mark.parametrize(("growth", "fitted"), [(1.0, True), (2.0, False)])
def test_rolling_constant_regressor(growth: float, fitted: bool) -> None:
    y_close, x_close = panel()
    x_close[20:100] = growth ** np.arange(80)
    y_close[40, 2] = np.nan
    x_close[40] = x_close[40] if growth == 1.0 else np.nan
    fit = rolling_ols(aligned_returns(y_close, x_close), np.array([20]), np.array([39]), 10)
    assert (fit.fitted == fitted).all()
    if fitted:
        for s in range(y_close.shape[1]):
            assert_cell(fit, (0, s), *slow_returns(y_close[20:39, s], x_close[20:39]))


def test_return_that_is_not_finite_spoils_only_its_windows() -> None:
    y_close, x_close = panel()
    y_close[80, 0] = 0.0
    first, stop = np.array([0, 10, 85]), np.array([60, 100, 150])
    fit = rolling_ols(aligned_returns(y_close, x_close), first, stop, 30)
    np.testing.assert_array_equal(fit.fitted[:, 0], [True, False, True])
    assert fit.fitted[:, 1:].all()
    for d in (0, 2):
        window = slice(first[d], stop[d])
        assert_cell(fit, (d, 0), *slow_returns(y_close[window, 0], x_close[window]))


def test_windows_that_are_too_short_between_others() -> None:
    """Sixteen windows of which some in the middle have too few rows: the others keep their own figures."""
    y_close, x_close = panel()
    x_close[55:100] = np.nan
    stop = np.array([45, 47, 49, 51, 53, 55, 70, 80, 90, 100, 105, 110, 140, 144, 147, 150])
    first = stop - 45
    fit = rolling_ols(aligned_returns(y_close, x_close), first, stop, 30)
    fitted = fit.fitted.all(axis=1)
    assert fitted.tolist() == [True] * 6 + [False] * 6 + [True] * 4
    for d, s in np.ndindex(fit.slope.shape):
        if fitted[d]:
            window = slice(first[d], stop[d])
            assert_cell(fit, (d, s), *slow_returns(y_close[window, s], x_close[window]))


def test_one_observation_decides_the_minimum() -> None:
    y_close, x_close = panel()
    fit = rolling_ols(aligned_returns(y_close, x_close), np.array([0, 0]), np.array([31, 30]), 30)
    np.testing.assert_array_equal(fit.observations[:, 0], [30, 29])
    np.testing.assert_array_equal(fit.fitted[:, 0], [True, False])


@pytest.mark.parametrize("gappy", [False, True])
def test_more_columns_than_a_block(gappy: bool) -> None:
    y_close, x_close = panel(100, 2100)
    if gappy:
        y_close[np.random.default_rng(4).integers(30, 90, 2100), np.arange(2100)] = np.nan
    first, stop = np.array([0, 3, 5]), np.array([95, 99, 100])
    fit = rolling_ols(aligned_returns(y_close, x_close), first, stop, 30)
    assert fit.fitted.all()
    for d, s in [(0, 0), (1, 1023), (2, 1024), (0, 2047), (1, 2048), (2, 2099)]:
        window = slice(first[d], stop[d])
        assert_cell(fit, (d, s), *slow_returns(y_close[window, s], x_close[window]))


@pytest.mark.parametrize("spoil", [gaps_none, gaps_few, gaps_random, same_series, jump])
def test_same_bytes_whatever_else_is_computed(spoil: Spoil) -> None:
    y_close, x_close = panel()
    spoil(y_close, x_close)
    returns = aligned_returns(y_close, x_close)
    first, stop = windows()
    whole = rolling_ols(returns, first, stop, 30)
    rng = np.random.default_rng(0)
    for count in (1, 1, 2, 3, 7, 12):
        columns = rng.permutation(y_close.shape[1])[:count]
        dates = rng.permutation(len(first))[: 2 * count - 1]
        part = rolling_ols(only(returns, columns), first[dates], stop[dates], 30)
        for name in FIGURES:
            expected = getattr(whole, name)[np.ix_(dates, columns)]
            assert expected.tobytes() == np.ascontiguousarray(getattr(part, name)).tobytes(), name


@pytest.mark.parametrize(("columns", "dates"), [(0, 3), (3, 0)])
def test_nothing_to_fit(columns: int, dates: int) -> None:
    y_close, x_close = panel(40, 3)
    bounds = np.zeros(dates, dtype=np.int64), np.full(dates, 40, dtype=np.int64)
    fit = rolling_ols(aligned_returns(y_close[:, :columns], x_close), *bounds, 30)
    assert fit.slope.shape == (dates, columns)
