"""Moves of factors in a scenario: those that it shocks, and the others with them."""

from __future__ import annotations

import numpy as np

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.core.rules import UnshockedFactors
from engine.numerics.arrays import Floats


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


def conditional_move(shocks: dict[str, float], factor: str, correlations: FactorCorrelations) -> Floats:
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
