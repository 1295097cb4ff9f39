"""Ridge regression on standardised regressors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.centring import centred, sum_products
from engine.numerics.padded_products import ROW_GROUP, pad_columns, round_up


@dataclass(frozen=True, slots=True)
class RidgeFit:
    """coefficients: float64 [k,m], in units of y over units of x; r_squared: float64 [m]."""

    coefficients: Floats
    r_squared: Floats


def ridge(x: Floats, y: Floats, penalty: float) -> RidgeFit:
    """Ridge regression of m responses on k standardised regressors jointly, with intercept.

    x: [n,k], y: [n,m], finite; penalty > 0. With Z = (x - mean) / sigma, sigma the population standard
    deviation (1 for a column that is constant within rounding), b = (Z'Z + penalty I)^-1 Z'(y - mean(y)),
    coefficient_j = b_j / sigma_j, 0 where that is not finite. The intercept is not penalised.
    R^2 = 1 - SSR / SST, 0 where SST = 0. n >= 1; fewer rows than k are shrunk, not refused.
    Source: scikit-learn's StandardScaler and Ridge(alpha=penalty).
    """
    x_deviation, projection = _projection(x, penalty)
    with np.errstate(invalid="ignore"):
        _, y_deviation = centred(y)
        coefficients = _finite_or_zero(projection @ y_deviation)
        residual = y_deviation - x_deviation @ coefficients
        total = sum_products(y_deviation, y_deviation)
    unexplained = np.divide(
        sum_products(residual, residual), total, out=np.ones_like(total), where=total != 0.0
    )
    return RidgeFit(coefficients, 1.0 - unexplained)


def rolling_ridge(x: Floats, y: Floats, first: Ints, stop: Ints, penalty: float) -> Floats:
    """`ridge` over the rows [first[d], stop[d]) of each of D windows: coefficients [D,k,m].

    x: [T,k], finite inside the windows; y: [T,m]; first, stop: int64[D]. A response that is not finite
    somewhere in a window, or an empty window, gives 0, as every coefficient that is not finite does.
    """
    dates, k, m = len(first), x.shape[1], y.shape[1]
    finite = np.isfinite(y)
    values = pad_columns(np.where(finite, y, 0.0))
    padded = np.zeros((round_up(dates, ROW_GROUP), k, values.shape[1]))
    projections = _projections(x, first, stop, penalty)
    for top in range(0, dates, ROW_GROUP):
        block = slice(top, top + ROW_GROUP)
        _ridge_block(padded[block], projections[block], values, first[block], stop[block])
    coefficients = padded[:dates, :, :m]
    _drop_unfinished(coefficients, finite, first, stop)
    return coefficients


def _ridge_block(out: Floats, projections: Sequence[Floats], y: Floats, first: Ints, stop: Ints) -> None:
    """One product for a block of windows: projections padded with zeros times y."""
    low, high = int(first.min()), max(int(stop.max()), int(first.min()))
    count, k, m = out.shape
    padded = np.zeros((count, k, high - low))
    for d, (start, projection) in enumerate(zip(first.tolist(), projections, strict=True)):
        padded[d, :, start - low : start - low + projection.shape[1]] = projection
    np.matmul(padded.reshape(count * k, high - low), y[low:high], out=out.reshape(count * k, m))


def _projections(x: Floats, first: Ints, stop: Ints, penalty: float) -> list[Floats]:
    """The projection [k,n] of each window; windows of one length are projected together."""
    length = np.maximum(stop - first, 0)
    found = [np.zeros((x.shape[1], 0))] * len(first)
    for n in np.unique(length[length > 0]).tolist():
        alike = np.flatnonzero(length == n)
        windows = x[first[alike, None] + np.arange(n)]
        for d, projection in zip(alike.tolist(), _projection(windows, penalty)[1], strict=True):
            found[d] = projection
    return found


def _projection(x: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Deviations of x [...,n,k], and the matrix [...,k,n] that takes y to the coefficients.

    Its rows sum to 0, so that y need not be centred.
    """
    mean, deviation = centred(x)
    n, k = x.shape[-2:]
    variance = (deviation * deviation).sum(axis=-2) / n
    scale = np.where(_constant(variance, mean, n), 1.0, np.sqrt(variance))
    z = deviation / scale[..., None, :]
    transposed = np.swapaxes(z, -1, -2)
    gram = transposed @ z + penalty * np.eye(k)
    return deviation, np.linalg.solve(gram, transposed) / scale[..., None]


def _constant(variance: Floats, mean: Floats, n: int) -> Bools:
    """Columns whose variance is rounding only: at most n eps variance + (n eps mean)^2; scikit-learn."""
    eps = float(np.finfo(np.float64).eps)
    return np.asarray(variance <= n * eps * variance + (n * mean * eps) ** 2)


def _drop_unfinished(coefficients: Floats, finite: Bools, first: Ints, stop: Ints) -> None:
    columns = np.flatnonzero(~finite.all(axis=0))
    missing = np.zeros((len(finite) + 1, columns.size), dtype=np.int64)
    np.cumsum(~finite[:, columns], axis=0, out=missing[1:])
    date, column = np.nonzero(missing[stop] > missing[np.minimum(first, stop)])
    coefficients[date, :, columns[column]] = 0.0
    if not np.isfinite(coefficients.sum()):
        coefficients[...] = _finite_or_zero(coefficients)


def _finite_or_zero(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
