"""Sums over lots: from left to right, each portfolio's as if it were alone."""

from __future__ import annotations

import itertools
import operator
from functools import reduce

import numpy as np
import pytest

from engine.analytics.panels import PortfolioSums

SIZES = ([1, 9, 40, 200], [0, 3, 0, 17], [30], [0, 0], [])
SHAPES = ((), (1,), (5, 3), (0,))


def sums(sizes: list[int]) -> PortfolioSums:
    return PortfolioSums(np.repeat(np.arange(len(sizes)), sizes), len(sizes))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_run_from_left_to_right(sizes: list[int], shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).normal(size=(*shape, sum(sizes)))
    found = sums(sizes).sum(values)
    assert found.shape == (*shape, len(sizes))
    ends = np.cumsum([0, *sizes])
    for cell in np.ndindex(*shape):
        for owner, (first, end) in enumerate(itertools.pairwise(ends)):
            assert found[(*cell, owner)] == reduce(operator.add, values[cell][first:end].tolist(), 0.0)


def test_ten_lots_are_not_summed_in_pairs() -> None:
    values = np.array([1.0, 2.0**53, -(2.0**53), *[1.0] * 7])  # the first 1 is lost in 2^53
    assert sums([10]).sum(values).tolist() == [7.0]


def test_counts_and_minima_of_none_are_0_and_infinite() -> None:
    found = sums([2, 0, 1])
    assert found.number(np.array([True, False, True])).tolist() == [1, 0, 1]
    assert found.minimum(np.array([2.0, -1.0, 5.0])).tolist() == [-1.0, np.inf, 5.0]
