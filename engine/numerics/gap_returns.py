"""Series with gaps, each over the rows that it has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class OwnReturns:
    """Returns of S series, each since its own previous close.

    returns: float64 [T-1,S]; row i of a series is from its close i to its close i + 1, counted without
    its gaps; 0 after its last.
    before: int64 [T+1,S], closes of a series before each row of the panel.
    """

    returns: Floats
    before: Ints

    def windows(self, first: Ints, stop: Ints) -> tuple[Ints, Ints]:
        """Rows [start, stop) of `returns` of the panel's windows [first, stop): [D,S] each."""
        start, end = self.before[first], self.before[stop] - 1
        return start, np.maximum(start, end)


def own_returns(close: Floats) -> OwnReturns:
    """Simple returns of each column of close [T,S], NaN where there is none, over its own rows."""
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
