"""The five regression jobs against the slow reference, lot by lot and day by day, on random worlds.

Invariants: the same rows in every table, each stored cell equal; the same snapshot columns; the
same end of every job; every lot of a portfolio is used or left out.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.reference.analytics import (
    JobResult,
    PositionBeta,
    market_beta,
    provider_beta,
    rate_beta,
    ridge_factors,
    spread_factors,
)

from .regression_draws import draw_world
from .regression_worlds import World
from .regressions import SNAPSHOT_COLUMNS, only, run, stored, unrounded, with_snapshots

pytestmark = pytest.mark.thorough

SEEDS = range(14)
KEYS = {
    "position_market_betas": ("position_id", "calc_date"),
    "position_interest_rate_betas": ("position_id", "calculation_date"),
    "position_factor_exposures": ("position_id", "factor_id", "calculation_date"),
    "factor_exposures": ("portfolio_id", "factor_id", "calculation_date"),
}
A_CENT = 0.010001
"""Dollars at an exact half cent (capped betas and SPY on itself make them) go either way: the
reference's slope of SPY on itself is 1 within two ulp, and it adds up in another order."""
REASONS = {
    "invalid_equity": {"equity_not_positive"},
    "no_position_betas": {"no_betas", "no_position_betas"},
}
JOBS = ("market_beta", "provider_beta", "rate_beta", "spread_factors", "ridge_factors")
Results = dict[tuple[str, date, str], JobResult]


def reference_results(world: World) -> Results:
    """Session by session: the provider's fall-back reads what earlier sessions wrote."""
    betas, results = world.earlier_betas(), Results()
    for session, day in enumerate(world.window.sessions):
        for portfolio in world.portfolio_ids:
            book, reference = world.book(portfolio, session), world.reference
            market = market_beta(book, world.prices, reference.factor_ids)
            rows = market.rows.get("position_market_betas", [])
            betas += tuple(PositionBeta(r["position_id"], day, r["beta"]) for r in rows)
            found = (
                market,
                provider_beta(book, reference.profiles, betas, reference.factor_ids),
                rate_beta(book, world.prices, reference.factor_ids),
                spread_factors(book, world.prices, reference),
                ridge_factors(book, world.prices, reference),
            )
            results |= {(portfolio, day, job): result for job, result in zip(JOBS, found, strict=True)}
    return results


def same(ours: Any, theirs: Any) -> bool:
    """Null is only null, NaN only NaN; numbers are equal as they are stored."""
    if theirs is None or ours is None:
        return ours is theirs
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    if isinstance(theirs, Decimal):
        return float(ours) == float(theirs)
    return bool(ours == theirs)


def differences(table: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    key = KEYS[table]
    mine, other = ({tuple(row[k] for k in key): row for row in rows} for rows in (ours, theirs))
    found = [f"{table} {k}: only one side has it" for k in mine.keys() ^ other.keys()]
    for k in mine.keys() & other.keys():
        found += [
            f"{table} {k} {column}: {mine[k][column]} and {cell}"
            for column, cell in other[k].items()
            if not same(mine[k][column], cell)
            and not (column == "exposure_dollar" and abs(float(mine[k][column]) - float(cell)) < A_CENT)
        ]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_column_and_status_equals_the_reference(seed: int) -> None:
    world = draw_world(seed)
    outcomes, results = run(world.case()), reference_results(world)
    found = []
    for table, frame in stored(outcomes).items():
        rows = [row for result in results.values() for row in result.rows.get(table, [])]
        found += differences(table, frame.to_dicts(), rows)
    found += snapshot_differences(world, outcomes, results)
    for row in pl.concat(o.status for o in outcomes.values()).to_dicts():
        result = results[row["portfolio_id"], row["calculation_date"], row["job"]]
        reason = result.outcome.reason
        known = REASONS.get(str(reason), {reason})
        if row["status"] != result.outcome.status or row["reason"] not in known:
            found.append(f"{row}: {result.outcome}")
    assert not found, "\n".join(found[:20])


def snapshot_differences(world: World, outcomes: Any, results: Results) -> list[str]:
    blank = pl.DataFrame(
        [(p, day) for p in world.portfolio_ids for day in world.window.sessions],
        {"portfolio_id": pl.String, "snapshot_date": pl.Date},
        orient="row",
    ).with_columns(pl.lit(None, pl.Float64).alias(name) for name in SNAPSHOT_COLUMNS)
    found = []
    for row in with_snapshots(blank, outcomes).to_dicts():
        theirs: dict[str, Any] = dict.fromkeys(SNAPSHOT_COLUMNS)
        for job in JOBS:
            theirs |= results[row["portfolio_id"], row["snapshot_date"], job].snapshot
        found += [f"{row}: {name}" for name in SNAPSHOT_COLUMNS if not same(row[name], theirs[name])]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_portfolio_alone_has_the_bits_that_it_has_among_others(seed: int) -> None:
    world = draw_world(seed + 1000)
    case = world.case()
    for alignment in ("portfolio", "symbol"):
        among = unrounded(run(case, alignment))
        for number, portfolio in enumerate(world.portfolio_ids):
            alone = unrounded(run(only(case, number), alignment))
            for table, frame in among.items():
                assert frame.filter(pl.col("portfolio_id") == portfolio).equals(alone[table]), table


def test_the_worlds_meet_every_end_of_every_job() -> None:
    met = {
        (job, row["status"], row["reason"])
        for seed in range(80)
        for job, outcome in run(draw_world(seed).case()).items()
        for row in outcome.status.unique(["status", "reason"]).to_dicts()
    }
    expected = {(job, "failed", "equity_not_positive") for job in JOBS} | {(job, "ok", None) for job in JOBS}
    expected |= {(job, "skipped", "no_public_positions") for job in JOBS[1:]}
    expected |= {(job, "failed", "no_betas") for job in JOBS[:3]}
    expected |= {(job, "skipped", "no_position_betas") for job in JOBS[3:]}
    expected |= {
        ("market_beta", "failed", "no_active_positions"),
        ("spread_factors", "skipped", "no_spread_data"),
    }
    assert expected <= met, expected - met


def test_used_and_left_out_lots_add_up() -> None:
    case = draw_world(3).case()
    for outcome in run(case).values():
        totals = outcome.status.group_by("portfolio_id").agg(
            every=(pl.col("positions_used") + pl.col("positions_left_out")).n_unique()
        )
        assert np.all(totals["every"].to_numpy() == 1)
