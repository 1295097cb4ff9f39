"""Inputs of a store that is computed already, and what-ifs on them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import engine
from engine.analyst import whatif
from engine.core.schema import TABLES
from tests.analyst.conftest import END

FIRST = date(2025, 11, 3)
GROWTH = "Demo Growth 3"
COMPARED = (
    "portfolio_snapshots",
    "position_market_betas",
    "position_interest_rate_betas",
    "position_factor_exposures",
    "factor_exposures",
    "position_volatility",
    "correlation_calculations",
    "pairwise_correlations",
    "stress_test_results",
    "analytics_status",
)


@pytest.fixture(scope="module")
def results(demo_folder: Path) -> engine.Results:
    store = engine.open(f"duckdb:///{demo_folder}/demo.duckdb")
    return engine.compute(store.inputs(FIRST, END, GROWTH, run_date=END))


@pytest.mark.parametrize("table", COMPARED)
def test_computed_again_from_the_middle_on_gives_what_is_stored(
    demo: engine.Store, results: engine.Results, table: str
) -> None:
    stored = demo.read(table, GROWTH, start=FIRST, end=END, exact=True)
    assert stored.height > 0
    stamps = [name for name in ("created_at", "updated_at") if name in stored.columns]
    assert stored.drop(stamps).equals(results[table].sort(TABLES[table].key).drop(stamps))


def test_prices_of_a_symbol_that_nobody_holds_come_on_demand(demo: engine.Store) -> None:
    held = set(demo.read("positions", GROWTH)["symbol"])
    others = demo.read("market_data_cache", columns=["symbol"])["symbol"].unique().sort()
    symbol = next(name for name in others if name not in held and name not in ("SPY", "TLT"))
    plain, more = (demo.inputs(FIRST, END, GROWTH, run_date=END, symbols=s) for s in ((), (symbol,)))
    assert more.closes.filter(symbol=symbol).height > 0
    added = whatif.add_position(more, symbol, 100)
    figures = engine.compute(added)["position_market_betas"]
    new = added.positions.filter(symbol=symbol)["id"].to_list()
    assert figures.filter(pl.col("position_id").is_in(new)).height > 0
    if plain.closes.filter(symbol=symbol).is_empty():
        with pytest.raises(engine.EngineError, match="symbols="):
            whatif.add_position(plain, symbol, 100)


def test_a_scenario_of_one_s_own_multiplies_exposures_by_its_shocks(demo: engine.Store) -> None:
    inputs = demo.inputs(END, END, GROWTH, run_date=END)
    mine = engine.Scenarios((engine.scenario("Dip", {"Market": -0.1, "Size Spread": 0.02}),))
    row = engine.compute(whatif.add_scenarios(inputs, mine), scenarios=mine)["stress_test_results"]
    exposures = demo.read("factor_exposures", GROWTH, start=END)
    names = demo.read("factor_definitions").select("name", factor_id="id")
    held = dict(exposures.join(names, on="factor_id").select("name", "exposure_dollar").iter_rows())
    expected = -0.1 * held["Market Beta (90D)"] + 0.02 * held["Size Spread"]
    assert float(row["direct_pnl"].item()) == pytest.approx(expected, abs=0.005)


def test_wrong_scenarios_are_told() -> None:
    shipped = engine.load_scenarios()
    one = shipped.all[0]
    with pytest.raises(engine.EngineError, match="is used twice"):
        shipped.plus(one)
    with pytest.raises(engine.EngineError, match="nearest: Market"):
        engine.scenario("Typo", {"Markt": -0.1})
    with pytest.raises(engine.EngineError, match=f"nearest: {one.id}"):
        shipped.only(one.id + "x")


def test_days_without_a_session_are_told(demo: engine.Store) -> None:
    with pytest.raises(engine.EngineError, match="no session"):
        demo.inputs(date(2025, 11, 1), date(2025, 11, 2), GROWTH)
    with pytest.raises(engine.EngineError, match=r"nearest: Demo Growth 3"):
        demo.inputs(FIRST, END, "Demo Growth 4")
