"""P&L of lots by hand: entry, events, ends, gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.analytics.equity.lot_pnl import booked_income, lot_pnl, summed, with_lives
from engine.analytics.positions.lot_life import lot_lives
from engine.analytics.positions.prices import QuoteRules, quotes
from engine.analytics.positions.valuation import position_days
from engine.core.rules import ClosedLots, Options
from tests.analytics.small import table
from tests.builders import close, event, position, uid

WED, THU, FRI, SAT, MON, TUE = (date(2025, 3, day) for day in (5, 6, 7, 8, 10, 11))
DAYS = [THU, FRI, MON, TUE]
EXACT = QuoteRules("missing", "session", "whole")
FOUNDED = date(2025, 1, 6)
SINCE = pl.DataFrame({"portfolio_id": [uid("P")], "since": [WED]})
Row = dict[str, Any]


def lots(
    lot: Row,
    closes: list[Row],
    *events: Row,
    closed_lots: ClosedLots = "exact",
    founded: date = FOUNDED,
    options: Options = "premium",
) -> pl.DataFrame:
    held = table("positions", lot)
    stored = table("market_data_cache", *closes).select("symbol", "date", "close").sort("symbol", "date")
    rows = table("position_realized_events", *events)
    lives = lot_lives(held, rows, DAYS, SINCE["since"])
    prices = quotes(held["symbol"], stored, DAYS, EXACT)
    days = with_lives(position_days(held, prices, DAYS, "none"), lives).with_columns(
        portfolio=pl.lit(0), has_previous=pl.lit(True), founded=pl.lit(founded), weight=pl.lit(1.0)
    )
    income = booked_income(rows, held, DAYS, SINCE)
    return lot_pnl(days, lives, held, stored, income, closed_lots, options).sort("session")


def pnl(rows: pl.DataFrame) -> dict[date, float]:
    return {day: grains / 10**8 for day, grains in rows.select("date", "pnl").iter_rows() if grains}


def path(*prices: str, symbol: str = "AAA") -> list[Row]:
    return [close(day, price, symbol) for day, price in zip([WED, *DAYS], prices, strict=True)]


PRICES = path("100", "101", "102", "104", "107")


def part(day: date, quantity: str, gain: str) -> Row:
    return event(day, gain) | {"id": uid(f"{day}{quantity}"), "quantity_closed": Decimal(quantity)}


def test_a_lot_earns_from_its_entry_price_to_its_exit_price() -> None:
    lot = position(entry_date=FRI, entry_price=Decimal("101.50"), exit_date=TUE, exit_price=Decimal(105))
    # 10 (102 - 101.50), 10 (104 - 102), 10 (105 - 104): together 10 (105 - 101.50)
    assert pnl(lots(lot, PRICES)) == {FRI: 5, MON: 20, TUE: 10}


def test_a_lot_of_the_founding_day_starts_at_its_close() -> None:
    lot = position(entry_date=date(2025, 1, 4), entry_price=Decimal(1))
    assert pnl(lots(lot, PRICES)) == {THU: 10, FRI: 10, MON: 20, TUE: 30}


def test_an_event_replaces_the_marks_of_the_part_that_it_closed() -> None:
    """4 of 10 shares are sold on Monday with a gain of 14.00 over 100, at 103.50: 4 x 1.50 + 6 x 2."""
    lot = position(quantity="6", entry_price=Decimal(100))
    found = lots(lot, PRICES, part(MON, "4", "14.00"))
    assert pnl(found) == {THU: 10, FRI: 10, MON: 6 + 12, TUE: 18}
    assert found["quantity"].to_list() == [100_000, 100_000, 60_000, 60_000]


def test_an_option_is_settled_at_its_intrinsic_value() -> None:
    option = position(
        "OPT",
        "2",
        position_type="LC",
        entry_price=Decimal(3),
        underlying_symbol="AAA",
        strike_price=Decimal(100),
        expiration_date=SAT,
        name="x",
    )
    own = path("3", "3", "2.5", "2.6", "2.6", symbol="OPT")
    # On Saturday the underlying's last close is Friday's, 102: worth 2.00, and 2.50 on Friday.
    assert pnl(lots(option, [*PRICES, *own])) == {FRI: -100, MON: -100}
    alone = lots(option, own)
    assert pnl(alone) == {FRI: -100}  # its last price, 2.50
    assert alone["notice"].to_list()[2] == "expiry_without_underlying"


def test_a_deleted_lot_earns_up_to_its_last_close() -> None:
    lot = position(deleted_at=datetime(2025, 3, 8, tzinfo=UTC))
    weekend = [*PRICES, close(SAT, "103")]
    assert pnl(lots(lot, weekend)) == {THU: 10, FRI: 10, MON: 10}


def test_an_exit_without_a_price_ends_at_the_last_close_and_says_so() -> None:
    found = lots(position(exit_date=FRI), PRICES)
    assert pnl(found) == {THU: 10, FRI: 10}
    assert found["notice"].to_list() == [None, "exit_without_price"]


def test_the_exit_price_counts_where_the_event_differs() -> None:
    lot = position(exit_date=FRI, exit_price=Decimal(103))
    found = lots(lot, PRICES, part(FRI, "10", "99.00"))
    assert pnl(found) == {THU: 10, FRI: 20}
    assert found["notice"].to_list() == [None, "exit_price_differs"]
    same = lots(lot, PRICES, part(FRI, "10", "30.01"))  # one cent apart: rounding
    assert same["notice"].to_list() == [None, None]


def test_a_gap_is_booked_when_the_price_comes_back() -> None:
    assert pnl(lots(position(), [close(WED, "100"), close(TUE, "131")])) == {TUE: 310}


def test_private_lots_and_lots_without_any_close_have_no_p_and_l() -> None:
    assert pnl(lots(position(investment_class="PRIVATE"), PRICES)) == {}
    assert pnl(lots(position(), [close(WED, "5", "BBB")], part(FRI, "3", "7.00"))) == {}


def test_income_is_booked_in_the_next_session_and_is_no_part_of_the_price_moves() -> None:
    found = lots(position(), PRICES, part(SAT, "0", "12.34"))
    assert pnl(found) == {THU: 10, FRI: 10, MON: 20, TUE: 30}
    assert dict(found.select("date", "income").iter_rows())[MON] == 1_234_000_000
    assert summed(found).sort("session")["unrealized"].to_list()[2] == 3_234_000_000


@pytest.mark.parametrize(("closed_lots", "last"), [("earn", 20), ("stop", 0)])
def test_without_exact_rules_the_prices_of_entry_and_exit_do_not_count(
    closed_lots: ClosedLots, last: float
) -> None:
    lot = position(entry_date=FRI, entry_price=Decimal(1), exit_date=MON, exit_price=Decimal(9))
    assert pnl(lots(lot, PRICES, closed_lots=closed_lots)) == ({FRI: 10, MON: last} if last else {FRI: 10})


def test_an_option_without_an_entry_price_earns_from_its_first_close_on() -> None:
    option = position(entry_date=FRI, entry_price=Decimal(0), position_type="LC", investment_class="OPTIONS")
    assert pnl(lots(option, PRICES)) == {FRI: 102_000, MON: 2_000, TUE: 3_000}
    assert pnl(lots(option, PRICES, options="greeks")) == {MON: 2_000, TUE: 3_000}
    stock = position(entry_date=FRI, entry_price=Decimal(0))
    assert pnl(lots(stock, PRICES, options="greeks"))[FRI] == 1_020


def test_what_is_attributed_was_held_before_the_session() -> None:
    """Bought on Friday at 101.50 and sold on Tuesday at 105: Friday's P&L has no value to attribute."""
    lot = position(entry_date=FRI, entry_price=Decimal("101.50"), exit_date=TUE, exit_price=Decimal(105))
    found = lots(lot, PRICES).filter(pl.col("date") >= FRI)
    usd = [
        tuple(None if cell is None else cell / 10**8 for cell in row)
        for row in found.select("start_value", "whole_move").rows()
    ]
    # 10 x 102 moves to 104, and 10 x 104 to the close of 107, whatever the exit price.
    assert usd == [(None, None), (1020, 20), (1040, 30)]
