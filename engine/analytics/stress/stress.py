"""Stress tests: the P&L of each scenario for each portfolio and session."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from engine.analytics.job_result import JobResult, first_reasons, status_rows
from engine.analytics.panels import OpenPositions, Portfolios
from engine.analytics.stress.durations import newest_durations
from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.factor_moves import (
    Moves,
    direct_moves,
    factor_move,
    model_move,
    model_yield_move,
)
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import (
    HELD_AS,
    FactorDollars,
    RateDollars,
    factor_dollars,
    loss_base,
    rate_dollars,
)
from engine.analytics.stress.stress_gaps import gap_rows, measured_factors, measured_scenarios
from engine.analytics.stress.stress_rows import scenario_rows
from engine.core.funds import RATE_FUND
from engine.core.job_catalog import (
    FACTOR_NOT_MEASURED,
    NO_FACTOR_EXPOSURES,
    NO_FACTOR_PRICES,
    NO_SCENARIOS,
    NO_STORED_SCENARIOS,
    ONE_FACTOR_ALONE,
    STRESS,
    UNMEASURED_FACTOR,
    Reason,
)
from engine.core.rules import Rules
from engine.numerics.arrays import Bools, Floats, Ints

LOSS_FLOOR = -0.99
"""The greatest loss, as a share of the base: see `engine.analytics.stress.stress_exposures.loss_base`."""
CORRELATES_AS = {"Market Beta": "Market", "Interest Rate Beta": RATE_SHOCK}
"""Names under which exposures are correlated, where they differ. The exposures are called "Market Beta (90D)"
and "IR Beta" and are not in this table, so that market exposure never enters a correlated P&L [T2]."""


@dataclass(frozen=True)
class StressExposures:
    """Exposures of C cells, each a portfolio in a session.

    Attributes:
        factors: name -> [C] USD.
        order: [F, C] numbers of the factors in the order of summation.
        rates: [C] USD, NaN where there is none.
        base: [C] USD, not below 0: losses are limited to 99 % of it.
        matrix: [C] number of the matrix of correlations of the cell's session.
    """

    factors: Mapping[str, Floats]
    order: Ints
    rates: Floats
    base: Floats
    matrix: Ints

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


def stress(
    portfolios: Portfolios,
    positions: OpenPositions,
    dates: pl.Series,
    exposures: pl.DataFrame,
    rate_betas: pl.DataFrame,
    factor_definitions: pl.DataFrame,
    scenarios: Sequence[Scenario],
    scenario_ids: Mapping[str, str],
    correlations: FactorCorrelations,
    rules: Rules,
    durations: pl.DataFrame,
) -> JobResult:
    """Compute the direct and the correlated P&L of every scenario: see `direct_pnl`, `correlated_pnl`.

    Source: document 03 §4.

    Args:
        portfolios: P of them.
        positions: N of them; values [N, D].
        dates: [D] the window's sessions.
        exposures: factor exposures as stored: see `engine.analytics.stress.stress_exposures`.
        rate_betas: rate betas of positions as stored: see there.
        factor_definitions: id, name.
        scenarios: those to compute.
        scenario_ids: row id by the scenario's own; a scenario without one is not stored.
        correlations: of the factors.
        rules: those of stress and of the exposures that it reads.
        durations: symbol, asof_date, duration of bond funds, sorted by both; rate_shocks="yields" reads them.

    Returns:
        stress_test_results, stress_test_gaps. Prices without a single return count as none.
    """
    factors = factor_dollars(
        portfolios, dates, exposures, factor_definitions, rules.unmeasured_factors, rules.stale_figures
    )
    yields = durations if rules.rate_shocks == "yields" else None
    correlations = correlations if yields is None else _with_duration(correlations, yields)
    rates = rate_dollars(
        positions, portfolios, dates, rate_betas, rules.rate_weights, rules.stale_figures, yields
    )
    stored = [scenario for scenario in scenarios if scenario.id in scenario_ids]
    measured = measured_factors(stored, factors, rates, rules.unmeasured_factors)
    complete = measured_scenarios(stored, measured, factors.any.shape)
    cases = _cases(correlations, factors.any, len(scenarios), len(stored))
    cases[FACTOR_NOT_MEASURED] = np.asarray(~complete.any(axis=0))
    reasons = first_reasons(STRESS, cases, factors.any.shape)
    done = np.asarray(reasons == 0)
    cells = StressExposures(
        {name: usd[done] for name, usd in factors.dollars.items()},
        factors.order[:, done],
        rates.dollars[done],
        loss_base(portfolios, rules.loss_floor)[done],
        correlations.of_session(len(dates))[np.nonzero(done)[1]],
    )
    keys = _keys(portfolios, dates, done)
    by_id = {scenario_ids[scenario.id]: scenario for scenario in stored}
    shocked = {name for scenario in stored for name in scenario.shocks}
    moves = [_of_cells(direct_moves(s, correlations, rules.factor_model), cells) for s in stored]
    rows = scenario_rows(
        keys,
        by_id,
        {name: cells.exposure(name) for name in shocked},
        moves,
        [direct_pnl(move, cells) for move in moves],
        [correlated_pnl(scenario, cells, correlations, rules) for scenario in stored],
        correlations,
        cells.matrix,
    )
    kept = complete[:, done].ravel()
    tables = {
        "stress_test_results": rows if kept.all() else rows.filter(kept),
        "stress_test_gaps": gap_rows(portfolios, dates, by_id, measured, done),
    }
    doubts = {UNMEASURED_FACTOR: _unmeasured(shocked, factors, rates)}
    counts = (reasons, rates.used * done, rates.left_out * done)
    status = status_rows(STRESS, portfolios, dates, *counts, rates.coverage, doubts)
    return JobResult(tables, status)


def _with_duration(correlations: FactorCorrelations, durations: pl.DataFrame) -> FactorCorrelations:
    """Return the correlations with the duration of the rates' fund on the days of their matrices."""
    (duration,) = newest_durations(durations, pl.Series([RATE_FUND]), correlations.as_of)
    return replace(correlations, duration=duration)


def _unmeasured(shocked: Collection[str], factors: FactorDollars, rates: RateDollars) -> Bools:
    """Return where the portfolio has no exposure to a shocked factor, [P, D]."""
    none = np.zeros_like(factors.any)
    held = {**factors.measured, RATE_SHOCK: ~np.isnan(rates.dollars)}
    measured = [held.get(HELD_AS.get(name, name), none) for name in sorted(shocked)]
    return np.asarray(~np.logical_and.reduce([np.ones_like(factors.any), *measured]))


def direct_pnl(moves: Moves, exposures: StressExposures) -> Floats:
    """Return the P&L of the shocks alone, [C] USD.

        sum over the shocked factors f of exposure_f move_f, not below -0.99 x base

    Summed in the file's order. Source: document 03 §4.4.

    Args:
        moves: of `direct_moves`, by shocked factor; fractions, or [C].
        exposures: of C cells, in USD.
    """
    total = np.zeros_like(exposures.base)
    for shocked, move in moves.items():
        total = total + np.nan_to_num(exposures.exposure(shocked) * move)
    return _floored(total, exposures)


def correlated_pnl(
    scenario: Scenario, exposures: StressExposures, correlations: FactorCorrelations, rules: Rules
) -> Floats:
    """Return the P&L of the shocks and of the factors that move with them, [C] USD.

        exposure_rates s_rates + sum_g exposure_g move_g

    not below -0.99 x base; s_rates is the shock of rates, or with joint exposures to yields and conditional
    moves `model_yield_move`; g runs over the factors to which the portfolio is exposed; the moves are those
    of `model_move` under joint exposures and conditional moves, else of `factor_move`. Summed in the order
    of the exposure rows, newest first. Source: document 03 §4.5.

    Args:
        scenario: shocks by factor, as fractions.
        exposures: of C cells, in USD.
        correlations: of the factors' funds.
        rules: factor_model and unshocked_factors.
    """
    total = np.nan_to_num(exposures.rates * _rate_move(scenario, exposures, correlations, rules))
    moves = [_move(scenario, name, correlations, rules) for name in exposures.factors]
    # Without any move the sum would add zeros: skip stacking the exposures.
    if np.any(moves):
        held = zip(exposures.factors.values(), moves, strict=True)
        moved = np.stack([usd * move[exposures.matrix] for usd, move in held])
        # One after the other in each cell's own order: the last bit depends on it.
        for next_pnl in np.take_along_axis(moved, exposures.order, axis=0):
            total = total + next_pnl
    return _floored(total, exposures)


def _move(scenario: Scenario, name: str, correlations: FactorCorrelations, rules: Rules) -> Floats:
    """Return how far the factor of an exposure moves, [M]."""
    if _one_model(rules):
        return model_move(scenario, name, correlations)
    return factor_move(scenario, CORRELATES_AS.get(name, name), correlations, rules.unshocked_factors)


def _rate_move(
    scenario: Scenario, exposures: StressExposures, correlations: FactorCorrelations, rules: Rules
) -> Floats | float:
    """Return how far rates move: by their shock, or [C] as one factor of the joint model."""
    if _one_model(rules) and correlations.duration is not None:
        return model_yield_move(scenario, correlations)[exposures.matrix]
    return scenario.shocks.get(RATE_SHOCK, 0.0)


def _one_model(rules: Rules) -> bool:
    """Return whether exposures and moves are those of the joint model."""
    return rules.factor_model == "joint" and rules.unshocked_factors == "conditional"


def _floored(pnl: Floats, exposures: StressExposures) -> Floats:
    """Return the P&L limited to a loss of 99 % of the base."""
    return np.maximum(pnl, LOSS_FLOOR * exposures.base)


def _of_cells(moves: Moves, exposures: StressExposures) -> Moves:
    """Return moves with one value for each cell in place of one for each matrix."""
    return {name: move if isinstance(move, float) else move[exposures.matrix] for name, move in moves.items()}


def _keys(portfolios: Portfolios, dates: pl.Series, done: Bools) -> pl.DataFrame:
    """Return portfolio_id and calculation_date of the C cells that are done, portfolio by portfolio."""
    portfolio, session = np.nonzero(done)
    return pl.DataFrame(
        [portfolios.ids[portfolio].alias("portfolio_id"), dates[session].alias("calculation_date")]
    )


def _cases(
    correlations: FactorCorrelations, exposed: Bools, scenarios: int, stored: int
) -> dict[Reason, Bools | bool]:
    """Return the cells [P, D] to which each reason applies why nothing is computed."""
    matrix = correlations.of_session(exposed.shape[1])
    return {
        NO_FACTOR_PRICES: (correlations.returns == 0)[matrix],
        ONE_FACTOR_ALONE: (correlations.factors == 1)[matrix],
        NO_FACTOR_EXPOSURES: ~exposed,
        NO_SCENARIOS: scenarios == 0,
        NO_STORED_SCENARIOS: stored == 0,
    }
