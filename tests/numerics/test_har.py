"""Forecasts of realised volatility against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from engine.numerics.arrays import Floats
from engine.numerics.har import har_from_rows, har_from_sums, r_squared

PARITY = 1e-9


def components(rows: int, seed: int = 1) -> Floats:
    """Daily, weekly and monthly volatility [3, rows] of random returns, NaN before they exist."""
    returns = pd.Series(np.random.default_rng(seed).normal(0, 0.01, rows))
    return np.array([returns.abs(), returns.rolling(5).std(), returns.rolling(21).std()])


def reference(daily: Floats, weekly: Floats, monthly: Floats) -> tuple[float, float]:
    """Forecast and R^2 of a regression of the next day's component on the three of the day."""
    x = np.column_stack((daily, weekly, monthly))[20:]
    model = LinearRegression().fit(x[:-1], daily[21:])
    return float(model.predict(x[-1:])[0]), float(model.score(x[:-1], daily[21:]))


def test_forecasts_from_rows_are_those_of_a_regression() -> None:
    daily, weekly, monthly = (
        np.column_stack(some) for some in zip(components(90), components(90, 2), strict=True)
    )
    found = har_from_rows(daily, weekly[4:], monthly[20:])
    expected = [reference(*components(90, seed)) for seed in (1, 2)]
    assert found.forecast == pytest.approx([forecast for forecast, _ in expected], rel=PARITY)
    assert found.r_squared == pytest.approx([score for _, score in expected], rel=PARITY)
    assert not found.doubtful.any()


def test_forecasts_from_running_sums_are_those_of_each_windows_rows() -> None:
    daily, weekly, monthly = components(150)
    shared = tuple(values[20:, None] for values in (daily, weekly, monthly))
    start, stop = np.array([0, 30]), np.array([120, 150])
    found = har_from_sums(shared, np.array([0, 0]), start, stop)
    for number, (first, end) in enumerate(zip(start, stop, strict=True)):
        forecast, score = reference(daily[first:end], weekly[first:end], monthly[first:end])
        assert found.forecast[number] == pytest.approx(forecast, rel=PARITY)
        assert found.r_squared[number] == pytest.approx(score, rel=PARITY)
    assert not found.doubtful.any()


def test_without_variation_the_forecast_is_the_level_and_everything_is_explained() -> None:
    flat = np.full((70, 1), 0.5)
    found = har_from_rows(flat, flat[4:], flat[20:])
    assert (found.forecast.tolist(), found.r_squared.tolist()) == ([0.5], [1.0])
    shared = (flat[20:], flat[20:], flat[20:])
    assert har_from_sums(shared, np.array([0]), np.array([0]), np.array([70])).doubtful.tolist() == [True]


def test_dependent_regressors_have_the_fit_of_minimum_norm() -> None:
    daily, _, monthly = components(90)
    found = har_from_rows(daily[:, None], daily[4:, None], monthly[20:, None])  # weekly is daily once more
    forecast, score = reference(daily, daily, monthly)
    assert found.forecast.item() == pytest.approx(forecast, rel=PARITY)
    assert found.r_squared.item() == pytest.approx(score, rel=PARITY)


def test_r_squared_of_a_constant_is_1_if_it_is_met_and_else_0() -> None:
    residual = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, -1.0]])
    deviation = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, -2.0]])
    assert r_squared(residual, deviation).tolist() == [1.0, 0.0, 0.75]
