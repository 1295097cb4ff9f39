"""Position values: marked at the close, carried forward without one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from engine.analytics.positions.valuation import mark_to_market, since, unmarked_before
from tests.analytics.small import crossed
from tests.builders import close, position, uid

MON, TUE, WED = date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4)
DAYS = [MON, TUE, WED]


def cents(days: pl.DataFrame, column: str) -> list[int | None]:
    return mark_to_market(days)[column].to_list()


def test_a_value_is_quantity_times_price_and_a_gain_is_it_less_the_cost() -> None:
    days = crossed([position(quantity="10")], [close(MON, "101.50"), close(TUE, "99")], DAYS[:2])
    assert cents(days, "market_value") == [101_500, 99_000]
    assert cents(days, "unrealized_pnl") == [101_500 - 100_000, 99_000 - 100_000]
    assert cents(days, "last_price") == [1_015_000, 990_000]


def test_an_option_stands_for_a_hundred_shares_and_a_short_is_negative() -> None:
    short_call = position(quantity="-2", position_type="SC", entry_price=Decimal("3.00"))
    days = crossed([short_call], [close(MON, "2.50")], [MON])
    assert cents(days, "market_value") == [-2 * 250 * 100]
    assert cents(days, "unrealized_pnl") == [-2 * (250 - 300) * 100]


def test_half_a_cent_is_rounded_away_from_zero() -> None:
    lots = [position(quantity="0.5"), position(quantity="-0.5", name="short")]
    days = crossed(lots, [close(MON, "100.01")], [MON])
    assert cents(days, "market_value") == [5001, -5001]  # 50.005


def test_without_a_close_for_over_five_days_the_stored_value_stays_until_the_next_mark() -> None:
    stored = position(last_price=Decimal(90), market_value=Decimal(900), unrealized_pnl=Decimal(-100))
    days = crossed([stored], [close(date(2025, 5, 27), "80"), close(TUE, "95")], DAYS)
    marked = mark_to_market(days)
    assert marked["marked"].to_list() == [False, True, True]
    assert marked["market_value"].to_list() == [90_000, 95_000, 95_000]
    assert marked["opening_value"].to_list() == [90_000, 90_000, 95_000]


def test_exited_deleted_and_synthetic_positions_are_not_marked() -> None:
    lots = [
        position("EQX"),
        position("AAA", exit_date=WED),
        position("BBB", deleted_at=close(MON, "1")["created_at"]),
    ]
    closes = [close(MON, "50", symbol) for symbol in ("AAA", "BBB", "EQX")]
    assert mark_to_market(crossed(lots, closes, [MON]))["marked"].to_list() == [True, False, False]
    assert not mark_to_market(crossed(lots, closes, [MON], "EQ"))["marked"].any()


def test_a_day_on_which_the_portfolio_was_not_run_leaves_no_mark() -> None:
    days = crossed([position()], [close(day, "50") for day in DAYS], DAYS)
    carried = pl.DataFrame({"portfolio_id": [uid("P")], "date": [TUE]})
    kept = unmarked_before(days, WED, carried, pl.Series([uid("P")]))
    assert kept["mark"].is_null().to_list() == [True, False, False]
    # On Monday the portfolio had not begun: its lots have the table's values.
    assert kept["markable"].to_list() == [False, True, True]
    others = unmarked_before(days, WED, carried, pl.Series([uid("other")]))
    assert others["mark"].is_null().sum() == 0  # the position's portfolio is deleted


def test_a_lot_keeps_its_newest_mark_on_a_day_between_runs() -> None:
    days = crossed([position()], [close(day, "50") for day in DAYS], DAYS)
    ran_before = pl.DataFrame({"portfolio_id": [uid("P"), uid("Q")], "date": [MON, TUE]})
    kept = unmarked_before(days, WED, ran_before, pl.Series([uid("P"), uid("Q")]))
    assert kept["mark"].is_null().to_list() == [False, True, False]
    assert kept["markable"].all()


def test_sessions_are_counted_from_the_first_kept_one() -> None:
    days = crossed([position()], [], DAYS)
    assert since(days, 1).select("session", "date").rows() == [(0, TUE), (1, WED)]
