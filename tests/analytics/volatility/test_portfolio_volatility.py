"""Weights and return series of portfolios, by hand and with pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.analytics.volatility.portfolio_volatility import (
    PortfolioSeries,
    StackedSeries,
    net_weights,
    portfolio_volatility,
)
from engine.core.rules import Rules
from engine.numerics.arrays import Floats
from tests.analytics.small import lot, open_lots, price_panel

LEGACY, COMMON = Rules.legacy(), Rules.parse("legacy,alignment=common")
ANNUAL = 252**0.5
MOVES = np.random.default_rng(7).normal(0, 0.01, (2, 70))


def levels(moves: Floats) -> list[float]:
    return [50.0, *(50 * np.cumprod(1 + moves))]


CLOSES = {"A": levels(MOVES[0]), "B": levels(MOVES[1])}


def measured(closes: Mapping[str, list[float]], *lots: dict[str, Any], rules: Rules = LEGACY) -> Any:
    positions, panel = open_lots(*lots), price_panel(closes)
    weight, column = net_weights(positions, 1), panel.columns(positions.frame["symbol"])
    return portfolio_volatility(weight, positions.owner, column, panel, 1, rules).volatility


def test_weights_are_shares_of_the_signed_total() -> None:
    found = net_weights(open_lots(lot("A", [60.0, 30.0]), lot("B", [-20.0, 10.0])), 1)
    assert found.tolist() == [[1.5, 0.75], [-0.5, 0.25]]


def test_a_position_without_a_value_weighs_as_much_as_it_cost() -> None:
    lots = lot("A", [60.0]), lot("B", [None], entry_value=30.0), lot("C", [0.0], entry_value=15.0)
    assert net_weights(open_lots(*lots), 1).tolist() == [[1.0], [0.5], [0.25]]


def test_a_total_of_0_is_replaced_by_the_cost_and_then_by_nothing() -> None:
    hedged = lot("A", [60.0], entry_value=30.0), lot("B", [-60.0], entry_value=10.0)
    assert net_weights(open_lots(*hedged), 1).tolist() == [[1.5], [-1.5]]
    nothing = lot("A", [60.0], entry_value=0.1 + 0.2), lot("B", [-60.0], entry_value=-0.3)
    assert np.isnan(net_weights(open_lots(*nothing), 1)).all()


def test_portfolios_are_weighed_apart() -> None:
    found = net_weights(open_lots(lot("A", [1.0]), lot("A", [3.0], owner=2), lot("B", [1.0], owner=2)), 3)
    assert found.tolist() == [[1.0], [0.75], [0.25]]


def test_a_portfolios_returns_are_the_weighted_ones_of_its_positions() -> None:
    found = measured(CLOSES, lot("A", [75.0]), lot("B", [25.0]))
    series = pd.Series(0.75 * MOVES[0] + 0.25 * MOVES[1])
    assert found.n.item() == 70
    assert found.realized_21.item() == pytest.approx(series[-21:].std() * ANNUAL, rel=1e-9)
    assert found.realized_63.item() == pytest.approx(series[-63:].std() * ANNUAL, rel=1e-9)


def test_a_return_needs_a_close_of_all_positions_on_both_days() -> None:
    gappy = dict(CLOSES, B=[np.nan if day == 20 else price for day, price in enumerate(CLOSES["B"])])
    found = measured(gappy, lot("A", [75.0]), lot("B", [25.0]))
    assert found.n.item() == 70 - 2


def test_on_common_dates_a_gap_costs_a_date_and_no_return() -> None:
    gappy = dict(CLOSES, B=[np.nan if day == 20 else price for day, price in enumerate(CLOSES["B"])])
    found = measured(gappy, lot("A", [75.0]), lot("B", [25.0]), rules=COMMON)
    returns = pd.DataFrame(gappy).dropna().pct_change().dropna()
    series = 0.75 * returns["A"] + 0.25 * returns["B"]
    assert found.n.item() == len(series) == 69
    assert found.realized_63.item() == pytest.approx(series[-63:].std() * ANNUAL, rel=1e-9)


@pytest.mark.parametrize(("returns", "counts"), [(62, False), (63, True)])
def test_a_young_listing_is_left_out_until_it_has_63_returns(returns: int, counts: bool) -> None:
    young = dict(CLOSES, B=[np.nan] * (70 - returns) + CLOSES["B"][70 - returns :])
    lots = lot("A", [99.0]), lot("B", [1.0])
    found = measured(young, *lots, rules=COMMON)
    series = 0.99 * MOVES[0] + (0.01 * MOVES[1] if counts else 0.0)
    assert found.n.item() == (63 if counts else 70)
    assert found.realized_21.item() == pytest.approx(series[-21:].std(ddof=1) * ANNUAL, rel=1e-9)
    assert measured(young, *lots).n.item() == returns


@pytest.mark.parametrize(("returns", "computed"), [(63, True), (62, False)])
def test_figures_need_63_returns(returns: int, computed: bool) -> None:
    short = {symbol: prices[-returns - 1 :] for symbol, prices in CLOSES.items()}
    assert measured(short, lot("A", [1.0]), lot("B", [1.0])).computed.item() is computed


def test_a_position_without_any_close_takes_its_weight_along() -> None:
    found = measured(CLOSES, lot("A", [75.0]), lot("NONE", [25.0]))
    assert found.realized_21.item() == pytest.approx(0.75 * MOVES[0][-21:].std(ddof=1) * ANNUAL, rel=1e-9)
    assert measured(CLOSES, lot("NONE", [25.0])).n.item() == 0


def test_series_are_stacked_at_the_end_of_their_columns() -> None:
    stacked = StackedSeries.blank(4, 3)
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    stacked.put(
        1, PortfolioSeries(np.array([0, 1]), values, np.array([0, 1]), np.array([3, 2]), np.array([0, 0]))
    )
    assert stacked.n.tolist() == [0, 3, 1]
    assert stacked.values[1:, 1].tolist() == [1.0, 3.0, 5.0]
    assert stacked.values[3, 2] == 4.0


def test_a_portfolio_of_which_no_symbol_has_enough_returns_has_no_figure() -> None:
    """Not a volatility of 0: of no symbol every day is common."""
    young = {"A": [np.nan] * 61 + CLOSES["A"][61:]}
    found = measured(young, lot("A", [10.0]), rules=COMMON)
    assert not found.computed.any()
    assert np.isnan(found.realized_21).all()
