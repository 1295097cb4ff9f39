"""Correlations against pandas, scipy and numpy; those of a set of series have the bits of the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.numerics.arrays import Floats
from engine.numerics.correlation import (
    CellCorrelations,
    correlations,
    ewma_correlation,
    matrix_cells,
    pair_correlations,
    positive_semidefinite,
)

PARITY = 1e-10
"""Absolute: four digits beyond the stored scale."""


def correlation(values: Floats) -> CellCorrelations:
    """The one matrix of all columns, its figures [m,m]."""
    m = values.shape[1]
    figures = correlations(values[None], matrix_cells(np.array([m])))
    return CellCorrelations(figures.rho.reshape(m, m), figures.significance.reshape(m, m))


def returns(n: int, m: int = 6) -> Floats:
    rng = np.random.default_rng(n)
    values = rng.normal(0.0, 0.01, (n, 1)) + rng.normal(0.0, 0.01, (n, m)) * np.linspace(0.1, 3.0, m)
    values[:, 2] *= 1e-9
    return values


@pytest.mark.parametrize("n", [30, 31, 62, 250])
def test_equals_pandas_and_scipy(n: int) -> None:
    values = returns(n)
    fit = correlation(values)
    expected = pd.DataFrame(values).corr(min_periods=30)
    np.testing.assert_allclose(fit.rho, expected, rtol=0.0, atol=PARITY)
    for i, j in np.ndindex(6, 6):
        if i != j:
            p = stats.pearsonr(values[:, i], values[:, j]).pvalue
            np.testing.assert_allclose(fit.significance[i, j], 1.0 - p, rtol=0.0, atol=PARITY)
    np.testing.assert_array_equal(np.diagonal(fit.rho), 1.0)
    np.testing.assert_array_equal(np.diagonal(fit.significance), 1.0)


@pytest.mark.parametrize("n", [20, 29])
def test_short_overlap_withholds_rho_but_not_its_significance(n: int) -> None:
    values = returns(n)
    fit = correlation(values)
    assert np.isnan(fit.rho).all()
    assert pd.DataFrame(values).corr(min_periods=30).isna().all(axis=None)
    p = stats.pearsonr(values[:, 0], values[:, 5]).pvalue
    np.testing.assert_allclose(fit.significance[0, 5], 1.0 - p, rtol=0.0, atol=PARITY)


@pytest.mark.parametrize("level", [0.0, 0.1, -1e-7])
def test_constant_series_is_undefined(level: float) -> None:
    values = returns(62)
    values[:, 3] = level
    fit = correlation(values)
    np.testing.assert_allclose(fit.rho, pd.DataFrame(values).corr(), rtol=0.0, atol=PARITY)
    assert np.isnan(fit.rho[3]).all()
    assert np.isnan(fit.rho[:, 3]).all()
    others = np.arange(6) != 3
    assert np.isnan(fit.significance[3, others]).all()
    assert np.isnan(fit.significance[others, 3]).all()
    assert np.isfinite(fit.significance[np.ix_(others, others)]).all()
    assert fit.significance[3, 3] == 1.0


def test_perfect_correlation_stays_inside_its_bounds() -> None:
    values = returns(62)
    values[:, 1], values[:, 4] = 3.0 * values[:, 0], -0.7 * values[:, 0]
    fit = correlation(values)
    assert np.abs(fit.rho).max() == 1.0
    np.testing.assert_allclose(fit.rho[0, [1, 4]], [1.0, -1.0], rtol=0.0, atol=PARITY)
    np.testing.assert_allclose(fit.significance[0, [1, 4]], 1.0, rtol=0.0, atol=PARITY)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows_have_no_significance(n: int) -> None:
    fit = correlation(np.arange(2.0 * n).reshape(n, 2))
    assert np.isnan(fit.rho).all()
    assert np.isnan(fit.significance[0, 1])


@pytest.mark.parametrize("n", [30, 195])
@pytest.mark.parametrize("bound", [0.95, 0.2])
def test_weighted_equals_numpy(n: int, bound: float) -> None:
    values = returns(n, 8)
    weights = 0.94 ** np.arange(n)[::-1]
    covariance = np.cov(values.T, aweights=weights, ddof=0)
    deviation = np.sqrt(np.diagonal(covariance))
    expected = np.clip(covariance / np.outer(deviation, deviation), -bound, bound)
    np.fill_diagonal(expected, 1.0)
    got = ewma_correlation(values, decay=0.94, bounds=(-bound, bound), min_rows=30)
    np.testing.assert_allclose(got, expected, rtol=0.0, atol=PARITY)


@pytest.mark.parametrize("n", [0, 29])
def test_weighted_with_too_few_rows_is_the_identity(n: int) -> None:
    np.testing.assert_array_equal(ewma_correlation(returns(n, 3), 0.94, (-0.95, 0.95), 30), np.eye(3))


def test_weighted_with_a_constant_series_is_zero_there() -> None:
    values = returns(62, 4)
    values[:, 1] = 0.1
    rho = ewma_correlation(values, 0.94, (-0.95, 0.95), 30)
    np.testing.assert_array_equal(rho[1], [0.0, 1.0, 0.0, 0.0])
    assert (rho[0, [2, 3]] != 0.0).all()


def test_cells_run_row_after_row_and_set_after_set() -> None:
    cells = matrix_cells(np.array([2, 0, 1]))
    assert cells.matrix.tolist() == [0, 0, 0, 0, 2]
    assert cells.row.tolist() == [0, 0, 1, 1, 0]
    assert cells.column.tolist() == [0, 1, 0, 1, 0]


def test_cells_of_the_upper_triangle_know_their_place_in_whole_matrices() -> None:
    upper = matrix_cells(np.array([2, 0, 3]), upper=True)
    assert list(zip(upper.matrix, upper.row, upper.column, strict=True)) == [
        *((0, 0, 0), (0, 0, 1), (0, 1, 1)),
        *((2, 0, 0), (2, 0, 1), (2, 0, 2), (2, 1, 1), (2, 1, 2), (2, 2, 2)),
    ]
    at, mirror = upper.numbers()
    assert at.tolist() == [0, 1, 3, 4, 5, 6, 8, 9, 12]
    assert mirror.tolist() == [0, 2, 3, 4, 7, 10, 8, 11, 12]


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
        cells = matrix_cells(size)
        figures = correlations(returns[:, member].transpose(1, 0, 2).copy(), cells)
        at = member[cells.matrix, cells.row], member[cells.matrix, cells.column]
        np.testing.assert_array_equal(figures.rho, whole.rho[at])
        np.testing.assert_array_equal(figures.significance, whole.significance[at])


def test_figures_are_the_same_both_ways() -> None:
    whole = correlation(np.random.default_rng(0).normal(size=(62, 100)))
    np.testing.assert_array_equal(whole.rho, whole.rho.T)
    np.testing.assert_array_equal(whole.significance, whole.significance.T)


def test_pairs_have_their_own_days_and_returns_between_them() -> None:
    level = np.log(100 * np.cumprod(1 + np.random.default_rng(2).normal(0, 0.02, (2, 60)), axis=1))
    level[0, 20:22], level[1, :10] = np.nan, np.nan
    frame = pd.DataFrame(level.T).dropna().diff().dropna()
    rho, significance, n = pair_correlations([(level[:1], level[1:])])
    expected = stats.pearsonr(frame[0], frame[1])
    assert n.tolist() == [len(frame)] == [47]
    assert rho[0] == pytest.approx(expected.statistic, abs=1e-12)
    assert significance[0] == pytest.approx(1 - expected.pvalue, abs=1e-10)


def test_pairs_with_few_returns_or_a_price_that_did_not_move_have_none() -> None:
    level = np.log(100 * np.cumprod(1 + np.random.default_rng(2).normal(0, 0.02, (3, 60)), axis=1))
    level[0, :30], level[2] = np.nan, 4.6
    rho, _, n = pair_correlations([(level[[0]], level[[1]]), (level[[1]], level[[2]])])
    assert n.tolist() == [29, 59]
    assert np.isnan(rho).all()


def test_a_matrix_with_negative_eigenvalues_is_shrunk_until_it_has_none() -> None:
    bad = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.9], [0.1, 0.9, 1.0]])
    found = positive_semidefinite(bad[None])[0]
    assert np.linalg.eigvalsh(bad)[0] < -0.2
    assert np.linalg.eigvalsh(np.round(found, 6))[0] >= 0
    assert np.diagonal(found).tolist() == [1.0, 1.0, 1.0]
    assert found[0, 2] / found[0, 1] == pytest.approx(1 / 9)


def test_a_positive_definite_matrix_stays_and_an_undefined_pair_stays_undefined() -> None:
    good = np.array([[1.0, 0.5, np.nan], [0.5, 1.0, 0.2], [np.nan, 0.2, 1.0]])
    assert np.array_equal(positive_semidefinite(good[None])[0], good, equal_nan=True)
