"""Correlations against the slow reference, pair by pair and day by day, on random worlds.

Invariants: the same heads and pairs, each stored cell equal; the same end of the job; every lot is
used or left out; neither the other portfolios nor the order of rows matter.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import polars.selectors as cs
import pytest

from engine.analytics.job_result import JobResult
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows
from tests.marks import first
from tests.reference.analytics import correlations as reference_correlations

from .holding_worlds import WINDOW, Case, World, case_of, draw_world, uid

SEEDS = range(20)
HEADS, PAIRS = "correlation_calculations", "pairwise_correlations"
REASONS = {
    "no_eligible_positions": "no_positions_pass_filter",
    "no_returns": "no_common_returns",
    "insufficient_observations": "insufficient_returns",
}


def stored(outcome: JobResult) -> dict[str, pl.DataFrame]:
    return {name: stored_rows(TABLES[name], rows, WINDOW.stamp) for name, rows in outcome.tables.items()}


def plain(row: dict) -> dict:
    """NaN equals itself; a float stands for its decimal."""
    numbers = {k: float(v) for k, v in row.items() if isinstance(v, float | Decimal)}
    return row | {k: "NaN" if math.isnan(v) else v for k, v in numbers.items()}


@pytest.mark.parametrize("seed", first(3, SEEDS))
def test_equals_the_reference(seed: int) -> None:
    world = draw_world(seed)
    outcome = case_of(world).correlations()
    tables = stored(outcome)
    heads = tables[HEADS].with_columns(pl.col("calculation_date").dt.date())
    owners = {row[0]: row[1:] for row in heads.select("id", "portfolio_id", "calculation_date").iter_rows()}
    ours = {owner: plain(row) for row, owner in zip(heads.to_dicts(), owners.values(), strict=True)}
    pairs = {
        (*owners[row["correlation_calculation_id"]], row["symbol_1"], row["symbol_2"]): plain(row)
        for row in tables[PAIRS].to_dicts()
    }
    assert len(pairs) == tables[PAIRS].height
    told = {row[:2]: row[2:] for row in outcome.status.drop("job").iter_rows()}
    seen_heads = seen_pairs = 0
    for portfolio in sorted(world.gross):
        for session, day in enumerate(WINDOW.sessions):
            book = world.book(portfolio, session)
            result = reference_correlations(book, world.prices)
            reason = REASONS.get(result.outcome.reason, result.outcome.reason)
            status, why, used, left_out = told[portfolio, day]
            assert (status, why) == (result.outcome.status, reason)
            assert used + left_out == len(book.positions)
            for row in result.rows.get(HEADS, []):
                found = ours[portfolio, day]
                assert {name: found[name] for name in row} == plain(row)
                assert used >= row["positions_included"]
                seen_heads += 1
            for row in result.rows.get(PAIRS, []):
                found = pairs[portfolio, day, row["symbol_1"], row["symbol_2"]]
                names = ("correlation_value", "data_points", "statistical_significance")
                assert {name: found[name] for name in names} == {name: plain(row)[name] for name in names}
                seen_pairs += 1
    assert (seen_heads, seen_pairs) == (len(ours), len(pairs))


def test_the_worlds_reach_every_end() -> None:
    ends = pl.concat([case_of(draw_world(seed)).correlations().status for seed in SEEDS])
    assert set(ends["reason"]) == {None, *REASONS.values()}


@pytest.mark.parametrize("seed", first(2, range(8)))
def test_a_portfolio_alone_has_the_same_bits(seed: int) -> None:
    world = draw_world(seed)
    together = case_of(world)
    whole = together.correlations()
    for portfolio in sorted(world.gross)[:3]:
        lone = world.only(portfolio)
        held = {lot.symbol for lot in lone.positions} | {"SPY"}
        lone = replace(lone, closes={s: rows for s, rows in world.closes.items() if s in held})
        alone = case_of(lone, together.visible).correlations()
        for name, rows in whole.tables.items():
            mine = rows.filter(pl.col("portfolio_id") == portfolio).cast({cs.enum(): pl.String})
            theirs = alone.tables[name].cast({cs.enum(): pl.String})
            assert mine.sort(mine.columns).equals(theirs.sort(mine.columns))


def test_the_order_of_closes_does_not_matter() -> None:
    case = case_of(draw_world(3))
    shuffled = case.closes.sample(fraction=1.0, shuffle=True, seed=1)
    again = stored(Case(case.days, case.portfolios, shuffled, case.visible).correlations())
    assert all(rows.equals(again[name]) for name, rows in stored(case.correlations()).items())


def test_ids_are_those_of_the_keys_and_rows_are_sorted() -> None:
    tables = stored(case_of(draw_world(0)).correlations())
    for name, rows in tables.items():
        keys = [rows[column] for column in TABLES[name].key]
        assert rows["id"].equals(row_ids(name, *keys))
        assert rows.select(TABLES[name].key).equals(rows.select(TABLES[name].key).sort(TABLES[name].key))
    parents = set(tables[HEADS]["id"])
    assert set(tables[PAIRS]["correlation_calculation_id"]) == parents
    assert len(parents) > 3


def invisible(world: World) -> World:
    """No lot has a class: the panel sees none of their symbols."""
    return replace(world, positions=tuple(replace(p, investment_class=None) for p in world.positions))


@pytest.mark.parametrize("seed", first(2, range(6)))
def test_unseen_symbols_have_every_stored_close(seed: int) -> None:
    """Days off too. S0 is seen: a portfolio with it gets no stored close for the others."""
    world = invisible(draw_world(seed))
    case = case_of(world)
    assert case.correlations().tables[HEADS].height > 0
    results = {
        (portfolio, day): reference_correlations(world.book(portfolio, session), world.prices)
        for portfolio in sorted(world.gross)
        for session, day in enumerate(WINDOW.sessions)
    }
    found = stored(case.correlations())[HEADS].with_columns(pl.col("calculation_date").dt.date())
    expected: list[tuple[str, date, int, object]] = [
        (*at, row["positions_included"], plain(row)["overall_correlation"])
        for at, result in results.items()
        for row in result.rows.get(HEADS, [])
    ]
    names = ("portfolio_id", "calculation_date", "positions_included", "overall_correlation")
    assert [tuple(plain(row)[n] for n in names) for row in found.to_dicts()] == expected


@pytest.mark.parametrize(
    ("quantity", "gross", "kept"),
    [
        ("100.0000", "1000000.00", 1),
        ("99.9999", "1.00", 0),
        ("100.0000", "1000000.01", 0),
        ("100.0001", "1000000.01", 1),
        ("100.0000", "0.00", 0),
        ("-100.0000", "1000000.00", 1),
    ],
)
def test_thresholds_are_inclusive_and_exact(quantity: str, gross: str, kept: int) -> None:
    world = draw_world(0)
    days = {day: Decimal("100.0000") for rows in world.closes.values() for day in rows}
    lot = replace(
        world.positions[0],
        symbol="FLAT",
        position_type="LONG",
        quantity=Decimal(quantity),
        investment_class="PUBLIC",
        exit_date=None,
        is_deleted=False,
    )
    owner = lot.portfolio_id
    one = World({"FLAT": days}, (lot,), {owner: [Decimal(gross)] * len(WINDOW.sessions)})
    heads = case_of(one).correlations().tables[HEADS]
    assert heads.height == kept * len(WINDOW.sessions)
    assert uid("portfolio 3") not in heads["portfolio_id"]
