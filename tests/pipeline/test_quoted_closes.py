"""Values and P&L from closes as they were quoted, against the statement of the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.core.rules import Rules
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.results import Results
from loaders.window import load_window
from tests.analytics.positions.test_quoted import action, raw
from tests.builders import close, event, portfolio, position, uid
from tests.memory_store import MemoryReader, frame_of
from tests.pipeline.test_rule_scope import SCOPE, figures

DAYS = [date(2025, 3, day) for day in (3, 4, 5, 6, 7)]
WINDOW = Window(DAYS[0], DAYS[-1], date(2025, 3, 20))
QUOTED, ADJUSTED = ("50", "50", "45", "45", "46"), ("45", "45", "45", "45", "46")
ALONE = Rules.parse("legacy,closes=quoted")


def run(rules: Rules, closes: tuple[str, ...] = ADJUSTED, **tables: list[dict[str, Any]]) -> Results:
    """100 shares that pay 5.00 a share on the third day, in a portfolio of 5,000.00."""
    both = zip(DAYS, QUOTED, ADJUSTED, strict=True)
    rows: dict[str, list[dict[str, Any]]] = {
        "portfolios": [portfolio(equity="5000.00")],
        "positions": [position(quantity="100", entry_price=Decimal(50))],
        "market_data_cache": [close(day, price) for day, price in zip(DAYS, closes, strict=True)],
        "engine_raw_closes": [raw(day, price, adjusted) for day, price, adjusted in both],
        "engine_price_actions": [action(DAYS[2], "5")],
        **tables,
    }
    with MemoryReader({name: frame_of(name, some) for name, some in rows.items()}) as reader:
        return compute(load_window(reader, WINDOW), WINDOW, rules)


def column(results: Results, name: str) -> list[float]:
    return [float(value) for value in results["portfolio_snapshots"].sort("snapshot_date")[name]]


def income(pnl: str) -> dict[str, Any]:
    return event(DAYS[2], pnl) | {"id": uid(f"income {pnl}"), "quantity_closed": Decimal(0)}


@pytest.mark.parametrize("rules", [ALONE, Rules.corrected()], ids=str)
@pytest.mark.parametrize("booked", [[], [income("500.00")]], ids=["", "booked"])
def test_values_are_those_of_the_statement_and_the_dividend_is_income_once(
    rules: Rules, booked: list[dict[str, Any]]
) -> None:
    found = run(rules, position_realized_events=booked)
    assert column(found, "long_value") == [5000, 5000, 4500, 4500, 4600]
    assert column(found, "daily_pnl") == [0, 0, 0, 0, 100]
    assert column(found, "daily_realized_pnl") == [0, 0, 500, 0, 0]
    assert column(found, "equity_balance")[-1] == 5100
    notices = found["engine_lot_pnl"]["notice"].drop_nulls().to_list()
    assert notices == (["dividend_booked_twice"] if booked and rules != ALONE else [])


def test_adjusted_closes_hold_the_dividend_and_an_event_that_is_none_of_it_is_income() -> None:
    adjusted = Rules.parse("corrected,closes=adjusted")
    found = run(adjusted, position_realized_events=[income("500.00")])
    assert column(found, "long_value")[1] == 4500
    assert column(found, "equity_balance")[-1] == 5600
    other = run(Rules.corrected(), position_realized_events=[income("499.00")])
    assert column(other, "equity_balance")[-1] == 5599


def test_without_quoted_closes_the_rule_moves_nothing_but_the_event_that_is_booked_twice() -> None:
    none: dict[str, Any] = {"engine_raw_closes": [], "position_realized_events": [income("500.00")]}
    found = run(Rules.corrected(), **none)
    assert column(found, "daily_pnl") == [0, 0, 0, 0, 100]
    assert column(found, "long_value")[1] == 4500
    assert found["engine_lot_pnl"]["notice"].drop_nulls().to_list() == ["dividend_booked_twice"]
    without: dict[str, Any] = {"engine_raw_closes": [], "engine_price_actions": []}
    legacy, alone = run(Rules.legacy(), **without), run(ALONE, **without)
    assert [name for name in legacy.tables if not figures(legacy, name).equals(figures(alone, name))] == []


def test_a_split_that_the_closes_lack_is_no_loss() -> None:
    """4 new shares for an old one on the third day: the row of positions says 100, the closes do not know."""
    none: dict[str, Any] = {"engine_raw_closes": [], "engine_price_actions": [action(DAYS[2], "4", "split")]}
    found = run(Rules.corrected(), ("200", "204", "52", "52", "53"), **none)
    assert column(found, "daily_pnl") == [0, 100, 100, 0, 100]
    assert column(found, "long_value") == [5000, 5100, 5200, 5200, 5300]


def test_the_rule_alone_moves_the_tables_of_its_documentation() -> None:
    legacy, alone = run(Rules.legacy()), run(ALONE)
    moved = {name for name in legacy.tables if not figures(legacy, name).equals(figures(alone, name))}
    assert {"portfolio_snapshots"} <= moved <= SCOPE["closes=quoted"]
    assert alone["portfolio_snapshots"].height == 5
    assert pl.Series(column(alone, "equity_balance")).is_between(5000, 5100).all()
