"""Coefficients of many responses on a few regressors over many windows: one by one, or jointly by ridge.

Shapes: T rows, k regressors, m responses, D windows. A window d is the rows t with first[d] <= t < stop[d].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.numerics.arrays import (
    ROW_GROUP,
    Bools,
    Floats,
    Ints,
    centred,
    masked_centred,
    pad_columns,
    round_up,
)


def rolling_slopes(x: Floats, y: Floats, first: Ints, stop: Ints) -> Floats:
    """Return the slope of each response on each regressor alone, with intercept, in each window.

        slope = sum (x - mean(x)) y / sum (x - mean(x))^2

    A regressor that is 0 throughout a window gives slopes of 0, another constant NaN. Source: statsmodels'
    OLS on [1, x], which adds no intercept to a constant.

    Args:
        x: [T, k], finite.
        y: [T, m], finite.
        first: [D] first row of each window.
        stop: [D] row after the last of each window; no window is empty.

    Returns:
        Slopes [D, k, m], units of y over units of x.
    """
    dates, k, m = len(first), x.shape[1], y.shape[1]
    values = pad_columns(y)
    padded = np.zeros((round_up(dates, ROW_GROUP) * k, values.shape[1]))
    for top in range(0, dates, ROW_GROUP):
        group = slice(top, min(top + ROW_GROUP, dates))
        low, high = int(first[group].min()), int(stop[group].max())
        weights = _slope_weights(x[low:high], first[group] - low, stop[group] - low)
        np.matmul(weights, values[low:high], out=padded[top * k : (top + ROW_GROUP) * k])
    return padded.reshape(-1, k, values.shape[1])[:dates, :, :m]


def _slope_weights(x: Floats, first: Ints, stop: Ints) -> Floats:
    """Return (x - mean(x)) / Sxx of each window: x [R, k] -> [ROW_GROUP k, R], 0 beyond the last window."""
    rows = np.arange(len(x))[:, None]
    inside = ((rows >= first) & (rows < stop))[:, :, None]
    constant, mean, deviation = masked_centred(x[:, None, :], inside)
    sxx = (deviation * deviation).sum(axis=0)
    weights = np.zeros((ROW_GROUP, x.shape[1], len(x)))
    weights[: len(first)] = (deviation / np.where(sxx > 0.0, sxx, 1.0)).transpose(1, 2, 0)
    weights[: len(first)][constant & (mean != 0.0)] = np.nan
    return weights.reshape(-1, len(x))


def rolling_ridge(x: Floats, y: Floats, first: Ints, stop: Ints, penalty: float) -> Floats:
    """Return the ridge coefficients of each response on all regressors jointly, in each window.

        Z = (x - mean(x)) / sigma
        b = (Z'Z + penalty I)^-1 Z'(y - mean(y)),    coefficient_j = b_j / sigma_j

    sigma is the population standard deviation in the window, 1 for a column that is constant within
    rounding. The intercept is not penalised. Fewer rows than regressors are shrunk, not refused. Source:
    scikit-learn's StandardScaler and Ridge(alpha=penalty).

    Args:
        x: [T, k], finite inside the windows.
        y: [T, m].
        first: [D] first row of each window.
        stop: [D] row after the last of each window.
        penalty: above 0.

    Returns:
        Coefficients [D, k, m], units of y over units of x. They are 0 where they are not finite, where the
        response is not finite somewhere in the window, and in an empty window.
    """
    dates, k, m = len(first), x.shape[1], y.shape[1]
    finite = np.isfinite(y)
    # 0 in place of NaN, which would spoil every column of the product; set to 0 again at the end.
    values = pad_columns(np.where(finite, y, 0.0))
    padded = np.zeros((round_up(dates, ROW_GROUP), k, values.shape[1]))
    projections = _projections(x, first, stop, penalty)
    for top in range(0, dates, ROW_GROUP):
        group = slice(top, top + ROW_GROUP)
        _apply(padded[group], projections[group], values, first[group], stop[group])
    coefficients = padded[:dates, :, :m]
    _zero_undefined(coefficients, finite, first, stop)
    return coefficients


def _projections(x: Floats, first: Ints, stop: Ints, penalty: float) -> list[Floats]:
    """Return the matrix [k, n] of each window that takes y to the coefficients.

    Windows of one length are solved together. The rows of the matrix sum to 0, so that y need not be
    centred.
    """
    length = np.maximum(stop - first, 0)
    projections = [np.zeros((x.shape[1], 0))] * len(first)
    # One stacked solve for each length is 1.6 times as fast as one for each window.
    for n in np.unique(length[length > 0]).tolist():
        alike = np.flatnonzero(length == n)
        z, sigma = _standardised(x[first[alike, None] + np.arange(n)])
        transposed = np.swapaxes(z, -1, -2)
        gram = transposed @ z + penalty * np.eye(x.shape[1])
        solved = np.linalg.solve(gram, transposed) / sigma[..., None]
        for d, projection in zip(alike.tolist(), solved, strict=True):
            projections[d] = projection
    return projections


def _standardised(x: Floats) -> tuple[Floats, Floats]:
    """Return (x - mean) / sigma of windows [W, n, k], and sigma [W, k].

    sigma is 1 where the variance is rounding only: at most n eps variance + (n eps mean)^2, as in
    scikit-learn's StandardScaler.
    """
    n = x.shape[-2]
    mean, deviation = centred(x)
    variance = (deviation * deviation).sum(axis=-2) / n
    eps = float(np.finfo(np.float64).eps)
    constant = variance <= n * eps * variance + (n * mean * eps) ** 2
    sigma = np.where(constant, 1.0, np.sqrt(variance))
    return deviation / sigma[..., None, :], sigma


def _apply(out: Floats, projections: Sequence[Floats], y: Floats, first: Ints, stop: Ints) -> None:
    """Multiply the projections of a group of windows, padded with zeros to common rows, by y."""
    low, high = int(first.min()), max(int(stop.max()), int(first.min()))
    count, k, m = out.shape
    padded = np.zeros((count, k, high - low))
    for d, (start, projection) in enumerate(zip(first.tolist(), projections, strict=True)):
        padded[d, :, start - low : start - low + projection.shape[1]] = projection
    np.matmul(padded.reshape(count * k, high - low), y[low:high], out=out.reshape(count * k, m))


def _zero_undefined(coefficients: Floats, finite: Bools, first: Ints, stop: Ints) -> None:
    """Set coefficients to 0 where y is not finite in the window, and where they are not finite."""
    columns = np.flatnonzero(~finite.all(axis=0))
    missing = np.zeros((len(finite) + 1, columns.size), dtype=np.int64)
    np.cumsum(~finite[:, columns], axis=0, out=missing[1:])
    date, column = np.nonzero(missing[stop] > missing[np.minimum(first, stop)])
    coefficients[date, :, columns[column]] = 0.0
    # One sum instead of a mask over all cells: usually every coefficient is finite.
    if not np.isfinite(coefficients.sum()):
        np.copyto(coefficients, 0.0, where=~np.isfinite(coefficients))
