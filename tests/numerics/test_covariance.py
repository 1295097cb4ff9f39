"""Covariances of windows against scikit-learn and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.covariance import OAS, LedoitWolf

from engine.numerics.covariance import correlation_of, rolling_ewma, rolling_ledoit_wolf, rolling_oas

RNG = np.random.default_rng(4)
X = RNG.normal(0, 0.01, (120, 8)) @ RNG.normal(0, 1, (8, 8))
FIRST, STOP = np.array([0, 3, 10, 60]), np.array([60, 100, 120, 120])
SHRUNK = pytest.mark.parametrize(
    ("rolling", "estimator"), [(rolling_ledoit_wolf, LedoitWolf), (rolling_oas, OAS)], ids=["LW", "OAS"]
)


@SHRUNK
def test_the_shrunk_covariance_is_that_of_scikit_learn(rolling: Any, estimator: Any) -> None:
    windows = zip(FIRST, STOP, strict=True)
    expected = [estimator().fit(X[low:high]).covariance_ for low, high in windows]
    assert rolling(X, FIRST, STOP) == pytest.approx(np.array(expected), rel=1e-10, abs=1e-16)


@SHRUNK
@pytest.mark.parametrize("rows", [2, 5])
def test_few_rows_are_shrunk_to_the_identity_as_scikit_learn_does(
    rolling: Any, estimator: Any, rows: int
) -> None:
    found = rolling(X, np.array([0]), np.array([rows]))[0]
    assert found == pytest.approx(estimator().fit(X[:rows]).covariance_, rel=1e-10, abs=1e-16)


@SHRUNK
def test_series_that_do_not_move_have_a_covariance_of_0(rolling: Any, estimator: Any) -> None:
    flat = np.full((40, 3), 0.1)
    assert rolling(flat, np.array([0]), np.array([40]))[0].tolist() == [[0.0] * 3] * 3
    assert estimator().fit(flat).covariance_ == pytest.approx(np.zeros((3, 3)), abs=1e-30)


def test_uncorrelated_series_of_one_variance_stay_so_by_oas() -> None:
    x = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert rolling_oas(x, np.array([0]), np.array([4]))[0].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_exponential_weights_are_those_of_numpy() -> None:
    for low, high, found in zip(FIRST, STOP, rolling_ewma(X, FIRST, STOP, 0.94), strict=True):
        weights = 0.94 ** np.arange(high - low)[::-1]
        assert found == pytest.approx(np.cov(X[low:high].T, aweights=weights, ddof=0), rel=1e-12)


def test_the_example_of_the_docs() -> None:
    """Returns of sqrt(6) and 0 by turns in one series, of 0 and sqrt(2) in the other, signs in turn."""
    sign = np.resize([1.0, -1.0], 50)
    x = np.zeros((100, 2))
    x[::2, 0], x[1::2, 1] = np.sqrt(6.0) * sign, np.sqrt(2.0) * sign
    share = 26.0 / (101 * 2)
    expected = [[3.0 - share, 0.0], [0.0, 1.0 + share]]
    assert rolling_oas(x, np.array([0]), np.array([100]))[0] == pytest.approx(np.array(expected), abs=1e-14)


def test_an_empty_window_has_a_covariance_of_0() -> None:
    empty = np.array([5])
    assert not rolling_ledoit_wolf(X, empty, empty).any()
    assert not rolling_oas(X, empty, empty).any()
    assert not rolling_ewma(X, empty, empty, 0.94).any()


@pytest.mark.parametrize("flat", [0.0, 0.1])
def test_a_flat_series_correlates_with_itself_alone(flat: float) -> None:
    x = np.column_stack((X[:, 0], np.full(len(X), flat)))
    rho = correlation_of(rolling_ewma(x, np.array([0]), np.array([120]), 0.94))[0]
    assert rho.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_matrices_are_positive_semidefinite() -> None:
    shrunk = rolling_ledoit_wolf(X, FIRST, STOP), rolling_oas(X, FIRST, STOP)
    for found in (*shrunk, rolling_ewma(X, FIRST, STOP, 0.94)):
        assert np.linalg.eigvalsh(found).min() >= -1e-12
        assert np.linalg.eigvalsh(correlation_of(found)).min() >= -1e-12
