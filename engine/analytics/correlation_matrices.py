"""Correlation matrices: one for each set of sessions that symbols share, gathered by portfolio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.numerics.correlation_sets import pair_figures, square_cells

MIN_CLOSES = 2
MIN_RETURNS = 20

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Closes:
    """Closes of S symbols on T days, and the rows that each of D sessions looks at.

    close: [T,S] above 0, NaN where there is none. first, stop: [D], rows [first, stop).
    """

    close: Floats
    first: Integers
    stop: Integers

    def counts(self) -> Integers:
        """[D,S]: closes of each symbol in each session's rows."""
        before = np.zeros((len(self.close) + 1, self.close.shape[1]), dtype=np.int64)
        np.cumsum(np.isfinite(self.close), axis=0, out=before[1:])
        return before[self.stop] - before[self.first]


@dataclass(frozen=True)
class Matrices:
    """H matrices, each of a portfolio in a session.

    session, owner, size, n: [H], the portfolio's row, its symbols m, its returns.
    first, second: [R] holdings of each pair, matrix after matrix, both ways and with themselves:
        R = sum of m^2. rho, significance: [R].
    """

    session: Integers
    owner: Integers
    size: Integers
    n: Integers
    first: Integers
    second: Integers
    rho: Floats
    significance: Floats

    @cached_property
    def matrix(self) -> Integers:
        """[R]: the matrix of each pair."""
        return np.repeat(np.arange(self.size.size), self.size * self.size)


def matrices(closes: Closes, column: Integers, owner: Integers, held: Bools) -> Matrices:
    """The matrices of every session: one fit for each set of portfolios whose symbols share their days.

    A holding needs two closes in the session's rows; a portfolio's days are those on which all its
    holdings have one, its returns are the logarithms of ratios of consecutive ones. A portfolio under
    20 returns has an empty matrix, of size 0, with n all the same. Source: document 03 §2.4 and §2.5.

    Args:
        column: [U] each holding's column of `closes`, -1 where it has none.
        owner: [U] each holding's portfolio, ascending.
        held: [U,D] whether it counts.
    """
    enough = np.zeros((closes.close.shape[1] + 1, len(closes.first)), dtype=np.bool_)
    enough[:-1] = closes.counts().T >= MIN_CLOSES
    counted = held & enough[column]
    return stack([*_fits(closes, column, owner, counted)])


def stack(parts: list[Matrices]) -> Matrices:
    """All their matrices."""
    parts = parts or [_empty(np.zeros(0, dtype=np.int64), 0, 0)]
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Matrices)
    }
    return Matrices(**arrays)


def _fits(closes: Closes, column: Integers, owner: Integers, counted: Bools) -> Iterator[Matrices]:
    for session, (first, stop) in enumerate(zip(closes.first, closes.stop, strict=True)):
        holding = np.flatnonzero(counted[:, session])
        close = closes.close[first:stop]
        for chosen, days in _alike(close[:, column[holding]], owner[holding]):
            mine = holding[chosen]
            yield _fit(session, close[days], column[mine], owner[mine], mine)


def _alike(close: Floats, owner: Integers) -> Iterator[tuple[Integers, Bools]]:
    """Holdings whose portfolios have the same complete days, and those days, of close [r,k]."""
    finite = np.isfinite(close)
    if finite.all():
        if owner.size:
            yield np.arange(owner.size), np.ones(len(close), dtype=np.bool_)
        return
    starts, size = _runs(owner)
    complete = np.logical_and.reduceat(finite, starts, axis=1)
    packed = np.packbits(complete, axis=0).T.copy()
    names = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, leader, member = np.unique(names, return_index=True, return_inverse=True)
    member = np.repeat(member, size)
    for number, one in enumerate(leader.tolist()):
        yield np.flatnonzero(member == number), complete[:, one]


def _runs(owner: Integers) -> tuple[Integers, Integers]:
    """Where each portfolio's holdings start, and how many they are."""
    starts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    return starts, np.concatenate((starts[1:], [owner.size])) - starts


def _fit(session: int, close: Floats, column: Integers, owner: Integers, holding: Integers) -> Matrices:
    """Matrices over the days of close [n+1,S] of the holdings [k] of some portfolios."""
    starts, size = _runs(owner)
    none = _empty(owner[starts], session, len(close) - 1)
    if len(close) - 1 < MIN_RETURNS:
        return none
    present = np.zeros(close.shape[1], dtype=np.bool_)
    present[column] = True
    place = (np.cumsum(present) - 1)[column]
    level = np.ascontiguousarray(close[:, present])
    cells = square_cells(place, size)
    rho, significance = pair_figures(np.log(level[1:] / level[:-1]), cells)
    return replace(
        none,
        size=size,
        first=holding[cells.first],
        second=holding[cells.second],
        rho=rho,
        significance=significance,
    )


def _empty(owner: Integers, session: int, n: int) -> Matrices:
    blank, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    count = owner.size
    return Matrices(
        session=np.full(count, session),
        owner=owner,
        size=np.zeros(count, dtype=np.int64),
        n=np.full(count, n),
        first=blank,
        second=blank,
        rho=nothing,
        significance=nothing,
    )
