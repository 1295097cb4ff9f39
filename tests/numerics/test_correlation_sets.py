"""Correlation matrices of sets of series: gathered or computed apart, the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from engine.numerics.correlation import correlation
from engine.numerics.correlation_sets import set_figures, square_cells


def test_cells_run_row_after_row_and_set_after_set() -> None:
    cells = square_cells(np.array([2, 0, 1]))
    assert cells.matrix.tolist() == [0, 0, 0, 0, 2]
    assert cells.row.tolist() == [0, 0, 1, 1, 0]
    assert cells.column.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("series", [3, 31, 32, 33, 150])
@pytest.mark.parametrize("rows", [24, 62])
def test_sets_have_the_bits_of_the_whole(series: int, rows: int) -> None:
    rng = np.random.default_rng(series)
    returns = rng.normal(0.0, 0.01, (rows, series))
    returns[:, 1] = 0.02
    whole = correlation(returns)
    for count in (1, 2, 40):
        size = rng.integers(1, min(series, 70) + 1, count)
        member = np.zeros((count, size.max()), dtype=np.int64)
        for row, n in zip(member, size, strict=True):
            row[:n] = np.sort(rng.choice(series, n, replace=False))
        cells = square_cells(size)
        rho, significance = set_figures(returns[:, member].transpose(1, 0, 2).copy(), cells)
        at = member[cells.matrix, cells.row], member[cells.matrix, cells.column]
        np.testing.assert_array_equal(rho, whole.rho[at])
        np.testing.assert_array_equal(significance, whole.significance[at])


def test_figures_are_the_same_both_ways() -> None:
    whole = correlation(np.random.default_rng(0).normal(size=(62, 100)))
    np.testing.assert_array_equal(whole.rho, whole.rho.T)
    np.testing.assert_array_equal(whole.significance, whole.significance.T)
