"""Volatility figures of many windows of the same series, from figures computed once a row."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engine.numerics.arrays import Bools, Floats, Int32s, Ints
from engine.numerics.har_forecast import LEAD, har_of_windows
from engine.numerics.padded_products import pad_columns
from engine.numerics.rolling_std import LONG, QUARTER, SHORT, rolling_std, rolling_std_of_quarter
from engine.numerics.volatility import (
    ANNUAL,
    BLOCK_COLUMNS,
    MIN_FOR_PERCENTILE,
    MIN_OBSERVATIONS,
    TREND_POINTS,
    percentile,
    trend,
    volatility,
)


@dataclass(frozen=True, slots=True)
class WindowVolatility:
    """Figures of w windows of m series; float64 [w,m], as in `VolatilityFit`, NaN under 63 returns.

    n: int32 [w,m], returns in each window.
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
        """No figures; only the windows' lengths."""
        figures = {field.name: np.full(start.shape, np.nan) for field in fields(cls) if field.name != "n"}
        return cls(**figures, n=np.maximum(stop - start, 0).astype(np.int32))

    @property
    def known(self) -> Bools:
        """[w,m]: whether a window has figures."""
        return np.asarray(self.n >= MIN_OBSERVATIONS)


def rolling_volatility(returns: Floats, start: Ints, stop: Ints) -> WindowVolatility:
    """`volatility` of the rows [start, stop) of each column, for w windows of each.

    returns: [T,m], oldest row first, finite; start, stop: [w,m]. What a row says of itself (D, W, M and
    the deviation of 63 returns) is computed once; windows then differ in which rows they read. Forecasts
    come from running sums, `har_of_windows`; where those hold too few digits, and for windows of equal
    returns, from the window's own rows. A column's figures don't depend on the others, to the bit.
    """
    fit = WindowVolatility.blank(start, stop)
    if len(returns) < MIN_OBSERVATIONS:
        return fit
    for left in range(0, returns.shape[1], BLOCK_COLUMNS):
        columns = slice(left, min(left + BLOCK_COLUMNS, returns.shape[1]))
        row, column = np.nonzero(fit.known[:, columns])
        if row.size:
            cells = _Cells(column, start[row, left + column], stop[row, left + column])
            _fill(fit, (row, left + column), pad_columns(returns[:, columns]), cells)
    return fit


@dataclass(frozen=True, slots=True)
class _Cells:
    """Windows [c]: rows [start, stop) of a column."""

    column: Ints
    start: Ints
    stop: Ints

    def at(self, chosen: Bools | Ints) -> _Cells:
        return _Cells(self.column[chosen], self.start[chosen], self.stop[chosen])

    def rows(self, values: Floats, first: Ints, count: int) -> Floats:
        """`count` rows of each window's column from `first` on: [count,c], c filled up to whole groups."""
        return pad_columns(values[np.arange(count)[:, None] + first, self.column])


def _fill(fit: WindowVolatility, at: tuple[Ints, Ints], returns: Floats, cells: _Cells) -> None:
    """Put the figures of a block of columns where its windows stand."""
    weekly, monthly = (deviation * ANNUAL for deviation in rolling_std(returns))
    quarterly = rolling_std_of_quarter(returns)
    daily = np.abs(returns) * ANNUAL
    last, column = cells.stop - 1, cells.column
    fit.daily[at] = daily[last, column]
    fit.weekly[at] = weekly[last - (SHORT - 1), column]
    fit.realized_21[at] = monthly[last - LEAD, column]
    fit.realized_63[at] = quarterly[last - (QUARTER - 1), column] * ANNUAL
    trailing = cells.rows(monthly, cells.stop - LEAD - TREND_POINTS, TREND_POINTS)
    slope, r_squared = (figure[: last.size] for figure in trend(trailing))
    fit.trend_slope[at] = slope
    fit.trend_strength[at] = np.minimum(np.abs(r_squared), 1.0)
    fit.percentile[at] = _percentiles(monthly, cells)
    forecast, explained, unsure = har_of_windows(
        (daily[LEAD:], weekly[LEAD - SHORT + 1 :], monthly), column, cells.start, cells.stop
    )
    _redo(returns, cells.at(unsure), forecast, explained, np.flatnonzero(unsure))
    fit.forecast[at], fit.forecast_r_squared[at] = forecast, explained


def _percentiles(monthly: Floats, cells: _Cells) -> Floats:
    share = np.full(cells.column.shape, np.nan)
    n = cells.stop - cells.start
    for length in np.unique(n[n >= MIN_FOR_PERCENTILE]).tolist():
        which = np.flatnonzero(n == length)
        part = cells.at(which)
        values = part.rows(monthly, part.start, length - LONG + 1)
        share[which] = percentile(values, length)[: which.size]
    return share


def _redo(returns: Floats, cells: _Cells, forecast: Floats, r_squared: Floats, where: Ints) -> None:
    """Forecasts of the given windows from their own rows."""
    n = cells.stop - cells.start
    for length in np.unique(n).tolist():
        which = np.flatnonzero(n == length)
        part = cells.at(which)
        alone = volatility(part.rows(returns, part.start, length))
        forecast[where[which]] = alone.forecast[: which.size]
        r_squared[where[which]] = alone.forecast_r_squared[: which.size]
