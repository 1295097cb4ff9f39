"""Rows of stress_test_results, with their JSON columns written in bulk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from engine.analytics.aggregation import Floats
from engine.analytics.factor_correlations import FactorCorrelations
from engine.scenarios import Scenario

PERCENT = 100
NO_ROWS = pl.DataFrame(
    schema={
        "portfolio_id": pl.String(),
        "scenario_id": pl.String(),
        "calculation_date": pl.Date(),
        "direct_pnl": pl.Float64(),
        "correlated_pnl": pl.Float64(),
        "correlation_effect": pl.Float64(),
        "factor_impacts": pl.String(),
        "calculation_metadata": pl.String(),
    }
)


@dataclass(frozen=True)
class Written:
    """An exposure and its text, which several scenarios share.

    usd: [C], NaN where there is none. text: [C] JSON numbers, null there.
    """

    usd: Floats
    text: pl.Series

    @classmethod
    def of(cls, usd: Floats) -> Written:
        """Write an exposure down."""
        return cls(usd, _numbers(usd))


def scenario_rows(
    keys: pl.DataFrame,
    scenario: Scenario,
    scenario_id: str,
    exposures: Mapping[str, Written],
    direct: Floats,
    correlated: Floats,
    correlations: FactorCorrelations,
) -> pl.DataFrame:
    """One scenario's rows, figures unrounded.

        correlation_effect = correlated - direct

    of the unrounded figures, so that it may differ from the difference of the stored ones by a
    cent. Source: document 03 §4.7.

    Args:
        keys: portfolio_id, calculation_date; C rows.
        exposures: of the shocked factors.
        direct, correlated: [C] USD.
    """
    return keys.select(
        "portfolio_id",
        pl.lit(scenario_id).alias("scenario_id"),
        "calculation_date",
        direct_pnl=pl.Series(direct),
        correlated_pnl=pl.Series(correlated),
        correlation_effect=pl.Series(correlated - direct),
        factor_impacts=impacts(scenario, exposures),
        calculation_metadata=pl.lit(_metadata(scenario, correlations)),
    )


def impacts(scenario: Scenario, exposures: Mapping[str, Written]) -> pl.Series:
    """JSON objects: {factor: {"exposure": USD, "shock_pct": percent, "direct_pnl": USD}}.

    An exposure times its shock, neither rounded nor limited; a factor whose exposure is unknown
    has no entry. Keys are ordered as jsonb orders them: shorter ones first. Source: document 03
    §4.4 and §4.7.
    """
    entries = []
    for factor in sorted(scenario.shocks, key=_jsonb_order):
        shock, held = scenario.shocks[factor], exposures[factor]
        head = f'{json.dumps(factor)}: {{"exposure": '
        middle = f', "shock_pct": {shock * PERCENT!r}, "direct_pnl": '
        pnl = _numbers(held.usd * shock)
        entries.append(pl.concat_str(pl.lit(head), held.text, pl.lit(middle), pnl, pl.lit("}")))
    inside = pl.concat_str(entries, separator=", ", ignore_nulls=True)
    return pl.select(pl.concat_str(pl.lit("{"), inside, pl.lit("}"))).to_series()


def _jsonb_order(key: str) -> tuple[int, bytes]:
    text = key.encode()
    return len(text), text


def _numbers(usd: Floats) -> pl.Series:
    """Shortest texts that read back as the same doubles; null for NaN."""
    return pl.Series(usd + 0.0, nan_to_null=True).cast(pl.String)  # + 0.0: no "-0.0"


def _metadata(scenario: Scenario, correlations: FactorCorrelations) -> str:
    """What the row rests on: the scenario's group and name, the correlations' day and returns."""
    content = {
        "category": scenario.group,
        "data_days": correlations.returns,
        "scenario_name": scenario.name,
        "correlation_matrix_date": correlations.as_of.isoformat(),
    }
    return json.dumps(content, ensure_ascii=False)
