"""Slopes of many responses on a few regressors, one at a time, over many windows."""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Floats, Ints
from engine.numerics.padded_products import ROW_GROUP, pad_columns, round_up


def rolling_slopes(x: Floats, y: Floats, first: Ints, stop: Ints) -> Floats:
    """Slopes of univariate regressions with intercept over the rows [first[d], stop[d]) of D windows.

        slope = sum (x - mean(x)) y / sum (x - mean(x))^2

    x: [T,k]; y: [T,m]; both finite; first, stop: int64[D], no window empty. Returns [D,k,m]: the slope of
    each response on each regressor alone. A regressor that is 0 throughout a window gives slopes 0,
    another constant NaN. Source: what statsmodels' OLS on [1, x] returns; it adds no intercept beside a
    constant.
    """
    dates, k, m = len(first), x.shape[1], y.shape[1]
    values = pad_columns(y)
    padded = np.zeros((round_up(dates, ROW_GROUP) * k, values.shape[1]))
    for top in range(0, dates, ROW_GROUP):
        block = slice(top, min(top + ROW_GROUP, dates))
        low, high = int(first[block].min()), int(stop[block].max())
        weights = _weights(x[low:high], first[block] - low, stop[block] - low)
        out = padded[top * k : (top + ROW_GROUP) * k]
        np.matmul(weights, values[low:high], out=out)
    return padded.reshape(-1, k, values.shape[1])[:dates, :, :m]


def _weights(x: Floats, first: Ints, stop: Ints) -> Floats:
    """What takes y to the slopes: x [R,k], B windows -> [ROW_GROUP k, R], rows of 0 beyond the last window.

    The sums run down the rows one by one, so that zeros outside of a window leave no trace.
    """
    rows = np.arange(len(x))[:, None]
    inside = ((rows >= first) & (rows < stop))[:, :, None]
    n = (stop - first)[:, None]
    values = x[:, None, :]
    lowest = np.where(inside, values, np.inf).min(axis=0)
    constant = lowest == np.where(inside, values, -np.inf).max(axis=0)
    mean = np.where(inside, values, 0.0).sum(axis=0) / n
    mean += np.where(inside, values - mean, 0.0).sum(axis=0) / n
    deviation = np.where(inside & ~constant, values - mean, 0.0)
    sxx = (deviation * deviation).sum(axis=0)
    weights = np.zeros((ROW_GROUP, x.shape[1], len(x)))
    weights[: len(first)] = (deviation / np.where(sxx > 0.0, sxx, 1.0)).transpose(1, 2, 0)
    weights[: len(first)][constant & (lowest != 0.0)] = np.nan
    return weights.reshape(-1, len(x))
