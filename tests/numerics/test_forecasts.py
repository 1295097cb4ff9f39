"""Weights of forecasts and their losses, by hand, against pandas and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from engine.numerics.forecasts import diebold_mariano, mean_reverting_variances, qlike

SQUARES = np.random.default_rng(5).standard_t(4, 250) ** 2


def test_a_mean_reverting_forecast_is_two_thirds_recent_and_one_third_the_mean() -> None:
    recent = pd.Series(SQUARES).ewm(alpha=0.06, adjust=True).mean().iloc[-1]
    # Beside it one return of 4 % after a hundred of 1 %, the page's example, and a single return.
    shorter = np.array([[0.0] * 149 + [1e-4] * 100 + [16e-4], [0.0] * 249 + [9e-4]])
    found = mean_reverting_variances(np.vstack((SQUARES, shorter)).T, np.array([250, 101, 1]))
    assert found[0] == pytest.approx(2 / 3 * recent + SQUARES.mean() / 3, rel=1e-13)
    assert math.sqrt(252 * found[1]) == pytest.approx(0.2040, abs=5e-5)
    assert found[2] == pytest.approx(9e-4, rel=1e-15)


def test_qlike_by_hand() -> None:
    loss = qlike(np.array([2.0, 1.0, 1.0, 0.0, 1.0]), np.array([1.0, 1.0, 2.0, 1.0, 0.0]))
    np.testing.assert_allclose(loss[:3], [1 - math.log(2), 0.0, math.log(2) - 0.5], rtol=1e-15)
    assert np.isnan(loss[3:]).all()


@pytest.mark.parametrize("lags", [0, 4, 20])
def test_diebold_and_mariano_is_a_regression_on_a_constant_with_hac_errors(lags: int) -> None:
    shocks = np.random.default_rng(8).normal(size=140)
    difference = 0.1 + np.convolve(shocks, np.ones(21) / 21, "valid")
    fit = sm.OLS(difference, np.ones(120)).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    test = diebold_mariano(difference, lags)
    assert test.difference == pytest.approx(fit.params[0], rel=1e-12)
    assert test.statistic == pytest.approx(fit.tvalues[0], rel=1e-10)
    assert test.p_value == pytest.approx(fit.pvalues[0], rel=1e-9)


def test_equal_losses_have_no_statistic() -> None:
    test = diebold_mariano(np.zeros(30))
    assert (test.difference, math.isnan(test.statistic), math.isnan(test.p_value)) == (0.0, True, True)
