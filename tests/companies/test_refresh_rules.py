"""Which companies are due: each rule on both sides of its boundary."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from engine.core.schema import TABLES
from engine.market_data.companies.refresh_rules import (
    PROFILE_COLUMNS,
    due_fundamentals,
    due_profiles,
    next_earnings,
)
from tests.memory_store import frame_of

NOW = datetime(2025, 11, 3, 23, 30, tzinfo=UTC)
TODAY = date(2025, 11, 3)
HOUR = timedelta(hours=1)
SYMBOLS = pl.Series(["AAA"])


def stored(**values: Any) -> pl.DataFrame:
    row = {
        "symbol": "AAA",
        "sector": "Energy",
        "beta": Decimal("1.1"),
        "is_etf": False,
        "is_fund": False,
        "last_updated": NOW,
    }
    return frame_of("company_profiles", [row | values]).select(PROFILE_COLUMNS)


def test_symbols_without_a_row_are_due_in_order_and_once() -> None:
    none = stored().clear()
    symbols = pl.Series(["ZZZ", "AAA", "ZZZ"])
    assert due_profiles(symbols, none, NOW) == ["AAA", "ZZZ"]
    assert due_fundamentals(symbols, none, TODAY) == ["AAA", "ZZZ"]


@pytest.mark.parametrize(
    ("age", "values", "due"),
    [
        (timedelta(days=3) - HOUR, {}, False),
        (timedelta(days=3), {}, True),
        (timedelta(days=1) - HOUR, {"sector": None}, False),
        (timedelta(days=1), {"sector": None}, True),
        (timedelta(days=1), {"beta": None}, True),
        (timedelta(days=1), {"sector": None, "beta": None, "is_etf": True, "is_fund": True}, False),
        (timedelta(days=1), {"sector": None, "beta": None, "is_fund": True}, False),
        (timedelta(days=3), {"sector": None, "beta": None, "is_fund": True}, True),
    ],
)
def test_a_profile_is_fresh_for_three_days_and_an_incomplete_one_for_one(
    age: timedelta, values: dict[str, Any], due: bool
) -> None:
    assert due_profiles(SYMBOLS, stored(last_updated=NOW - age, **values), NOW) == ["AAA"] * due


@pytest.mark.parametrize(
    ("earnings", "fetched", "due"),
    [
        (None, None, True),
        (date(2025, 11, 20), None, True),
        (date(2025, 11, 1), date(2025, 10, 1), False),
        (date(2025, 10, 31), date(2025, 10, 1), True),
        (date(2025, 10, 31), date(2025, 11, 2), True),
        (date(2025, 10, 31), date(2025, 11, 3), False),
        (date(2026, 1, 29), date(2025, 8, 1), False),
        (None, date(2025, 10, 5), False),
        (None, date(2025, 10, 4), True),
        (date(2025, 7, 31), date(2025, 10, 5), False),
        (date(2025, 7, 31), date(2025, 10, 4), True),
    ],
    ids=[
        "never fetched",
        "never fetched, earnings ahead",
        "two days after earnings",
        "three days after earnings",
        "fetched too early after earnings",
        "fetched after the wait",
        "earnings ahead, however old",
        "no date known, 29 days",
        "no date known, 30 days",
        "statements up to date, 29 days",
        "statements up to date, 30 days",
    ],
)
def test_statements_wait_three_days_after_earnings(
    earnings: date | None, fetched: date | None, due: bool
) -> None:
    moment = fetched and datetime(fetched.year, fetched.month, fetched.day, 18, tzinfo=UTC)
    profiles = stored(next_earnings_date=earnings, fundamentals_last_fetched=moment)
    assert due_fundamentals(SYMBOLS, profiles, TODAY) == ["AAA"] * due


@pytest.mark.parametrize("kind", ["is_etf", "is_fund"])
def test_a_fund_has_no_statements(kind: str) -> None:
    assert due_fundamentals(SYMBOLS, stored(**{kind: True}), TODAY) == []


def test_the_date_of_a_fetch_is_the_one_in_new_york() -> None:
    profiles = stored(
        next_earnings_date=date(2025, 10, 31),
        fundamentals_last_fetched=datetime(2025, 11, 3, 3, tzinfo=UTC),
    )
    assert due_fundamentals(SYMBOLS, profiles, TODAY) == ["AAA"]  # fetched on the evening of the 2nd


@pytest.mark.parametrize(
    ("announced", "before", "kept"),
    [
        ([date(2026, 1, 29), date(2025, 11, 20)], None, date(2025, 11, 20)),
        ([date(2025, 11, 2), date(2026, 1, 29)], None, date(2025, 11, 2)),  # yesterday: still in its wait
        ([date(2025, 10, 31), date(2026, 1, 29)], None, date(2026, 1, 29)),  # its wait is over
        ([date(2025, 11, 25)], date(2025, 11, 20), date(2025, 11, 25)),  # postponed
        ([date(2026, 1, 29)], date(2025, 11, 2), None),
        ([date(2026, 1, 29)], TODAY, None),
        ([date(2026, 1, 29)], date(2025, 10, 31), date(2026, 1, 29)),
        ([date(2025, 7, 31)], date(2025, 10, 31), None),
        ([], date(2025, 11, 20), None),
    ],
)
def test_an_earnings_date_is_kept_during_its_wait(
    announced: list[date], before: date | None, kept: date | None
) -> None:
    assert next_earnings(announced, before, TODAY) == kept


def test_the_table_has_the_columns_that_the_rules_read() -> None:
    assert set(PROFILE_COLUMNS) <= set(TABLES["company_profiles"].names)
