"""Panels of prices, positions and portfolios, by hand; sums over positions from left to right."""

from __future__ import annotations

import itertools
import operator
from datetime import date
from decimal import Decimal
from functools import reduce

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analytics.panels import (
    PortfolioSums,
    build_price_panel,
    day_numbers,
    open_positions,
    portfolio_arrays,
    window_bounds,
)
from engine.analytics.positions.valuation import mark_to_market
from engine.core.window import Window
from tests.analytics.small import crossed, lot, open_lots, portfolios, table
from tests.builders import close, position

FRI, SAT, MON, TUE = date(2025, 5, 30), date(2025, 5, 31), date(2025, 6, 2), date(2025, 6, 3)
SIZES = ([1, 9, 40, 200], [0, 3, 0, 17], [30], [0, 0], [])
SHAPES = ((), (1,), (5, 3), (0,))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 300), unique=True).map(sorted),
    st.lists(st.integers(-50, 350), min_size=1),
    st.integers(0, 120),
)
def test_window_has_the_rows_between_both_ends(days: list[int], targets: list[int], lookback: int) -> None:
    first, stop = window_bounds(np.array(days, dtype=np.int64), np.array(targets), lookback)
    for start, end, target in zip(first, stop, targets, strict=True):
        rows = pl.Series(days, dtype=pl.Int64)
        inside = rows.filter(rows.is_between(target - lookback, target, closed="both"))
        assert days[start:end] == inside.to_list()


def sums(sizes: list[int]) -> PortfolioSums:
    return PortfolioSums(np.repeat(np.arange(len(sizes)), sizes), len(sizes))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_run_from_left_to_right(sizes: list[int], shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).normal(size=(*shape, sum(sizes)))
    found = sums(sizes).sum(values)
    assert found.shape == (*shape, len(sizes))
    ends = np.cumsum([0, *sizes])
    for cell in np.ndindex(*shape):
        for owner, (first, end) in enumerate(itertools.pairwise(ends)):
            assert found[(*cell, owner)] == reduce(operator.add, values[cell][first:end].tolist(), 0.0)


def test_ten_lots_are_not_summed_in_pairs() -> None:
    values = np.array([1.0, 2.0**53, -(2.0**53), *[1.0] * 7])  # the first 1 is lost in 2^53
    assert sums([10]).sum(values).tolist() == [7.0]


def test_counts_and_minima_of_none_are_0_and_infinite() -> None:
    found = sums([2, 0, 1])
    assert found.number(np.array([True, False, True])).tolist() == [1, 0, 1]
    assert found.minimum(np.array([2.0, -1.0, 5.0])).tolist() == [-1.0, np.inf, 5.0]


def test_a_panel_has_the_positive_closes_of_visible_symbols_on_sessions() -> None:
    closes = table(
        "market_data_cache",
        close(FRI, "10"),
        close(SAT, "11"),
        close(MON, "0"),
        close(TUE, "12"),
        close(TUE, "5", "HIDDEN"),
        close(TUE, "7", "BBB"),
    )
    panel = build_price_panel(closes, {"BBB", "AAA", "NONE"}, Window(MON, TUE, TUE))
    assert panel.symbols == ("AAA", "BBB")
    assert panel.days[-3:].tolist() == day_numbers([FRI, MON, TUE]).tolist()
    assert panel.targets.tolist() == day_numbers([MON, TUE]).tolist()
    assert np.array_equal(panel.close[-3:], [[10, np.nan], [np.nan, np.nan], [12, 7]], equal_nan=True)
    assert panel.columns(pl.Series(["BBB", "NONE", "AAA"])).tolist() == [1, -1, 0]
    assert day_numbers([date(1970, 1, 2), date(1969, 12, 31)]).tolist() == [1, -1]


def test_portfolio_figures_are_dollars_by_session() -> None:
    cents = {"equity": [1, 250], "gross_exposure": [3, 4], "net_exposure": [-5, 6]}
    book = pl.DataFrame({name: pl.Series(values, dtype=pl.Int128) for name, values in cents.items()})
    found = portfolio_arrays(book.with_columns(portfolio_id=pl.lit("P"), session=pl.Series([0, 1])), 2)
    assert found.ids.to_list() == ["P"]
    assert (found.equity.tolist(), found.net.tolist()) == ([[0.01, 2.5]], [[-0.05, 0.06]])


def test_positions_have_a_stored_and_a_recomputed_value() -> None:
    call = {"position_type": "LC", "entry_price": Decimal(3)}
    lots = [
        position("AAA", "-2", "P0"),
        position("CALL", "2", "P0", **call),
        position("PRIV", "2", "P0", investment_class="Private", **call),
        position("GONE", "2", "P0", exit_date=TUE),
        position("AAA", "2", "other"),
    ]
    days = mark_to_market(crossed(lots, [close(TUE, "8.125")], [MON, TUE]))
    found = open_positions(days, portfolios([[1.0, 1.0]]))
    assert found.frame["symbol"].to_list() == ["AAA", "CALL", "PRIV"]
    assert found.frame["entry_value"].to_list() == [-200.0, 6.0, 6.0]
    unpriced = [np.nan, np.nan]
    assert np.array_equal(found.stored, [[np.nan, -16.25], unpriced, unpriced], equal_nan=True)
    assert found.recomputed.tolist() == [[-200.0, -16.25], [600.0, 600.0], [6.0, 6.0]]
    assert found.value.tolist() == found.recomputed.tolist()


def test_a_mask_keeps_positions_with_their_values() -> None:
    found = open_lots(lot("A", [1.0]), lot("B", [2.0], investment_class=None), lot("C", [3.0], owner=1))
    kept = found.where(pl.col("investment_class") == "PUBLIC")
    assert (kept.stored.tolist(), kept.owner.tolist()) == ([[1.0], [3.0]], [0, 1])
    assert found.where(pl.col("symbol") != "") is found  # without a copy
