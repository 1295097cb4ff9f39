"""Predicted volatility of portfolios, and what each factor and position contributes to it.

Shapes: D sessions, K factors, N positions, P portfolios.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.analytics.panels import PortfolioSums
from engine.numerics.arrays import Floats, Ints, added

DAYS_A_YEAR = 252.0


class RiskModel(NamedTuple):
    """Moves of positions in each session: betas times factors, and a specific move of each symbol.

    Attributes:
        betas: [D, K, N], 0 where there is none.
        covariance: [D, K, K] of the factors' daily returns.
        specific: [D, N] daily variance of the specific move; 0 for positions without a model.
        symbol: [N] number of the symbol whose specific move a position shares with others.
    """

    betas: Floats
    covariance: Floats
    specific: Floats
    symbol: Ints


class Contributions(NamedTuple):
    """Predicted volatilities a year, as fractions of equity, and what they change with.

    Attributes:
        total: [D, P] volatility of each portfolio; 0 where nothing moves.
        exposure: [D, K, P] betas of the portfolios.
        factor: [D, K, P] change of the volatility with the exposure to a factor.
        specific: [D, P] contribution of all specific moves together.
        by_betas: [D, N] change of the volatility with the weight of a position, by its betas.
        by_specific: [D, N] the same, by its specific move.
    """

    total: Floats
    exposure: Floats
    factor: Floats
    specific: Floats
    by_betas: Floats
    by_specific: Floats


def contributions(weight: Floats, model: RiskModel, owner: Ints, portfolios: int) -> Contributions:
    """Split the predicted volatility of portfolios by Euler's theorem.

        b_k = sum_i w_i beta_ik,  W_s = sum_(i of symbol s) w_i
        sigma^2 = b' C b + sum_s W_s^2 v_s
        d sigma / d b_k = (C b)_k / sigma,  d sigma / d w_i = (beta_i' C b + W_s v_s) / sigma

    Exposures times their changes, with the specific part sum_s W_s^2 v_s / sigma, add up to sigma; so do
    weights times theirs. Source: Euler's theorem on homogeneous functions; Litterman, Hot spots and hedges
    (1996). skfolio's predicted attribution splits alike: it is no dependency, as it brings solvers along.

    Args:
        weight: [D, N] value over equity, signed; 0 for positions that do not count.
        model: of the N positions.
        owner: [N] the portfolio of each position, ascending.
        portfolios: P.

    Returns:
        Volatilities of the portfolios and their changes.
    """
    sums = PortfolioSums(owner, portfolios)
    exposure = sums.sum(model.betas * weight[:, None])
    pull = added(model.covariance[..., None] * exposure[:, None], axis=2)
    pairs, group = np.unique(np.stack((owner, model.symbol)), axis=1, return_inverse=True)
    together = PortfolioSums(group.ravel(), pairs.shape[1]).sum(weight)[:, group.ravel()]
    by_betas = added(model.betas * pull[:, :, owner], axis=1)
    by_specific = together * model.specific
    specific = sums.sum(weight * by_specific)
    variance = added(exposure * pull, axis=1) + specific
    total = np.sqrt(np.maximum(variance, 0.0) * DAYS_A_YEAR)
    scale = np.divide(DAYS_A_YEAR, total, out=np.zeros_like(total), where=total > 0)
    own = scale[:, owner]
    changes = pull * scale[:, None], specific * scale, by_betas * own, by_specific * own
    return Contributions(total, exposure, *changes)


def beside_market(covariance: Floats) -> Floats:
    """Return the covariance of factors of which the others are residuals of their regression on the first.

        C_00 of the first;  C_kl - C_k0 C_l0 / C_00 of others;  0 between it and others

    Args:
        covariance: [D, K, K] of the funds' returns; where the first one's variance is 0 the result is 0.

    Returns:
        [D, K, K].
    """
    market = covariance[:, :1, :1]
    with_market = covariance[:, :, :1]
    known = market > 0
    explained = with_market * np.swapaxes(with_market, -1, -2) / np.where(known, market, 1.0)
    rest = np.where(known, covariance - explained, 0.0)
    rest[:, 0] = rest[:, :, 0] = 0.0
    rest[:, 0, 0] = market[:, 0, 0]
    return np.asarray(rest)
