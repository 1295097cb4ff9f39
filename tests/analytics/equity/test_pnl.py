"""P&L and equity: daily changes, cash by session, and balances carried forward."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from engine.analytics.equity.pnl import booked, flow_cents, realized_cents, roll_forward, unrealized
from engine.analytics.positions.valuation import mark_to_market
from engine.core.rules import ClosedLots, OffSession
from tests.analytics.small import crossed, table
from tests.builders import close, event, flow, position, uid

FRI, SAT, MON, TUE = date(2025, 5, 30), date(2025, 5, 31), date(2025, 6, 2), date(2025, 6, 3)
GRAIN = 10**8
"""Grains in a dollar."""


def gains(days: pl.DataFrame, closed_lots: ClosedLots = "earn") -> list[tuple[int, ...]]:
    rows = unrealized(mark_to_market(days), closed_lots).sort("session")
    return rows.select("session", "unrealized", "moved", "still").rows()


def test_a_gain_is_the_change_of_price_times_quantity_and_contract() -> None:
    lots = [position("AAA", "10"), position("BBB", "-2", position_type="SC")]
    closes = [close(FRI, "100"), close(MON, "101.5"), close(FRI, "4", "BBB"), close(MON, "5", "BBB")]
    # 10 x 1.50 - 2 x 1 x 100
    assert gains(crossed(lots, closes, [MON])) == [(0, (15 - 200) * GRAIN, 2, 0)]


def test_no_gain_without_both_closes_for_private_assets_and_in_a_portfolios_first_session() -> None:
    lots = [position("AAA"), position("BBB", investment_class="private"), position("CCC")]
    closes = [close(FRI, "1"), close(FRI, "1", "BBB"), close(MON, "2", "BBB"), close(MON, "2", "CCC")]
    # A lot without a previous close earns nothing, and is left out.
    assert gains(crossed(lots, closes, [MON])) == [(0, 0, 0, 3)]
    begun = crossed(lots, closes, [MON]).with_columns(has_previous=pl.lit(False))
    assert gains(begun) == [(0, 0, 1, 2)]
    both = crossed([position()], [close(FRI, "1"), close(MON, "2")], [MON])
    assert gains(both) == [(0, 10 * GRAIN, 1, 0)]
    assert gains(both.with_columns(has_previous=pl.lit(False))) == [(0, 0, 1, 0)]


@pytest.mark.parametrize(("closed_lots", "sessions"), [("earn", [0, 1]), ("stop", [0])])
def test_a_closed_lot_earns_until_its_exit_or_on(closed_lots: ClosedLots, sessions: list[int]) -> None:
    lot = position(entry_date=MON, exit_date=TUE)
    closes = [close(FRI, "1"), close(MON, "2"), close(TUE, "3")]
    days = crossed([lot], closes, [FRI, MON, TUE])
    assert [row[0] - 1 for row in gains(days, closed_lots)] == sessions


@pytest.mark.parametrize(("off_session", "cents"), [("lost", [500]), ("next_session", [500 + 250])])
def test_cash_of_a_weekend_is_lost_or_booked_on_monday(off_session: OffSession, cents: list[int]) -> None:
    events = table(
        "position_realized_events", event(SAT, "2.50"), event(MON, "5"), event(date(2025, 6, 4), "9")
    )
    since = pl.DataFrame({"portfolio_id": [uid("P")], "since": [FRI]})
    found = booked(events, "trade_date", realized_cents(), [MON, TUE], off_session, since)
    assert found["date"].to_list() == [MON]
    assert found["cents"].to_list() == cents


def test_withdrawals_count_below_zero() -> None:
    flows = table("equity_changes", flow(MON, "10"), flow(TUE, "4", "WITHDRAWAL"))
    assert flows.select(flow_cents())["amount"].to_list() == [1000, -400]


def book(opening: int, unrealized: list[int], realized: list[int], flows: list[int]) -> pl.DataFrame:
    columns = {
        "opening_equity": [opening] * len(flows),
        "opening_pnl": [700] * len(flows),
        "opening_realized": [70] * len(flows),
        "opening_flow": [7] * len(flows),
        "unrealized": unrealized,
        "realized": realized,
        "flow": flows,
    }
    whole = pl.DataFrame({name: pl.Series(values, dtype=pl.Int128) for name, values in columns.items()})
    return whole.with_columns(portfolio=pl.lit(0), portfolio_id=pl.lit(uid("P")))


def test_equity_and_totals_are_carried_from_session_to_session() -> None:
    rows = roll_forward(book(100_000, [5 * GRAIN, -2 * GRAIN], [100, 0], [0, 50_000]))
    # 1000 + 5 + 1 = 1006; 1006 - 2 + 500 = 1504
    assert rows["equity"].to_list() == [100_600, 150_400]
    assert rows["daily_pnl"].to_list() == [600, -200]
    assert rows["daily_return"].to_list() == [6000, -1988]  # 6 / 1000 and -2 / 1006 = -0.00198807
    assert rows["cumulative_pnl"].to_list() == [1300, 1100]
    assert rows["cumulative_realized"].to_list() == [170, 170]
    assert rows["cumulative_flow"].to_list() == [7, 50_007]


def test_each_session_starts_from_the_rounded_equity() -> None:
    half = 10**6 // 2  # half a cent, in grains
    rows = roll_forward(book(1000, [half, half, -half], [0] * 3, [0] * 3))
    assert rows["equity"].to_list() == [1001, 1002, 1002]  # 1001.5 is rounded away from zero
    assert rows["daily_pnl"].to_list() == [1, 1, -1]


def test_the_return_on_an_equity_that_is_not_positive_is_0() -> None:
    rows = roll_forward(book(0, [GRAIN, -3 * GRAIN, GRAIN], [0] * 3, [0] * 3))
    assert rows["equity"].to_list() == [100, -200, -100]
    assert rows["daily_return"].to_list() == [0, -3_000_000, 0]


def test_amounts_are_exact_where_a_double_is_not() -> None:
    rows = roll_forward(book(10**17 + 1, [1 * GRAIN], [0], [0]))
    assert Decimal(rows["equity"].item()) == Decimal(10**17 + 101)
