"""Later tables and columns are not expected of a store without them, and compared where both have them."""

from __future__ import annotations

import polars as pl
import pytest

from engine.core.schema import TABLES
from engine.parity import compare
from tests.schema_changes import brought_later, changed

from .worlds import DAY, Memory, correlations, frame, store

SNAPSHOT = {"id": "1", "portfolio_id": "p", "snapshot_date": DAY}
LATER = ["hhi", "volatility_trend"]


def snapshots(**values: object) -> Memory:
    return store(portfolio_snapshots=[SNAPSHOT | values])


def without(world: Memory, table: str, *columns: str) -> Memory:
    return world.having(table, world.read(table).drop(columns))


@pytest.mark.parametrize("turned", [False, True])
def test_a_later_column_that_one_store_lacks_is_not_compared(turned: bool) -> None:
    with brought_later("portfolio_snapshots", LATER):
        stores = [without(snapshots(), "portfolio_snapshots", *LATER), snapshots()]
        comparison = compare(*(reversed(stores) if turned else stores))
        assert comparison.equal
        assert comparison.left_out == ("portfolio_snapshots.volatility_trend", "portfolio_snapshots.hhi")
        assert not set(LATER) & set(comparison.columns["column"])
        assert comparison.columns["column"].len() > 0
        assert "only one of the stores has portfolio_snapshots.volatility_trend" in comparison.to_text()


def test_a_later_column_that_both_stores_have_is_compared() -> None:
    with brought_later("portfolio_snapshots", LATER):
        comparison = compare(snapshots(hhi=1), snapshots(hhi=2))
        assert comparison.columns.filter(pl.col("different") > 0).get_column("column").to_list() == ["hhi"]
        assert comparison.left_out == ()


def test_a_later_column_that_neither_store_has_is_not_mentioned() -> None:
    with brought_later("portfolio_snapshots", LATER):
        old = without(snapshots(), "portfolio_snapshots", *LATER)
        assert compare(old, old).equal
        assert compare(old, old).left_out == ()


def test_children_find_their_parents_in_a_store_without_a_later_column() -> None:
    with brought_later("correlation_calculations", ["filter_mode"]):
        old = without(correlations("a"), "correlation_calculations", "filter_mode")
        comparison = compare(old, correlations("b"))
        assert comparison.equal
        assert comparison.total("matched") == 8


def test_a_legacy_column_is_due_in_both_stores() -> None:
    with pytest.raises(LookupError, match="no column hhi"):
        compare(without(snapshots(), "portfolio_snapshots", "hhi"), snapshots())


@pytest.mark.parametrize("turned", [False, True])
def test_a_later_table_that_one_store_lacks_is_not_compared(turned: bool) -> None:
    both = snapshots().having("position_greeks", frame("position_greeks", [{"id": "1"}]))
    with changed(TABLES["position_greeks"], legacy=False):
        stores = [snapshots(), both]
        comparison = compare(*(reversed(stores) if turned else stores))
        assert comparison.equal
        assert comparison.left_out == ("position_greeks",)
        assert compare(both, both).total("matched") == 2
    assert not compare(both, snapshots()).equal
