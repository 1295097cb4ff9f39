"""Moves of factors in a scenario: those that it shocks, and the others with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.core.funds import FUND_FACTORS, MARKET_FUND, RATE_FUND, STYLE_FUNDS
from engine.core.rules import FactorModel, UnshockedFactors
from engine.numerics.arrays import Floats, Ints

MARKET = FUND_FACTORS[MARKET_FUND]
RATES = FUND_FACTORS[RATE_FUND]
Moves = Mapping[str, Floats | float]
"""Moves by factor: a fraction, or one for each matrix or cell."""


def moves_at(moves: Moves, numbers: Ints) -> Moves:
    """Return moves with one value for each number in place of one for each matrix or cell.

    Args:
        moves: by factor; one that is the same everywhere stays one number.
        numbers: [n] of matrices or cells.
    """
    return {name: move if isinstance(move, float) else move[numbers] for name, move in moves.items()}


def direct_moves(scenario: Scenario, correlations: FactorCorrelations, model: FactorModel) -> Moves:
    """Return how far each shocked factor moves: by its shock.

    An exposure of the joint model to a style is to what the market leaves of it. So with `model` "joint" a
    style moves by what its shock exceeds the market's part, `beyond_market`, of a shock of the market, and
    so do yields, where `correlations` has the duration of the rates' fund.

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
    return {name: _direct_move(name, shock, shocks[MARKET], correlations) for name, shock in shocks.items()}


def _direct_move(name: str, shock: float, market: float, correlations: FactorCorrelations) -> Floats | float:
    """Return the move of a shocked factor beside a shock of the market."""
    if name == RATE_SHOCK and correlations.duration is not None:
        fund = beyond_market(RATES, fund_move(shock, correlations.duration), market, correlations)
        return yield_move(fund, correlations.duration, shock)
    return beyond_market(name, shock, market, correlations) if name in STYLE_FUNDS else shock


def fund_move(change: Floats | float, duration: Floats) -> Floats:
    """Return the return of the rates' fund for a change of yield: -duration x change, [M].

    Args:
        change: of yield, a fraction: 0.005 for 50 basis points.
        duration: [M] years.
    """
    return np.asarray(-duration * change)


def yield_move(fund: Floats, duration: Floats, change: float) -> Floats:
    """Return the change of yield for a return of the rates' fund: -return / duration, [M].

    Args:
        fund: [M] returns, fractions.
        duration: [M] years.
        change: what stands where the duration is unknown.
    """
    return np.where(np.isnan(fund / duration), change, -fund / duration)


def model_yield_move(scenario: Scenario, correlations: FactorCorrelations) -> Floats:
    """Return how far yields move in the joint model: by their shock, or as the market's shocks let expect.

    Beyond the market's part, as a style in `model_moves`.

    Args:
        scenario: shocks by factor, as fractions.
        correlations: of the factors' funds; they have the duration of the rates' fund.

    Returns:
        [M] changes of yield, fractions.
    """
    shock = scenario.shocks.get(RATE_SHOCK, 0.0)
    duration = correlations.duration
    if duration is None or RATES not in correlations.names:
        return np.full(len(correlations.as_of), shock)
    expected = _expected(scenario, (MARKET, RATES), correlations)
    fund = beyond_market(RATES, expected[RATES], expected[MARKET], correlations)
    return yield_move(fund, duration, shock)


def _expected(
    scenario: Scenario, factors: Iterable[str], correlations: FactorCorrelations
) -> dict[str, Floats]:
    """Return the conditional moves of factors, [M]; a change of yield is a return of the rates' fund.

    Where the duration of that fund is unknown, the shock of rates moves no other factor.
    """
    shocks: dict[str, Floats | float] = {
        name: shock for name, shock in scenario.shocks.items() if name != RATE_SHOCK
    }
    alone, duration = conditional_moves(shocks, factors, correlations), correlations.duration
    if duration is None or RATE_SHOCK not in scenario.shocks:
        return alone
    known = np.isfinite(duration)
    shocks[RATES] = fund_move(scenario.shocks[RATE_SHOCK], np.where(known, duration, 0.0))
    moves = conditional_moves(shocks, factors, correlations)
    return {name: np.where(known, moves[name], alone[name]) for name in moves}


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


def model_moves(
    scenario: Scenario, exposures: Iterable[str], correlations: FactorCorrelations
) -> dict[str, Floats]:
    """Return how far the factors of exposures of the joint model move, given a scenario's shocks.

    The market moves as `conditional_moves` says, a style by what its own such move exceeds the market's part.

    Args:
        scenario: shocks by factor, as fractions.
        exposures: names of factors of factor_exposures.
        correlations: of the factors' funds.

    Returns:
        [M] fractions by name; a factor without a fund moves by its own shock alone.
    """
    names = list(exposures)
    moves = _expected(scenario, (MARKET, *names), correlations)
    market = moves[HELD_AS[MARKET]] = moves[MARKET]
    return {
        name: beyond_market(name, moves[name], market, correlations) if name in STYLE_FUNDS else moves[name]
        for name in names
    }


def factor_move(
    scenario: Scenario, factor: str, correlations: FactorCorrelations, rule: UnshockedFactors
) -> Floats:
    """Return how far a factor moves with a scenario's shocks, other than that of rates.

    "sum": sum over the shocked factors f of s_f rho(f, factor), shocked factors too (document 03 §4.5).
    "conditional": see `conditional_moves`.

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
        return conditional_moves(shocks, [factor], correlations)[factor]
    return sum(
        (shock * correlations.between(name, factor) for name, shock in shocks.items()),
        np.zeros(len(correlations.as_of)),
    )


def conditional_moves(
    shocks: Moves, factors: Iterable[str], correlations: FactorCorrelations
) -> dict[str, Floats]:
    """Return each factor's shock, or its expected move given the shocks of the others.

        E[g | f_S = s] = C_gS C_SS^-1 s

    C: covariance of the daily returns of the factors' funds, S the shocked factors that have a fund. Means
    of daily returns count as 0. Where C_SS is singular its pseudo-inverse stands for its inverse. Source:
    the conditional normal distribution, Anderson, An Introduction to Multivariate Statistical Analysis,
    §2.5; Kupiec, Stress testing in a value at risk framework (1998).

    Args:
        shocks: by factor, as fractions, or [M].
        factors: names of factors.
        correlations: of the factors' funds.

    Returns:
        [M] fractions by name, one for each matrix; 0 for a factor without a fund that is not shocked.
    """
    matrices, names = len(correlations.as_of), correlations.names
    given = tuple(name for name in shocks if name in names)
    at = [names.index(name) for name in given]
    size = np.empty((matrices, len(given), 1))
    for number, name in enumerate(given):
        size[:, number, 0] = shocks[name]
    weights = correlations.inverse_among(given) @ size
    moves = {}
    for factor in factors:
        if factor in shocks:
            moves[factor] = np.broadcast_to(np.asarray(shocks[factor], dtype=np.float64), matrices).copy()
        elif factor in names:
            own = correlations.covariance[:, names.index(factor), at]
            moves[factor] = (own[:, None, :] @ weights).ravel()
        else:
            moves[factor] = np.zeros(matrices)
    return moves
