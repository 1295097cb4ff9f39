"""Random worlds under other names and at twice the size: what must stay, and what must double."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

from engine.core.schema import TABLES
from engine.pipeline.results import Results
from tests.marks import first
from tests.reference.derivation import of_portfolio
from tests.reference.test_worlds import SEEDS, computed, run
from tests.reference.worlds import World

OTHER_NAMES = {"BBB": "BBBX", "CCC": "CCCX", "DDD": "DDDX"}
"""Names that sort as the former ones do, so that sums run in the same order."""
KEPT_IDS = ("portfolio_id", "position_id", "factor_id", "scenario_id")
"""Ids that no symbol is part of."""
SIZES = {
    "portfolios": ["equity_balance"],
    "positions": ["quantity", "market_value", "unrealized_pnl"],
    "position_realized_events": ["realized_pnl", "quantity_closed"],
    "equity_changes": ["amount"],
    "factor_exposures": ["exposure_dollar"],
    "portfolio_snapshots": [
        *("equity_balance", "cumulative_pnl", "cumulative_realized_pnl", "cumulative_capital_flow"),
    ],
}
PER_SYMBOL = (
    *("position_market_betas", "position_interest_rate_betas", "position_factor_exposures"),
    "position_volatility",
)
"""Tables of figures that have no size."""
DOUBLED = ("daily_pnl", "equity_balance", "gross_exposure", "net_exposure", "long_value", "short_value")
CENTS = 0.02
"""USD, of a sum that is rounded once before and once after it is doubled."""


def renamed(world: World) -> World:
    """The world with other names for three symbols."""
    return mapped(world, lambda _table, _column, value: OTHER_NAMES.get(value, value))


def doubled(world: World) -> World:
    """The world with twice the quantities and twice the money; prices stay."""

    def twice(table: str, column: str, value: Any) -> Any:
        return value * 2 if column in SIZES.get(table, ()) and value is not None else value

    return mapped(world, twice)


def mapped(world: World, change: Callable[[str, str, Any], Any]) -> World:
    """The world with other values."""
    tables = {
        name: [{key: change(name, key, value) for key, value in row.items()} for row in rows]
        for name, rows in world.tables.items()
    }
    return replace(world, tables=tables)


def former_names(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows under the former names, without the ids that are made of them."""
    ids = [column.name for column in TABLES[name].columns if column.type.kind == "uuid"]
    made = [name for name in ids if name not in KEPT_IDS]
    texts = cs.string() | cs.enum()
    plain = rows.drop(made, strict=False).with_columns(texts.cast(pl.String))
    return plain.with_columns(cs.string().str.replace_many(list(OTHER_NAMES.values()), list(OTHER_NAMES)))


def differences_when_renamed(one: Results, other: Results) -> list[str]:
    """Names of the tables that differ by more than the names."""
    return [
        name
        for name, rows in one.tables.items()
        if not former_names(name, rows).equals(former_names(name, other[name]))
    ]


def differences_when_doubled(one: Results, other: Results) -> list[str]:
    """Names of the tables that moved, and of the snapshots' columns that did not double.

    A portfolio that fails at one of the sizes is left out: columns and the filter of correlations have limits
    in USD.
    """
    failed = {*one.failures["portfolio_id"], *other.failures["portfolio_id"]}
    found = []
    for owner in {*one["portfolio_snapshots"]["portfolio_id"]} - failed:
        was, now = (
            {name: of_portfolio(result.tables, name, owner) for name in (*PER_SYMBOL, "portfolio_snapshots")}
            for result in (one, other)
        )
        found += [name for name in PER_SYMBOL if not was[name].equals(now[name])]
        pairs = [
            (name, was["portfolio_snapshots"][name], now["portfolio_snapshots"][name]) for name in DOUBLED
        ]
        found += [name for name, before, after in pairs if apart(before, after) > CENTS * after.len()]
    return found


def apart(before: pl.Series, after: pl.Series) -> float:
    """Return the largest distance of values from twice the former ones."""
    furthest = (after.cast(pl.Float64) - 2 * before.cast(pl.Float64)).abs().max()
    return furthest if isinstance(furthest, float) else 0.0


@pytest.mark.parametrize("seed", first(1, SEEDS[:8]))
def test_other_names_of_symbols_change_nothing_but_the_names(seed: int) -> None:
    world, _, one = computed(seed)
    other = renamed(world)
    assert not differences_when_renamed(one, run(other, other.frames, other.window)[1])


@pytest.mark.parametrize("seed", first(1, SEEDS[:8]))
def test_twice_the_quantities_and_cash_is_twice_the_money(seed: int) -> None:
    world, _, one = computed(seed)
    other = doubled(world)
    assert not differences_when_doubled(one, run(other, other.frames, other.window)[1])
