"""Explanations of figures by other rules than the legacy ones, against the vectorised figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

import engine
from engine.analyst.explain.explaining import load_case, of_case
from engine.batch.copy import copy
from engine.core.progress import Quiet
from engine.core.rules import Rules
from tests.analyst.golden_cases import GOLDEN, asks
from tests.marks import first

DAYS = date(2025, 4, 14), date(2025, 4, 15)
RUN_DATE = date(2026, 11, 23)
RISK_TABLES = (
    "engine_option_greeks",
    "position_market_betas",
    "position_interest_rate_betas",
    "position_factor_exposures",
    "factor_exposures",
    "position_volatility",
    "portfolio_snapshots",
    "stress_test_results",
)
NAMES = ("H1 Global Long Short", "H3 Growth Mix")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


@cache
def stored(folder: Path, text: str) -> engine.Store:
    """The golden inputs with figures of two sessions by some rules."""
    url = f"duckdb:///{folder}/{abs(hash(text))}.duckdb"
    copy(f"parquet:///{GOLDEN / 'mixed' / 'inputs'}", url, 5_000, Quiet())
    rules = replace(Rules.parse(text), inconsistent_rows="computed")
    engine.backfill(url, start=DAYS[0], end=DAYS[1], run_date=RUN_DATE, rules=rules)
    return engine.open(url)


def explanations(store: engine.Store, name: str, tables: tuple[str, ...]) -> Iterator[engine.Explanation]:
    case = load_case(store, store, name, DAYS[1], store.rules, engine.load_scenarios())
    for ask in asks(case, 4):
        if ask.table in tables and (ask.table != "analytics_status" or ask.job == "correlations"):
            yield of_case(case, ask)


@pytest.mark.parametrize("name", first(1, NAMES))
@pytest.mark.parametrize(
    "rules",
    first(
        1,
        ["legacy,undefined_figures=absent,effective_positions=weights", "legacy,effective_positions=weights"],
    ),
)
def test_figures_of_correlations_are_derived(folder: Path, rules: str, name: str) -> None:
    tables = ("correlation_calculations", "pairwise_correlations", "analytics_status")
    found = list(explanations(stored(folder, rules), name, tables))
    assert found
    wrong = [one.to_text() for one in found if one.verdict not in ("equal", "absent")]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("name", first(1, NAMES))
def test_risk_of_options_by_greeks_is_derived(folder: Path, name: str) -> None:
    found = list(explanations(stored(folder, "legacy,options=greeks"), name, RISK_TABLES))
    # Aligned by portfolio, a lot that was listed late leaves H3 too few returns in common.
    absent = {"position_factor_exposures"} if name == "H3 Growth Mix" else set()
    assert {one.table for one in found} == set(RISK_TABLES) - absent
    wrong = [one.to_text() for one in found if not one.agrees]
    assert not wrong, "\n\n".join(wrong)
    assert any("options gain beyond their deltas" in one.to_text() for one in found)
