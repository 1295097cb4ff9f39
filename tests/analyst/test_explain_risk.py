"""Explanations of the risk model under its rules: the slow derivation against what a run stored."""

from __future__ import annotations

from datetime import date

import pytest

import engine
from engine.analyst.explain.explaining import load_case, of_case
from engine.core.rules import Rules
from tests.analyst.golden_cases import asks, store
from tests.marks import first

MODEL = (
    "legacy,factor_model=joint,unshocked_factors=conditional,factor_covariance=session,rate_shocks=yields,"
    "rate_weights=signed,unmeasured_factors=absent,loss_floor=gross,stale_figures=refused"
)
OAS = MODEL.replace("covariance=session", "covariance=session_oas")
YIELDS, RUN_DATE = "legacy,rate_shocks=yields", MODEL.replace("covariance=session", "covariance=run_date")
RULES = first(1, [(MODEL, 3), (MODEL, 30), (OAS, 3), (YIELDS, 30), (RUN_DATE, 30)])
"""Rules, and how many rows of each table are explained."""
TABLES = (
    *("stress_test_results", "position_interest_rate_betas", "factor_exposures"),
    *("engine_risk", "engine_factor_risk", "engine_position_risk"),
)
DAYS = {"start": date(2025, 4, 15), "end": date(2025, 4, 15), "run_date": date(2026, 11, 23)}


@pytest.mark.parametrize("chosen", RULES)
def test_stored_figures_of_the_risk_model_are_derived_again(
    chosen: tuple[str, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    (text, most), folder = chosen, tmp_path_factory.mktemp("risk")
    url, rules = f"duckdb:///{folder}/risk.duckdb", Rules.parse(text)
    inputs, scenarios = store("mixed", "inputs"), engine.load_scenarios()
    only = ["stress_test_results"]
    engine.backfill(inputs.url, url, **DAYS, rules=rules, only=only, allow_stale=True)
    case = load_case(engine.open(url), inputs, "H2 ETF Core", DAYS["end"], rules, scenarios)
    found = [of_case(case, ask) for ask in asks(case, most) if ask.table in TABLES]
    assert sum(one.verdict == "equal" for one in found) > 2 * most
    assert not [one.to_text() for one in found if not one.agrees]
