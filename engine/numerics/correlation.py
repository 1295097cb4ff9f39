"""Correlation matrices of complete return series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.numerics.arrays import Floats
from engine.numerics.centring import centred
from engine.numerics.correlation_sets import set_figures, square_cells


@dataclass(frozen=True, slots=True)
class CorrelationFit:
    """rho: float64 [m,m]; significance: float64 [m,m], 1 - p of rho = 0; n: rows."""

    rho: Floats
    significance: Floats
    n: int


def correlation(returns: Floats) -> CorrelationFit:
    """Pearson correlations of m complete series and their significance.

    returns: [n,m], finite. rho_ij = Sij / sqrt(Sii Sjj), S the sums of products of deviations, clipped to
    [-1, 1]; the diagonal is exactly 1. A constant series has NaN in its whole row and column, its
    diagonal too. Below 30 rows rho is NaN everywhere.
    significance_ij = 1 - p, p two-sided from Student's t with n - 2 degrees of freedom at
    rho sqrt((n - 2) / (1 - rho^2)): not withheld below 30 rows, NaN with a constant series and for
    n < 3; a series with itself has 1 always.
    Source: pandas' DataFrame.corr(min_periods=30), scipy's pearsonr.
    """
    n, m = returns.shape
    rho, significance = set_figures(returns[None], square_cells(np.array([m])))
    return CorrelationFit(rho.reshape(m, m), significance.reshape(m, m), n)


def ewma_correlation(returns: Floats, decay: float, bound: float, min_rows: int) -> Floats:
    """Exponentially weighted correlations of m complete series: [m,m].

    returns: [n,m], oldest row first. Weights w_t proportional to decay^(n-1-t), t = 0..n-1, of sum 1; means
    are weighted too;
    rho_ij = C_ij / sqrt(C_ii C_jj) with C_ij = sum_t w_t (r_ti - mean_i)(r_tj - mean_j), clipped to
    [-bound, bound]; 0 if either variance is not positive or there are fewer than min_rows rows. The
    diagonal is 1. Source: RiskMetrics, with means.
    """
    n, m = returns.shape
    rho = np.zeros((m, m))
    if n >= max(min_rows, 1):
        weights = decay ** np.arange(n - 1, -1, -1, dtype=np.float64)
        weights /= weights.sum()
        # Centring first keeps constants exact; the weighted mean of deviations is then small.
        _, deviation = centred(returns)
        deviation = deviation - weights @ deviation
        rho = _scaled((deviation * weights[:, None]).T @ deviation)
        rho = np.clip(np.where(np.isnan(rho), 0.0, rho), -bound, bound)
    np.fill_diagonal(rho, 1.0)
    return rho


def _scaled(covariance: Floats) -> Floats:
    """Covariances over the square roots of both variances; NaN where a variance is not positive."""
    variance = np.diagonal(covariance)
    root = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    return np.asarray(covariance / (root[:, None] * root))
