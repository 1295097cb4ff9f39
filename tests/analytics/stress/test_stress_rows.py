"""Rows of stress test results and their JSON columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from engine.analytics.stress.scenarios import Scenario
from engine.analytics.stress.stress_rows import impacts, scenario_rows
from tests.analytics.small import window_dates
from tests.analytics.stress.matrices import one_matrix

CORRELATIONS = one_matrix(("Market",), np.eye(1), returns=123)


def scenario(shocks: Mapping[str, float], name: str = "Fall") -> Scenario:
    return Scenario(name.lower(), "group", name, name, shocks, "category", "mild", True)


def alone(one: Scenario, exposures: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments for one scenario whose factors move by their shocks."""
    return [one], exposures, [one.shocks]


def test_an_impact_has_exposure_shock_and_product() -> None:
    (text,) = impacts(*alone(scenario({"Market": -0.25}), {"Market": np.array([1000.0])}))
    assert json.loads(text) == {"Market": {"exposure": 1000.0, "shock_pct": -25.0, "direct_pnl": -250.0}}


def test_the_product_is_that_of_the_move_where_it_is_not_the_shock() -> None:
    moves = [{"Value": np.array([-0.02, 0.01])}]
    texts = impacts([scenario({"Value": -0.1})], {"Value": np.array([100.0, 100.0])}, moves)
    assert [json.loads(text)["Value"]["direct_pnl"] for text in texts] == [-2.0, 1.0]
    assert [json.loads(text)["Value"]["shock_pct"] for text in texts] == [-10.0, -10.0]


def test_factors_come_shorter_names_first_and_only_where_there_is_an_exposure() -> None:
    shocks = {"Momentum": 0.1, "Size": 0.2, "Value": 0.3, "Beta": 0.4}
    exposures = {name: np.array([1.0, np.nan if name == "Value" else 2.0]) for name in shocks}
    one, two = (list(json.loads(text)) for text in impacts(*alone(scenario(shocks), exposures)))
    assert one == ["Beta", "Size", "Value", "Momentum"]
    assert two == ["Beta", "Size", "Momentum"]
    (none,) = impacts(*alone(scenario({"Value": 0.3}), {"Value": np.array([np.nan])}))
    assert none == "{}"


def test_numbers_read_back_as_the_same_doubles_and_0_has_no_sign() -> None:
    held = np.array([0.1 + 0.2, -0.0, 1e-300, 123456789.123])
    for usd, text in zip(held, impacts(*alone(scenario({"F": 1 / 3}), {"F": held})), strict=True):
        entry = json.loads(text)["F"]
        assert (entry["exposure"], entry["direct_pnl"]) == (usd, usd * (1 / 3))
        assert "-0.0" not in text


def test_rows_come_scenario_by_scenario_with_the_effect_of_correlations() -> None:
    keys = pl.DataFrame({"portfolio_id": ["a", "b"], "calculation_date": window_dates(2)})
    scenarios = {"id1": scenario({"Market": 0.5}), "id2": scenario({"Market": -0.5}, "Rückgang")}
    direct = [np.array([1.0, 2.0]), np.array([-1.0, -2.0])]
    correlated = [np.array([1.5, 2.0]), np.array([-3.0, -2.25])]
    rows = scenario_rows(
        keys,
        list(scenarios),
        list(scenarios.values()),
        {"Market": np.array([2.0, 4.0])},
        [one.shocks for one in scenarios.values()],
        direct,
        correlated,
        CORRELATIONS,
        np.array([0, 0]),
    )
    assert rows["scenario_id"].to_list() == ["id1", "id1", "id2", "id2"]
    assert rows["portfolio_id"].to_list() == ["a", "b"] * 2
    assert rows["correlation_effect"].to_list() == [0.5, 0.0, -2.0, -0.25]
    assert "Rückgang" in rows["calculation_metadata"][2]
    assert json.loads(rows["calculation_metadata"][2]) == {
        "category": "group",
        "data_days": 123,
        "scenario_name": "Rückgang",
        "correlation_matrix_date": "2025-06-30",
    }


def test_without_scenarios_there_are_no_rows_of_the_same_columns() -> None:
    keys = pl.DataFrame({"portfolio_id": ["a"], "calculation_date": window_dates(1)})
    one = scenario_rows(
        keys,
        ["id"],
        [scenario({"F": 1.0})],
        {"F": np.ones(1)},
        [{"F": 1.0}],
        [np.ones(1)],
        [np.ones(1)],
        CORRELATIONS,
        np.array([0]),
    )
    none = scenario_rows(keys, [], [], {}, [], [], [], CORRELATIONS, np.array([0]))
    assert (none.height, none.schema) == (0, one.schema)
