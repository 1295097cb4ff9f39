"""The worked example of section 9, and the rounding rules of section 0."""

from datetime import date
from decimal import Decimal

import pytest

from .daily import run
from .prices import Row
from .rounding import half_even_cents, to_money, to_return

D0, D1 = date(2025, 3, 3), date(2025, 3, 4)


def position(symbol: str, kind: str, quantity: str, entry: str, cls: str) -> Row:
    """An open position that was entered before the first day."""
    return {
        "id": symbol,
        "portfolio_id": "P",
        "symbol": symbol,
        "position_type": kind,
        "quantity": Decimal(quantity),
        "entry_price": Decimal(entry),
        "entry_date": date(2025, 1, 15),
        "exit_date": None,
        "investment_class": cls,
        "last_price": None,
        "market_value": None,
        "unrealized_pnl": None,
        "deleted_at": None,
    }


def closes(symbol: str, first: str, second: str) -> list[Row]:
    """Closes of D0 and D1."""
    return [
        {"symbol": symbol, "date": D0, "close": Decimal(first)},
        {"symbol": symbol, "date": D1, "close": Decimal(second)},
    ]


def example() -> dict[str, list[Row]]:
    """The inputs of section 9."""
    equity = Decimal("500000.00")
    event = {"portfolio_id": "P", "trade_date": D1, "realized_pnl": Decimal("12.34")}
    flow = {
        "portfolio_id": "P",
        "change_type": "CONTRIBUTION",
        "amount": Decimal("1000.00"),
        "change_date": D1,
        "deleted_at": None,
    }
    return {
        "portfolios": [{"id": "P", "equity_balance": equity, "deleted_at": None}],
        "positions": [
            position("AAA", "LONG", "150.5", "99.0000", "PUBLIC"),
            position("BBB", "SHORT", "-40.25", "210.1234", "PUBLIC"),
            position("OPT", "LC", "3", "5.1000", "OPTIONS"),
            position("PRV", "LONG", "1", "250000.0000", "PRIVATE"),
        ],
        "market_data_cache": closes("AAA", "101.2345", "103.3333")
        + closes("BBB", "200.0155", "198.7777")
        + closes("OPT", "4.9000", "5.2500"),
        "position_realized_events": [event],
        "equity_changes": [flow],
    }


EXPECTED = {
    "daily_pnl": ("0.00", "483.03"),
    "daily_capital_flow": ("0.00", "1000.00"),
    "equity_balance": ("500000.00", "501483.03"),
    "total_value": ("500000.00", "501483.03"),
    "daily_return": ("0.000000", "0.000966"),
    "long_value": ("266705.79", "267126.66"),
    "short_value": ("-8050.62", "-8000.80"),
    "gross_exposure": ("274756.42", "275127.46"),
    "net_exposure": ("258655.17", "259125.86"),
    "cash_value": ("241344.83", "242357.17"),
    "cumulative_pnl": ("0.00", "483.03"),
    "cumulative_realized_pnl": ("0.00", "12.34"),
    "cumulative_capital_flow": ("0.00", "1000.00"),
    "num_positions": ("4", "4"),
    "num_long_positions": ("3", "3"),
    "num_short_positions": ("1", "1"),
}


@pytest.mark.parametrize("column", EXPECTED)
def test_worked_example(column: str) -> None:
    """Section 9, column by column."""
    rows = run(example(), [D0, D1], D1)["portfolio_snapshots"]
    assert tuple(str(row[column]) for row in rows) == EXPECTED[column]


def test_worked_example_market_values() -> None:
    """Section 9, the row of Phase 4."""
    rows = run(example(), [D0, D1], D1)["positions"]
    found = {r["symbol"]: (r["market_value"], r["unrealized_pnl"]) for r in rows}
    assert found == {
        "AAA": (Decimal("15551.66"), Decimal("652.16")),
        "BBB": (Decimal("-8000.80"), Decimal("456.66")),
        "OPT": (Decimal("1575.00"), Decimal("45.00")),
        "PRV": (None, None),
    }


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("2.345", "2.35"),
        ("-2.345", "-2.35"),
        ("2.355", "2.36"),
        ("0.005", "0.01"),
        ("-0.004", "0.00"),
        ("99999999999999.994", "99999999999999.99"),
    ],
)
def test_the_database_rounds_half_away_from_zero(value: str, stored: str) -> None:
    """Section 0.1."""
    assert str(to_money(Decimal(value))) == stored


@pytest.mark.parametrize("value", ["99999999999999.995", "-1e14"])
def test_money_that_does_not_fit_overflows(value: str) -> None:
    """Section 0.1: the rounded value must fit."""
    with pytest.raises(OverflowError, match=r"numeric\(16, 2\)"):
        to_money(Decimal(value))


def test_a_return_of_a_hundred_overflows() -> None:
    """Section 1.3 and Q40."""
    assert to_return(Decimal("99.9999994")) == Decimal("99.999999")
    with pytest.raises(OverflowError):
        to_return(Decimal("99.9999995"))


@pytest.mark.parametrize(("value", "sent"), [("1.005", "1.00"), ("1.015", "1.02")])
def test_exposures_are_rounded_half_even(value: str, sent: str) -> None:
    """Section 0.3."""
    assert str(half_even_cents(Decimal(value))) == sent
