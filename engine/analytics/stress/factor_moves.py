"""Moves of factors in a scenario: those that it shocks, and the others with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.core.funds import FUND_FACTORS, MARKET_FUND, STYLE_FUNDS
from engine.core.rules import FactorModel, UnshockedFactors
from engine.numerics.arrays import Floats

MARKET = FUND_FACTORS[MARKET_FUND]
Moves = Mapping[str, Floats | float]
"""Moves by factor: a fraction, or one for each matrix or cell."""


def direct_moves(scenario: Scenario, correlations: FactorCorrelations, model: FactorModel) -> Moves:
    """Return how far each shocked factor moves: by its shock.

    An exposure of the joint model to a style is to what the market leaves of it. So with `model` "joint" a
    style moves by what its shock exceeds the market's part, `beyond_market`, of a shock of the market.

    Args:
        scenario: shocks by factor, as fractions.
        correlations: of the factors' funds.
        model: see `engine.core.rules.Rules`.

    Returns:
        Fractions by shocked factor.
    """
    shocks = scenario.shocks
    if model == "separate" or MARKET not in shocks:
        return shocks
    return {
        name: beyond_market(name, shock, shocks[MARKET], correlations) if name in STYLE_FUNDS else shock
        for name, shock in shocks.items()
    }


def beyond_market(
    factor: str, move: Floats | float, market: Floats | float, of: FactorCorrelations
) -> Floats:
    """Return what a factor moves beyond its part of the market's move: move - C_gm / C_mm market.

    Args:
        factor: name of a factor with a fund.
        move: its move, a fraction, or [M].
        market: the market's move, a fraction, or [M].
        of: the factors' covariances C.

    Returns:
        [M]; the whole move where there is no covariance.
    """
    if factor not in of.names or MARKET not in of.names:
        return np.broadcast_to(np.asarray(move, dtype=np.float64), len(of.as_of)).copy()
    own, at = of.names.index(factor), of.names.index(MARKET)
    variance = of.covariance[:, at, at]
    slope = np.divide(of.covariance[:, own, at], variance, out=np.zeros_like(variance), where=variance > 0)
    return np.asarray(move - slope * market)


def model_move(scenario: Scenario, exposure: str, correlations: FactorCorrelations) -> Floats:
    """Return how far the factor of an exposure of the joint model moves, given a scenario's shocks.

    The market moves as `conditional_move` says, a style by what its own such move exceeds the market's part.

    Args:
        scenario: shocks by factor, as fractions.
        exposure: name of a factor of factor_exposures.
        correlations: of the factors' funds.

    Returns:
        [M] fractions; a factor without a fund moves by its own shock alone.
    """
    shocks = {name: shock for name, shock in scenario.shocks.items() if name != RATE_SHOCK}
    market = conditional_move(shocks, MARKET, correlations)
    if exposure == HELD_AS[MARKET]:
        return market
    own = conditional_move(shocks, exposure, correlations)
    return beyond_market(exposure, own, market, correlations) if exposure in STYLE_FUNDS else own


def factor_move(
    scenario: Scenario, factor: str, correlations: FactorCorrelations, rule: UnshockedFactors
) -> Floats:
    """Return how far a factor moves with a scenario's shocks, other than that of rates.

    "sum": sum over the shocked factors f of s_f rho(f, factor), shocked factors too (document 03 §4.5).
    "conditional": see `conditional_move`.

    Args:
        scenario: shocks by factor, as fractions.
        factor: name of a factor; one without a fund moves by its own shock alone.
        correlations: of the factors' funds.
        rule: see `engine.core.rules.Rules`.

    Returns:
        [M] fractions, one for each matrix.
    """
    shocks = {name: shock for name, shock in scenario.shocks.items() if name != RATE_SHOCK}
    if rule == "conditional":
        return conditional_move(shocks, factor, correlations)
    return sum(
        (shock * correlations.between(name, factor) for name, shock in shocks.items()),
        np.zeros(len(correlations.as_of)),
    )


def conditional_move(shocks: Mapping[str, float], factor: str, correlations: FactorCorrelations) -> Floats:
    """Return a factor's shock, or its expected move given the shocks of the others.

        E[g | f_S = s] = C_gS C_SS^-1 s

    C: covariance of the daily returns of the factors' funds, S the shocked factors that have a fund. Means
    of daily returns count as 0. Where C_SS is singular its pseudo-inverse stands for its inverse. Source:
    the conditional normal distribution, Anderson, An Introduction to Multivariate Statistical Analysis,
    §2.5; Kupiec, Stress testing in a value at risk framework (1998).

    Args:
        shocks: by factor, as fractions.
        factor: name of a factor.
        correlations: of the factors' funds.

    Returns:
        [M] fractions, one for each matrix; 0 for a factor without a fund that is not shocked.
    """
    matrices = len(correlations.as_of)
    if factor in shocks:
        return np.full(matrices, shocks[factor])
    given = [name for name in shocks if name in correlations.names]
    if factor not in correlations.names or not given:
        return np.zeros(matrices)
    at = [correlations.names.index(name) for name in given]
    own = correlations.covariance[:, correlations.names.index(factor), at]
    among = correlations.covariance[:, at][:, :, at]
    inverse = np.linalg.pinv(among, hermitian=True)
    size = np.array([shocks[name] for name in given])
    return np.asarray((own[:, None, :] @ inverse @ size[:, None]).ravel())
