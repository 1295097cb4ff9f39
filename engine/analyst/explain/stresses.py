"""Stress tests: exposures times shocks, and times the moves of correlated factors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.factor_moves import FactorMoves
from engine.analyst.explain.holdings import Holdings, holdings
from engine.analyst.explain.replays import computed, replayed
from engine.analyst.explain.revaluation import beyond_delta
from engine.analyst.explain.working import Step, Working, absent, table
from engine.analytics.stress.replays import REPLAYED
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.analytics.stress.stress_pnl import CORRELATES_AS, LOSS_FLOOR
from engine.core.job_catalog import (
    FACTOR_NOT_MEASURED,
    NO_FACTOR_EXPOSURES,
    NO_FACTOR_PRICES,
    NO_SCENARIOS,
    NO_STORED_SCENARIOS,
    NOT_REPLAYED,
    ONE_FACTOR_ALONE,
    Reason,
)

MOVES = {"factor": pl.String, "exposure": pl.Float64, "move": pl.Float64, "pnl": pl.Float64}
RHO = {"shocked": pl.String, "held": pl.String, "rho": pl.Float64}
SHOCKS = {
    "shocked": pl.String,
    "held_as": pl.String,
    "exposure": pl.Float64,
    "shock": pl.Float64,
    "pnl": pl.Float64,
}
MOVED = {
    "sum": "a sum of shock x rho",
    "conditional": "the factor's shock, or its expectation given the shocks",
}
SHRUNK = {
    "session": "shrunk as Ledoit and Wolf do, of equal weights",
    "session_oas": "shrunk by oracle approximating shrinkage, of equal weights",
}
Frames = dict[str, pl.DataFrame]
UNROUNDED = "the difference of the unrounded figures; the stored figures may differ from it by a cent"


def factor_moves(case: Case) -> FactorMoves:
    """Return the correlations of the factors, computed once."""
    return case.once(("factor moves",), lambda: FactorMoves(case))


def job_reason(case: Case) -> Reason | None:
    """Return why nothing was computed for the session, None where it was."""
    moves, active = factor_moves(case), case.scenarios.active
    stored = computed(case)
    shocking = [scenario for scenario in stored if scenario.shocks]
    cases = {
        NO_FACTOR_PRICES: not len(moves.returns),
        ONE_FACTOR_ALONE: len(moves.names) == 1,
        NO_FACTOR_EXPOSURES: not holdings(case).dollars,
        NO_SCENARIOS: not active,
        NO_STORED_SCENARIOS: not stored,
        NOT_REPLAYED: not shocking,
        FACTOR_NOT_MEASURED: all(unmeasured(case, scenario) for scenario in shocking),
    }
    return next((reason for reason, holds in cases.items() if holds), None)


def unmeasured(case: Case, scenario: Scenario) -> list[str]:
    """Return the shocked factors without an exposure, none where they count as 0.

    Args:
        case: Stored exposures, and the rule.
        scenario: Its shocks.
    """
    if case.rules.unmeasured_factors == "zero":
        return []
    held = holdings(case)
    return [
        name
        for name in scenario.shocks
        if (held.rates is None if name == RATE_SHOCK else HELD_AS.get(name, name) not in held.dollars)
    ]


def gap(case: Case, ask: Ask) -> Working:
    """Return the working of a row of stress_test_gaps.

    Args:
        case: Stored exposures, and the rule.
        ask: The scenario's id, and a column of the table.
    """
    scenario = _scenario(case, ask)
    names, code = unmeasured(case, scenario), FACTOR_NOT_MEASURED.code
    if not scenario.shocks:
        names, code = list(REPLAYED), NOT_REPLAYED.code
    reason = job_reason(case) or _scenario_reason(case, scenario)
    if not names or reason:
        return absent(f"{ask.column} of {scenario.name}", reason or "the scenario has a result")
    value = ", ".join(names) if ask.column == "factors" else code
    frames = {"exposures": holdings(case).held, "closes": case.inputs.replay_closes}
    return Working(
        f"{ask.column}: shocked factors without an exposure, or without a close", value, frames=frames
    )


def result(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of stress_test_results.

    Args:
        case: stored exposures, and correlations of factors.
        ask: the scenario's id, and a column of the table.
    """
    scenario = _scenario(case, ask)
    reason = job_reason(case) or _scenario_reason(case, scenario)
    reason = reason or ("" if scenario.shocks else NOT_REPLAYED)
    names = [] if reason else unmeasured(case, scenario)
    if reason or names:
        return absent(f"{ask.column} of {scenario.name}", reason or f"not measured: {', '.join(names)}")
    working = _figure(case, scenario, ask.column)
    if scenario.window is None:
        return working
    return replace(working, frames={**working.frames, "closes": case.inputs.replay_closes})


def _figure(case: Case, scenario: Scenario, column: str) -> Working:
    """Return the working of a column of stress_test_results."""
    match column:
        case "direct_pnl":
            return _direct(case, scenario)[0]
        case "correlated_pnl":
            return _correlated(case, scenario)[0]
        case "correlation_effect":
            return _effect(case, scenario)
        case "factor_impacts":
            return _impacts(case, scenario)
        case _:
            return _metadata(case, scenario)


def _scenario(case: Case, ask: Ask) -> Scenario:
    """Return the scenario that is asked for, with the shocks of its window."""
    return replayed(case, next(one for one in case.scenarios.all if one.id == ask.scenario))


def _scenario_reason(case: Case, scenario: Scenario) -> str:
    if not scenario.active:
        return "the scenario is not active"
    stored = set(case.inputs.scenarios["scenario_id"])
    return "" if scenario.id in stored else "the scenario has no row in stress_test_scenarios"


def _floored(held: Holdings, total: float) -> tuple[float, tuple[str, ...]]:
    least = LOSS_FLOOR * held.base
    note = f"capped: a loss is at most 99 % of {held.base:.2f}"
    return max(total, least), (note,) if total < least else ()


def _base(case: Case, held: Holdings) -> Step:
    if case.rules.loss_floor == "gross":
        return Step("B", held.base, "USD, gross exposure", "portfolio_snapshots: gross_exposure")
    return Step("B", held.base, "USD, net exposure, 1 where not above 0", "portfolio_snapshots: net_exposure")


def _shocked(
    case: Case, scenario: Scenario, held: Holdings
) -> list[tuple[str, str, float | None, float, float | None]]:
    """Return the P&L of each shock alone, in the columns of SHOCKS."""
    rows = []
    for shocked, shock in scenario.shocks.items():
        exposure = held.exposure(shocked)
        move = factor_moves(case).direct_move(scenario.shocks, shocked)
        pnl = None if exposure is None else exposure * move
        rows.append((shocked, HELD_AS.get(shocked, shocked), exposure, shock, pnl))
    return rows


def _moved(case: Case, scenario: Scenario, held: Holdings) -> list[tuple[str, float, float, float]]:
    """Return the P&L of the move of each factor but rates, in the columns of MOVES."""
    moves = factor_moves(case)
    shocks, rows = moves.with_rates(scenario.shocks), []
    for name, dollars in held.dollars.items():
        move = moves.model_move(shocks, name)
        rows.append((name, dollars, move, dollars * move))
    return rows


def _options(case: Case, total: Callable[[Holdings], float]) -> tuple[tuple[Step, ...], Frames, float]:
    """Return the step and the rows of the options that are valued anew, and their gain; none without them.

    Args:
        case: A book by delta, or one with options by their premium.
        total: P&L of exposures, here the betas of an option's underlying, so that it is its move.
    """
    nothing = pl.DataFrame()
    gain, rows = beyond_delta(
        case, lambda betas, rate: total(Holdings(dict(betas), rate, 0.0, nothing, nothing))
    )
    if rows.is_empty():
        return (), {}, 0.0
    step = Step("O", gain, "USD, what options gain beyond their deltas", "frame `options`: sum of gain")
    return (step,), {"options": rows}, gain


def _direct(case: Case, scenario: Scenario) -> tuple[Working, float]:
    def total(held: Holdings) -> float:
        return sum((pnl or 0.0 for *_, pnl in _shocked(case, scenario, held)), 0.0)

    held = holdings(case)
    shocks, (step, rows, gain) = total(held), _options(case, total)
    value, notes = _floored(held, shocks + gain)
    steps = (
        Step("S", shocks, "USD, sum of exposure x shock", "frame `shocks`: sum of pnl"),
        *step,
        _base(case, held),
    )
    shocked = table(SHOCKS, _shocked(case, scenario, held))
    frames = {"shocks": shocked, "exposures": held.held, "rate_lots": held.lots, **rows}
    formula = f"direct_pnl = max({{S}}{' + {O}' if step else ''}, -0.99 * {{B}})"
    return Working(formula, value, steps, frames, notes=notes), value


def _correlated(case: Case, scenario: Scenario) -> tuple[Working, float]:
    held, moves = holdings(case), factor_moves(case)
    rate_move = moves.rates(scenario.shocks)

    def rest_of(held: Holdings) -> float:
        return sum((pnl for *_, pnl in _moved(case, scenario, held)), 0.0)

    step, options, gain = _options(case, lambda held: (held.rates or 0.0) * rate_move + rest_of(held))
    rate_part, rest = (held.rates or 0.0) * rate_move, rest_of(held)
    value, notes = _floored(held, rate_part + rest + gain)
    steps = (
        Step("R", rate_part, "USD, exposure to rates x their move", "frame `rate_lots`"),
        Step(
            "S",
            rest,
            f"USD, sum of exposure x move, the move {MOVED[case.rules.unshocked_factors]}",
            "frame `moves`: sum of pnl",
        ),
        *step,
        _base(case, held),
    )
    moved = table(MOVES, _moved(case, scenario, held))
    rho = table(RHO, _rho(case, scenario, held))
    frames = {"moves": moved, "correlations": rho, "rate_lots": held.lots, **options}
    weights = (
        f"weights fall by {moves.decay:g} a return" if moves.decay else SHRUNK[case.rules.factor_covariance]
    )
    rests = f"correlations of {len(moves.returns)} returns up to {moves.as_of}, {weights}"
    formula = f"correlated_pnl = max({{R}} + {{S}}{' + {O}' if step else ''}, -0.99 * {{B}})"
    return Working(formula, value, steps, frames, notes=(rests, *notes)), value


def _rho(case: Case, scenario: Scenario, held: Holdings) -> list[tuple[str, str, float]]:
    """Return the correlations of shocked with held factors that are not 0, in the columns of RHO."""
    moves, shocked = factor_moves(case), [name for name in scenario.shocks if name != RATE_SHOCK]
    pairs = [
        (one, name, moves.between(one, CORRELATES_AS.get(name, name)))
        for name in held.dollars
        for one in shocked
    ]
    return [pair for pair in pairs if pair[-1]]


def _effect(case: Case, scenario: Scenario) -> Working:
    direct, lesser = _direct(case, scenario)
    correlated, greater = _correlated(case, scenario)
    steps = (
        Step("C", greater, "USD, not rounded", f"explain correlated_pnl: {correlated.filled}"),
        Step("D", lesser, "USD, not rounded", f"explain direct_pnl: {direct.filled}"),
    )
    frames = {**direct.frames, **correlated.frames}
    return Working("correlation_effect = {C} - {D}", greater - lesser, steps, frames, notes=(UNROUNDED,))


def _impacts(case: Case, scenario: Scenario) -> Working:
    held, direct = holdings(case), _direct(case, scenario)[0]
    entries = {
        factor: {"exposure": exposure, "shock_pct": shock * 100, "direct_pnl": exposure * move}
        for factor, shock in scenario.shocks.items()
        for exposure in [held.exposure(factor)]
        for move in [factor_moves(case).direct_move(scenario.shocks, factor)]
        if exposure is not None
    }
    formula = "factor_impacts: exposure, shock in percent, and their product, by factor"
    return Working(formula, json.dumps(entries), direct.steps[:1], direct.frames)


def _metadata(case: Case, scenario: Scenario) -> Working:
    moves = factor_moves(case)
    returns = len(moves.returns)
    content = {
        "category": scenario.group,
        "data_days": returns,
        "scenario_name": scenario.name,
        "correlation_matrix_date": moves.as_of.isoformat(),
    }
    if scenario.window is not None:
        content["window"] = [f"{day}" for day in scenario.window]
        content["not_replayed"] = [name for name in REPLAYED if name not in scenario.shocks]
    step = Step("data_days", returns, "common returns of the factor funds", "market_data_cache")
    return Working("calculation_metadata: inputs of the row", json.dumps(content), (step,))
