"""Forecasts of the variance of the next 21 returns of a series, and the losses that judge them.

RV is the mean of the next 21 squared simple returns; a forecast h of it is a daily variance. Every
candidate reads the returns of its own window alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Floats, Ints

HORIZON = 21
"""Returns that a forecast is about."""
DECAY = 0.94
"""A day, of the exponential weights (RiskMetrics, 1996)."""
LONG_RUN = 1 / 3
"""Weight of the mean of the whole window. A variance that closes 4 % of its distance to the mean each day
has closed 1 - (1 - 0.96^21) / (21 x 0.04) = 31 % of it on the average of 21 days."""


def mean_reverting_variances(squares: Floats, count: Ints) -> Floats:
    """Return the mean-reverting forecast of the variance from each of c windows.

        h = 2/3 sum_k w_k r_k^2 + 1/3 mean(r^2),  w_k in proportion to 0.94^age

    Windows of all lengths are computed at once: rows of 0 before a window add nothing, to the bit.

    Args:
        squares: [n, c] squared returns, the newest in the last row; 0 before a window's own.
        count: [c] returns in each window, 1 to n.
    """
    powers = DECAY ** np.arange(len(squares) - 1, -1, -1, dtype=np.float64)
    recent = np.einsum("i,ij->j", powers, squares) / np.cumsum(powers[::-1])[count - 1]
    return np.asarray((1.0 - LONG_RUN) * recent + LONG_RUN * (squares.sum(axis=0) / count))


def qlike(realized: Floats, forecast: Floats) -> Floats:
    """Return the loss RV / h - ln(RV / h) - 1 of each forecast; at least 0, and 0 if it was right.

    Source: Patton (2011). NaN where RV or h is not above 0.

    Args:
        realized: RV, of any shape.
        forecast: h, of the same shape.
    """
    possible = (realized > 0.0) & (forecast > 0.0)
    ratio = np.divide(realized, forecast, out=np.full(realized.shape, np.nan), where=possible)
    return np.asarray(ratio - np.log(ratio) - 1.0)


class DieboldMariano(NamedTuple):
    """Test of the difference of two forecasts' mean losses.

    Attributes:
        difference: mean of loss - other; below 0 where the first forecast is better.
        statistic: difference over its HAC standard error; NaN if that is 0.
        p_value: two-sided, of the normal distribution.
    """

    difference: float
    statistic: float
    p_value: float


def diebold_mariano(difference: Floats, lags: int = HORIZON - 1) -> DieboldMariano:
    """Test whether a mean difference of losses is 0, with Bartlett weights of Newey and West (1987).

    Forecasts of 21 sessions made on consecutive dates share outcomes, so their losses are correlated over
    20 of them. Source: Diebold and Mariano (1995).

    Args:
        difference: [n] by date, oldest first; n >= 1.
        lags: autocovariances that count.

    Returns:
        The mean difference and its test.
    """
    n, mean = difference.size, float(difference.mean())
    deviation = difference - mean
    covariances = [float(deviation[lag:] @ deviation[: n - lag]) / n for lag in range(min(lags, n - 1) + 1)]
    weights = [2.0 * (1.0 - lag / (lags + 1.0)) for lag in range(1, len(covariances))]
    variance = covariances[0] + sum(w * c for w, c in zip(weights, covariances[1:], strict=True))
    if variance <= 0.0:
        return DieboldMariano(mean, float("nan"), float("nan"))
    statistic = mean / math.sqrt(variance / n)
    return DieboldMariano(mean, statistic, math.erfc(abs(statistic) / math.sqrt(2.0)))
