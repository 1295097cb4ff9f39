"""Volatility figures against pandas, scikit-learn and scipy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from engine.numerics.arrays import Floats
from engine.numerics.rolling_std import LONG, SHORT, rolling_std
from engine.numerics.volatility import volatility

PARITY = 1e-10
"""Absolute and relative: six digits beyond the stored scale."""

TRUE_VALUE = 1e-12
"""Relative, against deviations summed in exact arithmetic."""

ANNUAL = np.sqrt(252.0)
TREND = ("trend_slope", "trend_r_squared", "trend_strength")


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
        "monthly": monthly.iloc[-1],
        "forecast": model.predict(frame.iloc[[-1]])[0],
        "forecast_r_squared": model.score(training[["d", "w", "m"]], training["y"]),
        "trend_slope": line.slope,
        "trend_r_squared": line.rvalue**2,
        "trend_strength": min(abs(line.rvalue**2), 1.0),
        "percentile": (known < known.iloc[-1]).mean() if len(r) >= 252 else np.nan,
    }


def exact_std(values: Floats) -> float:
    exact = [Fraction(value) for value in values.tolist()]
    mean = sum(exact) / len(exact)
    return float(np.sqrt(float(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1))))


@pytest.mark.parametrize("n", [63, 64, 100, 251, 252, 300])
def test_equals_reference(n: int) -> None:
    rng = np.random.default_rng(n)
    returns = rng.standard_t(4, (n, 6)) * 0.01 * np.linspace(0.01, 2.0, 6)
    returns[:, 5] += 0.002
    fit = volatility(returns)
    assert fit.n == n
    for column in range(6):
        for name, expected in reference(returns[:, column]).items():
            got = getattr(fit, name)[column]
            np.testing.assert_allclose(got, expected, rtol=PARITY, atol=PARITY, err_msg=name)


def test_many_series_are_the_same_as_one_at_a_time() -> None:
    returns = np.random.default_rng(0).normal(0.0, 0.01, (80, 300))
    fit = volatility(returns)
    for column in (0, 127, 128, 299):
        alone = volatility(returns[:, column : column + 1])
        for name in ("realized_63", "weekly", "forecast", "forecast_r_squared", *TREND):
            np.testing.assert_allclose(getattr(fit, name)[column], getattr(alone, name)[0], rtol=PARITY)


@pytest.mark.parametrize("level", [0.0, 0.01, -0.003])
def test_constant_returns(level: float) -> None:
    """As scikit-learn's rule for a target without variance: forecast its value, R^2 = 1."""
    fit = volatility(np.full((260, 2), level))
    for name in ("realized_21", "realized_63", "weekly", "monthly", "trend_slope", "percentile"):
        np.testing.assert_array_equal(getattr(fit, name), 0.0)
    for name in ("forecast_r_squared", "trend_r_squared", "trend_strength"):
        np.testing.assert_array_equal(getattr(fit, name), 1.0)
    np.testing.assert_array_equal(fit.forecast, fit.daily)


def test_zero_returns_equal_reference() -> None:
    fit = volatility(np.zeros((100, 1)))
    model = LinearRegression().fit(np.zeros((79, 3)), np.zeros(79))
    assert fit.forecast[0] == model.predict(np.zeros((1, 3)))[0]
    assert fit.forecast_r_squared[0] == model.score(np.zeros((79, 3)), np.zeros(79))


def test_dependent_regressors_take_the_minimum_norm() -> None:
    """Signs alternate: W and M are constant, up to the parity of the window, and D is constant."""
    returns = np.zeros((90, 2))
    returns[-1, 0] = 0.02
    returns[:, 1] = 0.01 * (-1.0) ** np.arange(90)
    returns[40, 1] = 0.05
    fit = volatility(returns)
    for column in range(2):
        expected = reference(returns[:, column])
        for name in ("forecast", "forecast_r_squared"):
            np.testing.assert_allclose(getattr(fit, name)[column], expected[name], rtol=PARITY, atol=PARITY)


def test_nearly_dependent_regressors() -> None:
    """Signs alternate and sizes grow in a line: D, W and M are almost multiples of one another."""
    rows = np.arange(120)
    noise = np.random.default_rng(7).normal(0.0, 1e-8, 120)
    returns = (-1.0) ** rows * (0.01 + 1e-5 * rows + noise)
    fit, expected = volatility(returns[:, None]), reference(returns)
    for name in ("forecast", "forecast_r_squared"):
        np.testing.assert_allclose(getattr(fit, name)[0], expected[name], rtol=PARITY, atol=PARITY)


def test_percentile_needs_252_returns() -> None:
    returns = np.random.default_rng(2).normal(0.0, 0.01, (252, 1))
    assert np.isnan(volatility(returns[1:]).percentile[0])
    assert 0.0 <= volatility(returns).percentile[0] < 1.0


def test_short_series_is_refused() -> None:
    with pytest.raises(ValueError, match="62 returns"):
        volatility(np.zeros((62, 1)))


def test_no_series() -> None:
    assert volatility(np.zeros((63, 0))).forecast.shape == (0,)


@pytest.mark.parametrize("level", [0.1, 1e6, -1e-9])
def test_rolling_std_is_exactly_zero_over_equal_values(level: float) -> None:
    """As pandas, also right after large values."""
    values = np.concatenate([np.random.default_rng(1).normal(0.0, 1e6, 10), np.full(40, level)])
    for width, got in zip((SHORT, LONG), rolling_std(values[:, None]), strict=True):
        assert (got[10:, 0] == 0.0).all()
        assert (pd.Series(values).rolling(width).std().iloc[width - 1 + 10 :] == 0.0).all()


@pytest.mark.parametrize(("level", "spread"), [(0.0, 1e-9), (0.001, 1e-9), (1.0, 1e-12), (0.0002, 5e-5)])
def test_rolling_std_of_tiny_changes_after_large_values(level: float, spread: float) -> None:
    """Where pandas' running sums are right to a few digits only."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.0, 1e6, 10), level + spread * rng.normal(size=40)])
    for width, got in zip((SHORT, LONG), rolling_std(values[:, None]), strict=True):
        expected = [exact_std(values[row : row + width]) for row in range(len(values) - width + 1)]
        np.testing.assert_allclose(got[:, 0], expected, rtol=TRUE_VALUE)
