"""A portfolio's own volatility: the return series of its symbols, weighted as in each session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.analytics.panels import OpenPositions, PortfolioSums, PricePanel
from engine.core.job_catalog import PERCENTILE_LOOK_BACK, VOLATILITY
from engine.core.rules import Alignment, Rules
from engine.numerics.arrays import COLUMN_GROUP, ROW_GROUP, Bools, Floats, Ints, round_up
from engine.numerics.tails import Tails, lower_tails
from engine.numerics.volatility import (
    MIN_FOR_PERCENTILE,
    MIN_OBSERVATIONS,
    WindowVolatility,
    rolling_volatility,
)

PORTFOLIOS_AT_A_TIME = 16
"""Their series are held together: 16 x 121 sessions x 252 returns are 4 MB."""

SMALLEST_TOTAL = 1e-6
"""USD: a smaller sum of entry values, of 8 decimals each, is 0 but for rounding."""


def net_weights(positions: OpenPositions, portfolios: int) -> Floats:
    """Return each position's weight in its portfolio, [N, D]; NaN where the portfolio has none.

        T = sum of signed market values; where that is 0, of quantity x entry price
        weight = market value / T, or quantity x entry price / T where it has no value or 0

    T nets shorts and counts unpriced positions. Every position of a symbol has its own weight: the legacy
    batch gave all of them that of whichever came last [V3]. Market values add up exactly, in cents.
    Source: document 03 §1.7.

    Args:
        positions: the N that count, sorted by portfolio.
        portfolios: P.
    """
    owner = positions.owner
    own = positions.cost
    entry = positions.frame["entry_value"].to_numpy()[:, None] if own is None else own
    # A null market value counts as 0 in the total, as the legacy batch adds it.
    value = np.nan_to_num(positions.stored)
    cents = np.zeros((len(owner) + 1, value.shape[1]), dtype=np.int64)
    np.cumsum(np.rint(value * 100.0).astype(np.int64), axis=0, out=cents[1:])
    ends = np.searchsorted(owner, np.arange(portfolios + 1))
    market = (cents[ends[1:]] - cents[ends[:-1]]) / 100.0
    cost = PortfolioSums(owner, portfolios).sum(entry.T).T
    cost[np.abs(cost) < SMALLEST_TOTAL] = 0.0
    total = np.where(market != 0.0, market, cost)
    total[total == 0.0] = np.nan
    return np.asarray(np.where(value != 0.0, value, entry) / total[owner])


def equity_weights(positions: OpenPositions, equity: Floats) -> Floats:
    """Return each position's stored market value over equity, [N, D]; NaN without a value or equity above 0.

    Cash and positions without a value have no part in the volatility, so the weights do not add up to 1.

    Args:
        positions: the N that count.
        equity: [P, D] USD, as stored.
    """
    own = equity[positions.owner]
    return np.asarray(positions.stored / np.where(own > 0, own, np.nan))


def portfolio_volatility(
    weight: Floats, owner: Ints, column: Ints, panel: PricePanel, portfolios: int, rules: Rules
) -> OwnSeries:
    """Return the figures of each portfolio's own return series in each session.

        R_t = sum_i w_i r_it,  r_it = close_it / close_ip - 1

    over the positions i whose symbol has a close in the 365 calendar days before the session, with the
    session's weights w, on the dates t on which all of them have a return; at least 63 of them. By
    alignment=common over the positions whose symbol has 63 returns, between the dates on which all of these
    have a close: a young listing is left out, and a gap costs a date and no return. Source: document 03 §1.7.

    Args:
        weight: [N, D] weights, `net_weights` or `equity_weights`; NaN where a position does not count.
        owner: [N] the portfolio of each position, ascending.
        column: [N] the panel's column of each position, -1 for a symbol without any close.
        panel: closes of T sessions.
        portfolios: P.
        rules: alignment, volatility_forecast and percentile_window; by 400_days the series have tails, too.

    Returns:
        Figures [P, D].
    """
    first, stop = panel.bounds(VOLATILITY.look_back)
    ranked, _ = panel.bounds(PERCENTILE_LOOK_BACK) if rules.percentile_window == "400_days" else (first, stop)
    ends = np.searchsorted(owner, np.arange(portfolios + 1))
    rows = int((stop - ranked).max(initial=1)) - 1
    empty = np.zeros((portfolios, len(first)), dtype=np.int64)
    fit = WindowVolatility.blank(empty, empty)
    tails = Tails.blank(empty.shape) if rules.percentile_window == "400_days" else None
    # Stacked, the series of several portfolios share one call of the kernel.
    for low in range(0, portfolios, PORTFOLIOS_AT_A_TIME):
        high = min(low + PORTFOLIOS_AT_A_TIME, portfolios)
        stacked = StackedSeries.blank(rows, (high - low) * len(first))
        for portfolio in range(low, high):
            own = np.arange(ends[portfolio], ends[portfolio + 1])
            own = own[(column[own] >= 0) & ~np.isnan(weight[own]).all(axis=1)]
            bounds = first, ranked, stop
            for series in _series(panel.close[:, column[own]], weight[own], *bounds, rules.alignment):
                stacked.put((portfolio - low) * len(first), series)
        _copy(fit, slice(low, high), stacked.volatility(rules))
        if tails is not None:
            tails.put(slice(low, high), stacked.tails())
    return OwnSeries(fit, tails)


class OwnSeries(NamedTuple):
    """Figures of the portfolios' own return series.

    Attributes:
        volatility: [P, D].
        tails: [P, D]; None where the rules ask for none.
    """

    volatility: WindowVolatility
    tails: Tails | None


class PortfolioSeries(NamedTuple):
    """Return series of d sessions of one portfolio.

    Attributes:
        sessions: [d] the sessions.
        values: [K, d] their series.
        start, stop: [d] the rows [start, stop) that lie in each session's look-back.
        ranked: [d] the first row of the percentile's look-back.
    """

    sessions: Ints
    values: Floats
    start: Ints
    stop: Ints
    ranked: Ints


class StackedSeries(NamedTuple):
    """Series of different lengths as columns of one matrix, each at the end of its column.

    Attributes:
        values: [L, C] the series.
        n: [C] their lengths.
        ranked: [C] their lengths in the percentile's look-back.
    """

    values: Floats
    n: Ints
    ranked: Ints

    @classmethod
    def blank(cls, rows: int, columns: int) -> StackedSeries:
        """Return a matrix without series.

        Args:
            rows: L, the length of the longest series.
            columns: C, a column for each series.
        """
        return cls(np.zeros((rows, columns)), *np.zeros((2, columns), dtype=np.int64))

    def put(self, offset: int, series: PortfolioSeries) -> None:
        """Put the series of a portfolio into the columns of its sessions.

        Args:
            offset: column of the window's first session.
            series: of no more than L rows.
        """
        length = len(self.values)
        lengthened = np.concatenate((np.zeros((length, series.values.shape[1])), series.values))
        rows = np.arange(length)[:, None] + series.stop
        self.values[:, offset + series.sessions] = lengthened[rows, np.arange(rows.shape[1])]
        self.n[offset + series.sessions] = series.stop - series.start
        self.ranked[offset + series.sessions] = series.stop - series.ranked

    def volatility(self, rules: Rules) -> WindowVolatility:
        """Return the figures of each series, [1, C].

        Args:
            rules: volatility_forecast and percentile_window.
        """
        stop = np.full((1, self.n.size), len(self.values))
        return rolling_volatility(
            self.values,
            stop - self.n,
            stop,
            reverting=rules.volatility_forecast == "mean_reverting",
            ranked=stop - self.ranked if rules.percentile_window == "400_days" else None,
        )

    def tails(self) -> Tails:
        """Return the tails of each series' last 252 returns, [C]."""
        n = np.minimum(self.ranked, MIN_FOR_PERCENTILE)
        return lower_tails(self.values[max(len(self.values) - MIN_FOR_PERCENTILE, 0) :], n)


def _copy(fit: WindowVolatility, portfolios: slice, part: WindowVolatility) -> None:
    """Copy figures [1, p D] into the rows of p portfolios."""
    for name in WindowVolatility._fields:
        target = getattr(fit, name)[portfolios]
        target[...] = getattr(part, name).reshape(target.shape)


def _series(
    close: Floats, weight: Floats, first: Ints, ranked: Ints, stop: Ints, alignment: Alignment
) -> Iterator[PortfolioSeries]:
    """Yield a portfolio's series, for each set of positions that are priced in the same sessions.

    Args:
        close: [T, m] a column for each position.
        weight: [m, D], NaN where a position does not count.
        first: [D] first row of each session's look-back.
        ranked: [D] first row of the percentile's look-back.
        stop: [D] row after the last.
        alignment: "common": 63 returns of a position, and returns between common dates.
    """
    least = MIN_OBSERVATIONS if alignment == "common" else 0
    if close.shape[1] == 0:
        return
    finite = np.isfinite(close)
    before = np.zeros((len(close) + 1, close.shape[1]), dtype=np.int64)
    np.cumsum(finite, axis=0, out=before[1:])
    priced = (before[stop] - before[first] > least) & ~np.isnan(weight).T
    # Usually the same positions are priced in all sessions; np.unique on a matrix is slow.
    if (priced == priced[:1]).all():
        sets, member = priced[:1], np.zeros(len(priced), dtype=np.int64)
    else:
        sets, member = np.unique(priced, axis=0, return_inverse=True)
    for number, chosen in enumerate(sets):
        sessions = np.flatnonzero(member == number)
        # Of no column every row is complete: that would be a series of zeros.
        if not chosen.any():
            continue
        row, previous = _common_returns(finite[:, chosen], alignment)
        if sessions.size and row.size:
            values = _weighted(close[:, chosen], weight[np.ix_(chosen, sessions)], row, previous)
            end = np.searchsorted(row, stop[sessions])
            starts = (np.minimum(np.searchsorted(previous, rows[sessions]), end) for rows in (first, ranked))
            yield PortfolioSeries(sessions, values, next(starts), end, next(starts))


def _common_returns(finite: Bools, alignment: Alignment) -> tuple[Ints, Ints]:
    """Return the rows [K] on which every column has a return, and the rows from which these start.

    Every column has a close on such a row and on the row before it on which any column has one; with
    `alignment` "common" on the row before it on which every column has one.
    """
    rows = np.flatnonzero(finite.all(axis=1) if alignment == "common" else finite.any(axis=1))
    complete = np.asarray(finite[rows].all(axis=1))
    both = complete[1:] & complete[:-1]
    return rows[1:][both], rows[:-1][both]


def _weighted(close: Floats, weight: Floats, row: Ints, previous: Ints) -> Floats:
    """Return sums over positions, in their order, of weight [m, d] x return [K, m]: [K, d].

    Operands are padded to whole groups, so that the last bits do not depend on how BLAS splits the work.
    """
    count, sessions = weight.shape
    returns = np.zeros((round_up(len(row), ROW_GROUP), count))
    returns[: len(row)] = close[row] / close[previous] - 1.0
    padded = np.zeros((count, round_up(sessions, COLUMN_GROUP)))
    padded[:, :sessions] = weight
    return np.asarray((returns @ padded)[: len(row), :sessions])
