"""Covariances of windows against scikit-learn and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from engine.numerics.covariance import correlation_of, rolling_ewma, rolling_ledoit_wolf

RNG = np.random.default_rng(4)
X = RNG.normal(0, 0.01, (120, 8)) @ RNG.normal(0, 1, (8, 8))
FIRST, STOP = np.array([0, 3, 10, 60]), np.array([60, 100, 120, 120])


def test_the_shrunk_covariance_is_that_of_scikit_learn() -> None:
    windows = zip(FIRST, STOP, strict=True)
    expected = [LedoitWolf().fit(X[low:high]).covariance_ for low, high in windows]
    assert rolling_ledoit_wolf(X, FIRST, STOP) == pytest.approx(np.array(expected), rel=1e-10, abs=1e-16)


@pytest.mark.parametrize("rows", [2, 5])
def test_few_rows_are_shrunk_to_the_identity_as_scikit_learn_does(rows: int) -> None:
    found = rolling_ledoit_wolf(X, np.array([0]), np.array([rows]))[0]
    assert found == pytest.approx(LedoitWolf().fit(X[:rows]).covariance_, rel=1e-10, abs=1e-16)


def test_exponential_weights_are_those_of_numpy() -> None:
    for low, high, found in zip(FIRST, STOP, rolling_ewma(X, FIRST, STOP, 0.94), strict=True):
        weights = 0.94 ** np.arange(high - low)[::-1]
        assert found == pytest.approx(np.cov(X[low:high].T, aweights=weights, ddof=0), rel=1e-12)


def test_an_empty_window_has_a_covariance_of_0() -> None:
    empty = np.array([5])
    assert not rolling_ledoit_wolf(X, empty, empty).any()
    assert not rolling_ewma(X, empty, empty, 0.94).any()


@pytest.mark.parametrize("flat", [0.0, 0.1])
def test_a_flat_series_correlates_with_itself_alone(flat: float) -> None:
    x = np.column_stack((X[:, 0], np.full(len(X), flat)))
    rho = correlation_of(rolling_ewma(x, np.array([0]), np.array([120]), 0.94))[0]
    assert rho.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_matrices_are_positive_semidefinite() -> None:
    for found in (rolling_ledoit_wolf(X, FIRST, STOP), rolling_ewma(X, FIRST, STOP, 0.94)):
        assert np.linalg.eigvalsh(found).min() >= -1e-12
        assert np.linalg.eigvalsh(correlation_of(found)).min() >= -1e-12
