"""Scenarios without a result: a shocked factor has no measured exposure, or no window could be replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from engine.analytics.panels import Portfolios
from engine.analytics.stress.replays import REPLAYED, DatedScenario
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS, FactorDollars, RateDollars
from engine.core.job_catalog import FACTOR_NOT_MEASURED, NOT_REPLAYED
from engine.core.rules import UnmeasuredFactors
from engine.numerics.arrays import Bools

NO_GAPS = pl.DataFrame(
    schema={
        "portfolio_id": pl.String(),
        "scenario_id": pl.String(),
        "calculation_date": pl.Date(),
        "reason": pl.String(),
        "factors": pl.String(),
    }
)


def measured_factors(
    scenarios: Sequence[Scenario], factors: FactorDollars, rates: RateDollars, rule: UnmeasuredFactors
) -> dict[str, Bools]:
    """Return whether the exposure to each shocked factor counts as measured: [P, D] by the shock's name.

    Args:
        scenarios: those to compute.
        factors: exposures of P portfolios in D sessions.
        rates: exposures to rates.
        rule: "zero": every factor counts as measured; see `engine.core.rules.Rules`.
    """
    shocked = dict.fromkeys(name for scenario in scenarios for name in scenario.shocks)
    if rule == "zero":
        return {name: np.ones(factors.any.shape, dtype=np.bool_) for name in shocked}
    none = np.zeros(factors.any.shape, dtype=np.bool_)
    return {
        name: ~np.isnan(rates.dollars)
        if name == RATE_SHOCK
        else factors.measured.get(HELD_AS.get(name, name), none)
        for name in shocked
    }


def measured_scenarios(
    scenarios: Sequence[DatedScenario], measured: Mapping[str, Bools], shape: tuple[int, ...]
) -> Bools:
    """Return whether a scenario has its shocks in the session and every one is measured: [S, P, D].

    Args:
        scenarios: S of them.
        measured: of `measured_factors`.
        shape: P and D.
    """
    complete = np.ones((len(scenarios), *shape), dtype=np.bool_)
    for cells, dated in zip(complete, scenarios, strict=True):
        np.logical_and(cells, dated.sessions, out=cells)
        for name in dated.scenario.shocks:
            np.logical_and(cells, measured[name], out=cells)
    return complete


def gap_rows(
    portfolios: Portfolios,
    dates: pl.Series,
    numbers: Mapping[str, str],
    scenarios: Sequence[DatedScenario],
    measured: Mapping[str, Bools],
    done: Bools,
) -> pl.DataFrame:
    """Return rows of stress_test_gaps: a scenario, the session, the reason, and the factors concerned.

    Args:
        portfolios: P of them.
        dates: [D] the window's sessions.
        numbers: ids of the rows of all stored scenarios, by the scenario's own.
        scenarios: these with their shocks.
        measured: of `measured_factors`.
        done: [P, D] cells of which the job has results.
    """
    absent = [
        (done & one.sessions & ~measured[name], numbers[one.scenario.id], name, FACTOR_NOT_MEASURED)
        for one in scenarios
        for name in one.scenario.shocks
    ]
    replayed = {name: np.zeros(len(dates), dtype=np.bool_) for name in numbers}
    for one in scenarios:
        replayed[one.scenario.id] |= one.sessions
    absent += [
        (done & ~sessions, numbers[name], ", ".join(REPLAYED), NOT_REPLAYED)
        for name, sessions in replayed.items()
        if not sessions.all()
    ]
    if not any(cells.any() for cells, *_ in absent):
        return NO_GAPS
    case, portfolio, session = np.nonzero(np.stack([cells for cells, *_ in absent]))
    _, scenario, factor, reason = zip(*absent, strict=True)
    rows = pl.DataFrame(
        {
            "portfolio_id": portfolios.ids[portfolio].cast(pl.String),
            "scenario_id": pl.Series(scenario)[case],
            "calculation_date": dates[session],
            "reason": pl.Series([one.code for one in reason])[case],
            "factors": pl.Series(factor)[case],
        }
    )
    named = rows.group_by(*NO_GAPS.columns[:-1], maintain_order=True)
    return named.agg(pl.col("factors").str.join(", "))
