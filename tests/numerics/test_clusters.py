"""Clusters of correlation matrices against SciPy's whole trees and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from engine.numerics.arrays import Floats, Ints
from engine.numerics.clusters import DISTANCE, cluster_labels

RNG = np.random.default_rng(17)


def matrix(size: int, common: float) -> Floats:
    """Correlations of series that move with one of three factors, some against it."""
    moves = RNG.normal(0, 1, (60, 3))[:, RNG.integers(0, 3, size)] * RNG.choice([-1.0, 1.0], size)
    return np.corrcoef((common * moves + RNG.normal(0, 1, (60, size))).T).reshape(size, size)


def labels(*matrices: Floats) -> Ints:
    size = np.array([len(one) for one in matrices], dtype=np.int64)
    return cluster_labels(np.concatenate([one.ravel() for one in matrices]), size)


def whole_tree(rho: Floats) -> list[int]:
    """The first member of each series' cluster by one tree of all series, -1 of those alone."""
    distance = 1.0 - np.abs(rho)
    np.fill_diagonal(distance, 0.0)
    found = fcluster(linkage(squareform(distance, checks=False), "average"), DISTANCE, "distance").tolist()
    return [found.index(one) if found.count(one) > 1 else -1 for one in found]


@pytest.mark.parametrize("common", [0.8, 1.2, 1.5, 1.8, 3.0])
def test_clusters_are_those_of_one_tree_of_all_series(common: float) -> None:
    matrices = [matrix(size, common) for size in (12, 2, 30, 25, 7, 30, 19)]
    found, start = labels(*matrices), 0
    for rho in matrices:
        own = found[start : start + len(rho)]
        assert [one - start if one >= 0 else -1 for one in own.tolist()] == whole_tree(rho)
        start += len(rho)


def test_the_threshold_is_inclusive_and_looks_at_sizes() -> None:
    pair = np.array([[1.0, -0.75, 0.2], [-0.75, 1.0, 0.1], [0.2, 0.1, 1.0]])
    assert labels(pair).tolist() == [0, 0, -1]
    assert labels(np.where(pair == -0.75, 0.69, pair)).tolist() == [-1, -1, -1]


def test_a_chain_is_cut_where_the_mean_is_too_far() -> None:
    chain = np.array([[1.0, 0.9, 0.4], [0.9, 1.0, 0.8], [0.4, 0.8, 1.0]])
    assert labels(chain).tolist() == [0, 0, -1]  # (0.4 + 0.8) / 2 = 0.6


def test_undefined_correlations_are_none() -> None:
    undefined = np.array([[1.0, np.nan, 0.9], [np.nan, np.nan, np.nan], [0.9, np.nan, 1.0]])
    assert labels(undefined, np.full((2, 2), np.nan)).tolist() == [0, -1, 0, -1, -1]


def test_empty_matrices_have_no_series() -> None:
    assert labels(np.zeros((0, 0))).tolist() == []
    assert labels(np.zeros((0, 0)), np.ones((2, 2)), np.zeros((0, 0))).tolist() == [0, 0]
