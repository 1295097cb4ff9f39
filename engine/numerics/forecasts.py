"""Forecasts of the variance of the next 21 returns of a series, and the losses that judge them.

RV is the mean of the next 21 squared simple returns; a forecast h of it is a daily variance. Every
candidate reads the returns of its own window alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.numerics.arrays import Floats

HORIZON = 21
"""Returns that a forecast is about."""
DECAY = 0.94
"""A day, of the exponential weights (RiskMetrics, 1996)."""
LONG_RUN = 1 / 3
"""Weight of the mean of the whole window. A variance that closes 4 % of its distance to the mean each day
has closed 1 - (1 - 0.96^21) / (21 x 0.04) = 31 % of it on the average of 21 days."""


def exponential_weights(count: int, decay: float = DECAY) -> Floats:
    """Return the weights of `count` squared returns in an exponentially weighted mean, oldest first.

    Args:
        count: returns in the window, at least 1.
        decay: of a day, in (0, 1).

    Returns:
        [count], with the sum 1.
    """
    powers = decay ** np.arange(count - 1, -1, -1, dtype=np.float64)
    return np.asarray(powers / powers.sum())


def mean_reverting_weights(count: int) -> Floats:
    """Return the weights of `count` squared returns in the mean-reverting forecast, oldest first.

        h = 2/3 sum_k w_k r_k^2 + 1/3 mean(r^2),  w_k in proportion to 0.94^age

    Args:
        count: returns in the window, at least 1.

    Returns:
        [count], with the sum 1.
    """
    return (1.0 - LONG_RUN) * exponential_weights(count) + LONG_RUN / count


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
