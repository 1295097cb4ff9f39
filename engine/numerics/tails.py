"""The lower tail of return series: quantiles, and the mean of what lies beyond them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Floats, Ints
from engine.numerics.volatility import MIN_OBSERVATIONS

LEVELS = (0.95, 0.99)


class Tails(NamedTuple):
    """Tails of return series, [..., 2]: one for each of `LEVELS`.

    Attributes:
        quantile: the return that is undercut with probability 1 - level, a fraction.
        mean: of the returns that are not above the quantile.
        n: returns in the series, [...].
    """

    quantile: Floats
    mean: Floats
    n: Ints

    @classmethod
    def blank(cls, shape: tuple[int, ...]) -> Tails:
        """Return no tails.

        Args:
            shape: of the series.
        """
        quantile, mean = np.full((2, *shape, len(LEVELS)), np.nan)
        return cls(quantile, mean, np.zeros(shape, dtype=np.int64))

    def put(self, rows: slice, part: Tails) -> None:
        """Put the tails of c series into rows of these.

        Args:
            rows: of the first axis; they hold c series.
            part: [c].
        """
        for own, other in ((self.quantile, part.quantile), (self.mean, part.mean), (self.n, part.n)):
            own[rows] = other.reshape(own[rows].shape)


def lower_tails(values: Floats, n: Ints) -> Tails:
    """Return the tails of series at the end of their columns.

    The quantile is interpolated between the two nearest of the sorted returns, at (n - 1)(1 - level). A
    series of fewer than 63 returns has none, one of fewer than 1 / (1 - level) not at that level.

    Args:
        values: [L, C], oldest row first.
        n: [C] lengths of the series: the last n rows of a column.
    """
    tails = Tails.blank(n.shape)
    tails.n[:] = n
    if not values.size:
        return tails
    outside = np.arange(len(values))[:, None] < len(values) - n
    deepest = min(int((len(values) - 1) * (1.0 - LEVELS[0])) + 2, len(values))
    # Only the lowest are sorted: at 95 % the 14 lowest of 252.
    lowest = np.sort(np.partition(np.where(outside, np.inf, values), deepest - 1, axis=0)[:deepest], axis=0)
    sums, column = np.cumsum(lowest, axis=0), np.arange(n.size)
    for number, level in enumerate(LEVELS):
        place = np.maximum(n - 1, 0) * (1.0 - level)
        low = np.floor(place).astype(np.int64)
        enough = (n >= MIN_OBSERVATIONS) & (n * (1.0 - level) >= 1.0 - 1e-9)
        high = np.minimum(low + 1, deepest - 1)
        below, above = lowest[low, column], lowest[high, column]
        with np.errstate(invalid="ignore"):
            quantile = below + (place - low) * (above - below)
        tails.quantile[:, number] = np.where(enough, quantile, np.nan)
        tails.mean[:, number] = np.where(enough, sums[low, column] / (low + 1), np.nan)
    return tails
