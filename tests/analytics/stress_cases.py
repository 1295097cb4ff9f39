"""The stress job on a golden set, for the tests beside this file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import polars as pl

from engine.analytics.job_result import JobResult
from engine.analytics.panels import OpenPositions, Portfolios
from engine.analytics.stress.factor_correlations import FactorCorrelations, factor_correlations
from engine.analytics.stress.scenarios import Scenario, load_scenarios
from engine.analytics.stress.stress import stress
from engine.core.rules import Rules
from engine.pipeline.inputs import DURATIONS

from .regressions import GOLDEN, WINDOWS, golden_case, golden_inputs


@dataclass(frozen=True)
class StressCase:
    """Inputs of the stress job."""

    portfolios: Portfolios
    positions: OpenPositions
    dates: pl.Series
    exposures: pl.DataFrame
    rate_betas: pl.DataFrame
    factor_definitions: pl.DataFrame
    scenarios: tuple[Scenario, ...]
    scenario_ids: dict[str, str]
    correlations: FactorCorrelations
    rules: Rules = field(default_factory=Rules.legacy)
    durations: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DURATIONS))

    def run(self) -> JobResult:
        return stress(**vars(self))

    def rows(self) -> pl.DataFrame:
        return self.run().tables["stress_test_results"]

    def alone(self, portfolio: int) -> StressCase:
        """The case of one portfolio."""
        kept = slice(portfolio, portfolio + 1)
        whole, positions = self.portfolios, self.positions.where(pl.col("portfolio") == portfolio)
        own = Portfolios(whole.ids[kept], whole.equity[kept], whole.gross[kept], whole.net[kept])
        frame = positions.frame.with_columns(portfolio=pl.lit(0, pl.UInt32))
        alone = OpenPositions(frame, positions.stored, positions.recomputed)
        return replace(self, portfolios=own, positions=alone)


@cache
def golden_stress(name: str) -> StressCase:
    """Exposures and rate betas are the golden outputs: the job is tested by itself."""
    inputs, case, window = golden_inputs(name), golden_case(name), WINDOWS[name]
    scenarios = load_scenarios()
    return StressCase(
        case.portfolios,
        case.lots,
        case.dates,
        _with_golden_rows(name, "factor_exposures", inputs.previous_exposures),
        _with_golden_rows(name, "position_interest_rate_betas", inputs.previous_rate_betas),
        inputs.factor_definitions,
        scenarios.active,
        dict(inputs.scenarios.select("scenario_id", "id").iter_rows()),
        factor_correlations(inputs.fund_closes, window.run_date, scenarios.bounds),
    )


def _with_golden_rows(name: str, table: str, before: pl.DataFrame) -> pl.DataFrame:
    """The rows before the window and those that the legacy batch wrote in it."""
    rows = pl.read_parquet(GOLDEN / name / "outputs" / f"{table}.parquet").select(before.columns)
    inside = rows.filter(pl.col("calculation_date") >= WINDOWS[name].sessions[0])
    return pl.concat([before, inside.cast(before.schema)])
