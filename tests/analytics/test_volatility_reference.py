"""Volatility against the slow reference, lot by lot and day by day, on random worlds.

Invariants: the same rows, each stored cell equal; the same snapshot columns; the same end of the
job; every live lot is used or left out; neither the other portfolios nor the order of rows matter.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from engine.analytics.job_result import JobResult
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows
from tests.marks import first
from tests.reference.analytics import Book
from tests.reference.analytics import volatility as reference_volatility
from tests.reference.analytics.volatility import volatility_symbol

from .holding_worlds import WINDOW, Case, World, case_of, draw_world

SEEDS = range(14)
REASONS = {"no_position_volatilities": "no_position_volatility"}


def told_apart(book: Book) -> Book:
    """Every lot under a symbol of its own, so that none takes the weight of another.

    The reference weighs all lots of a symbol by the last one, as legacy did; the engine sums them.
    """
    lots = tuple(replace(p, symbol=p.id, underlying_symbol=volatility_symbol(p)) for p in book.positions)
    return replace(book, positions=lots)


def stored(outcome: JobResult) -> pl.DataFrame:
    return stored_rows(TABLES["position_volatility"], outcome.tables["position_volatility"], WINDOW.stamp)


def expected(world: World) -> tuple[list[dict], list[dict], dict]:
    rows, snapshots, ends = [], [], {}
    for portfolio in sorted(world.gross):
        for session, day in enumerate(WINDOW.sessions):
            result = reference_volatility(told_apart(world.book(portfolio, session)), world.prices)
            rows += result.rows.get("position_volatility", [])
            if result.snapshot:
                key = {"portfolio_id": portfolio, "snapshot_date": day}
                snapshots.append(key | {"volatility_percentile": None} | result.snapshot)
            reason = REASONS.get(result.outcome.reason, result.outcome.reason)
            ends[portfolio, day] = (result.outcome.status, reason, result.positions_used)
    return rows, snapshots, ends


@pytest.mark.parametrize("seed", first(2, SEEDS))
def test_equals_the_reference(seed: int) -> None:
    world = draw_world(seed)
    outcome = case_of(world).volatility()
    rows, snapshots, ends = expected(world)
    ours = {(r["position_id"], r["calculation_date"]): r for r in stored(outcome).to_dicts()}
    assert set(ours) == {(r["position_id"], r["calculation_date"]) for r in rows}
    for row in rows:
        found = ours[row["position_id"], row["calculation_date"]]
        assert {name: found[name] for name in row} == row
    table = TABLES["portfolio_snapshots"]
    fresh = stored_rows(table, outcome.snapshot, WINDOW.stamp).select(*snapshots[0]) if snapshots else None
    assert (fresh.to_dicts() if fresh is not None else []) == snapshots
    assert outcome.snapshot.height == len(snapshots)
    told = outcome.status.select(
        "portfolio_id", "calculation_date", "status", "reason", "positions_used", "positions_left_out"
    )
    for portfolio, day, status, reason, used, left_out in told.iter_rows():
        assert (status, reason, used) == ends[portfolio, day]
        live = [p for p in world.positions if p.portfolio_id == portfolio and p.is_active]
        assert used + left_out == len(live)


def test_the_worlds_reach_every_end() -> None:
    ends = pl.concat([case_of(draw_world(seed)).volatility().status for seed in SEEDS])
    assert set(ends["reason"]) == {
        None,
        "no_active_positions",
        "no_public_positions",
        "no_portfolio_volatility",
        "no_position_volatility",
    }


@pytest.mark.parametrize("seed", first(2, SEEDS[:8]))
def test_a_portfolio_alone_has_the_same_bits(seed: int) -> None:
    world = draw_world(seed)
    together = case_of(world)
    whole = together.volatility()
    for portfolio in sorted(world.gross)[:3]:
        lone = world.only(portfolio)
        alone = case_of(with_market_of(lone, portfolio), together.visible).volatility()
        mine = pl.col("portfolio_id") == portfolio
        for ours, theirs in (
            (whole.tables["position_volatility"], alone.tables["position_volatility"]),
            (whole.snapshot, alone.snapshot),
            (whole.status, alone.status),
        ):
            assert ours.filter(mine).equals(theirs)


def with_market_of(world: World, portfolio: str) -> World:
    """Only the closes of symbols that the portfolio holds, as a loader reads them."""
    held = {s for lot in world.positions for s in (lot.symbol, lot.underlying_symbol or "")}
    return replace(world, closes={s: rows for s, rows in world.closes.items() if s in held | {"SPY"}})


def test_the_order_of_rows_does_not_matter() -> None:
    case = case_of(draw_world(3))
    shuffled = case.closes.sample(fraction=1.0, shuffle=True, seed=1)
    again = Case(case.days, case.portfolios, shuffled, case.visible).volatility()
    assert stored(again).equals(stored(case.volatility()))
    assert again.snapshot.equals(case.volatility().snapshot)
