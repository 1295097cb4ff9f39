"""Stress tests repeat the golden tables, and a few facts that those show."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.panels import Portfolios
from engine.analytics.stress.scenarios import RATE_SHOCK
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows

from .frames import against_golden
from .regressions import GOLDEN, WINDOWS
from .stress_cases import StressCase, golden_stress

CELLS = {"mixed": 17_955, "edge": 2_185, "mixed_today": 285}
E2 = "5ad941fe-fac8-5c6a-b70b-eda85ce24818"
"""Null equity: the engine refuses it (golden/README)."""
TABLE = TABLES["stress_test_results"]
CELL = ["portfolio_id", "calculation_date"]


@pytest.mark.parametrize("name", CELLS)
def test_every_row_and_cell_equals_the_golden_table(name: str) -> None:
    """Exempt ones too: the golden exposures say by their stamps in which order they were written."""
    rows = stored_rows(TABLE, golden_stress(name).rows(), WINDOWS[name].stamp)
    found = against_golden(name, {TABLE.name: rows}, exempting=False)
    assert found.equal, found.to_text()
    assert found.total("off_by_one") == 0
    assert found.total("cells") == CELLS[name]


@pytest.mark.parametrize("name", CELLS)
def test_the_job_ends_as_the_log_says(name: str) -> None:
    (path,) = (GOLDEN / name / "run").glob("*.jobs.jsonl")
    log = [json.loads(line) for line in path.read_text().splitlines()]
    told = {
        (line["portfolio"], line["date"]): (line["message"] or "").removeprefix("Stress testing skipped: ")
        for line in log
        if line["job"] == "Stress Testing" and line["portfolio"] != E2
    }
    status = golden_stress(name).run().status
    ours = {
        (row["portfolio_id"], row["calculation_date"].isoformat()): row["reason"]
        if row["status"] in ("skipped", "failed")
        else ""  # the legacy batch has no partial figures
        for row in status.to_dicts()
    }
    assert ours == told


@pytest.mark.parametrize("name", CELLS)
def test_a_portfolio_alone_has_the_bits_that_it_has_among_others(name: str) -> None:
    case = golden_stress(name)
    among = case.rows()
    for number, portfolio in enumerate(case.portfolios.ids):
        mine = among.filter(pl.col("portfolio_id") == portfolio)
        assert mine.equals(case.alone(number).rows())


def test_the_order_of_input_rows_does_not_matter() -> None:
    case = golden_stress("mixed")
    names = ("exposures", "rate_betas", "factor_definitions")
    shuffled = {name: getattr(case, name).sample(fraction=1, shuffle=True, seed=1) for name in names}
    assert case.rows().equals(replace(case, **shuffled).rows())


def test_json_columns_have_the_keys_in_the_order_of_jsonb() -> None:
    rows = golden_stress("mixed_today").rows()
    golden = pl.read_parquet(GOLDEN / "mixed_today" / "outputs" / f"{TABLE.name}.parquet")
    both = rows.join(golden, on=["portfolio_id", "scenario_id"], suffix="_golden")
    for name in ("factor_impacts", "calculation_metadata"):
        for ours, theirs in both.select(name, f"{name}_golden").iter_rows():
            assert _keys(ours) == _keys(theirs)


def test_nothing_times_a_fall_has_no_sign() -> None:
    """A double times a negative shock would be "-0.0", which jsonb turns into "0.0"."""
    texts = golden_stress("mixed").rows()["factor_impacts"]
    assert texts.str.contains(r'"exposure": 0\.0, "shock_pct": -[0-9.]+, "direct_pnl": 0\.0}').any()
    assert not texts.str.contains(r"-0\.0[,}]").any()


def _keys(text: str) -> list[tuple[str, list[str]]]:
    content = json.loads(text)
    return [(key, list(value) if isinstance(value, dict) else []) for key, value in content.items()]


def test_a_rate_scenario_without_a_rate_beta_is_empty_and_costs_nothing() -> None:
    case = golden_stress("mixed")
    rates = [s for s in case.scenarios if set(s.shocks) == {RATE_SHOCK}]
    none = replace(case, scenarios=tuple(rates), rate_betas=case.rate_betas.clear())
    rows = none.rows()
    assert rows["factor_impacts"].unique().to_list() == ["{}"]
    assert rows.select("direct_pnl", "correlated_pnl", "correlation_effect").sum().row(0) == (0, 0, 0)


def test_signed_weights_let_short_lots_lessen_the_exposure_to_rates() -> None:
    case = golden_stress("mixed")
    signed = replace(case, rules=replace(case.rules, rate_weights="signed"))
    assert not case.rows().equals(signed.rows())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scenarios": ()}, "no_scenarios"),
        ({"scenario_ids": {}}, "no_stored_scenarios"),
        ({"factors": np.array([0]), "returns": np.array([0])}, "no_factor_prices"),
        ({"returns": np.array([0])}, "no_factor_prices"),
        ({"factors": np.array([1])}, "one_factor_alone"),
    ],
)
def test_what_nothing_can_be_computed_from_is_a_failure(change: dict[str, Any], reason: str) -> None:
    case = golden_stress("edge")
    if change.keys() & {"factors", "returns"}:
        change = {"correlations": replace(case.correlations, **change)}
    outcome = replace(case, **change).run()
    rows = outcome.tables[TABLE.name]
    assert rows.is_empty()
    assert stored_rows(TABLE, rows, WINDOWS["edge"].stamp).columns == TABLE.names
    told = set(outcome.status.select("status", "reason").iter_rows())
    skipped = set() if "correlations" in change else {("skipped", "no_factor_exposures")}
    assert told == {("failed", reason)} | skipped


def test_a_scenario_that_the_table_lacks_is_not_stored() -> None:
    case = golden_stress("edge")
    known = {"market_up_5": case.scenario_ids["market_up_5"]}
    assert replace(case, scenario_ids=known).rows()["scenario_id"].unique().to_list() == [*known.values()]


def test_no_exposures_no_lots_and_no_portfolios_are_no_errors() -> None:
    case = golden_stress("edge")
    unexposed = replace(case, exposures=case.exposures.clear(), rate_betas=case.rate_betas.clear()).run()
    assert set(unexposed.status["reason"]) == {"no_factor_exposures"}
    empty = replace(case, positions=case.positions.where(pl.col("symbol") == ""))
    assert empty.rows().height == case.rows().height
    nobody = replace(case.alone(0), portfolios=_first(case, 0), positions=empty.positions)
    assert nobody.run().status.is_empty()
    assert nobody.rows().is_empty()


def _first(case: StressCase, count: int) -> Portfolios:
    whole = case.portfolios
    return Portfolios(whole.ids[:count], whole.equity[:count], whole.gross[:count], whole.net[:count])
