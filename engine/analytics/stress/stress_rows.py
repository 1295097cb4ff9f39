"""Rows of stress_test_results; their JSON columns are built for all rows at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.factor_moves import Moves
from engine.analytics.stress.replays import REPLAYED
from engine.analytics.stress.scenarios import Scenario
from engine.numerics.arrays import Floats, Ints

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


def scenario_rows(
    keys: pl.DataFrame,
    numbers: Sequence[str],
    scenarios: Sequence[Scenario],
    exposures: Mapping[str, Floats],
    moves: Sequence[Moves],
    direct: Sequence[Floats],
    correlated: Sequence[Floats],
    correlations: FactorCorrelations,
    matrix: Ints,
) -> pl.DataFrame:
    """Return the rows of all scenarios, one scenario after the other; figures unrounded.

        correlation_effect = correlated - direct

    of the unrounded figures, so that it may differ from the difference of the stored ones by a cent.
    Source: document 03 §4.7.

    Args:
        keys: portfolio_id, calculation_date; C rows.
        numbers: the ids of the scenarios' rows.
        scenarios: S of them.
        exposures: [C] USD of the shocked factors, NaN where there is none.
        moves: of the shocked factors of each scenario; fractions, or [C].
        direct: [C] USD of each scenario.
        correlated: [C] USD of each scenario.
        correlations: of the factors.
        matrix: [C] number of the matrix of correlations of the cell's session.
    """
    if not scenarios:
        return NO_ROWS
    rows = pl.concat([keys] * len(scenarios))
    number = np.repeat(np.arange(len(scenarios)), keys.height)
    metadata = [text for scenario in scenarios for text in _metadata(scenario, correlations)]
    text = number * len(correlations.as_of) + np.tile(matrix, len(scenarios))
    alone, together = np.concatenate(direct), np.concatenate(correlated)
    return rows.select(
        "portfolio_id",
        pl.Series("scenario_id", numbers).gather(number),
        "calculation_date",
        direct_pnl=pl.Series(alone),
        correlated_pnl=pl.Series(together),
        correlation_effect=pl.Series(together - alone),
        factor_impacts=impacts(scenarios, exposures, moves),
        calculation_metadata=pl.Series(metadata).gather(text),
    )


def impacts(
    scenarios: Iterable[Scenario], exposures: Mapping[str, Floats], moves: Sequence[Moves]
) -> pl.Series:
    """Return JSON objects: {factor: {"exposure": USD, "shock_pct": percent, "direct_pnl": USD}}.

    direct_pnl is the exposure times the factor's move, neither rounded nor limited; the move is the shock but
    for styles of the joint model. A factor without an exposure has no entry. Keys are ordered as jsonb orders
    them: shorter ones first. Source: document 03 §4.4 and §4.7.

    Args:
        scenarios: S of them.
        exposures: [C] USD of the shocked factors, NaN where there is none.
        moves: of the shocked factors of each scenario; fractions, or [C].

    Returns:
        S x C texts, scenario by scenario.
    """
    held = pl.DataFrame(exposures)
    held = held.with_columns(_number(pl.col(name)).alias(f"{name} in text") for name in held.columns)
    # Written by expressions, not row by row: there is a text for each scenario, portfolio and session.
    both = enumerate(zip(scenarios, moves, strict=True))
    texts = held.select(_impacts(scenario, move).alias(str(number)) for number, (scenario, move) in both)
    return pl.concat(texts.get_columns())


def _impacts(scenario: Scenario, moves: Moves) -> pl.Expr:
    """Return the texts of one scenario."""
    entries = []
    for factor in sorted(scenario.shocks, key=_jsonb_order):
        shock = scenario.shocks[factor]
        head = f'{json.dumps(factor)}: {{"exposure": '
        middle = f', "shock_pct": {shock * PERCENT!r}, "direct_pnl": '
        move = moves[factor]
        pnl = _number(pl.col(factor) * (move if isinstance(move, float) else pl.Series(move)))
        entries.append(
            pl.concat_str(pl.lit(head), pl.col(f"{factor} in text"), pl.lit(middle), pnl, pl.lit("}"))
        )
    inside = pl.concat_str(entries, separator=", ", ignore_nulls=True)
    return pl.concat_str(pl.lit("{"), inside, pl.lit("}"))


def _jsonb_order(key: str) -> tuple[int, bytes]:
    """Return the sort key of jsonb: length, then bytes."""
    text = key.encode()
    return len(text), text


def _number(usd: pl.Expr) -> pl.Expr:
    """Return the shortest texts that read back as the same doubles; null for NaN, 0.0 for -0.0."""
    return pl.when(usd == 0.0).then(0.0).otherwise(usd).fill_nan(None).cast(pl.String)


def _metadata(scenario: Scenario, correlations: FactorCorrelations) -> list[str]:
    """Return a row's provenance as JSON: scenario's group and name, day and returns of each matrix.

    Of a replay also its window and the factors that it does not shock, for want of closes or a duration.
    """
    replay, group, name = (
        json.dumps(part, ensure_ascii=False)
        for part in (replay_metadata(scenario), scenario.group, scenario.name)
    )
    head = f'{replay[:-1]}{", " if scenario.window else ""}"category": {group}, "data_days": '
    tail = f', "scenario_name": {name}, "correlation_matrix_date": "'
    return [
        f'{head}{returns}{tail}{as_of}"}}'
        for returns, as_of in zip(correlations.returns.tolist(), correlations.as_of, strict=True)
    ]


def replay_metadata(scenario: Scenario) -> dict[str, list[str]]:
    """Return the window of a replay, and the factors that it does not shock; nothing for given shocks.

    Args:
        scenario: with the shocks of its window.
    """
    if scenario.window is None:
        return {}
    missing = [name for name in REPLAYED if name not in scenario.shocks]
    return {"window": [day.isoformat() for day in scenario.window], "not_replayed": missing}
