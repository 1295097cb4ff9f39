"""Figures of books that add up, explained step by step, against arithmetic by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.core.rules import Rules
from tests.analytics.positions.test_quoted import action, raw
from tests.builders import close, event, portfolio, position, uid
from tests.small_stores import database, world

DAYS = [date(2025, 3, day) for day in (3, 4, 5, 6, 7)]
SOLD = {"exit_date": DAYS[3], "exit_price": Decimal("46")}


def rows() -> Any:
    """100 shares that pay 5.00 on the third day and are sold on the fourth, and 6 of 10 that stay."""
    quoted, adjusted = ("50", "50", "45", "45", "46"), ("45", "45", "45", "45", "46")
    part = event(DAYS[2], "8.00") | {"quantity_closed": Decimal(4), "position_id": uid("P/BBB/")}
    booked = event(DAYS[2], "500.00") | {"id": uid("twice"), "quantity_closed": Decimal(0)}
    tables: dict[str, Any] = {
        "portfolios": [portfolio(equity="6000.00")],
        "positions": [
            position(quantity="100", entry_price=Decimal(50), **SOLD),
            position("BBB", "6", entry_price=Decimal(100)),
        ],
        "position_realized_events": [part, booked],
        "market_data_cache": [
            *(close(day, price) for day, price in zip(DAYS, adjusted, strict=True)),
            *(close(day, f"{100 + n}", "BBB") for n, day in enumerate(DAYS)),
        ],
        "engine_raw_closes": [
            raw(day, price, other) for day, price, other in zip(DAYS, quoted, adjusted, strict=True)
        ],
        "engine_price_actions": [action(DAYS[2], "5")],
    }
    return world(**tables)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of them by corrected rules."""
    url = database(tmp_path_factory.mktemp("books") / "books.duckdb", rows())
    engine.backfill(url, start=DAYS[0], end=DAYS[-1], run_date=date(2025, 3, 20), rules=Rules.corrected())
    return url


def explained(url: str, day: date, figure: str, **which: Any) -> engine.Explanation:
    found = engine.explain(url, uid("P"), day, figure, **which)
    assert found.verdict == "equal", found.to_text()
    return found


def test_the_p_and_l_of_a_session_is_that_of_its_lots(url: str) -> None:
    """AAA: 100 (45 - 50) and a dividend of 500.00. BBB: 6 (102 - 101), and 4 at 102: 100 + 8 / 4."""
    found = explained(url, DAYS[2], "daily_pnl")
    assert found.computed == Decimal("10.00")
    moves = found.working.frames["moves"].sort("symbol")
    assert moves["pnl"].to_list() == [-500, 10]
    assert moves["income"].to_list() == [500, 0]
    assert explained(url, DAYS[2], "daily_realized_pnl").computed == Decimal("508.00")
    assert explained(url, DAYS[2], "equity_balance").computed == Decimal("6020.00")


def test_a_lot_ends_at_its_exit_price_and_is_worth_nothing_after_it(url: str) -> None:
    pnl = explained(url, DAYS[3], "pnl", table="engine_lot_pnl", symbol="AAA")
    assert pnl.computed == Decimal("100")
    assert pnl.working.frames["parts"].row(0)[:4] == ("100.0000", "45.0000", "46.0000", DAYS[3])
    assert explained(url, DAYS[3], "life", symbol="AAA").computed == "closed"
    value = explained(url, DAYS[4], "market_value", symbol="AAA")
    assert value.computed == Decimal("0.00")
    assert value.working.notes[0] == "the lot is closed: it is worth 0"


def test_the_past_has_the_quantity_and_the_close_of_then(url: str) -> None:
    assert explained(url, DAYS[1], "long_value").computed == Decimal("6010.00")  # 100 x 50 + 10 x 101
    assert explained(url, DAYS[1], "quantity", symbol="BBB").computed == Decimal("10.0000")
    assert explained(url, DAYS[4], "num_positions").computed == 1


def test_a_mix_of_rules_is_derived_rule_by_rule(tmp_path: Path) -> None:
    """Prices adjusted, events added: AAA 100 (45 - 45); BBB 6 (102 - 101); realized 8.00 and 500.00."""
    mixed = database(tmp_path / "mixed.duckdb", rows())
    rules = Rules.parse("legacy,closed_lots=exact,membership=session")
    engine.backfill(mixed, start=DAYS[0], end=DAYS[-1], run_date=date(2025, 3, 20), rules=rules)
    assert explained(mixed, DAYS[2], "daily_pnl").computed == Decimal("514.00")
    assert explained(mixed, DAYS[2], "pnl", table="engine_lot_pnl", symbol="BBB").computed == 6
    # Sold on the fourth day at 46 after closes of 45, and no close of BBB but its own: 100 + 6 (103 - 102).
    assert explained(mixed, DAYS[3], "daily_pnl").computed == Decimal("106.00")
