"""Invariants of the harness on random worlds.

A world equals itself; one changed cell is one different cell, in its table and column; neither
the order of rows nor the ids of a run matter; missing and extra swap when the sides do.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.schema import TABLES, Column
from engine.parity import compare
from engine.parity.cell_comparison import compared_columns

from .worlds import MOMENT, Memory, Rows, store

pytestmark = pytest.mark.thorough

COUNTED = {
    "portfolio_snapshots",
    "factor_exposures",
    "position_interest_rate_betas",
    "stress_test_results",
    "pairwise_correlations",
}
FIGURES = st.decimals(-1000, 1000, places=2, allow_nan=False)
SHARES = st.one_of(st.none(), st.just(float("nan")), st.integers(0, 10_000).map(lambda n: n / 1e4))
DAYS = st.integers(0, 4).map(lambda n: date(2025, 5, 5) + timedelta(n))
SETTINGS = settings(max_examples=20, deadline=None)


@st.composite
def worlds(draw: st.DrawFn) -> Memory:
    """Portfolios, days, factors; some figures null, some NaN; parents with made ids."""
    portfolios = draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
    days = draw(st.lists(DAYS, min_size=1, max_size=3, unique=True))
    keys: Rows = [{"portfolio_id": p, "position_id": p, "scenario_id": p} for p in portfolios]
    dated: Rows = [key | {"snapshot_date": day, "calculation_date": day} for key in keys for day in days]
    calculations: Rows = [
        {"id": f"c{i}", "portfolio_id": p, "calculation_date": MOMENT, "duration_days": 90}
        for i, p in enumerate(portfolios)
    ]
    return store(
        factor_definitions=[{"id": f"f{name}", "name": name} for name in "MV"],
        portfolio_snapshots=[row | {"daily_pnl": draw(st.none() | FIGURES)} for row in dated],
        factor_exposures=[
            row | {"factor_id": f"f{name}", "exposure_value": draw(FIGURES)} for row in dated for name in "MV"
        ],
        position_interest_rate_betas=[row | {"r_squared": draw(SHARES)} for row in dated],
        stress_test_results=[
            row | {"factor_impacts": draw(st.sampled_from([None, "{}", '{"M": 0.5}']))} for row in dated
        ],
        correlation_calculations=calculations,
        pairwise_correlations=[
            {"correlation_calculation_id": c["id"], "symbol_1": s, "symbol_2": "Z"}
            for c in calculations
            for s in "XY"
        ],
    )


def other_value(value: object, column: Column) -> object:
    """A value of the column's type that differs from `value` by more than one unit."""
    if value is None or value != value:
        filling = {"json": '{"other": 1}', "numeric": 0.25 if column.nan else Decimal("0.25")}
        return filling.get(column.type.kind)
    match value:
        case bool():
            return not value
        case Decimal():
            return value - 3
        case int() | float():
            return value + 3
        case str():
            return '{"other": 2}' if column.type.kind == "json" else value + "!"
        case date():
            return value + timedelta(1)
    raise TypeError(value)


def renumbered(world: Memory, seed: int) -> Memory:
    """The same rows in another order, with other ids for what a run numbers itself."""
    made = {name for name, table in TABLES.items() if table.made_ids}
    frames = {}
    for name, frame in world.frames.items():
        columns = {r.column for r in TABLES[name].foreign_keys if r.parent in made}
        ids = columns | ({"id"} if name in made else set())
        other = [pl.format("{}-{}", pl.lit(str(seed)), c).alias(c) for c in ids]
        frames[name] = frame.with_columns(other).sample(fraction=1, shuffle=True, seed=seed)
    return Memory(frames)


@SETTINGS
@given(worlds())
def test_a_world_equals_itself(world: Memory) -> None:
    comparison = compare(world, world)
    assert comparison.equal
    assert comparison.total("equal") == comparison.total("cells") > 0
    assert comparison.total("matched") == comparison.total("expected_rows")


@SETTINGS
@given(worlds(), st.integers(0, 1000))
def test_neither_row_order_nor_the_ids_of_a_run_matter(world: Memory, seed: int) -> None:
    other = compare(world, renumbered(world, seed))
    same = compare(world, world)
    assert other.equal
    assert other.tables.equals(same.tables)
    assert other.columns.equals(same.columns)


@SETTINGS
@given(worlds(), st.randoms(use_true_random=False))
def test_one_changed_cell_is_one_different_cell(world: Memory, chance: random.Random) -> None:
    table = chance.choice(sorted(COUNTED))
    column = chance.choice(compared_columns(TABLES[table]))
    row = chance.randrange(world.frames[table].height)
    value = other_value(world.frames[table][column.name][row], column)
    if value is None:
        return
    changed = renumbered(world.changed(table, row, column.name, value), chance.randrange(99))
    comparison = compare(world, changed)
    unequal = comparison.columns.filter(pl.col("different") + pl.col("off_by_one") > 0)
    assert unequal.select("table", "column", "different").rows() == [(table, column.name, 1)]
    assert comparison.total("equal") == comparison.total("cells") - 1
    assert comparison.examples.height == 1
    assert not comparison.equal


@SETTINGS
@given(worlds(), st.randoms(use_true_random=False))
def test_missing_and_extra_swap_with_the_sides(world: Memory, chance: random.Random) -> None:
    table = chance.choice(sorted(COUNTED))
    height = world.frames[table].height
    kept = world.frames[table].sample(chance.randrange(height), seed=1)
    less = world.having(table, kept)
    there, back = compare(world, less), compare(less, world)
    assert there.total("missing") == back.total("extra") == height - kept.height
    assert there.total("extra") == back.total("missing") == 0
    assert there.total("cells") == back.total("cells")
    assert not there.equal
    assert not back.equal
