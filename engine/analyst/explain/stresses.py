"""Stress tests: exposures times shocks, and times the moves of correlated factors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot, Row
from engine.analyst.explain.factor_moves import FactorMoves, duration
from engine.analyst.explain.working import Step, Working, absent, table
from engine.analytics.factors.definitions import JOB_FACTORS
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS
from engine.analytics.stress.stress_pnl import CORRELATES_AS, LOSS_FLOOR
from engine.core.funds import RATE_FUND
from engine.core.job_catalog import (
    EXPOSURE_ROWS,
    FACTOR_NOT_MEASURED,
    NO_FACTOR_EXPOSURES,
    NO_FACTOR_PRICES,
    NO_SCENARIOS,
    NO_STORED_SCENARIOS,
    ONE_FACTOR_ALONE,
    RATE_BETA_DAYS,
    Reason,
)

HELD = {"factor": pl.String, "exposure": pl.Float64, "of": pl.Date, "source": pl.String}
RATE_LOTS = {
    "symbol": pl.String,
    "sensitivity": pl.Float64,
    "of": pl.Date,
    "value": pl.Float64,
    "source": pl.String,
}
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
UNROUNDED = "the difference of the unrounded figures; the stored figures may differ from it by a cent"


@dataclass(frozen=True)
class Holdings:
    """Exposures that scenarios shock.

    Attributes:
        dollars: Exposure in USD by factor; of the measured ones under the rule "absent".
        rates: Exposure to rates in USD, None if no lot has a rate beta.
        base: USD; a loss is at most 99 % of it.
        held: Rows behind `dollars`.
        lots: Rows behind `rates`.
    """

    dollars: dict[str, float]
    rates: float | None
    base: float
    held: pl.DataFrame
    lots: pl.DataFrame

    def exposure(self, shocked: str) -> float | None:
        """Return the exposure in USD to a shocked factor, None if there is none to rates."""
        return self.rates if shocked == RATE_SHOCK else self.dollars.get(HELD_AS.get(shocked, shocked), 0.0)


def holdings(case: Case) -> Holdings:
    """Return the newest exposure to each factor among the portfolio's newest 50 rows."""
    return case.once(("holdings",), lambda: _holdings(case))


def _holdings(case: Case) -> Holdings:
    names = {number: name for name, number in case.factors.items()}
    jobs = {name: job for job, factors in enumerate(JOB_FACTORS) for name in factors}
    rows = case.stored["factor_exposures"].to_dicts()
    # Of one day in the order in which they were written; under one stamp job by job, and then by id.
    rows.sort(
        key=lambda row: (
            -row["calculation_date"].toordinal(),
            row["created_at"],
            jobs.get(names.get(row["factor_id"], ""), len(jobs)),
            row["factor_id"],
        )
    )
    net = float(case.money("net_exposure"))
    base = net if net > 0 else 1.0
    absent = case.rules.unmeasured_factors == "absent"
    held: dict[str, tuple[object, ...]] = {}
    dollars: dict[str, float] = {}
    seen: set[str] = set()
    for row in rows[:EXPOSURE_ROWS]:
        name, stored = names.get(row["factor_id"]), row["exposure_dollar"]
        old = case.rules.stale_figures == "refused" and row["calculation_date"] != case.day
        if name is None or name in seen or old:
            continue
        seen.add(name)
        if not (absent and stored is None):
            dollars[name] = float(stored) if stored or absent else base * float(row["exposure_value"])
            source = (
                "exposure_dollar" if stored or absent else f"exposure_value {row['exposure_value']} x {base}"
            )
            held[name] = (name, dollars[name], row["calculation_date"], f"factor_exposures: {source}")
    if case.rules.loss_floor == "gross":
        base = float(case.money("gross_exposure"))
    return Holdings(dollars, rates(case)[0], base, table(HELD, held.values()), rates(case)[1])


def rates(case: Case) -> tuple[float | None, pl.DataFrame]:
    """Return the exposure to rates in USD from stored rate betas and durations, and its lots."""
    equity = float(case.money("equity_balance"))
    terms, total = [], 0.0
    for lot in case.lots:
        sensitivity = _sensitivity(case, lot)
        if not lot.live or sensitivity is None or not equity > 0:
            continue
        size, of, source = sensitivity
        value = float(case.recomputed(lot))
        value = value if case.rules.rate_weights == "signed" else abs(value)
        total += size * (value / equity)
        terms.append((lot.symbol, size, of, value, source))
    return (equity * total if terms else None), table(RATE_LOTS, terms)


def _sensitivity(case: Case, lot: PositionLot) -> tuple[float, date, str] | None:
    """Return a lot's beta to TLT, or under the rule "yields" minus its duration; its day and its source."""
    row = _rate_betas(case).get(lot.id)
    if case.rules.rate_shocks == "returns":
        return None if row is None else (float(row["ir_beta"]), row["calculation_date"], "ir_beta")
    own = duration(case, lot.symbol, case.day) if lot.public else None
    if own is not None:
        return -own[1], own[0], f"-duration of {lot.symbol}"
    long = duration(case, RATE_FUND, case.day)
    if row is None or long is None:
        return None
    source = f"-ir_beta {row['ir_beta']} x duration of {RATE_FUND} {long[1]} of {long[0]}"
    return -float(row["ir_beta"]) * long[1], row["calculation_date"], source


def _rate_betas(case: Case) -> dict[str, Row]:
    """Return the newest rate beta of each lot in the last seven days, by position."""
    rows = case.stored["position_interest_rate_betas"].filter(pl.col("calculation_date") >= _oldest(case))
    newest = rows.sort("calculation_date").iter_rows(named=True)
    return case.once(("rate betas",), lambda: {row["position_id"]: row for row in newest})


def _oldest(case: Case) -> date:
    """Return the day of the oldest rate beta that counts."""
    return case.day - timedelta(days=0 if case.rules.stale_figures == "refused" else RATE_BETA_DAYS)


def lots_with_rates(case: Case) -> list[PositionLot]:
    """Return the open lots with a sensitivity to rates."""
    if not case.money("equity_balance") > 0:
        return []
    return [lot for lot in case.lots if lot.live and _sensitivity(case, lot) is not None]


def without_exposure(case: Case) -> list[str]:
    """Return the shocked factors to which the portfolio has no exposure."""
    stored = set(case.inputs.scenarios["scenario_id"])
    shocked = {name for one in case.scenarios.active if one.id in stored for name in one.shocks}
    held = holdings(case)
    known = {*held.dollars, *([] if held.rates is None else [RATE_SHOCK])}
    return sorted(name for name in shocked if HELD_AS.get(name, name) not in known)


def factor_moves(case: Case) -> FactorMoves:
    """Return the correlations of the factors, computed once."""
    return case.once(("factor moves",), lambda: FactorMoves(case))


def job_reason(case: Case) -> Reason | None:
    """Return why nothing was computed for the session, None where it was."""
    moves, active = factor_moves(case), case.scenarios.active
    stored = set(case.inputs.scenarios["scenario_id"])
    computed = [scenario for scenario in active if scenario.id in stored]
    cases = {
        NO_FACTOR_PRICES: not len(moves.returns),
        ONE_FACTOR_ALONE: len(moves.names) == 1,
        NO_FACTOR_EXPOSURES: not holdings(case).dollars,
        NO_SCENARIOS: not active,
        NO_STORED_SCENARIOS: not computed,
        FACTOR_NOT_MEASURED: all(unmeasured(case, scenario) for scenario in computed),
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
    scenario = next(one for one in case.scenarios.all if one.id == ask.scenario)
    names = unmeasured(case, scenario)
    reason = job_reason(case) or _scenario_reason(case, scenario)
    if not names or reason:
        return absent(f"{ask.column} of {scenario.name}", reason or "the scenario has a result")
    value = ", ".join(names) if ask.column == "factors" else FACTOR_NOT_MEASURED.code
    frames = {"exposures": holdings(case).held}
    return Working(f"{ask.column}: shocked factors without an exposure", value, frames=frames)


def result(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of stress_test_results.

    Args:
        case: stored exposures, and correlations of factors.
        ask: the scenario's id, and a column of the table.
    """
    scenario = next(one for one in case.scenarios.all if one.id == ask.scenario)
    reason = job_reason(case) or _scenario_reason(case, scenario)
    names = [] if reason else unmeasured(case, scenario)
    if reason or names:
        return absent(f"{ask.column} of {scenario.name}", reason or f"not measured: {', '.join(names)}")
    match ask.column:
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


def _direct(case: Case, scenario: Scenario) -> tuple[Working, float]:
    held, rows, total = holdings(case), [], 0.0
    for shocked, shock in scenario.shocks.items():
        exposure = held.exposure(shocked)
        pnl = (
            None if exposure is None else exposure * factor_moves(case).direct_move(scenario.shocks, shocked)
        )
        total += pnl or 0.0
        rows.append((shocked, HELD_AS.get(shocked, shocked), exposure, shock, pnl))
    value, notes = _floored(held, total)
    steps = (
        Step("S", total, "USD, sum of exposure x shock", "frame `shocks`: sum of pnl"),
        _base(case, held),
    )
    frames = {"shocks": table(SHOCKS, rows), "exposures": held.held, "rate_lots": held.lots}
    return Working("direct_pnl = max({S}, -0.99 * {B})", value, steps, frames, notes=notes), value


def _correlated(case: Case, scenario: Scenario) -> tuple[Working, float]:
    held, moves = holdings(case), factor_moves(case)
    shocks = {name: shock for name, shock in scenario.shocks.items() if name != RATE_SHOCK}
    rate_part = (held.rates or 0.0) * moves.rates(scenario.shocks)
    rows, rho = [], []
    for name, dollars in held.dollars.items():
        factor = CORRELATES_AS.get(name, name)
        between = {shocked: moves.between(shocked, factor) for shocked in shocks}
        move = moves.model_move(moves.with_rates(scenario.shocks), name)
        rows.append((name, dollars, move, dollars * move))
        rho += [(shocked, name, value) for shocked, value in between.items() if value]
    rest = sum((pnl for *_, pnl in rows), 0.0)
    value, notes = _floored(held, rate_part + rest)
    steps = (
        Step("R", rate_part, "USD, exposure to rates x their move", "frame `rate_lots`"),
        Step(
            "S",
            rest,
            f"USD, sum of exposure x move, the move {MOVED[case.rules.unshocked_factors]}",
            "frame `moves`: sum of pnl",
        ),
        _base(case, held),
    )
    frames = {"moves": table(MOVES, rows), "correlations": table(RHO, rho), "rate_lots": held.lots}
    weights = f"weights fall by {moves.decay:g} a return" if moves.decay else "shrunk, of equal weights"
    rests = f"correlations of {len(moves.returns)} returns up to {moves.as_of}, {weights}"
    formula = "correlated_pnl = max({R} + {S}, -0.99 * {B})"
    return Working(formula, value, steps, frames, notes=(rests, *notes)), value


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
    step = Step("data_days", returns, "common returns of the factor funds", "market_data_cache")
    return Working("calculation_metadata: inputs of the row", json.dumps(content), (step,))
