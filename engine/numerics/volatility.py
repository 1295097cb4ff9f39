"""Realised volatility, its heterogeneous autoregressive (HAR) forecast, its trend and its percentile."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engine.numerics.arrays import Bools, Floats
from engine.numerics.centring import centred, sum_products
from engine.numerics.padded_products import pad_columns
from engine.numerics.rolling_std import LONG, QUARTER, rolling_std

ANNUAL = float(np.sqrt(252.0))
"""Annualises a daily standard deviation."""

MIN_OBSERVATIONS = 63
MIN_FOR_PERCENTILE = 252
TREND_POINTS = 21

WELL_CONDITIONED = 1e-4
"""Determinant of the regressors' correlation matrix above which normal equations keep 1e-11 of a figure."""

BLOCK_COLUMNS = 128
"""Series at a time: their rolling figures stay in the cache."""


@dataclass(frozen=True, slots=True)
class VolatilityFit:
    """Figures of m return series of n rows; float64 [m], volatilities annualised, NaN where undefined.

    realized_21, realized_63; daily, weekly, monthly: components of the last row; forecast, of the next
    daily component; forecast_r_squared; trend_slope, a day; trend_r_squared; trend_strength;
    percentile, in [0, 1).
    """

    realized_21: Floats
    realized_63: Floats
    daily: Floats
    weekly: Floats
    monthly: Floats
    forecast: Floats
    forecast_r_squared: Floats
    trend_slope: Floats
    trend_r_squared: Floats
    trend_strength: Floats
    percentile: Floats
    n: int


def volatility(returns: Floats) -> VolatilityFit:
    """Volatility figures of m complete series: returns [n,m], n >= 63, oldest row first, finite.

    With A = sqrt(252) and sd the sample standard deviation (ddof 1):
    D_t = |r_t| A; W_t = sd(r_{t-4..t}) A; M_t = sd(r_{t-20..t}) A;
    daily, weekly, monthly = D, W, M of the last row; realized_21 = M; realized_63 = sd(last 63) A.
    forecast, forecast_r_squared: `_har`. trend: `trend` of the last 21 M.
    trend_strength = min(|trend_r_squared|, 1).
    percentile = share of all n - 20 values of M strictly below the last; NaN for n < 252.
    Source: Corsi (2009) for HAR.
    """
    n, m = returns.shape
    if n < MIN_OBSERVATIONS:
        raise ValueError(f"{n} returns, at least {MIN_OBSERVATIONS} are needed")
    padded = pad_columns(returns)
    lefts = range(0, max(m, 1), BLOCK_COLUMNS)
    blocks = [_block(padded[:, left : left + BLOCK_COLUMNS]) for left in lefts]
    names = [field.name for field in fields(VolatilityFit) if field.name != "n"]
    return VolatilityFit(
        **{name: np.concatenate([getattr(block, name) for block in blocks])[:m] for name in names}, n=n
    )


def _block(returns: Floats) -> VolatilityFit:
    returns = np.ascontiguousarray(returns)
    weekly, monthly = rolling_std(returns)
    weekly *= ANNUAL
    monthly *= ANNUAL
    daily = np.abs(returns) * ANNUAL
    forecast, forecast_r_squared = _har(daily, weekly, monthly)
    slope, r_squared = trend(monthly[-TREND_POINTS:])
    return VolatilityFit(
        realized_21=monthly[-1].copy(),
        realized_63=_std(returns[-QUARTER:]) * ANNUAL,
        daily=daily[-1].copy(),
        weekly=weekly[-1].copy(),
        monthly=monthly[-1].copy(),
        forecast=forecast,
        forecast_r_squared=forecast_r_squared,
        trend_slope=slope,
        trend_r_squared=r_squared,
        trend_strength=np.minimum(np.abs(r_squared), 1.0),
        percentile=percentile(monthly, len(returns)),
        n=len(returns),
    )


def _std(values: Floats) -> Floats:
    _, deviation = centred(values)
    return np.sqrt(sum_products(deviation, deviation) / (len(values) - 1))


def percentile(monthly: Floats, n: int) -> Floats:
    """Share of the n - 20 values of M strictly below the last, [m]; NaN for n < 252."""
    if n < MIN_FOR_PERCENTILE:
        return np.full(monthly.shape[1], np.nan)
    return np.asarray((monthly < monthly[-1]).mean(axis=0))


def trend(values: Floats) -> tuple[Floats, Floats]:
    """Least squares of values [p,m] on x = 0..p-1 with intercept: slopes and R^2 [m]."""
    x = np.arange(len(values)) - (len(values) - 1) / 2
    _, deviation = centred(values)
    slope = np.einsum("i,ij->j", x, deviation) / np.sum(x * x)
    return slope, _r_squared(deviation - x[:, None] * slope, deviation)


def _har(daily: Floats, weekly: Floats, monthly: Floats) -> tuple[Floats, Floats]:
    """Forecast of the next D, and R^2, from D_{t+1} = c + b_D D_t + b_W W_t + b_M M_t + e.

    daily [n,m], weekly [n-4,m], monthly [n-20,m]. Least squares with intercept over the n - 21 rows
    where M_t and D_{t+1} exist, of minimum norm where the regressors are dependent. The forecast is the
    fitted value at the last row.
    """
    start = LONG - 1
    components = (daily[start:], weekly[start - 4 :], monthly)
    target_mean, target = centred(daily[start + 1 :])
    parts = [centred(component[:-1]) for component in components]
    deviations = [deviation for _, deviation in parts]
    slopes = _least_squares(deviations, target)
    residual = target.copy()
    forecast = target_mean
    for slope, (mean, deviation), component in zip(slopes, parts, components, strict=True):
        residual -= slope * deviation
        forecast = forecast + slope * (component[-1] - mean)
    return forecast, _r_squared(residual, target)


def _least_squares(regressors: list[Floats], target: Floats) -> Floats:
    """Slopes [k,m] of m targets [p,m], each on its own k centred regressors [p,m]."""
    k, m = len(regressors), target.shape[1]
    gram = np.empty((m, k, k))
    moment = np.empty((m, k))
    for i, a in enumerate(regressors):
        moment[:, i] = sum_products(a, target)
        for j, b in enumerate(regressors[: i + 1]):
            gram[:, i, j] = gram[:, j, i] = sum_products(a, b)
    degenerate = _degenerate(gram)
    varies = np.einsum("mii->mi", gram).any(axis=1)
    gram[degenerate] = np.eye(k)
    slopes = np.linalg.solve(gram, moment[:, :, None])[:, :, 0].T
    for column in np.flatnonzero(degenerate & varies).tolist():
        design = np.stack([a[:, column] for a in regressors], axis=1)
        slopes[:, column] = np.linalg.lstsq(design, target[:, column])[0]
    return np.asarray(slopes)


def _degenerate(gram: Floats) -> Bools:
    """Gram matrices [m,k,k] that are too near to singular for normal equations."""
    size = np.sqrt(np.einsum("mii->mi", gram))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = gram / (size[:, :, None] * size[:, None, :])
        return np.asarray(~(np.linalg.det(correlation) > WELL_CONDITIONED))


def _r_squared(residual: Floats, deviation: Floats) -> Floats:
    """1 - SSR / SST; where SST = 0, 1 if SSR = 0 and else 0."""
    ssr, sst = sum_products(residual, residual), sum_products(deviation, deviation)
    unexplained = np.divide(ssr, sst, out=(ssr != 0.0).astype(np.float64), where=sst != 0.0)
    return np.asarray(1.0 - unexplained)
