"""Volatility of many windows at once, against pandas, scikit-learn and scipy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from engine.numerics.arrays import Floats, Ints
from engine.numerics.har import LONG, SHORT, har_from_rows
from engine.numerics.volatility import (
    WindowVolatility,
    own_returns,
    rolling_std,
    rolling_std_of_quarter,
    rolling_volatility,
)

PARITY = 1e-10
"""Absolute and relative: six digits beyond the stored scale."""

TRUE_VALUE = 1e-12
"""Relative, against deviations summed in exact arithmetic."""

ANNUAL = np.sqrt(252.0)
FIGURES = [name for name in WindowVolatility._fields if name != "n"]


def reference(returns: Floats) -> dict[str, float]:
    r = pd.Series(returns)
    daily = np.sqrt(252.0 * r**2)
    weekly, monthly = r.rolling(5).std() * ANNUAL, r.rolling(21).std() * ANNUAL
    frame = pd.DataFrame({"d": daily, "w": weekly, "m": monthly})
    training = frame.assign(y=daily.shift(-1)).dropna()
    model = LinearRegression().fit(training[["d", "w", "m"]], training["y"])
    line = stats.linregress(np.arange(21.0), monthly.iloc[-21:])
    known = monthly.dropna()
    return {
        "realized_21": returns[-21:].std(ddof=1) * ANNUAL,
        "realized_63": returns[-63:].std(ddof=1) * ANNUAL,
        "daily": daily.iloc[-1],
        "weekly": weekly.iloc[-1],
        "forecast": model.predict(frame.iloc[[-1]])[0],
        "forecast_r_squared": model.score(training[["d", "w", "m"]], training["y"]),
        "trend_slope": line.slope,
        "trend_strength": min(abs(line.rvalue**2), 1.0),
        "percentile": (known < known.iloc[-1]).mean() if len(r) >= 252 else np.nan,
    }


def exact_std(values: Floats) -> float:
    exact = [Fraction(value) for value in values.tolist()]
    mean = sum(exact) / len(exact)
    return float(np.sqrt(float(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1))))


def whole(returns: Floats) -> WindowVolatility:
    """Figures [1,m] of all rows as one window."""
    start = np.zeros((1, returns.shape[1]), dtype=np.int64)
    return rolling_volatility(returns, start, start + len(returns))


def assert_figures(fit: WindowVolatility, at: tuple[int, int], expected: dict[str, float]) -> None:
    for name, figure in expected.items():
        got = getattr(fit, name)[at]
        np.testing.assert_allclose(got, figure, rtol=PARITY, atol=PARITY, err_msg=f"{name} {at}")


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


# --- one window -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [63, 64, 100, 251, 252, 300])
def test_one_window_equals_reference(n: int) -> None:
    rng = np.random.default_rng(n)
    returns = rng.standard_t(4, (n, 6)) * 0.01 * np.linspace(0.01, 2.0, 6)
    returns[:, 5] += 0.002
    fit = whole(returns)
    assert (fit.n == n).all()
    for column in range(6):
        assert_figures(fit, (0, column), reference(returns[:, column]))


@pytest.mark.parametrize("n", [63, 252])
def test_forecasts_from_a_window_s_own_rows_equal_scikit_learn(n: int) -> None:
    returns = np.random.default_rng(n).standard_t(4, (n, 5)) * 0.01
    weekly, monthly = (deviation * ANNUAL for deviation in rolling_std(returns))
    fit = har_from_rows(np.abs(returns) * ANNUAL, weekly, monthly)
    for column in range(5):
        expected = reference(returns[:, column])
        np.testing.assert_allclose(fit.forecast[column], expected["forecast"], rtol=PARITY)
        np.testing.assert_allclose(fit.r_squared[column], expected["forecast_r_squared"], rtol=0, atol=PARITY)


@pytest.mark.parametrize("level", [0.0, 0.01, -0.003])
def test_constant_returns(level: float) -> None:
    """As scikit-learn's rule for a target without variance: forecast its value, R^2 = 1."""
    fit = whole(np.full((260, 2), level))
    for name in ("realized_21", "realized_63", "weekly", "trend_slope", "percentile"):
        np.testing.assert_array_equal(getattr(fit, name), 0.0)
    for name in ("forecast_r_squared", "trend_strength"):
        np.testing.assert_array_equal(getattr(fit, name), 1.0)
    np.testing.assert_array_equal(fit.forecast, fit.daily)


def test_zero_returns_equal_reference() -> None:
    fit = whole(np.zeros((100, 1)))
    model = LinearRegression().fit(np.zeros((79, 3)), np.zeros(79))
    assert fit.forecast[0, 0] == model.predict(np.zeros((1, 3)))[0]
    assert fit.forecast_r_squared[0, 0] == model.score(np.zeros((79, 3)), np.zeros(79))


def test_dependent_regressors_take_the_minimum_norm() -> None:
    """Signs alternate: W and M are constant, up to the parity of the window, and D is constant."""
    returns = np.zeros((90, 2))
    returns[-1, 0] = 0.02
    returns[:, 1] = 0.01 * (-1.0) ** np.arange(90)
    returns[40, 1] = 0.05
    fit = whole(returns)
    for column in range(2):
        expected = reference(returns[:, column])
        forecasts = {name: expected[name] for name in ("forecast", "forecast_r_squared")}
        assert_figures(fit, (0, column), forecasts)


def test_nearly_dependent_regressors() -> None:
    """Signs alternate and sizes grow in a line: D, W and M are almost multiples of one another."""
    rows = np.arange(120)
    noise = np.random.default_rng(7).normal(0.0, 1e-8, 120)
    returns = (-1.0) ** rows * (0.01 + 1e-5 * rows + noise)
    expected = reference(returns)
    forecasts = {name: expected[name] for name in ("forecast", "forecast_r_squared")}
    assert_figures(whole(returns[:, None]), (0, 0), forecasts)


def test_percentile_needs_252_returns() -> None:
    returns = np.random.default_rng(2).normal(0.0, 0.01, (252, 1))
    assert np.isnan(whole(returns[1:]).percentile[0, 0])
    assert 0.0 <= whole(returns).percentile[0, 0] < 1.0


def test_equal_volatilities_are_not_below_each_other() -> None:
    # Each 21 returns are the same ones in another order: all values of M are equal but for rounding.
    returns = np.tile(np.random.default_rng(3).normal(0.0, 0.01, (21, 4)), (12, 1))
    assert whole(returns).percentile.tolist() == [[0.0] * 4]


@pytest.mark.parametrize("rows", [0, 1, 62])
def test_short_panels_have_no_figures(rows: int) -> None:
    fit = rolling_volatility(np.zeros((rows, 2)), np.zeros((3, 2), int), np.full((3, 2), rows))
    assert np.isnan(fit.forecast).all()
    assert (fit.n == rows).all()


def test_no_series() -> None:
    assert whole(np.zeros((63, 0))).forecast.shape == (1, 0)


# --- many windows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_every_window_equals_reference(seed: int) -> None:
    returns, start, stop = draw(seed)
    fit = rolling_volatility(returns, start, stop)
    for at in np.ndindex(start.shape):
        rows = returns[start[at] : stop[at], at[1]]
        assert fit.n[at] == len(rows)
        expected = reference(rows) if len(rows) >= 63 else dict.fromkeys(FIGURES, np.nan)
        assert_figures(fit, (at[0], at[1]), expected)


def test_a_series_alone_has_the_same_bits() -> None:
    returns, start, stop = draw(5, columns=300)
    together = rolling_volatility(returns, start, stop)
    for column in (0, 1, 127, 128, 299):
        one = slice(column, column + 1)
        alone = rolling_volatility(returns[:, one], start[:, one], stop[:, one])
        for name in FIGURES:
            np.testing.assert_array_equal(getattr(together, name)[:, one], getattr(alone, name))


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
    alone = whole(returns[60:190])
    for name in ("forecast", "forecast_r_squared"):
        got, expected = getattr(fit, name)[0], getattr(alone, name)[0]
        np.testing.assert_allclose(got, expected, rtol=PARITY, atol=PARITY)


# --- deviations and returns -------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.1, 1e6, -1e-9])
def test_rolling_std_is_exactly_zero_over_equal_values(level: float) -> None:
    """As pandas, also right after large values."""
    values = np.concatenate([np.random.default_rng(1).normal(0.0, 1e6, 10), np.full(40, level)])
    for width, got in zip((SHORT, LONG), rolling_std(values[:, None]), strict=True):
        assert (got[10:, 0] == 0.0).all()
        assert (pd.Series(values).rolling(width).std().iloc[width - 1 + 10 :] == 0.0).all()


@pytest.mark.parametrize(("level", "spread"), [(0.0, 1e-9), (0.001, 1e-9), (1.0, 1e-12), (0.0002, 5e-5)])
def test_rolling_std_of_tiny_changes_after_large_values(level: float, spread: float) -> None:
    """Exact sums are the reference: pandas' running sums are right to a few digits only."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.0, 1e6, 10), level + spread * rng.normal(size=40)])
    for width, got in zip((SHORT, LONG), rolling_std(values[:, None]), strict=True):
        expected = [exact_std(values[row : row + width]) for row in range(len(values) - width + 1)]
        np.testing.assert_allclose(got[:, 0], expected, rtol=TRUE_VALUE)


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


def test_a_reverting_forecast_reads_the_window_alone() -> None:
    returns, start, stop = draw(4)
    fit = rolling_volatility(returns, start, stop, reverting=True)
    assert np.isnan(fit.forecast_r_squared).all()
    legacy = rolling_volatility(returns, start, stop)
    for name in {*FIGURES} - {"forecast", "forecast_r_squared"}:
        np.testing.assert_array_equal(getattr(fit, name), getattr(legacy, name))
    for at in zip(*np.nonzero(fit.computed), strict=True):
        squares = pd.Series(returns[start[at] : stop[at], at[1]] ** 2)
        h = 2 / 3 * squares.ewm(alpha=0.06).mean().iloc[-1] + squares.mean() / 3
        assert fit.forecast[at] == pytest.approx(np.sqrt(252 * h), rel=PARITY)


def test_what_rounding_leaves_of_a_volatility_of_0_has_no_rank() -> None:
    noise = np.random.default_rng(4).normal(0, 1e-17, (300, 1))
    assert whole(noise).percentile.tolist() == [[0.0]]


def test_a_percentile_of_a_longer_window_is_over_its_last_252_returns() -> None:
    returns = draw(9)[0]
    stop = np.full((1, returns.shape[1]), 300)
    start, ranked = stop - 100, stop - np.array([251, 252, 253, 300, 280, 260, 255, 254, 252])
    found = rolling_volatility(returns, start, stop, ranked=ranked).percentile[0]
    assert np.isnan(found[0])
    for column in range(1, 9):
        monthly = pd.Series(returns[48:300, column]).rolling(21).std().dropna()
        assert found[column] == (monthly < monthly.iloc[-1]).mean()
