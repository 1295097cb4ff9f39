"""Measures of daily returns: volatility, Sharpe and Sortino ratio, value at risk, expected shortfall."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.numerics.volatility import ANNUAL

FEWEST = 20
"""Returns from which a page shows these measures: the smallest of 20 is their 5 % quantile."""
TAIL = 0.05
"""Share of the sessions that value at risk and expected shortfall are about."""
FEW, NO_SPREAD, NO_LOSS = f"fewer than {FEWEST} returns", "the returns do not vary", "no session loses"
"""Reasons for no measure at all, no Sharpe ratio, no Sortino ratio."""


@dataclass(frozen=True)
class Performance:
    """Measures of the daily returns of a window; ratios without a risk-free rate.

    Attributes:
        sessions: number of returns.
        total: compounded return, a fraction.
        volatility: a year, a fraction.
        sharpe: mean over standard deviation, a year; None where returns do not vary.
        sortino: mean over downside deviation, a year; None without a loss.
        value_at_risk: loss of a session that 5 % of the sessions exceed, a fraction, above 0 for a loss.
        expected_shortfall: mean loss of the sessions that lose as much or more.
    """

    sessions: int
    total: float
    volatility: float
    sharpe: float | None
    sortino: float | None
    value_at_risk: float
    expected_shortfall: float


def performance(returns: pl.Series) -> Performance | None:
    """Return the measures of daily returns; None for fewer than FEWEST.

        volatility = s sqrt(252), s with n - 1
        Sharpe = mean / s x sqrt(252)
        Sortino = mean / sqrt(sum(min(r, 0)^2) / n) x sqrt(252)
        value at risk = -(5 % quantile, interpolated)
        expected shortfall = -(mean of the returns that are not above that quantile)

    Sources: Sharpe (1994), "The Sharpe Ratio"; Sortino and Price (1994), "Performance Measurement in a
    Downside Risk Framework"; Acerbi and Tasche (2002), "On the coherence of expected shortfall".

    Args:
        returns: daily, as fractions; nulls are left out.
    """
    r = returns.drop_nulls().cast(pl.Float64).drop_nans().to_numpy()
    if len(r) < FEWEST:
        return None
    # Of equal returns NumPy's deviation is rounding, of which a ratio would be made.
    mean, deviation = float(r.mean()), float(r.std(ddof=1)) if np.ptp(r) > 0 else 0.0
    downside = math.sqrt(float((np.minimum(r, 0.0) ** 2).sum()) / len(r))
    quantile = float(np.quantile(r, TAIL))
    return Performance(
        sessions=len(r),
        total=float(np.prod(np.maximum(1 + r, 0.0))) - 1,
        volatility=deviation * ANNUAL,
        sharpe=mean / deviation * ANNUAL if deviation > 0 else None,
        sortino=mean / downside * ANNUAL if downside > 0 else None,
        value_at_risk=-quantile,
        expected_shortfall=-float(r[r <= quantile].mean()),
    )
