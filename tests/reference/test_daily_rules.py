"""Rules of document 01 that no golden table settles, one small world each."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from .daily import run
from .prices import Row

#: Consecutive sessions; a prior snapshot a day earlier lets the first have P&L.
DAYS = [date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 12)]
D = DAYS[0]


def position(**changes: Any) -> Row:
    """One share of ABC, bought long ago at 10."""
    return {
        "id": "X",
        "portfolio_id": "P",
        "symbol": "ABC",
        "position_type": "LONG",
        "quantity": Decimal(1),
        "entry_price": Decimal(10),
        "entry_date": date(2024, 1, 2),
        "exit_date": None,
        "investment_class": "PUBLIC",
        "last_price": None,
        "market_value": None,
        "unrealized_pnl": None,
        "deleted_at": None,
    } | changes


def world(
    held: Row, closes: dict[date, str], equity: str = "1000.00", symbol: str = "ABC"
) -> dict[str, list[Row]]:
    """A portfolio with one position, and an earlier snapshot of the same equity."""
    amount = Decimal(equity)
    snapshot = {
        "portfolio_id": "P",
        "snapshot_date": D - timedelta(days=40),
        "equity_balance": amount,
        "cumulative_pnl": None,
        "cumulative_realized_pnl": None,
        "cumulative_capital_flow": None,
    }
    return {
        "portfolios": [{"id": "P", "equity_balance": amount, "deleted_at": None}],
        "positions": [held],
        "market_data_cache": [
            {"symbol": symbol, "date": day, "close": Decimal(close)} for day, close in closes.items()
        ],
        "position_realized_events": [],
        "equity_changes": [],
        "portfolio_snapshots": [snapshot],
    }


def snapshots(tables: dict[str, list[Row]], days: list[date] = DAYS) -> list[Row]:
    """Snapshots of a run."""
    return run(tables, days, days[-1])["portfolio_snapshots"]


@pytest.mark.parametrize(("age", "pnl"), [(9, 5), (10, 5), (11, 0)])
def test_previous_price_is_at_most_ten_days_old(age: int, pnl: int) -> None:
    """3.3 rule 4: D - 10 is inside."""
    tables = world(position(), {D - timedelta(days=age): "10", D: "15"})
    assert snapshots(tables)[0]["daily_pnl"] == pnl


@pytest.mark.parametrize(("age", "value"), [(4, 15), (5, 15), (6, None)])
def test_phase_4_falls_back_five_days(age: int, value: int | None) -> None:
    """5.1: D - 5 is inside."""
    tables = world(position(), {D - timedelta(days=age): "15"})
    assert run(tables, [D], D)["positions"][0]["market_value"] == value


def test_previous_price_may_stand_on_a_day_off() -> None:
    """3.3 rule 4: 2025-03-09 is a Sunday."""
    closes = {date(2025, 3, 7): "10", date(2025, 3, 9): "12", D: "15"}
    assert snapshots(world(position(), closes))[0]["daily_pnl"] == 3


@pytest.mark.parametrize(("listed", "pnl", "value"), [("ABC", 0, 15), ("abc", 0, 0), ("Abc", 0, 0)])
def test_a_lower_case_symbol(listed: str, pnl: int, value: int) -> None:
    """Q42: the current price is looked up as spelled, the others in upper case."""
    closes = {D - timedelta(days=1): "10", D: "15"}
    row = snapshots(world(position(symbol="abc"), closes, symbol=listed))[0]
    assert (row["daily_pnl"], row["long_value"]) == (pnl, value)


def test_private_is_exposed_at_the_value_of_the_session_before() -> None:
    """4.3, 5.1: Phase 4 prices "abc" as spelled, Phase 3 asks for "ABC"."""
    held = position(symbol="abc", investment_class="PRIVATE")
    closes = dict(zip(DAYS, ("20", "30", "40"), strict=True))
    rows = snapshots(world(held, closes, symbol="abc"))
    assert [row["long_value"] for row in rows] == [10, 20, 30]


@pytest.mark.parametrize(
    ("value", "quantity", "exposed"),
    [("25", "1", 25), ("-25", "1", 10), ("0", "1", 10), (None, "1", 10), ("5", "0", 0)],
)
def test_unpriced_private(value: str | None, quantity: str, exposed: int) -> None:
    """4.3: a stored value above 0, else the entry price; no quantity, no exposure."""
    held = position(
        investment_class="PRIVATE",
        market_value=None if value is None else Decimal(value),
        quantity=Decimal(quantity),
    )
    assert snapshots(world(held, {}))[0]["long_value"] == exposed


def test_private_has_an_exposure_at_market_but_no_pnl() -> None:
    """Q14."""
    held = position(investment_class="PRIVATE")
    row = snapshots(world(held, {D - timedelta(days=1): "10", D: "15"}))[0]
    assert (row["daily_pnl"], row["long_value"]) == (0, 15)


def test_a_quantity_of_zero_counts_as_short() -> None:
    """Q12."""
    row = snapshots(world(position(quantity=Decimal(0)), {}))[0]
    assert (row["num_long_positions"], row["num_short_positions"]) == (0, 1)


def test_an_earlier_equity_of_zero_gives_way_to_the_portfolio() -> None:
    """Q10."""
    tables = world(position(), {})
    tables["portfolio_snapshots"][0]["equity_balance"] = Decimal("0.00")
    assert snapshots(tables)[0]["equity_balance"] == 1000


@pytest.mark.parametrize(("close", "exposed"), [("2.01", "1.00"), ("2.03", "1.02"), ("2.05", "1.02")])
def test_half_cents_of_exposures_go_to_even(close: str, exposed: str) -> None:
    """0.3: 1.005, 1.015 and 1.025."""
    row = snapshots(world(position(quantity=Decimal("0.5")), {D: close}))[0]
    assert row["long_value"] == Decimal(exposed)


def test_exposures_are_binary_floats() -> None:
    """4.4: 0.7 x 0.05 is 0.034999999999999996, and its half cent is gone."""
    row = snapshots(world(position(quantity=Decimal("0.7")), {D: "0.05"}))[0]
    assert row["long_value"] == Decimal("0.03")


def test_cash_starts_from_the_unrounded_equity() -> None:
    """4.6: E = -10.005, so cash is 89.995, not 100 - 10.01."""
    held = position(quantity=Decimal("-0.5"), position_type="SHORT")
    closes = {D - timedelta(days=1): "199.99", D: "200.00"}
    row = snapshots(world(held, closes, equity="-10.00"))[0]
    assert row["equity_balance"] == Decimal("-10.01")
    assert row["cash_value"] == Decimal("90.00")
