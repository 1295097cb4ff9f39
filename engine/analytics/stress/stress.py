"""Stress tests: what each scenario would do to each portfolio, session by session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analytics.job_result import Outcome, first_reasons, status_grid
from engine.analytics.positions.lots import Lots, Portfolios
from engine.analytics.stress.exposures import factor_dollars, loss_base, rate_dollars
from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.rows import scenario_rows
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.core.job_catalog import (
    NO_FACTOR_EXPOSURES,
    NO_FACTOR_PRICES,
    NO_SCENARIOS,
    NO_STORED_SCENARIOS,
    ONE_FACTOR_ALONE,
    STRESS,
    Reason,
)
from engine.core.rules import RateWeights
from engine.numerics.arrays import Bools, Floats, Ints

LOSS_FLOOR = -0.99
"""The greatest loss, as a share of net exposure."""
HELD_AS = {"Market": "Market Beta (90D)"}
"""The exposure that a shock applies to, where it has another name."""
CORRELATES_AS = {"Market Beta": "Market", "Interest Rate Beta": RATE_SHOCK}
"""The factor that an exposure correlates as, where it has another name. Exposures are called
"Market Beta (90D)" and "IR Beta": neither is here, so that what a portfolio holds of the market
never enters a correlated P&L [T2]."""


@dataclass(frozen=True)
class Holdings:
    """What scenarios act on: C portfolios in a session each.

    factors: name -> [C] USD. order: [F, C] their numbers as they are summed. rates: [C] USD, NaN
    where there is none. base: [C] USD, above 0, that losses are limited by.
    """

    factors: Mapping[str, Floats]
    order: Ints
    rates: Floats
    base: Floats

    def exposure(self, shocked: str) -> Floats:
        """[C] USD that a shock multiplies; NaN where nothing is known of rates."""
        if shocked == RATE_SHOCK:
            return self.rates
        held = self.factors.get(HELD_AS.get(shocked, shocked))
        return np.zeros_like(self.base) if held is None else held


def stress(
    portfolios: Portfolios,
    lots: Lots,
    dates: pl.Series,
    exposures: pl.DataFrame,
    rate_betas: pl.DataFrame,
    factor_definitions: pl.DataFrame,
    scenarios: Sequence[Scenario],
    scenario_ids: Mapping[str, str],
    correlations: FactorCorrelations,
    rate_weights: RateWeights,
) -> Outcome:
    """The P&L of every scenario on what each portfolio holds in each session.

    Source: document 03 §4.

    Args:
        dates: [D] the window's sessions.
        exposures: factor exposures as stored: see `engine.analytics.stress.exposures`.
        rate_betas: rate betas of positions as stored: see there.
        factor_definitions: id, name.
        scenarios: those to compute.
        scenario_ids: row id by the scenario's own; a scenario without one is not stored.

    Returns:
        stress_test_results. Prices without a single return are as good as none.
    """
    held = factor_dollars(portfolios, dates, exposures, factor_definitions)
    rates = rate_dollars(lots, portfolios, dates, rate_betas, rate_weights)
    stored = [scenario for scenario in scenarios if scenario.id in scenario_ids]
    reasons = _reasons(correlations, held.known, len(scenarios), len(stored))
    done = np.asarray(reasons == 0)
    holdings = Holdings(
        {name: usd[done] for name, usd in held.dollars.items()},
        held.order[:, done],
        rates.dollars[done],
        loss_base(portfolios)[done],
    )
    keys = _keys(portfolios, dates, done)
    shocked = {name for scenario in stored for name in scenario.shocks}
    rows = scenario_rows(
        keys,
        {scenario_ids[scenario.id]: scenario for scenario in stored},
        {name: holdings.exposure(name) for name in shocked},
        [direct_pnl(scenario, holdings) for scenario in stored],
        [correlated_pnl(scenario, holdings, correlations) for scenario in stored],
        correlations,
    )
    status = status_grid(STRESS, portfolios, dates, reasons, rates.used * done, rates.left_out * done)
    return Outcome({"stress_test_results": rows}, status)


def direct_pnl(scenario: Scenario, holdings: Holdings) -> Floats:
    """P&L of the shocks alone: [C] USD.

        sum over the shocked factors f of exposure_f s_f, not below -0.99 x base

    s_f: the shock, a fraction. Summed in the file's order. Source: document 03 §4.4.
    """
    total = np.zeros_like(holdings.base)
    for shocked, shock in scenario.shocks.items():
        total = total + np.nan_to_num(holdings.exposure(shocked) * shock)
    return _floored(total, holdings)


def correlated_pnl(scenario: Scenario, holdings: Holdings, correlations: FactorCorrelations) -> Floats:
    """P&L of the shocks and of what moves with them: [C] USD.

        rates s_rates + sum over the factors g held of exposure_g sum_f s_f rho(f, g)

    not below -0.99 x base; f runs over the shocked factors but rates. Summed in the order in which
    the exposures were found, the newest first. Source: document 03 §4.5.
    """
    rate_shock = scenario.shocks.get(RATE_SHOCK, 0.0)
    total = np.nan_to_num(holdings.rates * rate_shock)
    moves = [_move(scenario, CORRELATES_AS.get(name, name), correlations) for name in holdings.factors]
    if any(moves):
        moved = np.stack([usd * move for usd, move in zip(holdings.factors.values(), moves, strict=True)])
        for next_pnl in np.take_along_axis(moved, holdings.order, axis=0):
            total = total + next_pnl
    return _floored(total, holdings)


def _move(scenario: Scenario, factor: str, correlations: FactorCorrelations) -> float:
    """How far a factor moves with a scenario's shocks, a fraction."""
    shocks = scenario.shocks.items()
    return sum((s * correlations.between(f, factor) for f, s in shocks if f != RATE_SHOCK), 0.0)


def _floored(pnl: Floats, holdings: Holdings) -> Floats:
    return np.maximum(pnl, LOSS_FLOOR * holdings.base)


def _keys(portfolios: Portfolios, dates: pl.Series, done: Bools) -> pl.DataFrame:
    """portfolio_id and calculation_date of the C cells that are done, portfolio by portfolio."""
    portfolio, session = np.nonzero(done)
    return pl.DataFrame(
        [portfolios.ids[portfolio].alias("portfolio_id"), dates[session].alias("calculation_date")]
    )


def _reasons(correlations: FactorCorrelations, known: Bools, scenarios: int, stored: int) -> Ints:
    """Return the number [P, D] of the first reason why nothing was computed, 0 where there is none."""
    factors = len(correlations.names)
    cases: dict[Reason, Bools | bool] = {
        NO_FACTOR_PRICES: factors == 0 or correlations.returns == 0,
        ONE_FACTOR_ALONE: factors == 1,
        NO_FACTOR_EXPOSURES: ~known,
        NO_SCENARIOS: scenarios == 0,
        NO_STORED_SCENARIOS: stored == 0,
    }
    return first_reasons(STRESS, cases, known.shape)
