"""P&L of scenarios: exposures times the moves of factors, and options valued anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.factor_moves import Moves, factor_move, model_moves, model_yield_move, moves_at
from engine.analytics.stress.option_moves import OptionCells
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.core.rules import Rules
from engine.numerics.arrays import Floats, Ints

LOSS_FLOOR = -0.99
"""The greatest loss, as a share of the base: see `engine.analytics.stress.stress_exposures.loss_base`."""
CORRELATES_AS = {"Market Beta": "Market", "Interest Rate Beta": RATE_SHOCK}
"""Names under which exposures are correlated, where they differ. The exposures are called "Market Beta (90D)"
and "IR Beta" and are not in this table, so that market exposure never enters a correlated P&L [T2]."""


class StressExposures(NamedTuple):
    """Exposures of C cells, each a portfolio in a session.

    Attributes:
        factors: name -> [C] USD.
        order: [F, C] numbers of the factors in the order of summation.
        rates: [C] USD, NaN where there is none.
        base: [C] USD, not below 0: losses are limited to 99 % of it.
        matrix: [C] number of the matrix of correlations of the cell's session.
        options: the options of these cells, whose deltas are in the exposures; None where they have none.
    """

    factors: Mapping[str, Floats]
    order: Ints
    rates: Floats
    base: Floats
    matrix: Ints
    options: OptionCells | None = None

    def exposure(self, shocked: str) -> Floats:
        """Return the exposure that a shock multiplies; NaN where there is none to rates.

        Args:
            shocked: name of a factor of a scenario, or RATE_SHOCK.

        Returns:
            [C] USD; 0 for a factor that no cell is exposed to.
        """
        if shocked == RATE_SHOCK:
            return self.rates
        held = self.factors.get(HELD_AS.get(shocked, shocked))
        return np.zeros_like(self.base) if held is None else held


def direct_pnl(moves: Moves, exposures: StressExposures) -> Floats:
    """Return the P&L of the shocks alone, [C] USD.

        sum over the shocked factors f of exposure_f move_f, not below -0.99 x base

    Summed in the file's order; with options, what they are worth beyond their deltas is added. Source:
    document 03 §4.4.

    Args:
        moves: of `direct_moves`, by shocked factor; fractions, or [C].
        exposures: of C cells, in USD.
    """
    total = _direct(moves, exposures)
    if options := exposures.options:
        own = _direct(moves_at(moves, options.cell), _of_options(options, exposures.matrix))
        total = total + options.beyond_delta(own, total.size)
    return _floored(total, exposures)


def _of_options(options: OptionCells, matrix: Ints) -> StressExposures:
    """Return the betas of options' underlyings in place of exposures, a cell for each option and session.

    Args:
        options: of C cells.
        matrix: [C] number of the matrix of correlations of the cell's session.
    """
    order = np.tile(np.arange(len(options.betas))[:, None], options.cell.size)
    base = np.zeros(options.cell.size)
    return StressExposures(options.betas, order, options.rates, base, matrix[options.cell])


def _direct(moves: Moves, exposures: StressExposures) -> Floats:
    """Return the sum of exposures times moves, [C]."""
    total = np.zeros_like(exposures.base)
    for shocked, move in moves.items():
        total = total + np.nan_to_num(exposures.exposure(shocked) * move)
    return total


def correlated_pnl(
    scenario: Scenario, exposures: StressExposures, correlations: FactorCorrelations, rules: Rules
) -> Floats:
    """Return the P&L of the shocks and of the factors that move with them, [C] USD.

        exposure_rates s_rates + sum_g exposure_g move_g

    not below -0.99 x base; s_rates is the shock of rates, or with joint exposures to yields and conditional
    moves `model_yield_move`; g runs over the factors to which the portfolio is exposed; the moves are those
    of `model_moves` under joint exposures and conditional moves, else of `factor_move`. Summed in the order
    of the exposure rows, newest first; with options, what they are worth beyond their deltas is added.
    Source: document 03 §4.5.

    Args:
        scenario: shocks by factor, as fractions.
        exposures: of C cells, in USD.
        correlations: of the factors' funds.
        rules: factor_model and unshocked_factors.
    """
    options = exposures.options
    names = dict.fromkeys((*exposures.factors, *(options.betas if options else ())))
    moves = _moves(scenario, names, correlations, rules)
    rates = _rate_move(scenario, correlations, rules)
    total = _correlated(moves, rates, exposures)
    if options:
        own = _correlated(moves, rates, _of_options(options, exposures.matrix))
        total = total + options.beyond_delta(own, total.size)
    return _floored(total, exposures)


def _correlated(moves: Mapping[str, Floats], rates: Floats, exposures: StressExposures) -> Floats:
    """Return the sum of exposures times the moves of all factors and of yields, [C]; moves are [M]."""
    total = np.nan_to_num(exposures.rates * rates[exposures.matrix])
    own = [moves[name] for name in exposures.factors]
    # Without any move the sum would add zeros: skip stacking the exposures.
    if np.any(own):
        held = zip(exposures.factors.values(), own, strict=True)
        moved = np.stack([usd * move[exposures.matrix] for usd, move in held])
        # One after the other in each cell's own order: the last bit depends on it.
        for next_pnl in np.take_along_axis(moved, exposures.order, axis=0):
            total = total + next_pnl
    return total


def _moves(
    scenario: Scenario, names: Iterable[str], correlations: FactorCorrelations, rules: Rules
) -> dict[str, Floats]:
    """Return how far the factors of exposures move, [M] by name."""
    if _one_model(rules):
        return model_moves(scenario, names, correlations)
    rule = rules.unshocked_factors
    return {name: factor_move(scenario, CORRELATES_AS.get(name, name), correlations, rule) for name in names}


def _rate_move(scenario: Scenario, correlations: FactorCorrelations, rules: Rules) -> Floats:
    """Return how far rates move, [M]: by their shock, or as one factor of the joint model."""
    if _one_model(rules) and correlations.duration is not None:
        return model_yield_move(scenario, correlations)
    return np.full(len(correlations.as_of), scenario.shocks.get(RATE_SHOCK, 0.0))


def _one_model(rules: Rules) -> bool:
    """Return whether exposures and moves are those of the joint model."""
    return rules.factor_model == "joint" and rules.unshocked_factors == "conditional"


def _floored(pnl: Floats, exposures: StressExposures) -> Floats:
    """Return the P&L limited to a loss of 99 % of the base."""
    return np.maximum(pnl, LOSS_FLOOR * exposures.base)
