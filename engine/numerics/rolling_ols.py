"""Regressions of many pairs of series over many windows."""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Bools, Int32s, Ints
from engine.numerics.line_fit import OlsFit, line_from_data
from engine.numerics.padded_products import fill_columns
from engine.numerics.pair_returns import PairReturns
from engine.numerics.rolling_ols_gaps import fit_gappy
from engine.numerics.rolling_ols_shared_rows import BLOCK_COLUMNS, Common, common_rows, fit_common


def rolling_ols(returns: PairReturns, first: Ints, stop: Ints, min_observations: int) -> OlsFit:
    """Regress each pair's y on its x, with intercept, in each window; results [D,S].

    returns: S pairs over T rows. first, stop: int64[D]; window d uses the rows t in [first[d], stop[d])
    that have a return over rows of the window, previous[t,s] >= first[d]; so its first aligned row gives
    none. observations counts these rows. A cell with fewer than min_observations (>= 3) is not fitted.

    Where a pair's rows in a window are those of pairs without gaps, sums come from one matrix product
    for a block of windows: rows outside of a window have weight 0, which is exact. Other cells take five
    such products. Those with too few digits left are computed cell by cell from the data.
    """
    fit = OlsFit.blank((len(first), returns.y.shape[1]))
    if returns.y.size == 0 or len(first) == 0:
        return fit
    common, differs = common_rows(returns, first, stop)
    np.copyto(fit.observations, common.n[:, None])
    irregular = _count_irregular(fit, returns, common, differs, first, stop)
    doubtful = fit_common(fit, returns.y, common, min_observations)
    doubtful &= ~irregular
    fit_gappy(fit, returns, first, stop, irregular, doubtful)
    short = fit.observations < min_observations
    _fit_from_data(fit, returns, first, stop, doubtful & ~short)
    fit.forget(short)
    return fit


def _count_irregular(
    fit: OlsFit, returns: PairReturns, common: Common, differs: Bools, first: Ints, stop: Ints
) -> Bools:
    """Windows [D,S] whose rows are not the common ones; sets their observations."""
    irregular = np.zeros(fit.slope.shape, dtype=np.bool_)
    columns = np.flatnonzero(differs.any(axis=0))
    if columns.size == 0:
        return irregular
    n = np.maximum(_in_window(_aligned(returns.previous[:, columns]), first, stop) - 1, 0)
    # From the first common return on, equal "previous" rows and an equal count mean equal rows.
    start = np.append(common.rows, len(differs))[common.first]
    differences = _in_window(differs[:, columns], np.minimum(start, stop), stop)
    irregular[:, columns] = (differences > 0) | (n != common.n[:, None])
    fit.observations[:, columns] = n
    return irregular


def _aligned(previous: Int32s) -> Bools:
    """Rows in which both series of a pair have a value: those with a return, and the first one's start."""
    aligned = previous >= 0
    columns = np.flatnonzero(aligned.any(axis=0))
    start = previous[aligned.argmax(axis=0)[columns], columns]
    aligned[start, columns] = True
    return aligned


def _in_window(flags: Bools, first: Ints, stop: Ints) -> Int32s:
    """Number of flags of each column in rows [first, stop): [D, columns]."""
    running = np.zeros((len(flags) + 1, flags.shape[1]), dtype=np.int32)
    np.cumsum(flags, axis=0, out=running[1:])
    return np.asarray(running[stop] - running[first])


def _fit_from_data(fit: OlsFit, returns: PairReturns, first: Ints, stop: Ints, cells: Bools) -> None:
    """Fit the cells [D,S] a block at a time, each in a column of its own."""
    found = np.flatnonzero(cells)
    for left in range(0, found.size, BLOCK_COLUMNS):
        date, pair = np.unravel_index(fill_columns(found[left : left + BLOCK_COLUMNS]), cells.shape)
        rows = first[date] + np.arange(int((stop - first)[date].max()))[:, None]
        inside = rows < stop[date]
        rows = np.where(inside, rows, 0)
        used = inside & (returns.previous[rows, pair] >= first[date])
        fit.put((date, pair), line_from_data(returns.x[rows, pair], returns.y[rows, pair], used))
