"""Days on which all holdings of a portfolio have a close, and portfolios that share them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Floats, Int32s, Ints, count_in_windows


class SymbolCloses(NamedTuple):
    """Closes of S symbols on T days, and each session's look-back.

    Attributes:
        close: [T, S] above 0, NaN where there is none.
        first, stop: [D] the rows [first, stop) of each session's look-back.
    """

    close: Floats
    first: Ints
    stop: Ints

    def counts(self) -> Int32s:
        """Count the closes of each symbol in each session's look-back, [D, S]."""
        return count_in_windows(np.isfinite(self.close), self.first, self.stop)


class HoldingSets(NamedTuple):
    """G sets of holdings, each of a portfolio in a session, and the days on which all of them have a close.

    Attributes:
        session: [G].
        owner: [G] the portfolio's row.
        n: [G] returns of the set.
        size: [G] holdings of the set.
        days: rows of closes, n + 1 for each set, set after set.
        holding: numbers of holdings, `size` for each set.
    """

    session: Ints
    owner: Ints
    n: Ints
    size: Ints
    days: Ints
    holding: Ints

    def take(self, chosen: Ints) -> HoldingSets:
        """Return some of the sets.

        Args:
            chosen: [g] numbers of sets, in the order of the result.
        """
        return HoldingSets(
            self.session[chosen],
            self.owner[chosen],
            self.n[chosen],
            self.size[chosen],
            self.days[run_indices(self.n + 1, chosen)],
            self.holding[run_indices(self.size, chosen)],
        )

    def overlapping(self, column: Ints) -> Iterator[Ints]:
        """Yield groups of a session's sets with the same days, whose symbols fill fewer cells in one matrix.

        Args:
            column: [U] the column of closes of each holding.
        """
        stop = np.cumsum(self.n + 1).tolist()
        # Bytes as keys: equal days are found by hash, without comparing sets in pairs.
        by_days: dict[tuple[int, bytes], list[int]] = {}
        for number, (day, n, end) in enumerate(
            zip(self.session.tolist(), self.n.tolist(), stop, strict=True)
        ):
            by_days.setdefault((day, self.days[end - n - 1 : end].tobytes()), []).append(number)
        for numbers in by_days.values():
            if len(numbers) == 1:
                continue
            members = np.array(numbers)
            symbols = len(set(column[self.holding[run_indices(self.size, members)]].tolist()))
            if symbols * symbols < (self.size[members] ** 2).sum():
                yield members


def session_sets(closes: SymbolCloses, session: int, column: Ints, owner: Ints, holding: Ints) -> HoldingSets:
    """Return the sets of one session, one for each portfolio with holdings.

    Args:
        closes: of the symbols.
        session: its number in the window.
        column: [U] each holding's column of `closes`.
        owner: [U] each holding's portfolio, ascending.
        holding: numbers of the holdings that count in the session, ascending.
    """
    if holding.size == 0:
        return no_sets()
    first, stop = int(closes.first[session]), int(closes.stop[session])
    owners = owner[holding]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    finite = np.isfinite(closes.close[first:stop])[:, column[holding]]
    complete = np.logical_and.reduceat(finite, starts, axis=1).T
    return HoldingSets(
        session=np.full(starts.size, session),
        owner=owners[starts],
        n=complete.sum(axis=1) - 1,
        size=np.diff(starts, append=holding.size),
        days=first + np.nonzero(complete)[1],
        holding=holding,
    )


def concat_sets(parts: list[HoldingSets]) -> HoldingSets:
    """Return all sets of some parts, in their order.

    Args:
        parts: of the same portfolios and closes; none gives no sets.
    """
    return HoldingSets(*(np.concatenate(arrays) for arrays in zip(no_sets(), *parts, strict=True)))


def no_sets() -> HoldingSets:
    """Return no sets."""
    return HoldingSets(*(np.zeros(0, dtype=np.int64) for _ in HoldingSets._fields))


def run_indices(length: Ints, chosen: Ints) -> Ints:
    """Return the indices of the elements of the chosen runs, run after run.

    Args:
        length: [G] of runs that follow one another.
        chosen: numbers of runs.
    """
    size = length[chosen]
    start = (np.cumsum(length) - length)[chosen]
    return np.repeat(start - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
