"""Realised volatility of many windows of the same return series, with its forecast, trend and percentile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.numerics.arrays import (
    Bools,
    Floats,
    Int32s,
    Ints,
    centred,
    pad_columns,
    pad_indices,
    sum_products,
)
from engine.numerics.forecasts import mean_reverting_variances
from engine.numerics.har import LEAD, LONG, SHORT, HarFit, har_from_rows, har_from_sums, r_squared

ANNUAL = float(np.sqrt(252.0))
"""Annualises a daily standard deviation."""

QUARTER = 63
MIN_OBSERVATIONS = 63
MIN_FOR_PERCENTILE = 252
TREND_POINTS = 21
"""All in rows."""

LARGEST_MEAN = 10.0
"""Above this n mean^2 / S, S = sum r^2 - n mean^2 has lost more than one digit."""

SAME = 1e-12
"""Relative to M, at least to 1: two values that are nearer are of the same returns, summed in another order.
A book that is long and short the same shares has a volatility of 0 but for rounding."""

BLOCK_COLUMNS = 128
"""Series at a time, so that their rolling figures stay in the cache."""

BLOCK_WINDOWS = 512
"""Windows of percentiles and of mean-reverting forecasts at a time, the same."""


class WindowVolatility(NamedTuple):
    """Figures of w windows of m series: float64 [w, m], volatilities annualised, NaN under 63 returns.

    Attributes:
        realized_21: from the last 21 returns.
        realized_63: from the last 63 returns.
        daily, weekly: components D and W of the last row; the monthly one is realized_21.
        forecast: of the next daily component, or of the volatility of the next 21 returns.
        forecast_r_squared: of the regression that the former comes from, else NaN.
        trend_slope: change of M a row.
        trend_strength: R^2 of the trend, in [0, 1].
        percentile: in [0, 1); NaN under 252 returns.
        n: int32, returns in each window.
    """

    realized_21: Floats
    realized_63: Floats
    daily: Floats
    weekly: Floats
    forecast: Floats
    forecast_r_squared: Floats
    trend_slope: Floats
    trend_strength: Floats
    percentile: Floats
    n: Int32s

    @classmethod
    def blank(cls, start: Ints, stop: Ints) -> WindowVolatility:
        """Return no figures, only the lengths of the windows [start, stop).

        Args:
            start: [w, m] first row of each window.
            stop: [w, m] row after the last of each window; one that is not above `start` makes a window of
                length 0.
        """
        figures = {name: np.full(start.shape, np.nan) for name in cls._fields if name != "n"}
        return cls(**figures, n=np.maximum(stop - start, 0).astype(np.int32))

    @property
    def computed(self) -> Bools:
        """Return whether a window has figures, [w, m]."""
        return np.asarray(self.n >= MIN_OBSERVATIONS)


class OwnReturns(NamedTuple):
    """Returns of S series with gaps, each since its own previous close.

    Attributes:
        returns: [T-1, S]; row i of a series leads from its close i to its close i + 1, counted without
            its gaps; 0 after its last.
        before: [T+1, S] closes of a series before each row of the panel.
    """

    returns: Floats
    before: Ints

    def windows(self, first: Ints, stop: Ints) -> tuple[Ints, Ints]:
        """Return the rows of `returns` that lie in windows of the panel.

        Args:
            first: [D] first row of each window.
            stop: [D] row after the last of each window.

        Returns:
            Rows [start, end) of `returns`: [D, S] each.
        """
        start, end = self.before[first], self.before[stop] - 1
        return start, np.maximum(start, end)


def own_returns(close: Floats) -> OwnReturns:
    """Return the simple returns of each column of closes without its gaps.

    Args:
        close: [T, S], NaN where there is none.
    """
    finite = np.isfinite(close)
    before = np.zeros((len(close) + 1, close.shape[1]), dtype=np.int64)
    np.cumsum(finite, axis=0, out=before[1:])
    dense = np.zeros(close.shape)
    row, column = np.nonzero(finite)
    dense[before[row, column], column] = close[row, column]
    returns = np.zeros((max(len(close) - 1, 0), close.shape[1]))
    np.divide(dense[1:], dense[:-1], out=returns, where=dense[1:] > 0.0)
    np.subtract(returns, 1.0, out=returns, where=dense[1:] > 0.0)
    return OwnReturns(returns, before)


def rolling_volatility(
    returns: Floats, start: Ints, stop: Ints, *, reverting: bool = False, ranked: Ints | None = None
) -> WindowVolatility:
    """Return the volatility figures of the rows [start, stop) of each series, for w windows of each.

        D_t = |r_t| A        W_t = sd(r_{t-4..t}) A        M_t = sd(r_{t-20..t}) A

    A = sqrt(252), sd the sample standard deviation (ddof 1). daily, weekly and realized_21 are D, W and M
    of the window's last row, realized_63 = sd(last 63 returns) A. The forecast is `engine.numerics.har`'s, or
    A times the root of the variance of `engine.numerics.forecasts.mean_reverting_variances`.
    The trend is the least-squares line through the last 21 values of M. The percentile is the share of all
    n - 20 values of M in the window that are strictly below the last.

    D, W, M and the deviation of 63 returns are computed once a row; windows differ in which rows they read.
    A series' figures do not depend on the others, to the bit.

    Args:
        returns: [T, m], oldest row first, finite.
        start: [w, m] first row of each window.
        stop: [w, m] row after the last of each window.
        reverting: whether the forecast is the mean-reverting one.
        ranked: [w, m] first row of the longer window whose last 252 returns the percentile is over; None:
            it is over the window itself.
    """
    fit = WindowVolatility.blank(start, stop)
    if len(returns) < MIN_OBSERVATIONS:
        return fit
    for left in range(0, returns.shape[1], BLOCK_COLUMNS):
        columns = slice(left, min(left + BLOCK_COLUMNS, returns.shape[1]))
        row, column = np.nonzero(fit.computed[:, columns])
        if row.size:
            at = row, left + column
            windows = _Windows(column, start[at], stop[at])
            longer = windows if ranked is None else _last_year(_Windows(column, ranked[at], stop[at]))
            _fill(fit, at, pad_columns(returns[:, columns]), windows, longer, reverting)
    return fit


class _Windows(NamedTuple):
    """Windows [c]: rows [start, stop) of a column."""

    column: Ints
    start: Ints
    stop: Ints

    def take(self, chosen: Bools | Ints) -> _Windows:
        return _Windows(self.column[chosen], self.start[chosen], self.stop[chosen])

    def rows(self, values: Floats, first: Ints, count: int) -> Floats:
        """Return `count` rows of each window's column from `first` on, [count, c], c padded."""
        return pad_columns(values[np.arange(count)[:, None] + first, self.column])


def _last_year(windows: _Windows) -> _Windows:
    """Return the last 252 rows of each window, and shorter windows as they are."""
    return windows._replace(start=np.maximum(windows.start, windows.stop - MIN_FOR_PERCENTILE))


def _fill(
    fit: WindowVolatility,
    at: tuple[Ints, Ints],
    returns: Floats,
    windows: _Windows,
    ranked: _Windows,
    reverting: bool,
) -> None:
    """Put the figures of a block of columns into the cells of its windows."""
    weekly, monthly = (deviation * ANNUAL for deviation in rolling_std(returns))
    quarterly = rolling_std_of_quarter(returns)
    daily = np.abs(returns) * ANNUAL
    last, column = windows.stop - 1, windows.column
    fit.daily[at] = daily[last, column]
    fit.weekly[at] = weekly[last - (SHORT - 1), column]
    fit.realized_21[at] = monthly[last - LEAD, column]
    fit.realized_63[at] = quarterly[last - (QUARTER - 1), column] * ANNUAL
    # The trend needs 21 values of M, so 41 returns: a window of 63 has them.
    trailing = windows.rows(monthly, windows.stop - LEAD - TREND_POINTS, TREND_POINTS)
    slope, strength = (figure[: last.size] for figure in _trend(trailing))
    fit.trend_slope[at], fit.trend_strength[at] = slope, np.minimum(np.abs(strength), 1.0)
    fit.percentile[at] = _percentiles(monthly, ranked)
    if reverting:
        fit.forecast[at] = np.sqrt(_reverting_variances(returns * returns, windows)) * ANNUAL
        return
    components = (daily[LEAD:], weekly[LONG - SHORT :], monthly)
    har = har_from_sums(components, column, windows.start, windows.stop)
    _redo(har, returns, windows)
    fit.forecast[at], fit.forecast_r_squared[at] = har.forecast, har.r_squared


def _trend(values: Floats) -> tuple[Floats, Floats]:
    """Return slopes and R^2 [m] of the least-squares lines of values [p, m] on x = 0..p-1."""
    x = np.arange(len(values)) - (len(values) - 1) / 2
    _, deviation = centred(values)
    slope = np.einsum("i,ij->j", x, deviation) / np.sum(x * x)
    return slope, r_squared(deviation - x[:, None] * slope, deviation)


def _percentiles(monthly: Floats, windows: _Windows) -> Floats:
    """Return the share [c] of a window's values of M that are below its last; NaN for n < 252."""
    share = np.full(windows.column.shape, np.nan)
    n = windows.stop - windows.start
    series = np.ascontiguousarray(monthly.T)
    for length in np.unique(n[n >= MIN_FOR_PERCENTILE]).tolist():
        values_of = sliding_window_view(series, length - LONG + 1, axis=1)
        which = np.flatnonzero(n == length)
        for left in range(0, which.size, BLOCK_WINDOWS):
            block = which[left : left + BLOCK_WINDOWS]
            values = values_of[windows.column[block], windows.start[block]]
            share[block] = (values < least_same(values[:, -1:])).mean(axis=1)
    return share


def least_same(volatility: Floats) -> Floats:
    """Return the least value of M that counts as equal to another: see `SAME`.

    Args:
        volatility: values of M, fractions a year.
    """
    return volatility - SAME * np.maximum(volatility, 1.0)


def _reverting_variances(squares: Floats, windows: _Windows) -> Floats:
    """Return the mean-reverting forecast [c] of the variance from a window's squared returns."""
    variance = np.empty(windows.column.shape)
    size = windows.stop - windows.start
    length = int(size.max())
    above = np.concatenate((np.zeros((length, squares.shape[1])), squares))
    runs = sliding_window_view(np.ascontiguousarray(above.T), length, axis=1)
    for left in range(0, size.size, BLOCK_WINDOWS):
        which = pad_indices(np.arange(left, min(left + BLOCK_WINDOWS, size.size)))
        part, count = windows.take(which), size[which]
        rows = np.ascontiguousarray(runs[part.column, part.stop].T)
        early = np.arange(length - int(count.min()))
        rows[: early.size][early[:, None] < length - count] = 0.0
        variance[which] = mean_reverting_variances(rows, count)
    return variance


def _redo(har: HarFit, returns: Floats, windows: _Windows) -> None:
    """Compute the doubtful forecasts from the windows' own rows."""
    doubtful = np.flatnonzero(har.doubtful)
    n = (windows.stop - windows.start)[doubtful]
    for length in np.unique(n).tolist():
        alike = doubtful[n == length]
        for left in range(0, alike.size, BLOCK_COLUMNS):
            which = alike[left : left + BLOCK_COLUMNS]
            part = windows.take(which)
            rows = part.rows(returns, part.start, length)
            weekly, monthly = (deviation * ANNUAL for deviation in rolling_std(rows))
            again = har_from_rows(np.abs(rows) * ANNUAL, weekly, monthly)
            har.forecast[which] = again.forecast[: which.size]
            har.r_squared[which] = again.r_squared[: which.size]


def rolling_std(returns: Floats) -> tuple[Floats, Floats]:
    """Return sample standard deviations (ddof 1) of each 5 and of each 21 consecutive rows.

    Sums grow by doubling, 5 = 4 + 1 and 21 = 16 + 5, from the window's own rows only: large values before a
    window leave no trace in it, as they would in a running sum. Windows whose mean dwarfs their spread
    are computed from their deviations; windows of equal values are exactly 0.

    Args:
        returns: [n, m], n >= 21, finite.

    Returns:
        [n-4, m] and [n-20, m]; row i is of the window from row i on.
    """
    sums, squares = _window_sums(returns), _window_sums(returns * returns)
    short, long = (
        _std(returns, total, square, width)
        for total, square, width in zip(sums, squares, (SHORT, LONG), strict=True)
    )
    return short, long


def rolling_std_of_quarter(returns: Floats) -> Floats:
    """Return sample standard deviations (ddof 1) of each 63 = 3 x 21 rows.

    Args:
        returns: [n, m], n >= 63, finite.

    Returns:
        [n-62, m].
    """
    total, square = (
        sums[2 * LONG :] + sums[LONG:-LONG] + sums[: -2 * LONG]
        for _, sums in (_window_sums(returns), _window_sums(returns * returns))
    )
    return _std(returns, total, square, QUARTER)


def _window_sums(values: Floats) -> tuple[Floats, Floats]:
    """Return the sums of each 5 and of each 21 consecutive rows: [n-4, m], [n-20, m]."""
    two = values[1:] + values[:-1]
    four = two[2:] + two[:-2]
    five = four[1:] + values[:-4]
    eight = four[4:] + four[:-4]
    sixteen = eight[8:] + eight[:-8]
    return five, sixteen[5:] + five[:-16]


def _std(values: Floats, total: Floats, square: Floats, width: int) -> Floats:
    """Return standard deviations from sums and sums of squares, which it overwrites."""
    # In place: these are the largest arrays of the job.
    level = total * total
    level /= width
    spread = square
    spread -= level
    unsteady = level > LARGEST_MEAN * spread
    if unsteady.any():
        row, column = np.nonzero(unsteady)
        windows = sliding_window_view(values, width, axis=0)[row, column]
        # Padded: the sums of a single column run another way, with other last bits.
        _, deviations = centred(pad_columns(windows.T))
        spread[unsteady] = sum_products(deviations, deviations)[: row.size]
    spread /= width - 1
    return np.sqrt(spread, out=spread)
