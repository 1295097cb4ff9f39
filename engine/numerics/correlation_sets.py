"""Correlation matrices of many sets of series, each pair's figures the same to the bit in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.centring import centred
from engine.numerics.padded_products import round_up
from engine.numerics.student_t import tail_of_angle

MIN_OVERLAP = 30
"""Rows below which a correlation is withheld."""

TILE = 32
"""Series in one matrix product: one size, so that BLAS takes one path whatever else is computed."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of G square matrices, row after row, matrix after matrix: R = sum of size^2.

    size: [G]. matrix: [R] number of a cell's matrix. row, column: [R] its place in that.
    """

    size: Ints
    matrix: Ints
    row: Ints
    column: Ints


def square_cells(size: Ints) -> Cells:
    """Every cell of matrices of these sizes [G]."""
    cells = size * size
    matrix = np.repeat(np.arange(size.size), cells)
    within = np.arange(matrix.size) - np.repeat(np.cumsum(cells) - cells, cells)
    width = size[matrix]
    row = within // np.maximum(width, 1)
    return Cells(size, matrix, row, within - row * width)


def set_figures(returns: Floats, cells: Cells) -> tuple[Floats, Floats]:
    """rho and significance, as in `correlation`, of the cells of G matrices: [R] each.

    returns: [G,n,w], finite: set g is its first size[g] columns, the others count for nothing.
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
    return rho, significance


def _mirrored(size: Ints, matrix: Ints, row: Ints, column: Ints) -> Ints:
    """Where the cell (column, row) stands, for each cell (row, column)."""
    cells = size * size
    return np.asarray((np.cumsum(cells) - cells)[matrix] + column * size[matrix] + row)


def _pearson(returns: Floats, matrix: Ints, row: Ints, column: Ints) -> tuple[Floats, Bools]:
    """rho of pairs of columns of each set, and which columns vary, [G,w]."""
    count, n, width = returns.shape
    if n == 0:
        return np.full(row.shape, np.nan), np.zeros((count, width), dtype=np.bool_)
    filled = returns
    if width % TILE:
        filled = np.zeros((count, n, round_up(width, TILE)))
        filled[:, :, :width] = returns
    _, deviation = centred(filled)
    products = _products(unit_sized(deviation))
    variance = np.diagonal(products, axis1=1, axis2=2)
    root = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    rho = products[matrix, row, column] / (root[matrix, row] * root[matrix, column])
    np.minimum(np.maximum(rho, -1.0, out=rho), 1.0, out=rho)
    return rho, np.asarray(variance > 0.0)


def _products(series: Floats) -> Floats:
    """Sums of products of the columns of each set [G,n,w], w a multiple of TILE: [G,w,w]."""
    count, n, width = series.shape
    right = series.transpose(0, 2, 1).copy().reshape(count, width // TILE, TILE, n)
    left = right[:, :, None]
    tiles = left @ right.transpose(0, 1, 3, 2).copy()[:, None]
    return np.asarray(tiles.transpose(0, 1, 3, 2, 4).reshape(count, width, width))


def unit_sized(deviation: Floats) -> Floats:
    """Columns scaled by a power of two near their largest size, lest their squares underflow."""
    _, exponent = np.frexp(np.abs(deviation).max(axis=-2, keepdims=True))
    return np.asarray(np.ldexp(deviation, -exponent))
