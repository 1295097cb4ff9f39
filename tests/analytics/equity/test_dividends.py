"""Dividends of lots by hand: who is paid, and what was booked twice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.analytics.equity.dividends import booked_twice, cash, dividends, with_dividends
from engine.analytics.positions.lot_life import lot_lives
from tests.analytics.positions.test_quoted import action, actions, raw
from tests.analytics.small import table
from tests.builders import event, position, uid

WED, THU, FRI, SAT, MON, TUE = (date(2025, 3, day) for day in (5, 6, 7, 8, 10, 11))
DAYS = [THU, FRI, MON, TUE]
SINCE = pl.DataFrame({"portfolio_id": [uid("P")], "since": [WED]})
FIRST = date(2025, 1, 6)
Row = dict[str, Any]


def sale(day: date, quantity: str) -> Row:
    return event(day, "0") | {"id": uid(f"{day}"), "quantity_closed": Decimal(quantity)}


def due(lot: Row, *paid: Row, sales: tuple[Row, ...] = (), first: date = FIRST) -> pl.DataFrame:
    held = table("positions", lot)
    lives = lot_lives(held, table("position_realized_events", *sales), DAYS, SINCE["since"])
    closes = table("engine_raw_closes", raw(first, "50", "45"))
    return dividends(lives, held, actions(*paid), closes, DAYS, SINCE)


def amounts(found: pl.DataFrame) -> dict[date, float]:
    rows = found.filter("paid").select("session", "amount").iter_rows()
    return {DAYS[session]: grains / 10**8 for session, grains in rows}


def test_a_lot_is_paid_what_it_held_on_the_eve_of_the_ex_date() -> None:
    assert amounts(due(position(quantity="100"), action(FRI, "0.2475"))) == {FRI: 24.75}
    assert amounts(due(position(quantity="-100"), action(FRI, "0.2475"))) == {FRI: -24.75}


def test_a_day_without_a_session_is_of_the_next() -> None:
    assert amounts(due(position(), action(SAT, "1"), action(WED, "1"))) == {MON: 10}


@pytest.mark.parametrize(
    ("lot", "paid"),
    [
        ({"entry_date": FRI}, {}),
        ({"entry_date": THU}, {FRI: 10}),
        ({"exit_date": FRI, "exit_price": Decimal(9)}, {FRI: 10}),
        ({"exit_date": THU, "exit_price": Decimal(9)}, {}),
        ({"investment_class": "PRIVATE"}, {}),
        ({"position_type": "LC", "investment_class": "OPTIONS"}, {}),
        ({"symbol": "aaa"}, {FRI: 10}),
        ({"symbol": "BBB"}, {}),
    ],
)
def test_who_is_paid(lot: Row, paid: dict[date, float]) -> None:
    assert amounts(due(position() | lot, action(FRI, "1"))) == paid


def test_a_sale_before_the_ex_date_lowers_it_and_one_on_it_does_not() -> None:
    """6 shares are left of 10; the four were sold on the Friday before, on the Saturday, or on the Monday."""
    for day, paid in ((FRI, 6), (SAT, 6), (MON, 10)):
        assert amounts(due(position(quantity="6"), action(MON, "1"), sales=(sale(day, "4"),))) == {MON: paid}


def test_closes_that_hold_the_dividend_pay_none() -> None:
    for first, paid in ((THU, {FRI: 10.0}), (FRI, {}), (MON, {})):
        assert amounts(due(position(), action(FRI, "1"), first=first)) == paid


def test_a_dividend_and_a_gain_of_a_day_are_paid_both() -> None:
    both = action(FRI, "1"), action(FRI, "0.5", "gain")
    assert amounts(due(position(), *both)) == {FRI: 15}


def income(day: date, pnl: str) -> Row:
    return event(day, pnl) | {"id": uid(f"{day}{pnl}"), "quantity_closed": Decimal(0)}


def test_an_event_that_equals_the_dividend_is_named_and_not_counted() -> None:
    found = due(position(), action(FRI, "0.2475"))
    booked = income(FRI, "2.48"), income(FRI, "2.47"), income(THU, "2.48")
    events = table("position_realized_events", *booked)
    twice = booked_twice(events, found)
    assert twice["id"].to_list() == [booked[0]["id"]]
    none = pl.DataFrame(
        schema={"position": pl.UInt32, "session": pl.Int32, "income": pl.Int128, "income_notice": pl.String}
    )
    rows = with_dividends(none, found, twice)
    assert rows.select("session", "income", "income_notice").rows() == [
        (1, 247_500_000, "dividend_booked_twice")
    ]
    assert cash(found, events).select("trade_date", "quantity_closed", "realized_pnl").rows() == [
        (FRI, Decimal(0), Decimal("2.48"))
    ]


def test_an_event_equals_a_dividend_that_the_closes_hold_too() -> None:
    found = due(position(), action(FRI, "1"), first=FRI + timedelta(9))
    assert found["paid"].to_list() == [False]
    assert booked_twice(table("position_realized_events", income(FRI, "10")), found).height == 1
