"""Windows in which all series have returns on the same rows: a matrix product for a block of windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Bools, Floats, Int32s, Ints
from engine.numerics.line_fit import OlsFit, Sums, line_from_sums
from engine.numerics.padded_products import fill_rows, pad_columns
from engine.numerics.pair_returns import PairReturns

FIGURES = ("slope", "intercept", "r_squared", "std_error", "p_value", "fitted")

BLOCK_COLUMNS = 2048
"""Columns in one matrix product: a block's arrays stay in the cache."""


@dataclass(frozen=True, slots=True)
class Common:
    """The rows and regressor that all pairs without gaps share.

    rows: int64[R], the rows with a return; x: [R], the regressor in them, finite.
    first, stop: [D], window d is rows[first[d]:stop[d]].
    """

    rows: Ints
    x: Floats
    first: Ints
    stop: Ints

    @property
    def n(self) -> Int32s:
        """Observations of each window, [D]."""
        return (self.stop - self.first).astype(np.int32)


def common_rows(returns: PairReturns, first: Ints, stop: Ints) -> tuple[Common, Bools]:
    """The rows of pairs without gaps, and where [T,S] a pair differs or has a return that is not finite.

    They are a property of the regressor alone: a pair's figures don't depend on which others there are.
    """
    has_return = returns.previous >= 0
    previous = returns.base_previous
    rows = np.flatnonzero(previous >= 0)
    x = returns.base_x[rows]
    end = np.searchsorted(rows, stop)
    start = np.minimum(np.searchsorted(previous[rows], first), end)
    with np.errstate(invalid="ignore"):
        broken = has_return & ~np.isfinite(returns.y + returns.x)
    common = Common(rows, np.where(np.isfinite(x), x, 0.0), start, end)
    return common, (returns.previous != previous[:, None]) | broken


def fit_common(fit: OlsFit, y: Floats, common: Common, min_observations: int) -> Bools:
    """Fit every column over the common rows of every window; returns the doubtful cells."""
    doubtful = np.zeros(fit.slope.shape, dtype=np.bool_)
    dates = np.flatnonzero(common.n >= min_observations)
    for left in range(0, y.shape[1], BLOCK_COLUMNS):
        columns = slice(left, min(left + BLOCK_COLUMNS, y.shape[1]))
        values = pad_columns(y[common.rows, columns])
        np.copyto(values, 0.0, where=~np.isfinite(values))
        squares = values * values
        for block in fill_rows(dates):
            sums = _block_sums(values, squares, common, block, columns.stop - left)
            part, unsure = line_from_sums(sums)
            at = slice(block[0], block[-1] + 1) if (np.diff(block) == 1).all() else block
            doubtful[at, columns] = unsure
            for name in FIGURES:
                getattr(fit, name)[at, columns] = getattr(part, name)
    return doubtful


def _block_sums(values: Floats, squares: Floats, common: Common, block: Ints, width: int) -> Sums:
    """Sums of a block of windows for the first `width` columns of values, squares: [len(block), width]."""
    first, stop = common.first[block], common.stop[block]
    low, high = int(first.min()), int(stop.max())
    rows = np.arange(low, high)[:, None]
    inside = (rows >= first) & (rows < stop)
    n = (stop - first).astype(np.int32)
    x_mean, deviation = _window_centre(common.x[low:high, None], inside, n)
    weights = np.concatenate((inside.T.astype(np.float64), deviation.T))
    totals = (weights @ values[low:high])[:, :width]
    y_mean = totals[: len(block)] / n[:, None]
    return Sums(
        n=n[:, None],
        x_mean=x_mean[:, None],
        y_mean=y_mean,
        sxx=(deviation * deviation).sum(axis=0)[:, None],
        sxy=totals[len(block) :],
        syy=(weights[: len(block)] @ squares[low:high])[:, :width] - n[:, None] * y_mean * y_mean,
    )


def _window_centre(x: Floats, inside: Bools, n: Int32s) -> tuple[Floats, Floats]:
    """Means [B] of x [R,1] inside each window [R,B], and deviations [R,B], 0 outside and if constant.

    The sums run down the rows one by one, so that zeros outside of a window leave no trace.
    """
    lowest = np.where(inside, x, np.inf).min(axis=0)
    highest = np.where(inside, x, -np.inf).max(axis=0)
    mean = np.where(inside, x, 0.0).sum(axis=0) / n
    mean += np.where(inside, x - mean, 0.0).sum(axis=0) / n
    mean = np.where(lowest == highest, lowest, mean)
    return mean, np.where(inside, x - mean, 0.0)
