"""Correlation matrices of portfolios, each over the days that its holdings share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from engine.analytics.correlations.common_days import (
    HoldingSets,
    SymbolCloses,
    concat_sets,
    no_sets,
    run_indices,
    session_sets,
)
from engine.core.job_catalog import CORRELATIONS
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats, Int32s, Ints
from engine.numerics.correlation import (
    TILE,
    CellCorrelations,
    MatrixCells,
    correlations,
    matrix_cells,
    pair_correlations,
    positive_semidefinite,
)

MIN_CLOSES = 2
BATCH_CELLS = 1 << 17
"""Returns computed at a time, so that a batch stays in the processor's cache."""


@dataclass(frozen=True)
class Matrices:
    """H matrices, each of a portfolio in a session.

    Attributes:
        session: [H].
        owner: [H] the portfolio's row.
        size: [H] its symbols m.
        n: [H] its returns.
        points: [R] returns of each pair.
        first, second: [R] holdings of each pair, matrix after matrix, both ways and with themselves:
            R = sum of m^2.
        rho, significance: [R] as in `engine.numerics.correlation`.
    """

    session: Ints
    owner: Ints
    size: Ints
    n: Ints
    points: Ints
    first: Ints
    second: Ints
    rho: Floats
    significance: Floats

    @cached_property
    def matrix(self) -> Ints:
        """The number of the matrix of each pair, [R]."""
        return np.repeat(np.arange(self.size.size), self.size * self.size)

    @property
    def diagonal(self) -> Bools:
        """Return whether a cell is a symbol's with itself, [R]; each symbol of a matrix is on it once."""
        return np.asarray(self.first == self.second)


def matrices(
    closes: SymbolCloses, column: Ints, owner: Ints, held: Bools, alignment: Alignment = "portfolio"
) -> Matrices:
    """Compute the matrices of every portfolio and session.

    A holding needs two closes in the session's look-back. A portfolio's days are those on which all its
    holdings have one; its returns are the logarithms of ratios of consecutive closes. A portfolio under 20
    returns has an empty matrix, of size 0, that states n all the same. Source: document 03 §2.4 and §2.5.

    Portfolios that share their days and most of their symbols take their pairs from one matrix of all these
    symbols. The others are computed in batches of equal shape. With `alignment` "common" a portfolio whose
    holdings lack some of each other's days has `_pairwise` matrices.

    Args:
        closes: of S symbols.
        column: [U] each holding's column of `closes`, -1 where it has none.
        owner: [U] each holding's portfolio, ascending.
        held: [U, D] whether it counts.
        alignment: see `engine.core.rules.Rules`.

    Returns:
        A matrix for each portfolio and session with holdings.
    """
    enough = np.zeros((closes.close.shape[1] + 1, len(closes.first)), dtype=np.bool_)
    counts = closes.counts().T
    enough[:-1] = counts >= MIN_CLOSES
    counted = held & enough[column]
    sessions = range(len(closes.first))
    found = (session_sets(closes, d, column, owner, np.flatnonzero(counted[:, d])) for d in sessions)
    sets, parts = concat_sets(list(found)), list[Matrices]()
    if alignment == "common":
        lacking = _lacking(counts, column, sets)
        own, sets = sets.take(np.flatnonzero(lacking)), sets.take(np.flatnonzero(~lacking))
        if own.size.size:
            known = stack([*_in_batches(closes, column, _complete(closes, counts, column, owner, own))])
            level = np.log(closes.close.T)
            for block in _session_blocks(own):
                parts.append(_pairwise(closes, level, column, own.take(block), known))
    together = np.zeros(sets.size.size, dtype=np.bool_)
    for group in sets.overlapping(column):
        together[group] = True
        parts.append(_from_one_matrix(closes, column, sets.take(group)))
    apart = sets.take(np.flatnonzero(~together)) if together.any() else sets
    return stack([*parts, *_in_batches(closes, column, apart)])


def stack(parts: list[Matrices]) -> Matrices:
    """Return all matrices of some parts, in their order.

    Args:
        parts: of the same portfolios; none gives no matrices.
    """
    parts = parts or [_empty(no_sets())]
    if len(parts) == 1:
        return parts[0]
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Matrices)
    }
    return Matrices(**arrays)


def _lacking(counts: Int32s, column: Ints, sets: HoldingSets) -> Bools:
    """Return whether a holding of a set has closes on days that another one lacks, [G].

    Args:
        counts: [S, D] closes in the look-back.
        column: [U] each holding's symbol.
        sets: G of them.
    """
    session = np.repeat(sets.session, sets.size)
    more = counts[column[sets.holding], session] > np.repeat(sets.n + 1, sets.size)
    return np.bincount(np.repeat(np.arange(sets.size.size), sets.size), more, sets.size.size) > 0


def _complete(
    closes: SymbolCloses, counts: Int32s, column: Ints, owner: Ints, sets: HoldingSets
) -> HoldingSets:
    """Return the holdings of sets that have the most closes, of sets in which these share all.

    Args:
        closes: of S symbols.
        counts: [S, D] closes in the look-back.
        column: [U] each holding's column of `closes`.
        owner: [U] each holding's portfolio, ascending.
        sets: by session.
    """
    session = np.repeat(sets.session, sets.size)
    own = counts[column[sets.holding], session]
    most = np.maximum.reduceat(own, np.cumsum(sets.size) - sets.size)
    kept = own == np.repeat(most, sets.size)
    days, begin = np.unique(session[kept], return_index=True)
    holdings = np.split(sets.holding[kept], begin[1:])
    parts = [
        session_sets(closes, int(day), column, owner, holding)
        for day, holding in zip(days, holdings, strict=True)
    ]
    found = concat_sets(parts)
    return found.take(np.flatnonzero(found.n + 1 == most))


def _session_blocks(sets: HoldingSets) -> Iterator[Ints]:
    """Yield numbers of sets, whole sessions with about BATCH_CELLS cells at a time."""
    block = np.cumsum(sets.size**2) // BATCH_CELLS
    starts = np.flatnonzero(np.diff(sets.session, prepend=-1))
    changed = starts[np.diff(block[starts], prepend=-1) > 0]
    yield from np.split(np.arange(sets.size.size), changed[1:])


def _pairwise(
    closes: SymbolCloses, level: Floats, column: Ints, sets: HoldingSets, known: Matrices
) -> Matrices:
    """Return matrices whose pairs each have the days on which both have a close.

    Those of a session are computed once for all portfolios. Each matrix is made positive semidefinite.

    Args:
        closes: of S symbols.
        level: [S, T] logarithms of the closes.
        column: [U] each holding's column of `closes`.
        sets: of the matrices.
        known: matrices of some of the same holdings over the same days.
    """
    cells = matrix_cells(sets.size, upper=True)
    first, second = _holdings(sets, cells)
    columns = column[first], column[second]
    rho, significance, n = _pairs(closes, level, column, sets.session[cells.matrix], columns, known)
    own = first == second
    rho[own & np.isfinite(rho)], significance[own] = 1.0, 1.0
    triangle = sets.size * (sets.size + 1) // 2
    most = np.maximum.reduceat(n, np.cumsum(triangle) - triangle)
    size = np.where(most >= CORRELATIONS.minimum, sets.size, 0)
    kept = np.repeat(size > 0, triangle)
    at, mirror = matrix_cells(size, upper=True).numbers()
    pair = np.empty(int((size**2).sum()), dtype=np.int64)
    pair[at] = pair[mirror] = np.flatnonzero(kept)
    first, second = _holdings(sets, matrix_cells(size))
    n, rho, significance = n[pair], rho[pair], significance[pair]
    start = np.cumsum(size**2) - size**2
    for m in np.unique(size[size > 0]).tolist():
        alike = start[size == m][:, None] + np.arange(m * m)
        rho[alike] = positive_semidefinite(rho[alike].reshape(-1, m, m)).reshape(alike.shape)
    return Matrices(sets.session, sets.owner, size, most, n, first, second, rho, significance)


def _pairs(
    closes: SymbolCloses,
    level: Floats,
    column: Ints,
    session: Ints,
    columns: tuple[Ints, Ints],
    known: Matrices,
) -> tuple[Floats, Floats, Ints]:
    """Return rho, significance and returns of pairs, [K] each, from known matrices where they have them.

    Args:
        closes: of S symbols.
        level: [S, T] logarithms of the closes.
        column: [U] each holding's column of `closes`.
        session: [K] of each pair, ascending.
        columns: [K] of each pair's closes.
        known: matrices of some of the pairs.
    """
    symbols = len(level)
    place = np.empty(symbols**2, dtype=np.int32)
    numbers = _pair_numbers(symbols, *columns)
    days, begin = np.unique(session, return_index=True)
    cells, parts, before = known.size**2, [], 0
    for day, pairs in zip(days.tolist(), np.split(numbers, begin[1:]), strict=True):
        distinct, at = _distinct(pairs, place)
        rho, significance, n = *np.full((2, distinct.size), np.nan), np.full(distinct.size, -1)
        own = run_indices(cells, np.flatnonzero(known.session == day))
        own = own[known.first[own] <= known.second[own]]
        cell = place[_pair_numbers(symbols, column[known.first[own]], column[known.second[own]])]
        rho[cell], significance[cell], n[cell] = known.rho[own], known.significance[own], known.points[own]
        parts.append((before + at, np.full(distinct.size, day), distinct, rho, significance, n))
        before += distinct.size
    at, day_of, distinct, rho, significance, n = (np.concatenate(some) for some in zip(*parts, strict=True))
    rest = np.flatnonzero(n < 0)
    series = _series(closes, level, day_of[rest], distinct[rest])
    rho[rest], significance[rest], n[rest] = pair_correlations(series)
    return rho[at], significance[at], n[at]


def _series(closes: SymbolCloses, level: Floats, day: Ints, numbers: Ints) -> Iterator[tuple[Floats, Floats]]:
    """Yield the logarithms of the closes of pairs, [k, n] and [k, n], some pairs of a session at a time.

    Args:
        closes: of S symbols.
        level: [S, T] logarithms of the closes.
        day: [K] sessions of the pairs, ascending.
        numbers: [K] of `_pair_numbers`.
    """
    days, begin = np.unique(day, return_index=True)
    for session, pairs in zip(days.tolist(), np.split(numbers, begin[1:]), strict=True):
        window = level[:, closes.first[session] : closes.stop[session]]
        step = max(1, BATCH_CELLS // window.shape[1])
        for left in range(0, pairs.size, step):
            one, other = np.divmod(pairs[left : left + step], len(level))
            yield window[one], window[other]


def _holdings(sets: HoldingSets, cells: MatrixCells) -> tuple[Ints, Ints]:
    """Return the two holdings of each cell of matrices, [R] each."""
    corner = (np.cumsum(sets.size) - sets.size)[cells.matrix]
    return sets.holding[corner + cells.row], sets.holding[corner + cells.column]


def _distinct(pairs: Ints, place: Int32s) -> tuple[Ints, Int32s]:
    """Return the distinct numbers of pairs, and the place of each pair among them, [K].

    They are found without sorting. Of `place` only the cells of the pairs are touched.

    Args:
        pairs: [K] of `_pair_numbers`.
        place: of each number that there may be; afterwards those of the pairs are set.
    """
    order = np.arange(pairs.size)
    place[pairs] = order
    distinct = pairs[place[pairs] == order]
    place[distinct] = np.arange(distinct.size)
    return distinct, place[pairs]


def _pair_numbers(symbols: int, one: Ints, other: Ints) -> Ints:
    """Return a number for each pair of columns, whichever comes first."""
    return np.asarray(np.minimum(one, other) * symbols + np.maximum(one, other))


def _from_one_matrix(closes: SymbolCloses, column: Ints, sets: HoldingSets) -> Matrices:
    """Take the matrices of sets that share their days out of one matrix of all their symbols."""
    if sets.n[0] < CORRELATIONS.minimum:
        return _empty(sets)
    columns, place = np.unique(column[sets.holding], return_inverse=True)
    level = closes.close[np.ix_(sets.days[: sets.n[0] + 1], columns)]
    whole = correlations(_log_returns(level[None]), matrix_cells(np.array([columns.size])))
    cells = matrix_cells(sets.size)
    corner = (np.cumsum(sets.size) - sets.size)[cells.matrix]
    first, second = corner + cells.row, corner + cells.column
    at = place[first] * columns.size + place[second]
    figures = CellCorrelations(whole.rho[at], whole.significance[at])
    return _matrices(sets, sets.holding[first], sets.holding[second], figures)


def _in_batches(closes: SymbolCloses, column: Ints, sets: HoldingSets) -> Iterator[Matrices]:
    """Yield the matrices of sets with days of their own, a batch of equally shaped ones at a time."""
    # A column of ones has returns of 0: it pads a set's columns to whole tiles.
    close = np.concatenate((closes.close, np.ones((len(closes.close), 1))), axis=1)
    column = np.append(column, close.shape[1] - 1)
    width = -(-sets.size // TILE) * TILE
    for n, columns in np.unique(np.stack((sets.n, width)), axis=1).T.tolist():
        alike = np.flatnonzero((sets.n == n) & (width == columns))
        if n < CORRELATIONS.minimum:
            yield _empty(sets.take(alike))
            continue
        step = max(1, BATCH_CELLS // (n * columns))
        for start in range(0, alike.size, step):
            yield _batch(close, column, sets.take(alike[start : start + step]), columns)


def _batch(close: Floats, column: Ints, sets: HoldingSets, width: int) -> Matrices:
    """Compute the matrices of sets of equal n, padded to `width` columns."""
    days = sets.days.reshape(sets.size.size, -1)
    holding = np.full((sets.size.size, width), -1)
    holding[np.arange(width) < sets.size[:, None]] = sets.holding
    level = close[days[:, :, None], column[holding][:, None, :]]
    cells = matrix_cells(sets.size)
    first, second = holding[cells.matrix, cells.row], holding[cells.matrix, cells.column]
    return _matrices(sets, first, second, correlations(_log_returns(level), cells))


def _log_returns(level: Floats) -> Floats:
    """Return ln(close_t / close_{t-1}): [G, n+1, w] -> [G, n, w]."""
    return np.log(level[:, 1:] / level[:, :-1])


def _matrices(sets: HoldingSets, first: Ints, second: Ints, figures: CellCorrelations) -> Matrices:
    """Return the matrices of sets with these figures."""
    points = np.repeat(sets.n, sets.size * sets.size)
    cells = points, first, second, figures.rho, figures.significance
    return Matrices(sets.session, sets.owner, sets.size, sets.n, *cells)


def _empty(sets: HoldingSets) -> Matrices:
    """Return matrices of size 0 for sets with too few returns."""
    blank, figures = np.zeros(0, dtype=np.int64), CellCorrelations(np.zeros(0), np.zeros(0))
    return _matrices(sets._replace(size=np.zeros_like(sets.size)), blank, blank, figures)
