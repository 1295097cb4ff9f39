"""Heterogeneous autoregressions of many windows from running sums."""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.rolling_std import LONG

LEAD = LONG - 1
"""Rows before the first whose monthly component exists."""

LARGEST_PREFIX = 1e3
"""Above this ratio of a running sum of squares to a window's own, the difference has lost over 3 digits."""

WELL_CONDITIONED = 1e-2
"""Determinant of the regressors' correlation matrix above which these sums keep 1e-11 of a figure."""

NEAR_PERFECT = 1e-4
"""Share of unexplained variation below which 1 - R^2 has lost digits."""


def har_of_windows(
    components: tuple[Floats, Floats, Floats], column: Ints, start: Ints, stop: Ints
) -> tuple[Floats, Floats, Bools]:
    """Forecast and R^2 of D_{t+1} = c + b_D D_t + b_W W_t + b_M M_t + e over each window, [c].

    components: D, W, M [q,m], all from the row on in which M exists first, so that row i is row i + 20
    of the returns. Window: returns [start, stop) of a column; it trains on the n - 21 rows in which M_t
    and D_{t+1} are its own. Sums of a window are differences of running sums about each column's mean.
    Also returns which windows need a look at their own rows: those whose sums have lost digits, near-
    dependent or constant regressors, near-perfect fits.
    """
    series = [component[:-1] for component in components] + [components[0][1:]]
    shift = [values.mean(axis=0) for values in series]
    running = _running([values - level for values, level in zip(series, shift, strict=True)])
    first, last = start, stop - LEAD - 1
    n = (last - first).astype(np.float64)
    until = running[:, last, column]
    sums = until - running[:, first, column]
    mean = sums[:4] / n
    gram = np.empty((4, 4, column.size))
    steady = np.ones(column.shape, dtype=np.bool_)
    for slot, (i, j) in enumerate(PRODUCTS, start=4):
        gram[i, j] = gram[j, i] = sums[slot] - n * mean[i] * mean[j]
        if i == j:
            steady &= until[slot] <= LARGEST_PREFIX * gram[i, i]
    slopes, explained, determinant = _solve(gram)
    forecast = mean[3] + shift[3][column]
    for slope, level, average, component in zip(slopes, shift, mean, components, strict=False):
        forecast += slope * (component[stop - 1 - LEAD, column] - level[column] - average)
    sure = steady & (determinant > WELL_CONDITIONED) & (explained < 1.0 - NEAR_PERFECT)
    return forecast, explained, ~sure


PRODUCTS = [(i, j) for i in range(4) for j in range(i + 1)]


def _running(series: list[Floats]) -> Floats:
    """Sums of the first 0, 1, ... rows of four series [q,m] and of their products: [14,q+1,m].

    Row after row for all of them together: numpy's own cumulative sum goes down one column at a time,
    and takes ten times as long.
    """
    rows, columns = series[0].shape
    sums = np.zeros((rows + 1, len(series) + len(PRODUCTS), columns))
    for slot, values in enumerate(series):
        sums[1:, slot] = values
    for slot, (i, j) in enumerate(PRODUCTS, start=len(series)):
        np.multiply(series[i], series[j], out=sums[1:, slot])
    for row in range(1, rows + 1):
        sums[row] += sums[row - 1]
    return sums.transpose(1, 0, 2)


def _solve(gram: Floats) -> tuple[Floats, Floats, Floats]:
    """Slopes [3,c], R^2 [c] and the determinant [c] of correlations, from sums of products [4,4,c].

    The regressors' correlation matrix is L diag(1, p_2, p_3) L'; with z = L^-1 r, r the regressors'
    correlations with the target, R^2 = sum z_i^2 / p_i and the determinant is p_2 p_3.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.sqrt(np.einsum("iic->ic", gram))
        r = gram / (size[:, None] * size)
        l21, l31 = r[0, 1], r[0, 2]
        p2 = 1.0 - l21 * l21
        l32 = (r[1, 2] - l31 * l21) / p2
        p3 = 1.0 - l31 * l31 - l32 * l32 * p2
        z1 = r[0, 3]
        z2 = r[1, 3] - l21 * z1
        z3 = r[2, 3] - l31 * z1 - l32 * z2
        b3 = z3 / p3
        b2 = z2 / p2 - l32 * b3
        b1 = z1 - l21 * b2 - l31 * b3
        slopes = np.stack((b1, b2, b3)) * (size[3] / size[:3])
        explained = z1 * z1 + z2 * z2 / p2 + z3 * z3 / p3
    return slopes, explained, p2 * p3
