"""The provider beta that a snapshot is made with, before the job has run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engine.analytics.betas.provider import opening_provider_beta, with_openings

from .regressions import Case, golden_case, run

FOUND = 100_00
"""Cents that every lot was worth when the first session found it."""


def opening(case: Case, populated: bool) -> pl.DataFrame:
    equity = case.portfolios.equity
    return opening_provider_beta(
        case.lots,
        case.portfolios,
        case.dates,
        case.profiles,
        run(case)["market_beta"].tables["position_market_betas"],
        case.previous,
        case.lots.frame.select(id="position_id", session=0, opening_value=pl.lit(FOUND, pl.Int128)),
        equity,
        np.full(equity.shape, populated),
    )


def test_it_stays_only_where_the_job_has_none() -> None:
    whole = golden_case("mixed_today")
    found = opening(whole, populated=True)
    failing = whole.lots.frame["portfolio_id"] == found["portfolio_id"][0]
    worthless = np.where(failing.to_numpy()[:, None], 0.0, whole.lots.stored)
    case = replace(whole, lots=whole.lots._replace(stored=worthless))
    outcome = run(case)["provider_beta"]
    assert outcome.snapshot is not None
    merged = with_openings(outcome.snapshot, found)
    assert outcome.snapshot.height == 2
    assert merged.head(2).equals(outcome.snapshot)
    assert merged.tail(1).equals(found.head(1))


def test_it_is_made_of_populated_snapshots_only() -> None:
    assert opening(golden_case("edge"), populated=False).is_empty()


def test_it_reads_the_values_and_betas_that_the_session_finds() -> None:
    case = golden_case("mixed_today")
    is_stock = (pl.col("investment_class") == "PUBLIC") & pl.col("position_type").is_in(["LONG", "SHORT"])
    stocks = case.lots.frame.filter(~pl.col("deleted") & is_stock)
    betas = stocks.join(case.profiles, on="symbol", how="left").join(
        case.previous, on="position_id", how="left", suffix="_previous"
    )
    chosen = pl.when(pl.col("beta") != 0).then("beta").otherwise("beta_previous").cast(pl.Float64)
    expected = betas.group_by("portfolio_id").agg(weighted=chosen.sum() * FOUND / 100)
    equity = pl.DataFrame({"portfolio_id": case.portfolios.ids, "equity": case.portfolios.equity[:, 0]})
    both = opening(case, populated=True).join(expected, on="portfolio_id").join(equity, on="portfolio_id")
    assert both.height == 3
    ratio = (both["weighted"] / both["equity"]).to_list()
    assert both["beta_provider_1y"].to_list() == pytest.approx(ratio, rel=1e-12)
