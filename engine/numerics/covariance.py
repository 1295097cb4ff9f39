"""Covariances of a few series over many windows: shrunk, or exponentially weighted.

Shapes: T rows, k series, D windows. A window d is the rows t with first[d] <= t < stop[d].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.numerics.arrays import Floats, Ints, centred


def rolling_ledoit_wolf(x: Floats, first: Ints, stop: Ints) -> Floats:
    """Return the covariance of each window, shrunk towards a multiple of the identity.

        S = Z'Z / n,  mu = trace(S) / k,  d2 = |S - mu I|^2 / k
        b2 = min(d2, (sum_t |z_t|^4 / n - |S|^2) / (n k)),  covariance = (b2 / d2) mu I + (1 - b2 / d2) S

    Z are the deviations from the window's means, |.| Frobenius norms. Source: Ledoit and Wolf, A
    well-conditioned estimator for large-dimensional covariance matrices (2004); scikit-learn's LedoitWolf.

    Args:
        x: [T, k], finite inside the windows.
        first: [D] first row of each window.
        stop: [D] row after the last of each window.

    Returns:
        Covariances [D, k, k], of n rows, not n - 1; 0 in an empty window.
    """
    return _rolling_shrunk(x, first, stop, _ledoit_wolf)


def rolling_oas(x: Floats, first: Ints, stop: Ints) -> Floats:
    """Return the covariance of each window, shrunk towards a multiple of the identity as for normal returns.

        S = Z'Z / n,  mu = trace(S) / k,  a = |S|^2 / k^2
        share = min(1, (a + mu^2) / ((n + 1) (a - mu^2 / k))),  covariance = share mu I + (1 - share) S

    Z are the deviations from the window's means, |.| is the Frobenius norm. Source: Chen, Wiesel, Eldar and
    Hero, Shrinkage algorithms for MMSE covariance estimation (2010), equation 23, the oracle approximating
    shrinkage, without its term in 2 / k: as scikit-learn's OAS.

    Args:
        x: [T, k], finite inside the windows.
        first: [D] first row of each window.
        stop: [D] row after the last of each window.

    Returns:
        Covariances [D, k, k], of n rows, not n - 1; 0 in an empty window.
    """
    return _rolling_shrunk(x, first, stop, _oas)


def _rolling_shrunk(x: Floats, first: Ints, stop: Ints, share: Callable[..., Floats]) -> Floats:
    """Return the covariance of each window, shrunk by a share of its sample covariances and deviations."""
    k, length = x.shape[1], np.maximum(stop - first, 0)
    covariance = np.zeros((len(first), k, k))
    # Windows of one length are computed together; a year's windows have a handful of lengths.
    for n in np.unique(length[length > 0]).tolist():
        alike = np.flatnonzero(length == n)
        _, deviation = centred(x[first[alike, None] + np.arange(n)])
        sample = np.swapaxes(deviation, -1, -2) @ deviation / n
        mu = np.trace(sample, axis1=-2, axis2=-1) / k
        norm = (sample * sample).sum(axis=(-2, -1))
        intensity = share(deviation, mu, norm)
        target = (intensity * mu)[:, None, None] * np.eye(k)
        covariance[alike] = target + (1.0 - intensity)[:, None, None] * sample
    return covariance


def _ledoit_wolf(deviation: Floats, mu: Floats, norm: Floats) -> Floats:
    """Return the share [W] of the identity in covariances of deviations [W, n, k]; `norm` [W] is |S|^2."""
    _, n, k = deviation.shape
    norms = (deviation * deviation).sum(axis=-1)
    fourth = (norms * norms).mean(axis=-1)
    distance = norm / k - mu * mu
    error = np.minimum((fourth - norm) / (n * k), distance)
    return np.asarray(np.divide(error, distance, out=np.zeros_like(mu), where=(error > 0) & (distance > 0)))


def _oas(deviation: Floats, mu: Floats, norm: Floats) -> Floats:
    """Return the share [W] of the identity in covariances of deviations [W, n, k]; `norm` [W] is |S|^2."""
    _, n, k = deviation.shape
    square, mean_square = mu * mu, norm / (k * k)
    spread = (n + 1) * (mean_square - square / k)
    share = np.divide(mean_square + square, spread, out=np.ones_like(mu), where=spread > 0)
    return np.asarray(np.minimum(share, 1.0))


def rolling_ewma(x: Floats, first: Ints, stop: Ints, decay: float) -> Floats:
    """Return the exponentially weighted covariance of each window.

        C_ij = sum_t w_t (x_ti - mean_i)(x_tj - mean_j)

    with weights w_t proportional to decay^(n-1-t), t = 0..n-1, of sum 1, and means of the same weights.
    Source: RiskMetrics, with means.

    Args:
        x: [T, k], finite inside the windows.
        first: [D] first row of each window.
        stop: [D] row after the last of each window.
        decay: weight of a row relative to the next one.

    Returns:
        Covariances [D, k, k], 0 in an empty window.
    """
    covariance = np.zeros((len(first), x.shape[1], x.shape[1]))
    length = np.maximum(stop - first, 0)
    for n in np.unique(length[length > 0]).tolist():
        alike = np.flatnonzero(length == n)
        weights = decay ** np.arange(n - 1, -1, -1, dtype=np.float64)
        weights /= weights.sum()
        # Centring first keeps constants exact; the weighted mean of deviations is then small.
        _, deviation = centred(x[first[alike, None] + np.arange(n)])
        deviation = deviation - (weights @ deviation)[:, None]
        covariance[alike] = np.swapaxes(deviation * weights[:, None], -1, -2) @ deviation
    return covariance


def correlation_of(covariance: Floats) -> Floats:
    """Return the correlations of covariances [..., k, k]: 0 where a variance is not positive, diagonal 1."""
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    root = np.sqrt(np.where(variance > 0.0, variance, np.inf))
    rho = covariance / (root[..., :, None] * root[..., None, :])
    diagonal = np.arange(covariance.shape[-1])
    rho[..., diagonal, diagonal] = 1.0
    return np.asarray(rho)
