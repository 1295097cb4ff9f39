"""The filter of holdings, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.correlations.holdings import SymbolHoldings, holdings
from engine.analytics.positions.valuation import mark_to_market
from tests.analytics.small import crossed, portfolios
from tests.builders import close, position

MON, TUE = date(2025, 6, 2), date(2025, 6, 3)


def passing(*lots: dict[str, Any], gross: float = 100_000, closes: tuple[dict[str, Any], ...] = ()) -> Any:
    """Holdings of P0 in one session."""
    return holdings(mark_to_market(crossed(list(lots), list(closes), [MON])), portfolios([[gross]]))


@pytest.mark.parametrize(
    ("price", "gross", "passes"),
    [
        ("1000.0000", 100_000, 1),
        ("999.9999", 100_000, 0),  # 9,999.999 USD
        ("1000.0000", 1_000_000, 1),  # exactly 1 %
        ("1000.0000", 1_000_000.01, 0),
        ("1000.0000", 0, 0),
        ("1000.0000", -5, 0),
    ],
)
def test_a_position_needs_10000_usd_and_a_hundredth_of_gross(price: str, gross: float, passes: int) -> None:
    for quantity in ("10", "-10"):
        lot = position("AAA", quantity, "P0", entry_price=Decimal(price))
        assert passing(lot, gross=gross).positions.tolist() == [[passes]]


def test_the_last_price_comes_before_the_entry_price() -> None:
    lot = position("AAA", "10", "P0", entry_price=Decimal(1))
    assert passing(lot).positions.tolist() == [[0]]
    assert passing(lot, closes=(close(MON, "1000"),)).positions.tolist() == [[1]]


def test_options_count_a_hundredfold_and_private_assets_never() -> None:
    lots = (
        position("CALL", "10", "P0", position_type="LC", entry_price=Decimal(10)),
        position("HOUSE", "10", "P0", investment_class="PRIVATE", entry_price=Decimal(99_999)),
        position("OTHER", "10", "P0", investment_class=None, entry_price=Decimal(1000)),
    )
    found = passing(*lots)
    assert found.symbol.to_list() == ["CALL", "HOUSE", "OTHER"]
    assert found.positions.tolist() == [[1], [0], [1]]
    assert found.all_positions.tolist() == [[3]]


def test_positions_of_a_symbol_are_a_holding_and_each_passes_alone() -> None:
    prices = {"a": 1000, "b": 600, "c": 2000}
    lots = [position("AAA", "10", "P0", n, entry_price=Decimal(price)) for n, price in prices.items()]
    held = passing(*lots)
    assert held.positions.tolist() == [[2]]
    assert held.value.tolist() == [[10 * 1000.0 + 10 * 2000.0]]


def test_counts_add_up_by_portfolio() -> None:
    held = SymbolHoldings(
        np.array([0, 0, 2]),
        crossed([], [], [])["symbol"],
        np.array([[1, 2], [3, 0], [5, 1]]),
        np.zeros((3, 2)),
        pl.Series("id", [], pl.String),
        np.zeros(0, dtype=np.int64),
        np.zeros((0, 2)),
        np.array([4, 0, 9]),
    )
    chosen = np.array([[True, True], [True, True], [False, True]])
    assert held.count(chosen).tolist() == [[4, 2], [0, 0], [0, 1]]


def test_each_lot_of_a_holding_has_its_value_where_it_passes() -> None:
    lots = [
        position("AAA", "10", "P0", name, entry_price=Decimal(usd)) for name, usd in (("a", 2000), ("b", 5))
    ]
    found = passing(*lots, position("BBB", "-10", "P0", entry_price=Decimal(3000)))
    by_id = dict(zip(found.lot_id.to_list(), found.lot_value[:, 0].tolist(), strict=True))
    assert by_id == {lots[0]["id"]: 20_000.0, lots[1]["id"]: 0.0, found.lot_id[2]: 30_000.0}
    assert found.lot_holding.tolist() == [0, 0, 1]
