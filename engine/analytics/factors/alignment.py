"""Aligned sessions: the sessions in which the returns of several symbols are compared.

Returns are taken over complete cases: the sessions in which every symbol of a group that has any price in
the look-back has one. Only a symbol with some prices and some gaps there restricts its group. So a group's
aligned sessions follow from its restricting symbols alone, and groups with the same ones share a set of
sessions. Usually every symbol is complete, and there is one set.

Shapes: T sessions of the panel, D sessions of the window, S symbols, G groups, U sets of sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.numerics.arrays import Bools, Floats, Ints, count_in_windows


class SessionSets(NamedTuple):
    """Sets of aligned sessions.

    Attributes:
        rows: [U, T] the sessions of each set; those in a look-back are its aligned ones.
        of_group: [D, G] the set of each group in each session of the window.
    """

    rows: Bools
    of_group: Ints


class ChainedReturns(NamedTuple):
    """Simple returns over a set of sessions, each since the session of the set before.

    Attributes:
        returns: [T, S], NaN in sessions outside the set and for a symbol without a close.
        previous: [T] the session of the set before, -1 in sessions without returns.
    """

    returns: Floats
    previous: Ints


class CommonSample(NamedTuple):
    """Returns of symbols and funds since a common earlier session: d sessions of the window, m symbols.

    Attributes:
        sessions: [d] of the window.
        symbols: [m] numbers of symbols.
        funds: [M] the funds that have a close in the look-back.
        x: [R, k] simple returns of these funds.
        y: [R, m] simple returns of the symbols, 0 where a symbol has none.
        start, end: [d] the returns [start, end) that lie in each session's look-back.
        uses: [d, m] whether the sample is the symbol's own in the session.
    """

    sessions: Ints
    symbols: Ints
    funds: Bools
    x: Floats
    y: Floats
    start: Ints
    end: Ints
    uses: Bools


def common_samples(close: Floats, funds: Floats, first: Ints, stop: Ints) -> Iterator[CommonSample]:
    """Yield the samples of symbols over the sessions on which they and the funds have a close.

    Closes are put on common sessions first, and returns are taken between these. A symbol's sample depends
    on its own closes and the funds' alone. Symbols with a close whenever the funds have one share a sample.

    Args:
        close: [T, S], NaN where there is none.
        funds: [T, M]; those without any close in a look-back are left out of it.
        first: [D] first row of each session's look-back.
        stop: [D] row after the last.
    """
    priced = count_in_windows(np.isfinite(funds), first, stop) > 0
    one_each = np.eye(close.shape[1], dtype=np.bool_)
    for held in np.unique(priced[priced.any(axis=1)], axis=0):
        sessions = np.flatnonzero((priced == held).all(axis=1))
        rows = np.flatnonzero(np.isfinite(funds[:, held]).all(axis=1))
        low, high = (np.searchsorted(rows, bound[sessions]) for bound in (first, stop))
        present = np.isfinite(close[rows])
        sets = aligned_sessions(present, one_each, low, high)
        quoted = count_in_windows(present, low, high) > 0
        for number, chosen in enumerate(sets.rows):
            uses = (sets.of_group == number) & quoted
            own, symbols = np.flatnonzero(uses.any(axis=1)), np.flatnonzero(uses.any(axis=0))
            if own.size:
                at = rows[chosen]
                start = np.searchsorted(at, first[sessions[own]])
                end = np.maximum(np.searchsorted(at, stop[sessions[own]]) - 1, start)
                x, y = _returns(funds[at][:, held]), _returns(close[at][:, symbols])
                y = np.where(np.isfinite(y), y, 0.0)
                used = uses[np.ix_(own, symbols)]
                yield CommonSample(sessions[own], symbols, held, x, y, start, end, used)


def _returns(level: Floats) -> Floats:
    """Return level_t / level_{t-1} - 1: [n, m] -> [n - 1, m]."""
    return np.asarray(level[1:] / level[:-1] - 1.0)


def aligned_sessions(present: Bools, holds: Bools, first: Ints, stop: Ints) -> SessionSets:
    """Find the sets of aligned sessions of groups of symbols.

    Args:
        present: [T, S] whether a symbol has a price.
        holds: [G, S] the symbols of each group.
        first: [D] first row of each session's look-back.
        stop: [D] row after the last.

    Returns:
        The sets, and the set of each group in each session.
    """
    prices = count_in_windows(present, first, stop)
    partial = (prices > 0) & (prices < (stop - first)[:, None])
    gappy = np.flatnonzero(partial.any(axis=0) & holds.any(axis=0))
    if not gappy.size:
        everything = np.ones((1, len(present)), dtype=np.bool_)
        return SessionSets(everything, np.zeros((len(first), len(holds)), dtype=np.int64))
    # Packed bits keep the distinct combinations of restricting symbols small: 8 symbols a byte.
    patterns, member = _distinct(np.packbits(holds[:, gappy], axis=1))
    restricting = np.packbits(partial[:, gappy], axis=1)[:, None] & patterns
    combinations, chosen = _distinct(restricting.reshape(-1, patterns.shape[1]))
    symbols = np.unpackbits(combinations, axis=1, count=gappy.size).astype(np.float64)
    complete = symbols @ (~present[:, gappy]).T.astype(np.float64) == 0.0
    packed, number = _distinct(np.packbits(complete, axis=1))
    rows = np.unpackbits(packed, axis=1, count=len(present)).astype(np.bool_)
    return SessionSets(rows, number[chosen].reshape(len(first), -1)[:, member])


def chained_returns(close: Floats, rows: Bools) -> ChainedReturns:
    """Return close_t / close_p - 1, p the row of `rows` before t.

    Args:
        close: [T, S], NaN where there is none.
        rows: [T] the rows of the set; the first of them has no return.
    """
    at = np.flatnonzero(rows)
    returns = np.full(close.shape, np.nan)
    previous = np.full(len(close), -1, dtype=np.int64)
    returns[at[1:]] = close[at[1:]] / close[at[:-1]] - 1.0
    previous[at[1:]] = at[:-1]
    return ChainedReturns(returns, previous)


def common_rows(x: ChainedReturns, y: ChainedReturns) -> tuple[Ints, Ints]:
    """Return the rows in which both have a return, and the earlier of the two rows from which it starts.

    Both ascend, so that a look-back's common rows are a slice. Returns are not chained anew: one over
    several sessions may meet one over a single session (document 02 §4.4).

    Args:
        x: of one series or more, over T rows.
        y: of others, over the same rows.

    Returns:
        Rows of the panel [R], and for each of them the row from which the longer return starts [R].
    """
    rows = np.flatnonzero((x.previous >= 0) & (y.previous >= 0))
    return rows, np.minimum(x.previous, y.previous)[rows]


def window_slices(rows: Ints, previous: Ints, first: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Return the slice of `rows` whose returns start and end in each look-back.

    Args:
        rows: [R] rows of the panel, ascending.
        previous: [R] the row from which each return starts, ascending.
        first: [D] first row of each look-back.
        stop: [D] row after the last of each look-back.

    Returns:
        start [D] and end [D]: the slice [start, end) of `rows`.
    """
    end = np.searchsorted(rows, stop)
    start = np.minimum(np.searchsorted(previous, first), end)
    return start, end


def _distinct(packed: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Ints]:
    """Return the distinct rows of bytes, in order, and the number of each row among them."""
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    distinct, inverse = np.unique(keys, return_inverse=True)
    return distinct.view(np.uint8).reshape(-1, packed.shape[1]), inverse.astype(np.int64)
