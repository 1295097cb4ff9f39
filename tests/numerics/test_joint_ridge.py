"""Joint regressions on a market and further regressors, against statsmodels and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import Ridge

from engine.numerics.arrays import Floats, Ints
from engine.numerics.joint_ridge import rolling_joint_ridge

RNG = np.random.default_rng(11)
MARKET = RNG.normal(0, 0.01, 150)
X = MARKET[:, None] * [0.9, 1.1, 1.0] + RNG.normal(0, 0.004, (150, 3))
Y = MARKET[:, None] * [1.2, 0.3] + X @ np.array([[0.5, 0.0], [-0.4, 0.2], [0.0, 0.0]])
Y += RNG.normal(0, 0.01, (150, 2))
FIRST, STOP = np.array([0, 1, 40, 60]), np.array([60, 90, 150, 100])


def fitted(*arguments: Floats | Ints) -> Floats:
    return rolling_joint_ridge(*arguments).coefficients


def expected(market: Floats, x: Floats, y: Floats) -> Floats:
    """By regressions of other libraries, one response at a time."""
    residual = x - sm.OLS(x, sm.add_constant(market)).fit().predict()
    sigma = residual.std(axis=0)
    z = residual / sigma
    alone = sm.OLS(y, sm.add_constant(market)).fit()
    joint = sm.OLS(y, np.column_stack((np.ones(len(y)), market, z))).fit()
    f = float(joint.compare_f_test(alone)[0])
    return np.asarray(Ridge(alpha=len(y) / f).fit(z, y).coef_ / sigma)


def test_coefficients_are_those_of_other_libraries() -> None:
    found = fitted(MARKET, X, Y, FIRST, STOP)
    for d, (low, high) in enumerate(zip(FIRST, STOP, strict=True)):
        for response in (0, 1):
            one = expected(MARKET[low:high], X[low:high], Y[low:high, response])
            assert found[d, :, response] == pytest.approx(one, rel=1e-10)


def test_the_variance_is_that_of_what_is_left() -> None:
    found = rolling_joint_ridge(MARKET, X, Y, FIRST, STOP)
    for d, (low, high) in enumerate(zip(FIRST, STOP, strict=True)):
        x, y, market = X[low:high], Y[low:high], MARKET[low:high]
        own = x - sm.OLS(x, sm.add_constant(market)).fit().predict()
        left = sm.OLS(y, sm.add_constant(market)).fit().resid - own @ found.coefficients[d]
        assert found.variance[d] == pytest.approx((left**2).sum(axis=0) / (high - low - 5), rel=1e-10)


def test_the_slope_on_the_market_is_its_coefficient_in_the_joint_regression() -> None:
    residual = X - sm.OLS(X, sm.add_constant(MARKET)).fit().predict()
    joint = sm.OLS(Y[:, 0], np.column_stack((np.ones(150), MARKET, residual))).fit()
    alone = sm.OLS(Y[:, 0], sm.add_constant(MARKET)).fit()
    assert joint.params[1] == pytest.approx(alone.params[1], rel=1e-12)


def test_an_exact_fit_is_not_shrunk_and_leaves_no_variance() -> None:
    exact = np.column_stack((1.5 * X[:, 0] - 1.5 * X[:, 1], MARKET, 0.3 * MARKET + X[:, 2]))
    fits = rolling_joint_ridge(MARKET, X, exact, FIRST, STOP)
    assert not fits.variance.any()
    assert fits.coefficients[..., 0] == pytest.approx(np.tile([1.5, -1.5, 0.0], (4, 1)), abs=1e-9)


def test_a_constant_response_has_coefficients_of_0() -> None:
    assert not fitted(MARKET, X, np.zeros((150, 1)), FIRST, STOP).any()


def test_a_regressor_that_the_market_explains_or_that_is_constant_has_no_coefficient() -> None:
    twin = np.column_stack((X, 2.0 * MARKET, np.full(150, 0.01)))
    found = fitted(MARKET, twin, Y, FIRST, STOP)
    assert not found[:, 3:].any()
    assert found[:, :3] == pytest.approx(fitted(MARKET, X, Y, FIRST, STOP), rel=1e-9)


def test_equal_regressors_share_their_coefficient() -> None:
    found = fitted(MARKET, np.column_stack((X, X[:, 0])), Y, FIRST, STOP)
    assert found[:, 0] == pytest.approx(found[:, 3], rel=1e-6)
    assert np.isfinite(found).all()


def test_with_a_constant_market_there_are_none() -> None:
    assert np.isnan(fitted(np.full(150, 0.01), X, Y, FIRST, STOP)).all()


@pytest.mark.parametrize("funds", range(1, 9))
def test_a_response_does_not_depend_on_the_others_or_on_the_windows(funds: int) -> None:
    x = MARKET[:, None] + RNG.normal(0, 0.004, (150, funds))
    together = fitted(MARKET, x, np.tile(Y, (1, 9)), FIRST, STOP)
    for d in range(4):
        one = fitted(MARKET, x, Y[:, 1:], FIRST[d : d + 1], STOP[d : d + 1])
        assert np.array_equal(one[0, :, 0], together[d, :, 1])
