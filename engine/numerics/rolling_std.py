"""Rolling standard deviations that are exactly 0 over equal values."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.numerics.arrays import Bools, Floats
from engine.numerics.centring import centred, sum_products
from engine.numerics.padded_products import pad_columns

SHORT, LONG, QUARTER = 5, 21, 63
"""Window lengths, in rows."""

LARGEST_MEAN = 10.0
"""Above this n mean^2 / S, S = sum r^2 - n mean^2 has lost more than one digit."""


def rolling_std(returns: Floats) -> tuple[Floats, Floats]:
    """Sample standard deviations (ddof 1) of each 5 and each 21 consecutive rows.

    returns: [n,m], n >= 21, finite. Results [n-4,m] and [n-20,m], row i for the window from row i on.
    Sums grow by doubling, 5 = 4 + 1 and 21 = 16 + 5, from the window's own rows only: what was large
    before a window leaves no trace in it, as it would in a running sum. Windows whose mean dwarfs their
    spread are done from their deviations, and windows of equal values are exactly 0.
    """
    sums = _window_sums(returns)
    squares = _window_sums(returns * returns)
    short, long = (
        _std(returns, total, square, width)
        for total, square, width in zip(sums, squares, (SHORT, LONG), strict=True)
    )
    return short, long


def rolling_std_of_quarter(returns: Floats) -> Floats:
    """Sample standard deviations (ddof 1) of each 63 consecutive rows: [n,m], n >= 63, -> [n-62,m].

    As `rolling_std`; 63 = 3 x 21.
    """
    total, square = (_sums_of_quarter(values) for values in (returns, returns * returns))
    return _std(returns, total, square, QUARTER)


def _sums_of_quarter(values: Floats) -> Floats:
    _, sums = _window_sums(values)
    return sums[2 * LONG :] + sums[LONG:-LONG] + sums[: -2 * LONG]


def _window_sums(values: Floats) -> tuple[Floats, Floats]:
    """Sums of each 5 and each 21 consecutive rows: [n-4,m], [n-20,m]."""
    two = values[1:] + values[:-1]
    four = two[2:] + two[:-2]
    five = four[1:] + values[:-4]
    eight = four[4:] + four[:-4]
    sixteen = eight[8:] + eight[:-8]
    return five, sixteen[5:] + five[:-16]


def _std(values: Floats, total: Floats, square: Floats, width: int) -> Floats:
    level = total * total
    level /= width
    spread = square
    spread -= level
    unsteady = level > LARGEST_MEAN * spread
    if unsteady.any():
        spread[unsteady] = _spread_from_data(values, unsteady, width)
    spread /= width - 1
    return np.sqrt(spread, out=spread)


def _spread_from_data(values: Floats, cells: Bools, width: int) -> Floats:
    """Sums of squared deviations of the windows that start at the cells, [cells]."""
    row, column = np.nonzero(cells)
    windows = sliding_window_view(values, width, axis=0)[row, column]
    # Padded: the sums of a single column run another way, with other last bits.
    _, deviations = centred(pad_columns(windows.T))
    return sum_products(deviations, deviations)[: row.size]
