"""Which days a portfolio's holdings share, and which portfolios share them with each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from engine.numerics.arrays import Floats, Ints


@dataclass(frozen=True)
class Closes:
    """Closes of S symbols on T days, and the rows that each of D sessions looks at.

    close: [T,S] above 0, NaN where there is none. first, stop: [D], rows [first, stop).
    """

    close: Floats
    first: Ints
    stop: Ints

    def counts(self) -> Ints:
        """[D,S]: closes of each symbol in each session's rows."""
        before = np.zeros((len(self.close) + 1, self.close.shape[1]), dtype=np.int64)
        np.cumsum(np.isfinite(self.close), axis=0, out=before[1:])
        return before[self.stop] - before[self.first]


@dataclass(frozen=True)
class HoldingSets:
    """G sets of holdings, each of a portfolio in a session, and the days that all of it have a close on.

    session, owner, n, size: [G], the portfolio's row, its returns, its holdings.
    days: rows of closes, n + 1 of each set, set after set. holding: `size` of each set.
    """

    session: Ints
    owner: Ints
    n: Ints
    size: Ints
    days: Ints
    holding: Ints

    def at(self, chosen: Ints) -> HoldingSets:
        """Some of the sets."""
        return HoldingSets(
            self.session[chosen],
            self.owner[chosen],
            self.n[chosen],
            self.size[chosen],
            self.days[_runs(self.n + 1, chosen)],
            self.holding[_runs(self.size, chosen)],
        )

    def overlapping(self, column: Ints) -> Iterator[Ints]:
        """Groups of a session's sets that share all days and so many symbols that one matrix is smaller."""
        stop = np.cumsum(self.n + 1).tolist()
        alike: dict[bytes, list[int]] = {}
        for number, (n, end) in enumerate(zip(self.n.tolist(), stop, strict=True)):
            alike.setdefault(self.days[end - n - 1 : end].tobytes(), []).append(number)
        for numbers in alike.values():
            if len(numbers) == 1:
                continue
            members = np.array(numbers)
            symbols = len(set(column[self.holding[_runs(self.size, members)]].tolist()))
            if symbols * symbols < (self.size[members] ** 2).sum():
                yield members


def day_sets(closes: Closes, session: int, column: Ints, owner: Ints, holding: Ints) -> HoldingSets:
    """The sets of one session: a portfolio each.

    Args:
        column, owner: [U] each holding's column of `closes`, and its portfolio, ascending.
        holding: those that count in the session, ascending.
    """
    if holding.size == 0:
        return no_sets()
    first, stop = int(closes.first[session]), int(closes.stop[session])
    mine = owner[holding]
    starts = np.flatnonzero(np.diff(mine, prepend=-1))
    finite = np.isfinite(closes.close[first:stop])[:, column[holding]]
    complete = np.logical_and.reduceat(finite, starts, axis=1).T
    return HoldingSets(
        session=np.full(starts.size, session),
        owner=mine[starts],
        n=complete.sum(axis=1) - 1,
        size=np.diff(starts, append=holding.size),
        days=first + np.nonzero(complete)[1],
        holding=holding,
    )


def concat_sets(parts: list[HoldingSets]) -> HoldingSets:
    """All their sets."""
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in (no_sets(), *parts)])
        for field in fields(HoldingSets)
    }
    return HoldingSets(**arrays)


def no_sets() -> HoldingSets:
    """No set at all."""
    return HoldingSets(*(np.zeros(0, dtype=np.int64) for _ in fields(HoldingSets)))


def _runs(length: Ints, chosen: Ints) -> Ints:
    """Where the elements of some of many runs of these lengths stand, run after run."""
    size = length[chosen]
    start = (np.cumsum(length) - length)[chosen]
    return np.repeat(start - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
