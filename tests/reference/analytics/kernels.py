"""Regression kernels (02 §3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

BETA_CAP = 5.0
RIDGE_PENALTY = 1.0


@dataclass(frozen=True)
class Line:
    """A fitted y = alpha + beta x; beta is capped, the rest is of the uncapped slope.

    Source: 02 §3.1.
    """

    beta: float
    alpha: float
    r_squared: float
    std_error: float
    p_value: float
    observations: int


def ols(y: pd.Series, x: pd.Series) -> Line | None:
    """Statsmodels OLS with a constant; None when the slope cannot be read.

    Source: 02 §3.1, edge table.
    """
    fit = sm.OLS(y.to_numpy(), sm.add_constant(x.to_numpy())).fit()
    if len(fit.params) < 2:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        r_squared, p_value = float(fit.rsquared), float(fit.pvalues[1])
    beta = float(np.clip(fit.params[1], -BETA_CAP, BETA_CAP))
    return Line(beta, float(fit.params[0]), r_squared, float(fit.bse[1]), p_value, len(y))


def ridge(y: pd.Series, factors: pd.DataFrame) -> dict[str, float]:
    """Ridge on standardised factors, slopes back on the factors' own scale, capped.

    Source: 02 §3.2.
    """
    scaler = StandardScaler()
    z = scaler.fit_transform(factors.to_numpy())
    fit = Ridge(alpha=RIDGE_PENALTY, fit_intercept=True).fit(z, y.to_numpy())
    slopes = fit.coef_ / scaler.scale_
    finite = np.where(np.isfinite(slopes), slopes, 0.0)
    capped = np.clip(finite, -BETA_CAP, BETA_CAP)
    return {str(name): float(beta) for name, beta in zip(factors.columns, capped, strict=True)}
