"""A store with scenarios that replay dated history: its figures by hand, and derived again by explain."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import engine
from engine.analyst.explain.explaining import load_case, of_case
from engine.core.rules import Rules
from tests.analyst.golden_cases import GOLDEN, asks, store
from tests.analyst.test_explain_risk import MODEL
from tests.marks import first

DAY, RUN_DATE = date(2025, 4, 15), date(2026, 11, 23)
FALL = date(2025, 2, 19), date(2025, 4, 8)
WINDOWS = {
    "market_down_10": FALL,
    "market_down_5": (date(2025, 2, 19), date(2025, 4, 30)),
    "market_up_5": (date(2020, 2, 19), date(2020, 3, 23)),
}
"""Windows by ids that have a row: a past one, one that ends after the session, one without closes."""
FUNDS = {
    "Market": "SPY",
    "Value": "VTV",
    "Growth": "VUG",
    "Momentum": "MTUM",
    "Quality": "QUAL",
    "Size": "IWM",
    "Low Volatility": "USMV",
    "Interest_Rate": "TLT",
}
TABLES = ("stress_test_results", "stress_test_gaps", "analytics_status")


def file_of(folder: Path) -> Path:
    words = {"description": "History", "category": "market", "severity": "severe", "active": True}
    bodies = {
        name: {"name": name, "window": [str(day) for day in window], **words}
        for name, window in WINDOWS.items()
    }
    path = folder / "replays.json"
    path.write_text(json.dumps({"stress_scenarios": {"history": bodies}}))
    return path


def fund_returns() -> dict[str, float]:
    """The return of each factor's fund between the closes of the two days."""
    closes = pl.read_parquet(GOLDEN / "mixed/inputs/market_data_cache.parquet")
    of = {(symbol, day): float(close) for symbol, day, close in closes["symbol", "date", "close"].rows()}
    return {factor: of[fund, FALL[1]] / of[fund, FALL[0]] - 1.0 for factor, fund in FUNDS.items()}


def run(folder: Path, rules: Rules) -> tuple[engine.Store, Path]:
    path, url = file_of(folder), f"duckdb:///{folder}/replay.duckdb"
    engine.backfill(
        store("mixed", "inputs").url,
        url,
        start=DAY,
        end=DAY,
        run_date=RUN_DATE,
        rules=rules,
        only=TABLES,
        allow_stale=True,
        scenarios=path,
    )
    return engine.open(url), path


@pytest.mark.parametrize("text", first(1, ["legacy", MODEL]))
def test_a_replay_moves_each_factor_as_its_fund_and_explain_derives_it(text: str, tmp_path: Path) -> None:
    rules = Rules.parse(text)
    stored, path = run(tmp_path, rules)
    case = load_case(stored, store("mixed", "inputs"), "H2 ETF Core", DAY, rules, engine.load_scenarios(path))
    names = {number: name for name, number in case.inputs.scenarios["scenario_id", "id"].iter_rows()}
    results: list[dict[str, Any]] = stored.read("stress_test_results", portfolios="H2 ETF Core").to_dicts()
    assert [names[row["scenario_id"]] for row in results] == ["market_down_10"]
    impacts = json.loads(results[0]["factor_impacts"])
    expected = fund_returns()
    if text == "legacy":
        pnl = sum(one["exposure"] * expected[name] for name, one in impacts.items())
        assert float(results[0]["direct_pnl"]) == pytest.approx(pnl, abs=0.005)
    else:
        # Yields move by minus the return of TLT over its shipped duration of 16.19 years.
        expected["Interest_Rate"] /= -16.19
    assert {name: one["shock_pct"] / 100 for name, one in impacts.items()} == pytest.approx(expected)
    metadata = json.loads(results[0]["calculation_metadata"])
    assert (metadata["window"], metadata["not_replayed"]) == (["2025-02-19", "2025-04-08"], [])
    gaps = stored.read("stress_test_gaps", portfolios="H2 ETF Core")
    assert {names[number] for number in gaps["scenario_id"]} == {"market_down_5", "market_up_5"}
    assert set(gaps["reason"]) == {"not_replayed"}
    found = [of_case(case, ask) for ask in asks(case, 30) if ask.table in TABLES]
    assert {one.table for one in found} == set(TABLES)
    assert not [one.to_text() for one in found if not one.agrees]
