"""Correlation matrices of complete return series: equally weighted, or exponentially weighted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints, centred, round_up
from engine.numerics.student_t import tail_of_angle

MIN_OVERLAP = 30
"""Rows below which a correlation is withheld (NaN)."""

LEAST_EIGENVALUE = 1e-6
"""Times m: rounding to six decimals moves eigenvalues by half of it at most."""

TILE = 32
"""Series in one matrix product: one size, so that BLAS takes one path whatever else is computed."""


class MatrixCells(NamedTuple):
    """R cells of G square matrices, row after row, matrix after matrix.

    Attributes:
        size: [G] rows of each matrix.
        matrix: [R] number of a cell's matrix.
        row: [R] its row in that matrix.
        column: [R] its column in that matrix.
    """

    size: Ints
    matrix: Ints
    row: Ints
    column: Ints

    def numbers(self) -> tuple[Ints, Ints]:
        """Return the numbers of the cells and of their mirror images among all cells of the matrices."""
        start = (np.cumsum(self.size**2) - self.size**2)[self.matrix]
        width = self.size[self.matrix]
        return start + self.row * width + self.column, start + self.column * width + self.row


class CellCorrelations(NamedTuple):
    """Figures of the R cells of square matrices.

    Attributes:
        rho: [R] correlations in [-1, 1].
        significance: [R] 1 - p, p two-sided, of rho = 0.
    """

    rho: Floats
    significance: Floats


def matrix_cells(size: Ints, upper: bool = False) -> MatrixCells:
    """Return the cells of square matrices, row by row.

    Args:
        size: [G] rows of each matrix.
        upper: of the upper triangle only, with the diagonal.
    """
    line = np.repeat(np.arange(size.size), size)
    number = np.arange(line.size) - (np.cumsum(size) - size)[line]
    first = number if upper else np.zeros_like(number)
    cells = size[line] - first
    matrix, row = np.repeat(line, cells), np.repeat(number, cells)
    column = np.arange(matrix.size) - np.repeat(np.cumsum(cells) - cells - first, cells)
    return MatrixCells(size, matrix, row, column)


def correlations(returns: Floats, cells: MatrixCells) -> CellCorrelations:
    """Return Pearson correlations and their significance in the cells of G matrices.

        rho_ij = Sij / sqrt(Sii Sjj),  S sums of products of deviations, clipped to [-1, 1]
        significance_ij = 1 - P(|T| >= |t|),  t = rho sqrt((n - 2) / (1 - rho^2))

    T is Student's t with n - 2 degrees of freedom. The diagonal is exactly 1 in both. A constant series has
    NaN in its whole row and column, in rho's diagonal too. Below MIN_OVERLAP rows rho is NaN everywhere;
    the significance is not withheld, but NaN for n < 3. A pair's figures have the same bits in every
    matrix that holds it. Source: pandas' DataFrame.corr(min_periods=30) and scipy's pearsonr.

    Args:
        returns: [G, n, w], finite; matrix g has the first size[g] columns, the others do not count.
        cells: of the G matrices.
    """
    n = returns.shape[1]
    upper = cells.row < cells.column
    at = cells.matrix[upper], cells.row[upper], cells.column[upper]
    pairs, varies = _pearson(returns, *at)
    with np.errstate(invalid="ignore"):
        tail = tail_of_angle(np.abs(pairs), (1.0 - pairs) * (1.0 + pairs), np.array(n - 2))
    rho = np.where(varies[cells.matrix, cells.row], 1.0, np.nan)
    significance = np.ones(rho.size)
    lower = _mirrored(cells.size, *at)
    rho[upper] = rho[lower] = pairs
    significance[upper] = significance[lower] = 1.0 - tail
    if n < MIN_OVERLAP:
        rho[:] = np.nan
    return CellCorrelations(rho, significance)


def pair_correlations(pairs: Iterable[tuple[Floats, Floats]]) -> tuple[Floats, Floats, Ints]:
    """Return the correlation of each pair of series, its significance and its returns, over the pair's days.

    Returns are taken between consecutive days on which both of a pair have a value. Correlation and
    significance are those of `correlations`.

    Args:
        pairs: parts of the K pairs: logarithms of prices [k, n], NaN where there is none, and the others'.

    Returns:
        rho [K], NaN under `MIN_OVERLAP` returns and of a price that did not move; 1 - p [K], NaN of such a
        price; the number of returns [K].
    """
    parts = [_pair_rho(x, y) for x, y in pairs]
    rho = np.concatenate([np.zeros(0), *(part for part, _ in parts)])
    n = np.concatenate([np.zeros(0, dtype=np.int64), *(count for _, count in parts)])
    with np.errstate(invalid="ignore"):
        tail = tail_of_angle(np.abs(rho), (1.0 - rho) * (1.0 + rho), n - 2)
    return np.where(n >= MIN_OVERLAP, rho, np.nan), np.where(n >= 3, 1.0 - tail, np.nan), n


def _pair_rho(x: Floats, y: Floats) -> tuple[Floats, Ints]:
    """Return the correlation of each pair, NaN of a price that did not move, and its returns, [k] each."""
    both = np.isfinite(x) & np.isfinite(y)
    newest = np.maximum.accumulate(np.where(both, np.arange(x.shape[1]), -1), axis=1)
    before = np.full_like(newest, -1)
    before[:, 1:] = newest[:, :-1]
    used = both & (before >= 0)
    n = used.sum(axis=1)
    at = np.maximum(before, 0) + x.shape[1] * np.arange(len(x))[:, None]
    off, moves = zip(*(_deviations(one, at, used, n) for one in (x, y)), strict=True)
    products = [(a * b).sum(axis=1) for a, b in ((off[0], off[0]), (off[0], off[1]), (off[1], off[1]))]
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.clip(products[1] / np.sqrt(products[0] * products[2]), -1.0, 1.0)
    return np.where(moves[0] & moves[1], rho, np.nan), n


def _deviations(level: Floats, before: Ints, used: Bools, n: Ints) -> tuple[Floats, Bools]:
    """Return the returns' deviations from their mean, 0 where there is none, and which series move.

    before: cells of the level [K, n], row by row, that each return is since.
    """
    returns = level - level.take(before)
    first = np.take_along_axis(returns, used.argmax(axis=1)[:, None], axis=1)
    moves = (used & (returns != first)).any(axis=1)
    mean = np.where(used, returns, 0.0).sum(axis=1) / np.maximum(n, 1)
    return np.where(used, returns - mean[:, None], 0.0), np.asarray(moves)


def positive_semidefinite(rho: Floats) -> Floats:
    """Return correlation matrices without negative eigenvalues, shrunk towards the identity.

        (1 - a) rho + a I,  a = (e - l) / (1 - l) if the smallest eigenvalue l is below e, else 0

    with e = m LEAST_EIGENVALUE.

    A matrix whose pairs come from different days may have negative eigenvalues, so that the variance of some
    portfolio would be negative. A pair without a correlation counts as 0 and stays NaN. Source: Higham,
    Strabić and Šego, Restoring definiteness via shrinking (2016).

    Args:
        rho: [H, m, m], symmetric.

    Returns:
        The same matrices where they are positive definite.
    """
    m = rho.shape[-1]
    known = np.isfinite(rho)
    whole = np.where(known, rho, np.eye(m))
    smallest = np.linalg.eigvalsh(whole)[:, 0]
    least = m * LEAST_EIGENVALUE
    share = np.where(smallest < least, least - smallest, 0.0)
    share = np.divide(share, 1.0 - smallest, out=share, where=share > 0.0)[:, None, None]
    shrunk = np.where(np.eye(m, dtype=np.bool_), 1.0, (1.0 - share) * whole)
    return np.where(known, np.where(share > 0.0, shrunk, whole), np.nan)


def _mirrored(size: Ints, matrix: Ints, row: Ints, column: Ints) -> Ints:
    """Return the number of the cell (column, row) for each cell (row, column)."""
    cells = size * size
    return np.asarray((np.cumsum(cells) - cells)[matrix] + column * size[matrix] + row)


def _pearson(returns: Floats, matrix: Ints, row: Ints, column: Ints) -> tuple[Floats, Bools]:
    """Return rho of pairs of columns of each set, and which columns vary, [G, w]."""
    count, n, width = returns.shape
    if n == 0:
        return np.full(row.shape, np.nan), np.zeros((count, width), dtype=np.bool_)
    filled = returns
    if width % TILE:
        filled = np.zeros((count, n, round_up(width, TILE)))
        filled[:, :, :width] = returns
    products = _products(_unit_sized(centred(filled)[1]))
    variance = np.diagonal(products, axis1=1, axis2=2)
    root = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    rho = products[matrix, row, column] / (root[matrix, row] * root[matrix, column])
    np.minimum(np.maximum(rho, -1.0, out=rho), 1.0, out=rho)
    return rho, np.asarray(variance > 0.0)


def _products(series: Floats) -> Floats:
    """Return the sums of products of the columns of each set [G, n, w], w a multiple of TILE: [G, w, w]."""
    count, n, width = series.shape
    right = series.transpose(0, 2, 1).copy().reshape(count, width // TILE, TILE, n)
    left = right[:, :, None]
    tiles = left @ right.transpose(0, 1, 3, 2).copy()[:, None]
    return np.asarray(tiles.transpose(0, 1, 3, 2, 4).reshape(count, width, width))


def _unit_sized(deviation: Floats) -> Floats:
    """Scale columns by a power of two near their largest size, so that their squares cannot underflow."""
    _, exponent = np.frexp(np.abs(deviation).max(axis=-2, keepdims=True))
    return np.asarray(np.ldexp(deviation, -exponent))


def ewma_correlation(returns: Floats, decay: float, bounds: tuple[float, float], min_rows: int) -> Floats:
    """Return exponentially weighted correlations of m complete series.

        rho_ij = C_ij / sqrt(C_ii C_jj),  C_ij = sum_t w_t (r_ti - mean_i)(r_tj - mean_j)

    with weights w_t proportional to decay^(n-1-t), t = 0..n-1, of sum 1, and means of the same weights.
    Source: RiskMetrics, with means.

    Args:
        returns: [n, m], oldest row first.
        decay: weight of a row relative to the next one.
        bounds: least and largest correlation of two different series.
        min_rows: rows below which their correlation counts as 0.

    Returns:
        Correlations [m, m], 0 where a variance is not positive, then clipped to the bounds; the diagonal 1.
    """
    n, m = returns.shape
    rho = np.zeros((m, m))
    if n >= max(min_rows, 1):
        weights = decay ** np.arange(n - 1, -1, -1, dtype=np.float64)
        weights /= weights.sum()
        # Centring first keeps constants exact; the weighted mean of deviations is then small.
        _, deviation = centred(returns)
        deviation = deviation - weights @ deviation
        covariance = (deviation * weights[:, None]).T @ deviation
        variance = np.diagonal(covariance)
        root = np.sqrt(np.where(variance > 0.0, variance, np.nan))
        rho = covariance / (root[:, None] * root)
        rho = np.where(np.isnan(rho), 0.0, rho)
    rho = np.clip(rho, *bounds)
    np.fill_diagonal(rho, 1.0)
    return rho
