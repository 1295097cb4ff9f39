"""Alignment: in which sessions the returns of several symbols are compared.

Returns are taken over complete cases: the sessions in which every symbol that has any price in
the look-back has one. Only a symbol with some prices and some gaps there restricts anything. So
the aligned sessions of a class of holdings follow from its restricting symbols alone, and all
classes with the same ones share a track: in the usual case, everybody complete, there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.numerics.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Tracks:
    """Tracks of aligned sessions, and who follows which.

    rows: [U, T] the sessions of each track; those in a look-back are the aligned ones there.
    followed: [D, C] the track that each class follows in each session of the window.
    """

    rows: Bools
    followed: Ints


@dataclass(frozen=True)
class Chained:
    """Simple returns over chosen rows only.

    returns: [T, S], NaN where the row has none. previous: [T] the chosen row before, else -1.
    """

    returns: Floats
    previous: Ints


def count_in(flags: Bools, first: Ints, stop: Ints) -> Ints:
    """Flags of each column in rows [first[d], stop[d]): [T, S] -> [D, S]."""
    running = np.zeros((len(flags) + 1, flags.shape[1]), dtype=np.int64)
    np.cumsum(flags, axis=0, out=running[1:])
    return np.asarray(running[stop] - running[first])


def tracks(present: Bools, holds: Bools, first: Ints, stop: Ints) -> Tracks:
    """The tracks of C classes of symbols, over the look-backs [first[d], stop[d]) of D sessions.

    Args:
        present: [T, S] where a symbol has a price.
        holds: [C, S] the symbols of each class.
    """
    prices = count_in(present, first, stop)
    partial = (prices > 0) & (prices < (stop - first)[:, None])
    gappy = np.flatnonzero(partial.any(axis=0) & holds.any(axis=0))
    if not gappy.size:
        everything = np.ones((1, len(present)), dtype=np.bool_)
        return Tracks(everything, np.zeros((len(first), len(holds)), dtype=np.int64))
    patterns, member = _distinct(np.packbits(holds[:, gappy], axis=1))
    restricting = np.packbits(partial[:, gappy], axis=1)[:, None] & patterns
    sets, chosen = _distinct(restricting.reshape(-1, patterns.shape[1]))
    members = np.unpackbits(sets, axis=1, count=gappy.size).astype(np.float64)
    complete = members @ (~present[:, gappy]).T.astype(np.float64) == 0.0
    packed, track = _distinct(np.packbits(complete, axis=1))
    rows = np.unpackbits(packed, axis=1, count=len(present)).astype(np.bool_)
    return Tracks(rows, track[chosen].reshape(len(first), -1)[:, member])


def chain(close: Floats, rows: Bools) -> Chained:
    """close_t / close_p - 1, p the row of `rows` before t; close [T, S], rows [T].

    The first row has no return; a symbol without a close in t or p has NaN.
    """
    at = np.flatnonzero(rows)
    returns = np.full(close.shape, np.nan)
    previous = np.full(len(close), -1, dtype=np.int64)
    returns[at[1:]] = close[at[1:]] / close[at[:-1]] - 1.0
    previous[at[1:]] = at[:-1]
    return Chained(returns, previous)


def join(x: Chained, y: Chained) -> tuple[Ints, Ints]:
    """The rows in which both have a return, and the earlier of the two rows it starts from.

    Both ascend, so that a look-back's common rows are a slice. Returns are not chained anew: one
    over several sessions may meet one over a single session (document 02 §4.4).
    """
    rows = np.flatnonzero((x.previous >= 0) & (y.previous >= 0))
    return rows, np.minimum(x.previous, y.previous)[rows]


def within(rows: Ints, previous: Ints, first: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """The slice of `rows` whose returns start and end in each look-back: [D], [D]."""
    end = np.searchsorted(rows, stop)
    start = np.minimum(np.searchsorted(previous, first), end)
    return start, end


def _distinct(packed: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Ints]:
    """Distinct rows of bytes, in order, and which of them each row is."""
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    found, inverse = np.unique(keys, return_inverse=True)
    return found.view(np.uint8).reshape(-1, packed.shape[1]), inverse.astype(np.int64)
