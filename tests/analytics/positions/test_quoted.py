"""Closes as they were quoted, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.analytics.positions.quoted import quoted_closes, split_adjusted
from tests.analytics.small import table
from tests.builders import STAMP, close, uid

MON, TUE, WED, THU, FRI = (date(2025, 3, day) for day in (3, 4, 5, 6, 7))
DAYS = [MON, TUE, WED, THU, FRI]
Row = dict[str, Any]


def closes(*prices: str, symbol: str = "AAA") -> pl.DataFrame:
    rows = [close(day, price, symbol) for day, price in zip(DAYS, prices, strict=True) if price]
    return table("market_data_cache", *rows).select("symbol", "date", "close").sort("symbol", "date")


def raw(day: date, quoted: str, adjusted: str, symbol: str = "AAA") -> Row:
    prices = {"raw_close": Decimal(quoted), "adjusted_close": Decimal(adjusted)}
    return {"id": uid(f"{symbol}{day}"), "symbol": symbol, "date": day, **prices, "fetched_at": STAMP}


def action(day: date, value: str, kind: str = "dividend", symbol: str = "AAA") -> Row:
    row = {"symbol": symbol, "date": day, "kind": kind, "value": Decimal(value)}
    return {"id": uid(f"{symbol}{day}{kind}"), **row, "fetched_at": STAMP}


def actions(*rows: Row) -> pl.DataFrame:
    return table("engine_price_actions", *rows)


def prices(found: pl.DataFrame) -> dict[date, float]:
    return {day: float(price) for day, price in found.select("date", "close").iter_rows()}


def quoted(stored: pl.DataFrame, rows: list[Row], *paid: Row) -> dict[date, float]:
    found = quoted_closes(stored, table("engine_raw_closes", *rows), actions(*paid))
    assert found.schema == stored.schema
    return prices(found)


def test_a_close_is_the_quoted_one_before_and_after_a_dividend() -> None:
    stored = closes("45", "45", "45", "45", "46")
    rows = [raw(day, p, q) for day, p, q in zip(DAYS, ("50", "50", "45", "45", "46"), "99999", strict=True)]
    assert quoted(stored, rows, action(WED, "5")) == {MON: 50, TUE: 50, WED: 45, THU: 45, FRI: 46}


def test_without_raw_closes_nothing_changes() -> None:
    stored = closes("45", "45", "45", "45", "46")
    assert quoted(stored, [], action(WED, "5")) == prices(stored)
    other = [raw(MON, "90", "80", symbol="BBB")]
    assert quoted(stored, other) == prices(stored)


def test_a_close_before_the_first_raw_one_stays_and_one_between_is_scaled() -> None:
    """50 quoted for 40 adjusted on Tuesday; on Thursday, without a raw close, 44 is 44 x 50 / 40 = 55."""
    stored = closes("30", "40", "42", "44", "")
    assert quoted(stored, [raw(TUE, "50", "40"), raw(WED, "52.5", "42")]) == {
        MON: 30,
        TUE: 50,
        WED: 52.5,
        THU: 55,
    }


def test_a_close_behind_a_dividend_without_a_raw_one_is_none() -> None:
    stored = closes("40", "40", "40", "40", "41")
    rows = [raw(MON, "50", "40"), raw(FRI, "41", "41")]
    assert quoted(stored, rows, action(WED, "9")) == {MON: 50, TUE: 50, FRI: 41}
    assert quoted(stored, rows, action(WED, "2", "split")) == {MON: 50, TUE: 50, WED: 50, THU: 50, FRI: 41}


def test_no_close_depends_on_a_later_raw_one() -> None:
    stored = closes("40", "41", "42", "43", "44")
    rows = [raw(TUE, "50", "41"), raw(THU, "47", "43"), raw(FRI, "44", "44")]
    whole = quoted(stored, rows, action(FRI, "3"))
    for number in range(5):
        until = stored.filter(pl.col("date") <= DAYS[number])
        known = [row for row in rows if row["date"] <= DAYS[number]]
        assert quoted(until, known)[DAYS[number]] == whole[DAYS[number]]


@pytest.mark.parametrize(
    ("before", "ratio", "expected"),
    [
        ("408", "4", 102),  # 4 new shares for an old one, told but not applied
        ("102", "4", 102),  # applied
        ("10.3", "0.1", 103),  # 1 new share for ten old ones
        ("120", "1.05", 120),  # a ratio within what a price moves by itself
    ],
)
def test_a_split_that_the_closes_lack_is_applied(before: str, ratio: str, expected: float) -> None:
    stored = closes(before, before, "103", "104", "105")
    found = prices(split_adjusted(stored, actions(action(WED, ratio, "split"))))
    assert found == {MON: expected, TUE: expected, WED: 103, THU: 104, FRI: 105}


def test_two_splits_multiply_and_other_symbols_stay() -> None:
    stored = pl.concat([closes("600", "300", "300", "100", "100"), closes(*["7"] * 5, symbol="BBB")])
    rows = (action(TUE, "2", "split"), action(THU, "3", "split"), action(THU, "3", "split", "CCC"))
    found = split_adjusted(stored, actions(*rows))
    assert prices(found.filter(symbol="AAA")) == dict.fromkeys(DAYS, 100.0)
    assert prices(found.filter(symbol="BBB")) == dict.fromkeys(DAYS, 7.0)


def test_a_close_of_zero_stays_one() -> None:
    assert quoted(closes("40", "0", "42", "", ""), [raw(MON, "50", "40")]) == {MON: 50, TUE: 0, WED: 52.5}
