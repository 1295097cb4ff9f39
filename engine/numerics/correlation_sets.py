"""Correlation matrices of many sets of the same series, each pair's figures the same to the bit in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.blas import round_up
from engine.numerics.moments import centred
from engine.numerics.student import tail_of_angle

MIN_OVERLAP = 30
"""Rows below which a correlation is withheld."""

TILE = 32
"""Series in one matrix product: one size, so that BLAS takes one path whatever else is computed."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of G square matrices, row after row, matrix after matrix: R = sum of size^2.

    member: [K] series of each set, set after set, K = sum of size. size: [G].
    first, second: [R] places in `member` of a cell's row and column.
    """

    member: Ints
    size: Ints
    first: Ints
    second: Ints


def square_cells(member: Ints, size: Ints) -> Cells:
    """Every cell of the matrices of sets of series."""
    cells = size * size
    width = np.repeat(size, cells)
    corner = np.repeat(np.cumsum(size) - size, cells)
    within = np.arange(width.size) - np.repeat(np.cumsum(cells) - cells, cells)
    row = within // np.maximum(width, 1)
    return Cells(member, size, corner + row, corner + within - row * width)


def pair_figures(returns: Floats, cells: Cells) -> tuple[Floats, Floats]:
    """rho and significance, as in `correlation`, of the cells of many matrices: [R] each.

    returns: [n,m], finite. Where the sets overlap so much that one matrix of all m series has fewer
    cells than theirs, it is that which is computed, and theirs are gathered from it.
    """
    m = returns.shape[1]
    if m * m >= cells.first.size:
        return _figures(returns, cells)
    figures = _figures(returns, square_cells(np.arange(m), np.array([m])))
    at = cells.member[cells.first] * m + cells.member[cells.second]
    rho, significance = (figure[at] for figure in figures)
    return rho, significance


def _figures(returns: Floats, cells: Cells) -> tuple[Floats, Floats]:
    """The upper triangles' figures, put in both halves; the diagonals are 1."""
    n = len(returns)
    upper = cells.first < cells.second
    first, second = cells.first[upper], cells.second[upper]
    pairs, varies = _pearson(returns, cells, first, second)
    with np.errstate(invalid="ignore"):
        tail = tail_of_angle(np.abs(pairs), (1.0 - pairs) * (1.0 + pairs), np.array(n - 2))
    rho = np.where(varies[cells.member[cells.first]], 1.0, np.nan)
    significance = np.ones(cells.first.size)
    lower = _mirrored(cells, upper)
    rho[upper] = rho[lower] = pairs
    significance[upper] = significance[lower] = 1.0 - tail
    if n < MIN_OVERLAP:
        rho[:] = np.nan
    return rho, significance


def _mirrored(cells: Cells, upper: Bools) -> Ints:
    """Where the cell (j, i) stands, for each upper cell (i, j)."""
    count = cells.size * cells.size
    width, corner, start = (
        np.repeat(values, count)[upper]
        for values in (cells.size, np.cumsum(cells.size) - cells.size, np.cumsum(count) - count)
    )
    row, column = cells.first[upper] - corner, cells.second[upper] - corner
    return np.asarray(start + column * width + row)


def _pearson(returns: Floats, cells: Cells, first: Ints, second: Ints) -> tuple[Floats, Bools]:
    """rho of pairs of places, and which series vary, [m]."""
    n, m = returns.shape
    if n == 0:
        return np.full(first.shape, np.nan), np.zeros(m, dtype=np.bool_)
    filled = np.zeros((n, round_up(m + 1, TILE)))
    filled[:, :m] = returns
    _, deviation = centred(filled)
    products = _Products.of(unit_sized(deviation), cells)
    variance = np.full(m, np.nan)
    places = np.arange(cells.member.size)
    variance[cells.member] = products.at(places, places)
    root = np.sqrt(np.where(variance > 0.0, variance, np.nan))[cells.member]
    rho = products.at(first, second) / (root[first] * root[second])
    np.minimum(np.maximum(rho, -1.0, out=rho), 1.0, out=rho)
    return rho, np.asarray(variance > 0.0)


@dataclass(frozen=True, slots=True)
class _Products:
    """Sums of products of the series of each set, in squares one after the other.

    values: flat. start, width: [K] of each place: where its row begins, and its square's width.
    place: [K] its number within its set.
    """

    values: Floats
    start: Ints
    place: Ints

    @classmethod
    def of(cls, series: Floats, cells: Cells) -> _Products:
        """Products of sets of columns of series [n,M]; the last column is 0, and fills the tiles."""
        tiles = -(-cells.size // TILE)
        width = tiles * TILE
        area = width * width
        corner = np.cumsum(area) - area
        values = np.empty(int(area.sum()))
        place = np.arange(cells.member.size) - np.repeat(np.cumsum(cells.size) - cells.size, cells.size)
        owner = np.repeat(np.arange(cells.size.size), cells.size)
        for count in np.unique(tiles).tolist():
            sets = np.flatnonzero(tiles == count)
            rank = np.zeros(cells.size.size, dtype=np.int64)
            rank[sets] = np.arange(sets.size)
            mine = tiles[owner] == count
            columns = np.full((sets.size, count * TILE), series.shape[1] - 1)
            columns[rank[owner[mine]], place[mine]] = cells.member[mine]
            squares = _tiled(series, columns)
            at = corner[sets][:, None] + np.arange(squares.shape[1])
            values[at] = squares
        return cls(values, corner[owner] + place * width[owner], place)

    def at(self, first: Ints, second: Ints) -> Floats:
        return np.asarray(self.values[self.start[first] + self.place[second]])


def _tiled(series: Floats, columns: Ints) -> Floats:
    """Sums of products of the columns [G,w] of each set, w a multiple of TILE: [G,w*w]."""
    count, width = columns.shape
    right = series.T[columns].reshape(count, width // TILE, TILE, len(series))
    left = right[:, :, None]
    tiles = left @ np.ascontiguousarray(right.transpose(0, 1, 3, 2))[:, None]
    return np.asarray(tiles.transpose(0, 1, 3, 2, 4).reshape(count, width * width))


def unit_sized(deviation: Floats) -> Floats:
    """Columns scaled by a power of two near their largest size, lest their squares underflow."""
    _, exponent = np.frexp(np.abs(deviation).max(axis=0))
    return np.asarray(np.ldexp(deviation, -exponent))
