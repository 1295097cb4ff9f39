"""Row bounds of calendar windows."""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Ints


def window_bounds(days: Ints, targets: Ints, lookback_days: int) -> tuple[Ints, Ints]:
    """Find the rows of the calendar windows [target - lookback_days, target], both ends inclusive.

    Args:
        days: [T] the day number of each row, ascending.
        targets: [D] day numbers.
        lookback_days: calendar days.

    Returns:
        first [D] and stop [D]: window d is the rows t with first[d] <= t < stop[d].
    """
    first = np.searchsorted(days, targets - lookback_days, side="left")
    stop = np.searchsorted(days, targets, side="right")
    return first.astype(np.int64), stop.astype(np.int64)
