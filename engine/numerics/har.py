"""Heterogeneous autoregression (HAR) of realised volatility: a forecast and its R^2, for many windows.

    D_{t+1} = c + b_D D_t + b_W W_t + b_M M_t + e

D, W and M are the daily, weekly and monthly components; the forecast is the fitted value at the last row.
A window of n rows trains on the n - 21 rows in which M_t and D_{t+1} exist. Source: Corsi (2009).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints, centred, sum_products

SHORT, LONG = 5, 21
"""Rows of the weekly and of the monthly component."""

LEAD = LONG - 1
"""Rows before the first whose monthly component exists."""

LARGEST_PREFIX = 1e3
"""Above this ratio of a running sum of squares to a window's own, the difference has lost over 3 digits."""

NEAR_PERFECT = 1e-4
"""Share of unexplained variation below which 1 - R^2 from running sums has lost digits."""

SUMS_DETERMINANT, ROWS_DETERMINANT = 1e-2, 1e-4
"""Determinants of the regressors' correlation matrix above which a figure keeps 1e-11: where it comes
from running sums, and where from normal equations of the window's own rows."""

PRODUCTS = [(i, j) for i in range(4) for j in range(i + 1)]


class HarFit(NamedTuple):
    """Figures of c windows.

    Attributes:
        forecast: [c] of the next daily component.
        r_squared: [c] of the regression.
        doubtful: [c] whether the figures have lost digits and need `har_from_rows`.
    """

    forecast: Floats
    r_squared: Floats
    doubtful: Bools


def har_from_rows(daily: Floats, weekly: Floats, monthly: Floats) -> HarFit:
    """Return the figures of m windows of the same length, from the deviations in each.

    Of minimum norm where the regressors are dependent. Without variation of D, R^2 is 1.

    Args:
        daily: [n, m].
        weekly: [n-4, m].
        monthly: [n-20, m].
    """
    components = (daily[LEAD:], weekly[LONG - SHORT :], monthly)
    target_mean, target = centred(daily[LONG:])
    parts = [centred(component[:-1]) for component in components]
    slopes = _least_squares([deviation for _, deviation in parts], target)
    residual, forecast = target.copy(), target_mean
    for slope, (mean, deviation), component in zip(slopes, parts, components, strict=True):
        residual -= slope * deviation
        forecast = forecast + slope * (component[-1] - mean)
    return HarFit(forecast, r_squared(residual, target), np.zeros(forecast.shape, dtype=np.bool_))


def r_squared(residual: Floats, deviation: Floats) -> Floats:
    """Return the share of variance that a regression explains: 1 - SSR / SST, for many regressions.

    Where SST = 0, 1 if SSR = 0 and else 0.

    Args:
        residual: [n, m], n observations of m regressions.
        deviation: [n, m] of the dependent variable from its mean.

    Returns:
        [m].
    """
    ssr, sst = sum_products(residual, residual), sum_products(deviation, deviation)
    unexplained = np.divide(ssr, sst, out=(ssr != 0.0).astype(np.float64), where=sst != 0.0)
    return np.asarray(1.0 - unexplained)


def _least_squares(regressors: list[Floats], target: Floats) -> Floats:
    """Return slopes [k, m] of m targets [p, m], each on its own k centred regressors [p, m]."""
    k, m = len(regressors), target.shape[1]
    gram, moment = np.empty((m, k, k)), np.empty((m, k))
    for i, a in enumerate(regressors):
        moment[:, i] = sum_products(a, target)
        for j, b in enumerate(regressors[: i + 1]):
            gram[:, i, j] = gram[:, j, i] = sum_products(a, b)
    variance = np.einsum("mii->mi", gram)
    size, varies = np.sqrt(variance), variance.any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = gram / (size[:, :, None] * size[:, None, :])
        degenerate = ~(np.linalg.det(correlation) > ROWS_DETERMINANT)
    # numpy.linalg.solve refuses the whole stack for one singular matrix.
    gram[degenerate] = np.eye(k)
    slopes = np.linalg.solve(gram, moment[:, :, None])[:, :, 0].T
    for column in np.flatnonzero(degenerate & varies).tolist():
        design = np.stack([a[:, column] for a in regressors], axis=1)
        slopes[:, column] = np.linalg.lstsq(design, target[:, column])[0]
    return np.asarray(slopes)


def har_from_sums(components: tuple[Floats, Floats, Floats], column: Ints, start: Ints, stop: Ints) -> HarFit:
    """Return the figures of c windows of different lengths, from differences of running sums.

    Doubtful are windows whose sums have lost digits, near-dependent or constant regressors, and near-perfect
    fits.

    Args:
        components: D, W and M [q, m], all from the row on in which M exists first: their row i is row
            i + 20 of the returns.
        column: [c] the column of each window.
        start: [c] the first row of its returns.
        stop: [c] the row after its last.
    """
    series = [component[:-1] for component in components] + [components[0][1:]]
    # Sums about each column's mean lose fewer digits.
    shift = [values.mean(axis=0) for values in series]
    running = _running_sums([values - level for values, level in zip(series, shift, strict=True)])
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
    sure = steady & (determinant > SUMS_DETERMINANT) & (explained < 1.0 - NEAR_PERFECT)
    return HarFit(forecast, explained, ~sure)


def _running_sums(series: list[Floats]) -> Floats:
    """Return the sums of the first 0, 1, ... rows of four series [q, m] and their products: [14, q+1, m].

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
    """Return slopes [3, c], R^2 [c] and the determinant [c] of correlations, from sums of products [4, 4, c].

    The regressors' correlation matrix is L diag(1, p_2, p_3) L'; with z = L^-1 r, r the regressors'
    correlations with the target, R^2 = sum z_i^2 / p_i and the determinant is p_2 p_3. Written out for
    three regressors, because numpy.linalg.solve takes one small matrix at a time.
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
