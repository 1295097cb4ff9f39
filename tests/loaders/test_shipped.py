"""Rows that come with the engine."""

from __future__ import annotations

import json
from decimal import Decimal

from engine.analytics.stress.scenarios import load_scenarios
from engine.core.frames import polars_schema
from engine.core.funds import FACTOR_FUNDS
from engine.core.row_rules import admit
from engine.core.schema import TABLES
from loaders.demo import demo_world
from loaders.shipped import shipped_rows


def test_rows_have_the_schema_s_types_and_break_no_rule() -> None:
    for name, frame in shipped_rows().items():
        assert dict(frame.schema) == polars_schema(TABLES[name])
        assert frame.height
        assert admit(frame, TABLES[name], "shipped")[1].is_empty()


def test_scenarios_are_those_of_the_shipped_file() -> None:
    rows = shipped_rows()["stress_test_scenarios"]
    scenarios = {scenario.id: dict(scenario.shocks) for scenario in load_scenarios().all}
    stored = {key: json.loads(shocks) for key, shocks in rows.select("scenario_id", "shock_config").rows()}
    assert stored == scenarios


def test_funds_of_the_factors_are_factor_funds() -> None:
    assert set(shipped_rows()["factor_definitions"]["etf_proxy"]) <= set(FACTOR_FUNDS)


def test_sector_weights_are_rounded_to_a_tenth_of_a_percent() -> None:
    weights = shipped_rows()["benchmarks_sector_weights"]["weight"]
    assert weights.sum() == Decimal("1.001000")
    assert all(weight == round(weight, 3) for weight in weights)


def test_the_demo_has_the_same_scenarios_and_factors() -> None:
    world = demo_world(portfolios=1, positions=1)
    shipped = shipped_rows()
    assert world["stress_test_scenarios"].equals(shipped["stress_test_scenarios"])
    assert world["factor_definitions"].equals(shipped["factor_definitions"])
