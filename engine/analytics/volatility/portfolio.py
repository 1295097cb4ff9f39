"""A portfolio's own volatility: the series of its symbols with each session's weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from engine.analytics.positions.lots import Lots
from engine.analytics.price_panel import Panel
from engine.core.job_catalog import VOLATILITY
from engine.numerics.arrays import COLUMN_GROUP, ROW_GROUP, Floats, Ints, round_up
from engine.numerics.volatility import WindowVolatility, rolling_volatility

PORTFOLIOS_AT_A_TIME = 16
"""Their series are held together: 16 x 121 sessions x 252 returns are 4 MB."""

SMALLEST_TOTAL = 1e-6
"""USD: a smaller sum of entry values, of 8 decimals each, is a rounded nothing."""


def weights(lots: Lots, portfolios: int) -> Floats:
    """Each lot's weight in its portfolio of each session, [N,D]; NaN where the portfolio has none.

        T = sum of signed market values; where that is 0, of quantity x entry price
        weight = market value / T, or quantity x entry price / T where it has no value or 0

    T nets shorts and counts unpriced lots. Every lot of a symbol has its own weight: the legacy
    batch gave all of them that of whichever came last [V3]. Market values add up exactly, in cents.
    Source: document 03 §1.7.

    Args:
        lots: the lots that count, sorted by portfolio.
        portfolios: how many there are.
    """
    owner = lots.frame["portfolio"].to_numpy()
    entry = lots.frame["entry_value"].to_numpy()
    value = np.nan_to_num(lots.stored)
    cents = np.zeros((len(owner) + 1, value.shape[1]), dtype=np.int64)
    np.cumsum(np.rint(value * 100.0).astype(np.int64), axis=0, out=cents[1:])
    ends = np.searchsorted(owner, np.arange(portfolios + 1))
    market = (cents[ends[1:]] - cents[ends[:-1]]) / 100.0
    cost = np.bincount(owner, entry, minlength=portfolios)
    cost[np.abs(cost) < SMALLEST_TOTAL] = 0.0
    total = np.where(market != 0.0, market, cost[:, None])
    total[total == 0.0] = np.nan
    return np.asarray(np.where(value != 0.0, value, entry[:, None]) / total[owner])


def portfolio_volatility(lots: Lots, column: Ints, panel: Panel, portfolios: int) -> WindowVolatility:
    """Figures of each portfolio's series in each session, [P,D].

    A session's series is the sum of weight x simple return over the lots whose symbol has a close in
    the 365 days before it, on the dates that have a return for all of them. At least 63 returns.
    Source: document 03 §1.7.

    Args:
        lots: [N] the lots that count, sorted by portfolio and id.
        column: [N] their symbols' columns in the panel, -1 where it has none.
    """
    first, stop = panel.bounds(VOLATILITY.look_back)
    weight = weights(lots, portfolios)
    ends = np.searchsorted(lots.frame["portfolio"].to_numpy(), np.arange(portfolios + 1))
    rows = int((stop - first).max(initial=1)) - 1
    empty = np.zeros((portfolios, len(first)), dtype=np.int64)
    fit = WindowVolatility.blank(empty, empty)
    for low in range(0, portfolios, PORTFOLIOS_AT_A_TIME):
        high = min(low + PORTFOLIOS_AT_A_TIME, portfolios)
        tails = Tails.blank(rows, (high - low) * len(first))
        for portfolio in range(low, high):
            mine = np.arange(ends[portfolio], ends[portfolio + 1])
            mine = mine[(column[mine] >= 0) & ~np.isnan(weight[mine]).all(axis=1)]
            for series in _series(panel.close[:, column[mine]], weight[mine], first, stop):
                tails.put((portfolio - low) * len(first), series)
        _copy(fit, slice(low, high), tails.volatility())
    return fit


@dataclass(frozen=True, slots=True)
class Series:
    """Return series of some sessions: values [K,d] of sessions [d], rows [start, stop) [d] of each."""

    sessions: Ints
    values: Floats
    start: Ints
    stop: Ints


@dataclass(frozen=True, slots=True)
class Tails:
    """Series of different lengths side by side: the last n rows of values [L,C], n [C]."""

    values: Floats
    n: Ints

    @classmethod
    def blank(cls, rows: int, columns: int) -> Tails:
        """No series yet."""
        return cls(np.zeros((rows, columns)), np.zeros(columns, dtype=np.int64))

    def put(self, offset: int, series: Series) -> None:
        """Put each series where its session stands, from the column `offset` on."""
        length = len(self.values)
        lengthened = np.concatenate((np.zeros((length, series.values.shape[1])), series.values))
        rows = np.arange(length)[:, None] + series.stop
        self.values[:, offset + series.sessions] = lengthened[rows, np.arange(rows.shape[1])]
        self.n[offset + series.sessions] = series.stop - series.start

    def volatility(self) -> WindowVolatility:
        """Figures of each series, [1,C]."""
        stop = np.full((1, self.n.size), len(self.values))
        return rolling_volatility(self.values, stop - self.n, stop)


def _copy(fit: WindowVolatility, portfolios: slice, part: WindowVolatility) -> None:
    for field in fields(WindowVolatility):
        target = getattr(fit, field.name)[portfolios]
        target[...] = getattr(part, field.name).reshape(target.shape)


def _series(close: Floats, weight: Floats, first: Ints, stop: Ints) -> Iterator[Series]:
    """A portfolio's series, for each set of lots that are priced in the same sessions.

    close: [T,m] a column for each lot; weight: [m,D].
    """
    if close.shape[1] == 0:
        return
    finite = np.isfinite(close)
    before = np.zeros((len(close) + 1, close.shape[1]), dtype=np.int64)
    np.cumsum(finite, axis=0, out=before[1:])
    priced = before[stop] > before[first]
    if (priced == priced[:1]).all():
        sets, member = priced[:1], np.zeros(len(priced), dtype=np.int64)
    else:
        sets, member = np.unique(priced, axis=0, return_inverse=True)
    for number, lots in enumerate(sets):
        sessions = np.flatnonzero((member == number) & ~np.isnan(weight[0]))
        row, previous = _common_returns(finite[:, lots])
        if sessions.size and row.size:
            values = _weighted(close[:, lots], weight[np.ix_(lots, sessions)], row, previous)
            end = np.searchsorted(row, stop[sessions])
            start = np.minimum(np.searchsorted(previous, first[sessions]), end)
            yield Series(sessions, values, start, end)


def _common_returns(finite: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Rows [K] on which every column has a close, as it has on the row before that any has: and those."""
    rows = np.flatnonzero(finite.any(axis=1))
    complete: NDArray[np.bool_] = np.asarray(finite[rows].all(axis=1))
    both = complete[1:] & complete[:-1]
    return rows[1:][both], rows[:-1][both]


def _weighted(close: Floats, weight: Floats, row: Ints, previous: Ints) -> Floats:
    """Sums over lots, in their order, of weight [m,d] x return [K,m]: [K,d].

    Operands are filled up to whole groups, so that BLAS's last bits don't depend on how it shares them out.
    """
    lots, sessions = weight.shape
    returns = np.zeros((round_up(len(row), ROW_GROUP), lots))
    returns[: len(row)] = close[row] / close[previous] - 1.0
    padded = np.zeros((lots, round_up(sessions, COLUMN_GROUP)))
    padded[:, :sessions] = weight
    return np.asarray((returns @ padded)[: len(row), :sessions])
