"""Ordinary least squares with one regressor and an intercept, for many series over many windows.

Shapes: T rows, S series, D windows. A window d is the rows t with first[d] <= t < stop[d].
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.numerics.arrays import (
    Bools,
    Floats,
    Int32s,
    Ints,
    count_in_windows,
    masked_centred,
    pad_columns,
    pad_indices,
    row_groups,
    sum_products,
)
from engine.numerics.student_t import tail_of_angle

NEAR_PERFECT = 1e-5
"""Below this share of unexplained variation, Syy - slope Sxy has lost digits that the error needs."""

LARGEST_MEAN = 10.0
"""Above this n mean(y)^2 / Syy, sum y^2 - n mean(y)^2 has lost more than one digit."""

BLOCK, GAPPY_BLOCK = 2048, 1024
"""Columns in one matrix product, so that its operands stay in the cache; gaps take five products at once."""


class OlsFit(NamedTuple):
    """Figures of y = intercept + slope x + e, one for each cell; all arrays have one shape.

    Attributes:
        slope: float64, units of y over units of x.
        intercept: float64, units of y.
        r_squared: float64, 1 - SSR / Syy.
        std_error: float64, of the slope.
        p_value: float64, two-sided, of slope = 0.
        observations: int32, pairs used.
        fitted: bool; where it is False the five figures are NaN.
    """

    slope: Floats
    intercept: Floats
    r_squared: Floats
    std_error: Floats
    p_value: Floats
    observations: Int32s
    fitted: Bools

    @classmethod
    def blank(cls, shape: tuple[int, ...]) -> OlsFit:
        """Return a fit with no cell fitted and no observations.

        Args:
            shape: of all arrays of the fit.
        """
        a, b, c, d, e = (np.full(shape, np.nan) for _ in range(5))
        return cls(a, b, c, d, e, np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.bool_))

    def take(self, at: Any) -> OlsFit:
        """Return the cells that the index `at` selects.

        Args:
            at: an index into the arrays of the fit: integers, booleans, slices, or a tuple of these.
        """
        return OlsFit(*(figures[at] for figures in self))

    def put(self, at: Any, part: OlsFit) -> None:
        """Copy `part` into the cells that the index `at` selects.

        Args:
            at: an index into the arrays of the fit: integers, booleans, slices, or a tuple of these.
            part: a fit of the shape that the index selects.
        """
        for name in self._fields:
            getattr(self, name)[at] = getattr(part, name)

    def reject(self, where: Bools) -> None:
        """Mark cells as not fitted; their observations stay.

        Args:
            where: of the shape of the fit.
        """
        if where.any():
            for figure in (self.slope, self.intercept, self.r_squared, self.std_error, self.p_value):
                figure[where] = np.nan
            self.fitted[where] = False


# --- one line ---------------------------------------------------------------------------------------


class Sums(NamedTuple):
    """Sums that determine a line; arrays that broadcast to one shape.

    Attributes:
        n: observations.
        x_mean: mean of x.
        y_mean: mean of y.
        sxx: sum of (x - x_mean)^2.
        sxy: sum of (x - x_mean)(y - y_mean).
        syy: sum of (y - y_mean)^2.
    """

    n: Int32s
    x_mean: Floats
    y_mean: Floats
    sxx: Floats
    sxy: Floats
    syy: Floats


def _line(sums: Sums, slope: Floats, ssr: Floats) -> tuple[OlsFit, Floats]:
    """Return the figures of lines, and the unexplained share SSR / Syy, n >= 3.

        slope = Sxy / Sxx                      intercept = mean(y) - slope mean(x)
        R^2 = 1 - SSR / Syy                    std_error = sqrt(SSR / (n - 2) / Sxx)
        p = P(|T| >= |slope / std_error|),     T Student's t with n - 2 degrees of freedom

    with t = sqrt(n - 2) tan theta, sin theta = |Sxy| / sqrt(Sxx Syy) and cos^2 theta = SSR / Syy. SSR, the
    sum of squared residuals, is the caller's: see `_from_sums` and `_from_data`. Source: document 02 §2.2;
    the figures of statsmodels' OLS on [1, x].
    """
    unexplained = ssr / sums.syy
    df = sums.n - 2
    sine = np.abs(sums.sxy) / (np.sqrt(sums.sxx) * np.sqrt(sums.syy))
    fit = OlsFit(
        slope=slope,
        intercept=sums.y_mean - slope * sums.x_mean,
        r_squared=1.0 - unexplained,
        std_error=np.sqrt(ssr / np.where(df > 0, df * sums.sxx, np.nan)),
        p_value=tail_of_angle(sine, unexplained, df),
        observations=np.broadcast_to(sums.n, slope.shape).astype(np.int32),
        fitted=np.ones(slope.shape, dtype=np.bool_),
    )
    return fit, unexplained


def _from_sums(sums: Sums) -> tuple[OlsFit, Bools]:
    """Return lines with SSR = Syy - slope Sxy, and the cells where that has too few digits left.

    Such cells (constants, near-perfect fits, means that dwarf the variation) are for `_from_data`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = sums.sxy / sums.sxx
        fit, unexplained = _line(sums, slope, sums.syy - slope * sums.sxy)
        steady = sums.n * sums.y_mean**2 <= LARGEST_MEAN * sums.syy
        sure = steady & (unexplained >= NEAR_PERFECT)
    return fit, ~sure


def _from_data(x: Floats, y: Floats, used: Bools) -> OlsFit:
    """Return lines of the columns of y on those of x by two passes: exact, but slower than `_from_sums`.

    SSR is the sum of the squared residuals themselves. n >= 3 for an error, 2 for a slope. Constant y:
    slope and error 0, R^2 and p NaN. x all 0: the same, but R^2 0. Another constant x, or a value that is
    not finite: not fitted. Source of these cases: statsmodels' OLS on [1, x].

    Args:
        x: [n, c].
        y: [n, c].
        used: [n, c] the rows of each column that count.

    Returns:
        Figures [c].
    """
    n = used.sum(axis=0, dtype=np.int32)
    finite = (np.isfinite(x) & np.isfinite(y) | ~used).all(axis=0)
    used = used & finite
    x_constant, x_mean, dx = masked_centred(x, used)
    y_constant, y_mean, dy = masked_centred(y, used)
    sums = Sums(n, x_mean, y_mean, sum_products(dx, dx), sum_products(dx, dy), sum_products(dy, dy))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = sums.sxy / sums.sxx
        residual = dy - slope * dx
        fit, _ = _line(sums, slope, sum_products(residual, residual))
    flat = (y_constant | x_constant) & (n > 0)
    fit.slope[flat] = fit.std_error[flat] = 0.0
    fit.intercept[flat] = y_mean[flat]
    fit.r_squared[flat] = np.where(y_constant[flat], np.nan, 0.0)
    fit.p_value[flat] = np.nan
    # statsmodels adds no intercept to a constant regressor: its slope on 0 is 0, on another constant the mean
    # of y over that constant, which is not a beta.
    fit.reject(~finite | (n < 2) | (x_constant & (x_mean != 0.0)))
    return fit


# --- returns of pairs of series ---------------------------------------------------------------------


class PairReturns(NamedTuple):
    """Simple returns of S series and of one other series, each pair over the rows that both have.

    Attributes:
        y: [T, S] returns of the series since the row `previous`, NaN where there is none.
        x: [T, S] returns of the other series over the same rows; may be a read-only view.
        previous: int32 [T, S] the pair's previous common row, -1 where the row has no return.
        base_x: [T] returns of the other series over its own rows: those of every pair without gaps.
        base_previous: int32 [T] its previous row, -1 where the row has no return.
    """

    y: Floats
    x: Floats
    previous: Int32s
    base_x: Floats
    base_previous: Int32s


def aligned_returns(y_close: Floats, x_close: Floats) -> PairReturns:
    """Return close_t / close_p - 1 over the rows where both closes are finite.

    p is the pair's previous common row, so that a return may span rows in which one of the two is missing.
    The first common row of a pair has no return.

    Args:
        y_close: [T, S], NaN where there is no close.
        x_close: [T], NaN where there is no close.
    """
    base = np.isfinite(x_close)
    common = np.isfinite(y_close) & base[:, None]
    base_previous = _previous_rows(base[:, None])[:, 0]
    rows = np.flatnonzero(base_previous >= 0)
    y: Floats = np.full(y_close.shape, np.nan)
    base_x: Floats = np.full(x_close.shape, np.nan)
    y[rows] = _simple_returns(y_close[rows], y_close[base_previous[rows]])
    base_x[rows] = _simple_returns(x_close[rows], x_close[base_previous[rows]])
    x = np.broadcast_to(base_x[:, None], y.shape)
    previous = np.repeat(base_previous[:, None], y.shape[1], axis=1)
    gappy = np.flatnonzero((common != base[:, None]).any(axis=0))
    if gappy.size:
        # Columns with gaps are chained anew; the others share the rows of x_close.
        before = _previous_rows(common[:, gappy])
        start, closes = np.maximum(before, 0), y_close[:, gappy]
        y_gappy = _simple_returns(closes, np.take_along_axis(closes, start, axis=0))
        x = x.copy()
        y[:, gappy] = np.where(before >= 0, y_gappy, np.nan)
        x[:, gappy] = np.where(before >= 0, _simple_returns(x_close[:, None], x_close[start]), np.nan)
        previous[:, gappy] = before
    return PairReturns(y, x, previous, base_x, base_previous)


def _previous_rows(common: Bools) -> Int32s:
    """Return the row of [T, c] before each common row; -1 if there is none or the row is not common."""
    rows = np.where(common, np.arange(len(common), dtype=np.int32)[:, None], np.int32(-1))
    previous = np.full_like(rows, -1)
    latest = np.maximum.accumulate(rows, axis=0)[:-1]
    previous[1:] = np.where(common[1:], latest, np.int32(-1))
    return previous


def _simple_returns(close: Floats, before: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(close / before - 1.0)


# --- many windows -----------------------------------------------------------------------------------


def rolling_ols(returns: PairReturns, first: Ints, stop: Ints, min_observations: int) -> OlsFit:
    """Regress each pair's y on its x, with intercept, in each window: the figures of `_line`.

    A window uses the rows t in [first[d], stop[d]) with a return that also starts in the window,
    previous[t, s] >= first[d]; so its first common row gives none.

    A pair whose rows in a window are those of pairs without gaps takes its sums from one matrix product
    for a group of windows: rows outside a window have weight 0, which is exact. Other cells take five such
    products. Cells whose sums have too few digits left are computed from the data.

    Args:
        returns: S pairs over T rows.
        first: [D] first row of each window.
        stop: [D] row after the last of each window.
        min_observations: returns (>= 3) below which a cell is not fitted.

    Returns:
        Figures [D, S].
    """
    fit = OlsFit.blank((len(first), returns.y.shape[1]))
    if returns.y.size == 0 or len(first) == 0:
        return fit
    shared, differs = _shared_rows(returns, first, stop)
    np.copyto(fit.observations, shared.n[:, None])
    doubtful = _fit_shared(fit, returns.y, shared, min_observations)
    _fit_gappy(fit, returns, shared, differs, first, stop, doubtful)
    # Only cells that stay are worth the slower way.
    short = fit.observations < min_observations
    _refit(fit, returns, first, stop, doubtful & ~short)
    fit.reject(short)
    return fit


def _refit(fit: OlsFit, returns: PairReturns, first: Ints, stop: Ints, cells: Bools) -> None:
    """Fit the cells [D, S] from the data, a block at a time, each in a column of its own."""
    numbers = np.flatnonzero(cells)
    for left in range(0, numbers.size, BLOCK):
        date, pair = np.unravel_index(pad_indices(numbers[left : left + BLOCK]), cells.shape)
        rows = first[date] + np.arange(int((stop - first)[date].max()))[:, None]
        inside = rows < stop[date]
        rows = np.where(inside, rows, 0)
        used = inside & (returns.previous[rows, pair] >= first[date])
        fit.put((date, pair), _from_data(returns.x[rows, pair], returns.y[rows, pair], used))


# Pairs without gaps in a window: one matrix product for a group of windows.


class _SharedRows(NamedTuple):
    """The rows and the regressor that all pairs without gaps share.

    Attributes:
        rows: [R] the rows with a return.
        x: [R] the regressor in them, finite.
        first: [D] window d is rows[first[d]:stop[d]].
        stop: [D].
    """

    rows: Ints
    x: Floats
    first: Ints
    stop: Ints

    @property
    def n(self) -> Int32s:
        """Observations of each window, [D]."""
        return (self.stop - self.first).astype(np.int32)


def _shared_rows(returns: PairReturns, first: Ints, stop: Ints) -> tuple[_SharedRows, Bools]:
    """Return the rows of pairs without gaps, and where [T, S] a pair differs or is not finite.

    They follow from the regressor alone: a pair's figures do not depend on which other pairs there are.
    """
    has_return = returns.previous >= 0
    previous = returns.base_previous
    rows = np.flatnonzero(previous >= 0)
    x = returns.base_x[rows]
    end = np.searchsorted(rows, stop)
    start = np.minimum(np.searchsorted(previous[rows], first), end)
    with np.errstate(invalid="ignore"):
        broken = has_return & ~np.isfinite(returns.y + returns.x)
    shared = _SharedRows(rows, np.where(np.isfinite(x), x, 0.0), start, end)
    return shared, (returns.previous != previous[:, None]) | broken


def _fit_shared(fit: OlsFit, y: Floats, shared: _SharedRows, min_observations: int) -> Bools:
    """Fit every column over the shared rows of every window; return the doubtful cells [D, S]."""
    doubtful = np.zeros(fit.slope.shape, dtype=np.bool_)
    dates = np.flatnonzero(shared.n >= min_observations)
    for left in range(0, y.shape[1], BLOCK):
        columns = slice(left, min(left + BLOCK, y.shape[1]))
        values = pad_columns(y[shared.rows, columns])
        np.copyto(values, 0.0, where=~np.isfinite(values))
        squares = values * values
        for group in row_groups(dates):
            part, unsure = _from_sums(_shared_sums(values, squares, shared, group, columns.stop - left))
            # A slice where the windows are consecutive: copying through one is several times faster.
            at = slice(group[0], group[-1] + 1) if (np.diff(group) == 1).all() else group
            doubtful[at, columns] = unsure
            fit.put((at, columns), part)
    return doubtful


def _shared_sums(values: Floats, squares: Floats, shared: _SharedRows, group: Ints, width: int) -> Sums:
    """Return the sums [B, width] of a group of windows for the first `width` columns of values [R, c].

    Sxy = sum (x - mean(x)) y needs no centred y; Syy = sum y^2 - n mean(y)^2.
    """
    first, stop = shared.first[group], shared.stop[group]
    low, high = int(first.min()), int(stop.max())
    rows = np.arange(low, high)[:, None]
    inside = (rows >= first) & (rows < stop)
    _, x_mean, deviation = masked_centred(shared.x[low:high, None], inside)
    n = (stop - first).astype(np.int32)[:, None]
    weights = np.concatenate((inside.T.astype(np.float64), deviation.T))
    totals = (weights @ values[low:high])[:, :width]
    y_mean = totals[: len(group)] / n
    return Sums(
        n=n,
        x_mean=x_mean[:, None],
        y_mean=y_mean,
        sxx=(deviation * deviation).sum(axis=0)[:, None],
        sxy=totals[len(group) :],
        syy=(weights[: len(group)] @ squares[low:high])[:, :width] - n * y_mean * y_mean,
    )


# Pairs with gaps in a window: rows and regressor of their own, five matrix products.


class _Gappy(NamedTuple):
    """Columns with gaps: y, x [T, c] returns, 0 where there is none; broken [c] has one that is not finite.

    n: int32 [D, c] observations. y_edge, x_edge: [D, c] the first return in a window's rows if that starts
    before the window, else 0.
    """

    y: Floats
    x: Floats
    broken: Bools
    n: Int32s
    y_edge: Floats
    x_edge: Floats


def _gappy(returns: PairReturns, columns: Ints, first: Ints, stop: Ints) -> _Gappy:
    """Take the given columns of the returns."""
    previous = returns.previous[:, columns]
    has_return = previous >= 0
    y, x = (np.ascontiguousarray(values[:, columns]) for values in (returns.y, returns.x))
    finite = np.isfinite(y) & np.isfinite(x)
    y, x = np.where(finite, y, 0.0), np.where(finite, x, 0.0)
    last = len(previous) - 1
    following = np.where(has_return, np.arange(last + 1)[:, None], last)
    following = np.minimum.accumulate(following[::-1], axis=0)[::-1]
    edge = following[np.minimum(first, last)]
    outside = (edge < stop[:, None]) & (np.take_along_axis(previous, edge, axis=0) < first[:, None])
    outside &= np.take_along_axis(has_return, edge, axis=0)
    y_edge, x_edge = (np.where(outside, np.take_along_axis(v, edge, axis=0), 0.0) for v in (y, x))
    broken = np.asarray((has_return & ~finite).any(axis=0))
    return _Gappy(y, x, broken, count_in_windows(has_return, first, stop) - outside, y_edge, x_edge)


def _fit_gappy(
    fit: OlsFit,
    returns: PairReturns,
    shared: _SharedRows,
    differs: Bools,
    first: Ints,
    stop: Ints,
    doubtful: Bools,
) -> None:
    """Fit the cells whose rows are not the shared ones, over their own rows; mark the doubtful ones."""
    columns = np.flatnonzero(differs.any(axis=0))
    if columns.size == 0:
        return
    gappy = _gappy(returns, columns, first, stop)
    # From the first shared return on, equal "previous" rows and an equal count mean equal rows.
    start = np.append(shared.rows, len(differs))[shared.first]
    differences = count_in_windows(differs[:, columns], np.minimum(start, stop), stop)
    cells = (differences > 0) | (gappy.n != shared.n[:, None])
    fit.observations[:, columns] = gappy.n
    doubtful[:, columns] &= ~cells
    for group in row_groups(np.flatnonzero(cells.any(axis=1))):
        wanted = np.flatnonzero(cells[group].any(axis=0))
        for left in range(0, wanted.size, GAPPY_BLOCK):
            chosen = pad_indices(wanted[left : left + GAPPY_BLOCK])
            sums, unsteady = _gappy_sums(gappy, chosen, first, stop, group)
            part, unsure = _from_sums(sums)
            date, column = np.nonzero(cells[np.ix_(group, chosen)])
            at = group[date], columns[chosen[column]]
            doubtful[at] = (unsure | unsteady | gappy.broken[chosen])[date, column]
            fit.put(at, part.take((date, column)))


def _gappy_sums(gappy: _Gappy, chosen: Ints, first: Ints, stop: Ints, group: Ints) -> tuple[Sums, Bools]:
    """Return the sums [B, c] of a group of windows of the chosen columns, and where they lost digits.

    They run over all returns in a window's rows, less the return at its edge, which starts outside.
    """
    low, high = int(first[group].min()), int(stop[group].max())
    rows = np.arange(low, high)
    inside = ((rows >= first[group, None]) & (rows < stop[group, None])).astype(np.float64)
    x, y = (np.ascontiguousarray(values[low:high, chosen]) for values in (gappy.x, gappy.y))
    cells = np.ix_(group, chosen)
    n, x_edge, y_edge = gappy.n[cells], gappy.x_edge[cells], gappy.y_edge[cells]
    with np.errstate(divide="ignore", invalid="ignore"):
        x_mean = (inside @ x - x_edge) / n
        y_mean = (inside @ y - y_edge) / n
        sxx = inside @ (x * x) - x_edge * x_edge - n * x_mean * x_mean
        sxy = inside @ (x * y) - x_edge * y_edge - n * x_mean * y_mean
        syy = inside @ (y * y) - y_edge * y_edge - n * y_mean * y_mean
        steady = n * x_mean * x_mean + x_edge * x_edge <= LARGEST_MEAN * sxx
        steady &= y_edge * y_edge <= LARGEST_MEAN * syy
    return Sums(n, x_mean, y_mean, sxx, sxy, syy), ~steady
