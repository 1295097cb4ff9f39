"""The engine on random small worlds: every stored figure is the one that `engine.explain` derives.

Further relations: a portfolio alone equals itself among others; the order of input rows does not matter; a
window split in two equals one run over both; a rerun changes nothing; names and sizes do not matter. The last
tests show that the worlds hold what they claim.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from engine.core.job_catalog import INCONSISTENT, JOBS, NO_PREDICTED_RISK, NOT_REPLAYED
from engine.core.schema import TABLES
from tests.marks import first
from tests.reference import relations
from tests.reference.relations import computed, run, stored_after
from tests.reference.worlds import World, draw_world

SEEDS = range(60)
RENAMED = 458
"""A world whose first session renames the market's factor, and whose later ones are stressed by it."""
SHARED = (12, 39)
"""Worlds that gave other figures alone: of eight factors, and of a symbol that others made visible."""
RERUN = (8, 32, 59)
"""Worlds that a rerun changed: of values that are not quantity times price, and of a deleted portfolio."""
TOO_WIDE = "daily_return does not fit numeric(8,6)"
NO_EQUITY = "portfolios.equity_balance is null"
NAMED_FUNDS = re.compile(r"no close of [A-Z]+(, [A-Z]+)* in the \d+ days up to the session")


@pytest.fixture(autouse=True)
def _in_memory_engine() -> None:
    pl.Config.set_engine_affinity("in-memory")


@pytest.mark.parametrize("seed", first(6, SEEDS))
def test_every_stored_figure_is_the_derived_one(seed: int) -> None:
    found = relations.derived(seed)
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("seed", [*SHARED, *first(1, SEEDS[:8])])
def test_a_portfolio_alone_equals_itself_among_others(seed: int) -> None:
    assert not relations.alone(seed)


@pytest.mark.parametrize("seed", first(1, SEEDS[:8]))
def test_the_order_of_input_rows_does_not_matter(seed: int) -> None:
    assert not relations.shuffled(seed)


@pytest.mark.parametrize("seed", [RENAMED, *first(1, SEEDS[:8])])
def test_two_windows_in_a_row_equal_one(seed: int) -> None:
    assert not relations.split(seed)


@pytest.mark.parametrize("seed", [*RERUN, *first(1, SEEDS[:8])])
def test_a_window_computed_again_gives_the_same_rows(seed: int) -> None:
    assert not relations.rerun(seed)


@pytest.mark.parametrize("seed", first(1, SEEDS[:8]))
def test_other_names_of_symbols_change_nothing_but_the_names(seed: int) -> None:
    assert not relations.renamed(seed)


@pytest.mark.parametrize("seed", first(1, SEEDS[:8]))
def test_twice_the_quantities_and_cash_is_twice_the_money(seed: int) -> None:
    assert not relations.doubled(seed)


def test_a_factor_that_a_run_renames_is_stored_once() -> None:
    world = draw_world(RENAMED)
    _, night = run(world, world.frames, replace(world.window, end=world.window.sessions[0]))
    before, after = world.frames["factor_definitions"], stored_after(world.frames, night)
    ids = dict(before.select("name", "id").iter_rows())
    renamed = after["factor_definitions"].filter(pl.col("id") == ids["Market Beta"])
    assert "Market Beta (90D)" not in ids
    assert renamed["name"].to_list() == ["Market Beta (90D)"]


def test_rows_of_the_worlds_fit_their_tables() -> None:
    """Known columns, a value in each that must have one, one row for each key."""
    for seed in SEEDS[:5]:
        world = draw_world(seed)
        for name, frame in world.frames.items():
            table = TABLES[name]
            assert all(row.keys() <= table.by_name.keys() for row in world.tables[name]), name
            needed = [column.name for column in table.columns if not column.nullable]
            assert not frame.select(needed).null_count().sum_horizontal().sum(), name
            assert frame.select(table.key).is_unique().all(), name


@pytest.mark.thorough
def test_the_worlds_reach_every_reason_of_every_job() -> None:
    # Few worlds have a matrix that is too short by their rules, or a shocked factor that nothing measures.
    rare = 60, 138, 168
    status = pl.concat(computed(seed)[2]["analytics_status"] for seed in (*SEEDS, *rare))
    reached = set(status.select("job", "reason").drop_nulls().rows())
    reasons = {(job.name, reason.code) for job in JOBS.values() for reason in job.reasons}
    # The worlds draw no inconsistent rows: tests/core/test_consistency.py has them.
    expected = {(job, code) for job, code in reasons if code not in {reason.code for reason in INCONSISTENT}}
    # Nor a book whose betas and residuals are all 0: tests/analytics/risk/test_risk.py has one.
    expected -= {("risk", NO_PREDICTED_RISK.code)}
    # Nor a scenario that replays history: tests/analytics/stress/test_stress.py has one.
    expected -= {("stress", NOT_REPLAYED.code)}
    assert expected <= reached, expected - reached
    codes = {code for _, code in expected}
    named = {reason for _, reason in reached if NAMED_FUNDS.fullmatch(reason)}
    assert named
    assert {reason for _, reason in reached} <= {*codes, *named, NO_EQUITY, TOO_WIDE}
    ok = status.filter(pl.col("status") == "ok").group_by("job").agg(pl.col("^positions_.*$").sum())
    assert set(ok["job"]) == set(status["job"])
    assert ok.filter((pl.col("positions_used") == 0) | (pl.col("positions_left_out") == 0)).is_empty()


def figures(table: str) -> pl.DataFrame:
    return pl.concat(computed(seed)[2][table] for seed in SEEDS)


@pytest.mark.thorough
def test_the_worlds_hold_capped_undefined_and_exact_figures() -> None:
    market = figures("position_market_betas")
    for name in ("position_market_betas.beta", "position_interest_rate_betas.ir_beta"):
        table, column = name.split(".")
        assert figures(table)[column].abs().max() == 5, name
    assert figures("position_factor_exposures")["exposure_value"].abs().max() == 5
    assert market["r_squared"].is_nan().any()
    assert not market["r_squared"].is_nan().all()
    pairs = figures("pairwise_correlations")["correlation_value"]
    assert pairs.is_nan().any()
    assert pairs.filter(pairs.is_not_nan()).abs().min() < 0.5
    volatility = figures("position_volatility")
    assert set(volatility["vol_trend"]) == {"stable", "increasing", "decreasing"}
    snapshots = figures("portfolio_snapshots")
    assert snapshots["equity_balance"].min() < 0
    assert snapshots.filter((pl.col("cash_value") == 0) & (pl.col("num_positions") > 0)).height > 10
    assert snapshots["short_value"].min() < 0


@pytest.mark.thorough
def test_the_worlds_hold_what_stress_tests_stumble_on() -> None:
    results = figures("stress_test_results")
    assert (results["direct_pnl"] == Decimal("-0.99")).any()  # no net exposure
    assert (results["correlation_effect"] != 0).any()
    worlds = [computed(seed)[0] for seed in SEEDS]
    exposures = [row for world in worlds for row in world.tables["factor_exposures"]]
    assert {None, Decimal(0)} <= {row["exposure_dollar"] for row in exposures}
    cut = sum(ends_inside(world, owner["id"]) for world in worlds for owner in world.tables["portfolios"])
    assert cut > 5
    ages = {
        (day - row["calculation_date"]).days
        for world in worlds
        for row in world.tables["position_interest_rate_betas"]
        for day in world.window.sessions
    }
    assert {7, 8} <= ages


def ends_inside(world: World, owner: str) -> bool:
    """Return whether the newest fifty exposures end inside a day that holds the newest of some factor."""
    mine = [row for row in world.tables["factor_exposures"] if row["portfolio_id"] == owner]
    days: list[tuple[date, str]] = [(row["calculation_date"], row["factor_id"]) for row in mine]
    days.sort(reverse=True)
    if len(days) <= 50 or days[49][0] != days[50][0]:
        return False
    newer = {factor for day, factor in days if day > days[49][0]}
    return any(factor not in newer for day, factor in days if day == days[49][0])
