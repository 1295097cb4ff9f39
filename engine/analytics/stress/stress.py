"""Stress tests: the P&L of each scenario for each portfolio and session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from engine.analytics.job_result import JobResult, first_reasons, status_rows
from engine.analytics.panels import OpenPositions, Portfolios
from engine.analytics.stress.durations import newest_durations
from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.factor_moves import direct_moves, moves_at
from engine.analytics.stress.option_moves import OptionCells
from engine.analytics.stress.replays import DatedScenario, dated_scenarios
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
from engine.analytics.stress.stress_pnl import StressExposures, correlated_pnl, direct_pnl
from engine.analytics.stress.stress_rows import scenario_rows
from engine.core.funds import RATE_FUND
from engine.core.job_catalog import (
    FACTOR_NOT_MEASURED,
    NO_FACTOR_EXPOSURES,
    NO_FACTOR_PRICES,
    NO_SCENARIOS,
    NO_STORED_SCENARIOS,
    NOT_REPLAYED,
    ONE_FACTOR_ALONE,
    STRESS,
    UNMEASURED_FACTOR,
    Reason,
)
from engine.core.rules import Rules
from engine.numerics.arrays import Bools

NO_CLOSES = pl.DataFrame(schema={"symbol": pl.String(), "date": pl.Date(), "close": pl.Float64()})


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
    options: Callable[[Bools], OptionCells] | None = None,
    replay_closes: pl.DataFrame = NO_CLOSES,
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
        options: the options of the cells [P, D] that are done; None where they count with their premium.
        replay_closes: symbol, date, close of the factor funds at the ends of the scenarios' windows.

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
    dated = dated_scenarios(stored, dates, replay_closes, yields)
    shocking = [one.scenario for one in dated]
    measured = measured_factors(shocking, factors, rates, rules.unmeasured_factors)
    complete = measured_scenarios(dated, measured, factors.any.shape)
    cases = _cases(correlations, factors.any, len(scenarios), len(stored))
    cases[NOT_REPLAYED] = ~np.any([one.sessions for one in dated], axis=0) if dated else True
    cases[FACTOR_NOT_MEASURED] = np.asarray(~complete.any(axis=0))
    reasons = first_reasons(STRESS, cases, factors.any.shape)
    done = np.asarray(reasons == 0)
    cells = StressExposures(
        {name: usd[done] for name, usd in factors.dollars.items()},
        factors.order[:, done],
        rates.dollars[done],
        loss_base(portfolios, rules.loss_floor)[done],
        correlations.of_session(len(dates))[np.nonzero(done)[1]],
        options and options(done),
    )
    numbers = {scenario.id: scenario_ids[scenario.id] for scenario in stored}
    rows = _pnl_rows(_keys(portfolios, dates, done), numbers, shocking, cells, correlations, rules)
    kept = complete[:, done].ravel()
    tables = {
        "stress_test_results": rows if kept.all() else rows.filter(kept),
        "stress_test_gaps": gap_rows(portfolios, dates, numbers, dated, measured, done),
    }
    doubts = {UNMEASURED_FACTOR: _unmeasured(dated, factors, rates)}
    counts = (reasons, rates.used * done, rates.left_out * done)
    status = status_rows(STRESS, portfolios, dates, *counts, rates.coverage, doubts)
    return JobResult(tables, status)


def _pnl_rows(
    keys: pl.DataFrame,
    numbers: Mapping[str, str],
    scenarios: Sequence[Scenario],
    cells: StressExposures,
    correlations: FactorCorrelations,
    rules: Rules,
) -> pl.DataFrame:
    """Return the rows of stress_test_results: of the cells `keys` under each scenario; `numbers`: row ids."""
    moves = [moves_at(direct_moves(one, correlations, rules.factor_model), cells.matrix) for one in scenarios]
    return scenario_rows(
        keys,
        [numbers[one.id] for one in scenarios],
        scenarios,
        {name: cells.exposure(name) for name in _shocked(scenarios)},
        moves,
        [direct_pnl(move, cells) for move in moves],
        [correlated_pnl(one, cells, correlations, rules) for one in scenarios],
        correlations,
        cells.matrix,
    )


def _shocked(scenarios: Iterable[Scenario]) -> set[str]:
    """Return the factors that some scenario shocks."""
    return {name for scenario in scenarios for name in scenario.shocks}


def _with_duration(correlations: FactorCorrelations, durations: pl.DataFrame) -> FactorCorrelations:
    """Return the correlations with the duration of the rates' fund on the days of their matrices."""
    (duration,) = newest_durations(durations, pl.Series([RATE_FUND]), correlations.as_of)
    return replace(correlations, duration=duration)


def _unmeasured(scenarios: Sequence[DatedScenario], factors: FactorDollars, rates: RateDollars) -> Bools:
    """Return where the portfolio has no exposure to a factor that is shocked in the session, [P, D]."""
    none = np.zeros_like(factors.any)
    held = {**factors.measured, RATE_SHOCK: ~np.isnan(rates.dollars)}
    lacking = none.copy()
    for name in _shocked(one.scenario for one in scenarios):
        shocked = np.logical_or.reduce([one.sessions for one in scenarios if name in one.scenario.shocks])
        lacking |= ~held.get(HELD_AS.get(name, name), none) & shocked
    return lacking


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
