"""Regressions with one regressor and an intercept."""

from __future__ import annotations

import numpy as np

from engine.numerics.arrays import Bools, Floats
from engine.numerics.centring import centred, sum_products
from engine.numerics.line_fit import OlsFit, Sums, line_from_data, line_from_sums
from engine.numerics.pair_returns import PairReturns, aligned_returns
from engine.numerics.rolling_ols import rolling_ols

__all__ = ["OlsFit", "PairReturns", "aligned_returns", "ols", "rolling_ols"]


def ols(x: Floats, y: Floats) -> OlsFit:
    """Each of k regressors against each of m responses, one at a time: y_j = a_ij + b_ij x_i + e.

    x: [n,k]; y: [n,m]; every value finite (a column that has another is not fitted); results [k,m]. The
    figures come from centred Gram products, formulas in `line_from_sums`; cells with too few digits
    left and constants are redone as in `line_from_data`. n >= 3 for an error, 2 for a slope.
    """
    fit = OlsFit.blank((x.shape[1], y.shape[1]))
    if len(x) == 0:
        return fit
    with np.errstate(invalid="ignore"):
        x_mean, x_deviation = centred(x)
        y_mean, y_deviation = centred(y)
        sums = Sums(
            n=np.array(len(x), dtype=np.int32),
            x_mean=x_mean[:, None],
            y_mean=y_mean,
            sxx=sum_products(x_deviation, x_deviation)[:, None],
            sxy=x_deviation.T @ y_deviation,
            syy=sum_products(y_deviation, y_deviation),
        )
    part, doubtful = line_from_sums(sums)
    fit.put(..., part)
    _redo(fit, x, y, doubtful)
    return fit


def _redo(fit: OlsFit, x: Floats, y: Floats, doubtful: Bools) -> None:
    for i in np.flatnonzero(doubtful.any(axis=1)).tolist():
        columns = np.flatnonzero(doubtful[i])
        responses = y[:, columns]
        regressor = np.broadcast_to(x[:, i : i + 1], responses.shape)
        used = np.ones(responses.shape, dtype=np.bool_)
        fit.put((i, columns), line_from_data(regressor, responses, used))
