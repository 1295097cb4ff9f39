"""Exposures: values, their sums by sign, and which positions count."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from engine.analytics.equity.exposures import exposure, exposures, present
from engine.analytics.positions.valuation import mark_to_market
from tests.analytics.small import crossed
from tests.builders import STAMP, close, position

MON, TUE = date(2025, 6, 2), date(2025, 6, 3)
SUMS = ("gross_exposure", "net_exposure", "long_value", "short_value")


def day(*lots: dict[str, Any], closes: list[dict[str, Any]]) -> pl.DataFrame:
    return present(mark_to_market(crossed(list(lots), closes, [TUE])), "today")


def test_longs_and_shorts_add_up_by_sign() -> None:
    lots = position("AAA", "10"), position("BBB", "-4"), position("CCC", "1", position_type="LC")
    closes = [close(MON, "100"), close(TUE, "25", "BBB"), close(TUE, "2", "CCC")]
    row = exposures(day(*lots, closes=closes)).row(0, named=True)
    # 10 x 100 = 1000 (the newest close, of the day before), -4 x 25 = -100, 1 x 2 x 100 = 200
    assert [row[name] for name in SUMS] == [130_000, 110_000, 120_000, -10_000]
    assert (row["num_positions"], row["num_long_positions"], row["num_short_positions"]) == (3, 2, 1)
    assert (row["valued"], row["unvalued"], row["too_large"]) == (3, 0, False)


def test_half_a_cent_is_rounded_to_the_even_one() -> None:
    for price, cents in (("100.01", 5000), ("100.03", 5002)):  # 50.005 and 50.015
        row = exposures(day(position("AAA", "0.5"), closes=[close(TUE, price)])).row(0, named=True)
        assert row["gross_exposure"] == cents


def test_entered_later_exited_and_deleted_positions_do_not_count() -> None:
    lots = (
        position("AAA", name="kept", exit_date=date(2025, 6, 4)),
        position("AAA", name="later", entry_date=date(2025, 6, 4)),
        position("AAA", name="exited", exit_date=TUE),
        position("AAA", name="deleted", deleted_at=STAMP),
    )
    row = exposures(day(*lots, closes=[close(TUE, "7")])).row(0, named=True)
    assert (row["num_positions"], row["gross_exposure"]) == (1, 7000)
    assert exposures(day(*lots[1:], closes=[close(TUE, "7")])).is_empty()


def test_only_a_private_asset_has_a_value_without_a_close() -> None:
    private = {"investment_class": "PRIVATE"}
    lots = (
        position("AAA", "3"),
        position("HOUSE", "4", market_value=Decimal("1000.00"), **private),
        position("LAND", "5", entry_price=Decimal(20), **private),
    )
    # 4 x (1000 / 4) from the stored value, 5 x 20 from the entry price
    assert exposure(day(*lots, closes=[])).to_list() == [None, 1000.0, 100.0]
    row = exposures(day(*lots, closes=[])).row(0, named=True)
    assert (row["valued"], row["unvalued"], row["gross_exposure"]) == (2, 1, 110_000)


def test_a_sum_that_no_column_can_hold_is_flagged() -> None:
    lots = [position("AAA", "600000000000", name=name) for name in ("a", "b")]
    one, two = (exposures(day(*some, closes=[close(TUE, "100")])) for some in (lots[:1], lots))
    assert one["too_large"].to_list() == [False]  # 6e13 USD
    assert two["too_large"].to_list() == [True]  # 1.2e14 USD
