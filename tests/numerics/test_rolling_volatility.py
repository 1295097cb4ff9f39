"""Volatility of many windows at once, against pandas and scikit-learn and against one at a time."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from engine.numerics.arrays import Floats, Ints
from engine.numerics.gap_returns import own_returns
from engine.numerics.rolling_std import rolling_std_of_quarter
from engine.numerics.rolling_volatility import WindowVolatility, rolling_volatility
from engine.numerics.volatility import volatility
from tests.numerics.test_volatility_kernel import reference

PARITY = 1e-10
"""Absolute and relative: six digits beyond the stored scale."""

FIGURES = [field.name for field in fields(WindowVolatility) if field.name != "n"]


def draw(seed: int, columns: int = 9, rows: int = 330) -> tuple[Floats, Ints, Ints]:
    """Fat tails, drift, jumps, a level near 0, and windows of different lengths."""
    rng = np.random.default_rng(seed)
    scale = np.exp(np.cumsum(rng.normal(0.0, 0.06, (rows, columns)), axis=0))
    returns = 0.01 * rng.standard_t(4, (rows, columns)) * scale
    returns[:, 1] += 0.003
    returns[40, 2] = 9.0
    returns[:, 3] *= 1e-6
    stop = np.sort(rng.integers(100, rows + 1, (12, columns)), axis=0)
    start = np.maximum(stop - rng.integers(55, 256, stop.shape), 0)
    return returns, start, stop


@pytest.mark.parametrize("seed", range(3))
def test_equals_reference(seed: int) -> None:
    returns, start, stop = draw(seed)
    fit = rolling_volatility(returns, start, stop)
    for at in np.ndindex(start.shape):
        rows = returns[start[at] : stop[at], at[1]]
        assert fit.n[at] == len(rows)
        expected = reference(rows) if len(rows) >= 63 else dict.fromkeys(FIGURES, np.nan)
        for name in FIGURES:
            got = getattr(fit, name)[at]
            np.testing.assert_allclose(got, expected[name], rtol=PARITY, atol=PARITY, err_msg=name)


def test_a_series_alone_has_the_same_bits() -> None:
    returns, start, stop = draw(5, columns=300)
    whole = rolling_volatility(returns, start, stop)
    for column in (0, 1, 127, 128, 299):
        one = slice(column, column + 1)
        alone = rolling_volatility(returns[:, one], start[:, one], stop[:, one])
        for name in FIGURES:
            np.testing.assert_array_equal(getattr(whole, name)[:, one], getattr(alone, name))


@pytest.mark.parametrize("level", [0.0, 0.01, -0.003])
def test_constant_windows_are_exact(level: float) -> None:
    """Also where the series varied before: as scikit-learn's rule for a target without variance."""
    returns, start, stop = draw(6)
    returns[70:] = level
    start, stop = np.full((1, 9), 70), np.full((1, 9), 325)
    fit = rolling_volatility(returns, start, stop)
    for name in ("realized_21", "realized_63", "weekly", "trend_slope", "percentile"):
        np.testing.assert_array_equal(getattr(fit, name), 0.0)
    for name in ("forecast_r_squared", "trend_strength"):
        np.testing.assert_array_equal(getattr(fit, name), 1.0)
    np.testing.assert_array_equal(fit.forecast, fit.daily)


def test_dependent_regressors_are_those_of_the_window_alone() -> None:
    rows = np.arange(200)
    returns = (0.01 * (-1.0) ** rows)[:, None] * np.array([1.0, 1.0, 1.0])
    returns[120, 1] = 0.05
    returns[:, 2] *= 1.0 + 1e-3 * rows
    fit = rolling_volatility(returns, np.full((1, 3), 60), np.full((1, 3), 190))
    alone = volatility(returns[60:190])
    for name in ("forecast", "forecast_r_squared"):
        got, expected = getattr(fit, name)[0], getattr(alone, name)
        np.testing.assert_allclose(got, expected, rtol=PARITY, atol=PARITY)


@pytest.mark.parametrize("rows", [0, 1, 62])
def test_short_panels_have_no_figures(rows: int) -> None:
    fit = rolling_volatility(np.zeros((rows, 2)), np.zeros((3, 2), int), np.full((3, 2), rows))
    assert np.isnan(fit.forecast).all()
    assert (fit.n == rows).all()


def test_quarterly_deviation_equals_pandas() -> None:
    returns, *_ = draw(7)
    expected = pd.DataFrame(returns).rolling(63).apply(lambda window: np.std(window, ddof=1))
    np.testing.assert_allclose(rolling_std_of_quarter(returns), expected.to_numpy()[62:], rtol=1e-12)


def test_own_returns_span_gaps() -> None:
    rng = np.random.default_rng(1)
    close = rng.uniform(50.0, 150.0, (60, 5))
    close[rng.random(close.shape) < 0.3] = np.nan
    close[:, 4] = np.nan
    own = own_returns(close)
    first, stop = np.array([0, 10, 59]), np.array([60, 40, 60])
    start, end = own.windows(first, stop)
    for window, column in np.ndindex(start.shape):
        prices = pd.Series(close[first[window] : stop[window], column]).dropna()
        got = own.returns[start[window, column] : end[window, column], column]
        np.testing.assert_array_equal(got, (prices / prices.shift(1) - 1).dropna())
