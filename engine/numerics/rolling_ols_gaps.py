"""Windows of series with gaps: each pair has its own rows and its own regressor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Bools, Floats, Int32s, Ints
from engine.numerics.line_fit import LARGEST_MEAN, OlsFit, Sums, line_from_sums
from engine.numerics.padded_products import fill_columns, fill_rows
from engine.numerics.pair_returns import PairReturns
from engine.numerics.rolling_ols_shared_rows import FIGURES

BLOCK_COLUMNS = 1024
"""Columns in one matrix product: five products are held at a time."""


@dataclass(frozen=True, slots=True)
class Gappy:
    """Columns with gaps: y, x [T,c] with 0 where there is no return; edge [D,c]; broken [c].

    edge is the row of each window's first return if that return starts before the window, else T.
    broken marks columns with a return that is not finite.
    """

    y: Floats
    x: Floats
    edge: Ints
    broken: Bools


def fit_gappy(
    fit: OlsFit, returns: PairReturns, first: Ints, stop: Ints, cells: Bools, doubtful: Bools
) -> None:
    """Fit the cells [D,S] from sums over each pair's own rows; marks the doubtful ones.

    fit.observations must be set. The sums run over all returns in a window's rows, less the return at its
    edge, which starts outside.
    """
    every = np.flatnonzero(cells.any(axis=0))
    if every.size == 0:
        return
    gappy = _gappy(returns, every, first, stop)
    for block in fill_rows(np.flatnonzero(cells.any(axis=1))):
        wanted = np.flatnonzero(cells[block][:, every].any(axis=0))
        for left in range(0, wanted.size, BLOCK_COLUMNS):
            chosen = fill_columns(wanted[left : left + BLOCK_COLUMNS])
            at = np.ix_(block, every[chosen])
            sums, unsteady = _block_sums(gappy, chosen, fit.observations[at], first, stop, block)
            part, unsure = line_from_sums(sums)
            date, column = np.nonzero(cells[at])
            there = block[date], every[chosen[column]]
            doubtful[there] = (unsure | unsteady | gappy.broken[chosen])[date, column]
            for name in FIGURES:
                getattr(fit, name)[there] = getattr(part, name)[date, column]


def _gappy(returns: PairReturns, columns: Ints, first: Ints, stop: Ints) -> Gappy:
    previous = returns.previous[:, columns]
    has_return = previous >= 0
    y, x = (np.ascontiguousarray(values[:, columns]) for values in (returns.y, returns.x))
    finite = np.isfinite(y) & np.isfinite(x)
    last = len(previous)
    rows = np.where(has_return, np.arange(last)[:, None], last)
    following = np.full((last + 1, columns.size), last)
    following[:-1] = np.minimum.accumulate(rows[::-1], axis=0)[::-1]
    edge = following[np.minimum(first, last)]
    start = np.take_along_axis(previous, np.minimum(edge, last - 1), axis=0)
    outside = (edge < stop[:, None]) & (start < first[:, None])
    return Gappy(
        y=np.where(finite, y, 0.0),
        x=np.where(finite, x, 0.0),
        edge=np.where(outside, edge, last),
        broken=np.asarray((has_return & ~finite).any(axis=0)),
    )


def _block_sums(
    gappy: Gappy, chosen: Ints, n: Int32s, first: Ints, stop: Ints, block: Ints
) -> tuple[Sums, Bools]:
    """Sums [B,c] of a block of windows of the chosen columns, and where they have lost digits."""
    low, high = int(first[block].min()), int(stop[block].max())
    rows = np.arange(low, high)
    inside = ((rows >= first[block, None]) & (rows < stop[block, None])).astype(np.float64)
    x, y = (np.ascontiguousarray(values[low:high, chosen]) for values in (gappy.x, gappy.y))
    x_edge, y_edge = _edge_returns(gappy, chosen, block)
    with np.errstate(divide="ignore", invalid="ignore"):
        x_mean = (inside @ x - x_edge) / n
        y_mean = (inside @ y - y_edge) / n
        sxx = inside @ (x * x) - x_edge * x_edge - n * x_mean * x_mean
        sxy = inside @ (x * y) - x_edge * y_edge - n * x_mean * y_mean
        syy = inside @ (y * y) - y_edge * y_edge - n * y_mean * y_mean
        steady = n * x_mean * x_mean + x_edge * x_edge <= LARGEST_MEAN * sxx
        steady &= y_edge * y_edge <= LARGEST_MEAN * syy
    return Sums(n, x_mean, y_mean, sxx, sxy, syy), ~steady


def _edge_returns(gappy: Gappy, chosen: Ints, block: Ints) -> tuple[Floats, Floats]:
    """x and y of the return at each window's edge [B,c], 0 where there is none."""
    edge = gappy.edge[np.ix_(block, chosen)]
    there = edge < len(gappy.x)
    row = np.where(there, edge, 0)
    x, y = (np.where(there, values[row, chosen], 0.0) for values in (gappy.x, gappy.y))
    return x, y
