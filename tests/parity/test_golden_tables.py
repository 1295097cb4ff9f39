"""The harness on real tables of the legacy batch."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.core.schema import TABLES
from engine.parity import compare, load_exemptions

from .worlds import Folder, Memory

GOLDEN = Path(__file__).parents[1] / "golden"
MIXED = Folder(GOLDEN / "mixed" / "outputs")
MIXED_CELLS = 423_976
"""Compared cells of the mixed set, keys not counted."""


@pytest.fixture(scope="module")
def mixed() -> Memory:
    return MIXED.loaded()


@pytest.mark.parametrize("name", ["mixed", "edge", "mixed_today"])
def test_golden_tables_equal_themselves(name: str) -> None:
    outputs = Folder(GOLDEN / name / "outputs")
    comparison = compare(outputs, outputs)
    assert comparison.equal
    assert comparison.tables.height == 20
    assert comparison.total("equal") == comparison.total("cells") > 0


def test_every_cell_of_the_mixed_set_is_compared(mixed: Memory) -> None:
    comparison = compare(mixed, mixed)
    assert comparison.total("cells") == MIXED_CELLS
    assert comparison.total("matched") == sum(f.height for f in mixed.frames.values())


def test_inputs_can_be_compared_too() -> None:
    inputs = Folder(GOLDEN / "mixed" / "inputs")
    assert compare(inputs, inputs, sorted(inputs.tables() & set(TABLES))).equal


def test_the_exemptions_of_the_mixed_set_are_all_used(mixed: Memory) -> None:
    exemptions = load_exemptions(GOLDEN / "mixed" / "exempt.json")
    comparison = compare(mixed, mixed, exemptions=exemptions)
    assert comparison.exemptions["state"].to_list() == ["used", "used"]
    assert comparison.total("exempt") == comparison.exemptions["cells"].sum() == 63 * 5 + 38 * 5


def test_ids_made_again_change_nothing(mixed: Memory) -> None:
    calculations = mixed.read("correlation_calculations")
    pairs = mixed.read("pairwise_correlations")
    ids = calculations.select("id", pl.format("new-{}", pl.int_range(pl.len())).alias("new"))
    again = mixed.having(
        "correlation_calculations",
        calculations.with_columns(pl.col("id").replace_strict(ids["id"], ids["new"])).reverse(),
    ).having(
        "pairwise_correlations",
        pairs.with_columns(pl.col("correlation_calculation_id").replace_strict(ids["id"], ids["new"])),
    )
    assert compare(mixed, again).equal


def test_damage_is_found_where_it_was_done(mixed: Memory) -> None:
    damaged = mixed.changed("portfolio_snapshots", 100, "daily_pnl", 123456)
    snapshot = mixed.read("portfolio_snapshots").row(100, named=True)
    pairs = mixed.read("pairwise_correlations")
    damaged = damaged.having("pairwise_correlations", pairs.slice(2))
    off = pl.when(pl.int_range(pl.len()) < 3).then(1e-6).otherwise(0.0)
    betas = mixed.read("position_market_betas").with_columns(pl.col("r_squared") + off)
    comparison = compare(mixed, damaged.having("position_market_betas", betas))
    assert comparison.reasons == ["missing rows: 2", "different cells: 1"]
    assert comparison.total("off_by_one") == 3
    example = comparison.examples.filter(table="portfolio_snapshots").row(0, named=True)
    key = f"{snapshot['portfolio_id']} / {snapshot['snapshot_date']}"
    assert (example["column"], example["key"]) == ("daily_pnl", key)
    assert (example["expected"], example["actual"]) == (str(snapshot["daily_pnl"]), "123456.00")


def test_decimals_may_become_floats_on_the_way(mixed: Memory) -> None:
    floats = {
        name: frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64)) for name, frame in mixed.frames.items()
    }
    comparison = compare(mixed, Memory(floats))
    assert comparison.total("off_by_one") == comparison.total("different") == 0
    assert comparison.equal
