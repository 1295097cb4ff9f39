"""Regression jobs without some of their funds, and without some of their factors' definitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from engine.analytics.factors.definitions import factor_ids, updated_definitions
from tests.builders import uid
from tests.memory_store import frame_of
from tests.reference.worlds import FACTORS, whole

from .regressions import Case, golden_case, run

STAMP = datetime(2026, 11, 23, tzinfo=UTC)


def without_funds(*funds: str) -> Case:
    case = golden_case("mixed")
    kept = [column for column, symbol in enumerate(case.panel.symbols) if symbol not in funds]
    symbols = tuple(case.panel.symbols[column] for column in kept)
    return replace(case, panel=replace(case.panel, symbols=symbols, close=case.panel.close[:, kept]))


def reasons(case: Case, job: str) -> set[tuple[str, str | None]]:
    status = run(case)[job].status
    return set(status.select("status", "reason").unique().rows())


def test_one_missing_fund_voids_the_spreads_and_leaves_five_styles() -> None:
    case = without_funds("QUAL")
    assert ("skipped", "no_spread_data") in reasons(case, "spread_factors")
    assert not any(status == "ok" for status, _ in reasons(case, "spread_factors"))
    rows = run(case)["ridge_factors"].tables["factor_exposures"]
    assert set(rows["factor_id"].unique()) == {
        factor_ids(case.definitions).active[name]
        for name in ("Momentum", "Value", "Growth", "Size", "Low Volatility")
    }
    before = run(golden_case("mixed"))["ridge_factors"].tables["position_factor_exposures"]
    assert rows.height
    assert before["factor_id"].n_unique() == 6


def test_without_any_fund_spreads_fail_and_styles_are_skipped() -> None:
    case = without_funds("VUG", "VTV", "MTUM", "IWM", "QUAL", "SPY", "USMV")
    assert ("failed", "no_etf_data") in reasons(case, "spread_factors")
    assert ("skipped", "no_factor_data") in reasons(case, "ridge_factors")
    assert reasons(case, "market_beta") == {
        ("failed", "no_betas"),
        ("failed", "no_active_positions"),
        ("failed", "equity_not_positive"),
    }


def test_an_inactive_definition_takes_its_rows_and_not_the_job() -> None:
    case = golden_case("edge")
    off = case.definitions.with_columns(is_active=pl.col("name") != "Size")
    outcome = run(replace(case, definitions=off))["ridge_factors"]
    assert outcome.status.equals(run(case)["ridge_factors"].status)
    assert outcome.tables["position_factor_exposures"]["factor_id"].n_unique() == 5


def definitions(*names: str) -> pl.DataFrame:
    rows = [whole("factor_definitions", id=uid(name), name=name) for name in names]
    return frame_of("factor_definitions", rows)


def exposures(*ids: str | None) -> pl.DataFrame:
    return pl.DataFrame({"factor_id": pl.Series(ids, dtype=pl.String)})


def test_missing_beta_definitions_are_made_once_their_job_has_succeeded() -> None:
    known = definitions(*FACTORS[3:])
    ids = factor_ids(known)
    assert ids.market is None
    after = updated_definitions(known, exposures(ids.provider), STAMP)
    assert set(after["name"]) - set(known["name"]) == {"Provider Beta (1Y)"}
    made = after.row(by_predicate=pl.col("name") == "Provider Beta (1Y)", named=True)
    assert (made["factor_type"], made["display_order"], made["is_active"]) == ("style", 0, True)
    assert made["id"] == ids.provider
    assert made["created_at"] == made["updated_at"] == STAMP
    assert updated_definitions(known, exposures(), STAMP).equals(known.sort("name"))
    assert factor_ids(after).provider == ids.provider


def test_an_old_market_beta_is_renamed_in_place() -> None:
    known = definitions("Market Beta", *FACTORS[1:])
    ids = factor_ids(known)
    assert ids.market == uid("Market Beta")
    after = updated_definitions(known, exposures(ids.market), STAMP)
    renamed = after.row(by_predicate=pl.col("id") == ids.market, named=True)
    assert (renamed["name"], renamed["display_order"]) == ("Market Beta (90D)", 1)
    assert after.height == known.height


def test_without_a_market_definition_the_job_is_partial_and_writes_no_exposure() -> None:
    case = golden_case("edge")
    none = case.definitions.filter(pl.col("name") != "Market Beta (90D)")
    outcome = run(replace(case, definitions=none))["market_beta"]
    assert outcome.tables["factor_exposures"].is_empty()
    assert outcome.tables["position_market_betas"].height
    assert (outcome.status["reason"] == "no_definition").any()
    assert not (outcome.status["status"] == "ok").any()
