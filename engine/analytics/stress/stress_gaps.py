"""Scenarios without a result: those that shock a factor to which the exposure could not be measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from engine.analytics.panels import Portfolios
from engine.analytics.stress.scenarios import RATE_SHOCK, Scenario
from engine.analytics.stress.stress_exposures import HELD_AS, FactorDollars, RateDollars
from engine.core.job_catalog import FACTOR_NOT_MEASURED
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
    scenarios: Sequence[Scenario], measured: Mapping[str, Bools], shape: tuple[int, ...]
) -> Bools:
    """Return whether every factor that a scenario shocks is measured: [S, P, D].

    Args:
        scenarios: S of them.
        measured: of `measured_factors`.
        shape: P and D.
    """
    complete = np.ones((len(scenarios), *shape), dtype=np.bool_)
    for cells, scenario in zip(complete, scenarios, strict=True):
        for name in scenario.shocks:
            np.logical_and(cells, measured[name], out=cells)
    return complete


def gap_rows(
    portfolios: Portfolios,
    dates: pl.Series,
    scenarios: Mapping[str, Scenario],
    measured: Mapping[str, Bools],
    done: Bools,
) -> pl.DataFrame:
    """Return rows of stress_test_gaps: a scenario, the session, and the factors that were not measured.

    Args:
        portfolios: P of them.
        dates: [D] the window's sessions.
        scenarios: by their rows' ids.
        measured: of `measured_factors`.
        done: [P, D] cells of which the job has results.
    """
    absent = [
        _absent(portfolios, dates, number, name, done & ~measured[name])
        for number, scenario in scenarios.items()
        for name in scenario.shocks
        if not measured[name][done].all()
    ]
    if not absent:
        return NO_GAPS
    rows = pl.concat(absent).group_by("portfolio_id", "scenario_id", "calculation_date", maintain_order=True)
    return rows.agg(pl.col("factors").str.join(", ")).select(
        pl.exclude("factors"), pl.lit(FACTOR_NOT_MEASURED.code).alias("reason"), "factors"
    )


def _absent(portfolios: Portfolios, dates: pl.Series, number: str, name: str, cells: Bools) -> pl.DataFrame:
    """Return a row for each cell [P, D] in which a scenario lacks one factor."""
    portfolio, session = np.nonzero(cells)
    return pl.DataFrame(
        [
            portfolios.ids[portfolio].cast(pl.String).alias("portfolio_id"),
            dates[session].alias("calculation_date"),
        ]
    ).with_columns(scenario_id=pl.lit(number), factors=pl.lit(name))
