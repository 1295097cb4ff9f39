"""The five regression jobs repeat the golden tables, cell by cell, with no exemption."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from engine.analytics.factors.definitions import updated_definitions
from engine.analytics.panels import build_price_panel
from engine.parity import compare

from .frames import Frames
from .regressions import (
    GOLDEN,
    WINDOWS,
    golden_case,
    golden_inputs,
    only,
    run,
    singletons,
    stored,
    unrounded,
    with_snapshots,
)

CELLS = {"mixed": 115_000, "edge": 3_300, "mixed_today": 2_200}
JOBS = {
    "Market Beta (90D)": "market_beta",
    "Provider Beta (1Y)": "provider_beta",
    "IR Beta": "rate_beta",
    "Spread Factors": "spread_factors",
    "Ridge Factors": "ridge_factors",
}
E2 = "5ad941fe-fac8-5c6a-b70b-eda85ce24818"
"""Null equity: the engine refuses it (golden/README)."""


@pytest.mark.parametrize("name", WINDOWS)
def test_every_row_and_cell_equals_the_golden_tables(name: str) -> None:
    outcomes = run(golden_case(name))
    ours = stored(outcomes)
    golden = {
        table: pl.read_parquet(GOLDEN / name / "outputs" / f"{table}.parquet")
        for table in (*ours, "portfolio_snapshots", "factor_definitions")
    }
    ours["portfolio_snapshots"] = with_snapshots(golden["portfolio_snapshots"], outcomes)
    ours["factor_definitions"] = updated_definitions(
        golden_inputs(name).factor_definitions, ours["factor_exposures"], WINDOWS[name].stamp
    )
    found = compare(Frames(golden, "golden"), Frames(ours, "engine"))
    assert found.equal, found.to_text()
    assert found.total("off_by_one") == 0
    assert found.total("equal") == found.total("cells") > CELLS[name]


@pytest.mark.parametrize("name", WINDOWS)
def test_every_job_ends_as_the_log_says(name: str) -> None:
    (path,) = (GOLDEN / name / "run").glob("*.jobs.jsonl")
    lines = pl.read_ndjson(path, infer_schema_length=None).filter(
        pl.col("job").is_in(list(JOBS)) & (pl.col("portfolio") != E2)
    )
    skipped = pl.col("message").str.strip_prefix("Skipped: ")
    told = lines.select(
        portfolio_id="portfolio",
        calculation_date=pl.col("date").str.to_date(),
        job=pl.col("job").replace_strict(JOBS),
        status=pl.when(~pl.col("success")).then(pl.lit("failed"))
        .when(pl.col("message").is_null()).then(pl.lit("ok")).otherwise(pl.lit("skipped")),
        reason=pl.when("success").then(skipped),
    )  # fmt: skip
    ours = pl.concat(outcome.status for outcome in run(golden_case(name)).values())
    ours = ours.with_columns(reason=pl.when(pl.col("status") != "failed").then("reason"))
    ours = ours.select(told.columns)
    assert ours.sort(ours.columns).equals(told.sort(told.columns))


@pytest.mark.parametrize("name", WINDOWS)
def test_a_portfolio_alone_has_the_bits_that_it_has_among_others(name: str) -> None:
    case = golden_case(name)
    among = unrounded(run(case))
    for number, portfolio in enumerate(case.portfolios.ids):
        alone = unrounded(run(only(case, number)))
        for table, frame in among.items():
            mine = frame.filter(pl.col("portfolio_id") == portfolio)
            assert mine.equals(alone[table]), (table, portfolio)


def test_the_order_of_input_rows_does_not_matter() -> None:
    case, inputs, window = golden_case("edge"), golden_inputs("edge"), WINDOWS["edge"]

    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1, shuffle=True, seed=1)

    other = replace(
        case,
        panel=build_price_panel(shuffled(inputs.closes), inputs.visible, window),
        profiles=shuffled(case.profiles),
        previous=shuffled(case.previous),
        definitions=shuffled(case.definitions),
    )
    ours, theirs = unrounded(run(case)), unrounded(run(other))
    assert all(ours[name].equals(theirs[name]) for name in ours)


def test_alignment_by_symbol_is_alignment_by_portfolio_of_portfolios_of_one_lot() -> None:
    case = golden_case("mixed")
    by_symbol = unrounded(run(case, alignment="symbol"))["position_factor_exposures"]
    alone = unrounded(run(singletons(case)))["position_factor_exposures"]
    key = ["position_id", "factor_id", "calculation_date", "exposure_value"]
    solvent = by_symbol.join(alone, on=key[:3], how="left", suffix="_alone")
    assert solvent.height > 25_000
    assert solvent["exposure_value"].equals(solvent["exposure_value_alone"].alias("exposure_value"))
    gained = alone.join(by_symbol, on=key[:3], how="anti")
    insolvent = gained.join(case.lots.frame, on="position_id")["portfolio_id_right"].unique()
    assert len(insolvent) <= 1  # 80a4ad45, on its days without equity


def test_alignment_by_symbol_keeps_what_one_new_listing_takes_from_all() -> None:
    case = golden_case("mixed")
    status = {
        rule: run(case, alignment=rule)["spread_factors"].status.filter(pl.col("status") == "ok").height
        for rule in ("portfolio", "symbol")
    }
    assert status["symbol"] > status["portfolio"]


def test_signed_weights_take_the_shorts_from_the_rate_beta() -> None:
    case = golden_case("mixed")
    absolute, signed = (run(case, weights=rule)["rate_beta"].tables for rule in ("absolute", "signed"))
    assert absolute["position_interest_rate_betas"].equals(signed["position_interest_rate_betas"])
    assert not absolute["factor_exposures"].equals(signed["factor_exposures"])
