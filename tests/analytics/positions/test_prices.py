"""Quotes against a look at every close, one symbol and day at a time."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analytics.positions.prices import quotes

DAY_ONE = date(1969, 12, 15)
"""Days on both sides of the one that is number 0."""
NAMES = ["A", "a", "Ab", "AB", "Ä", "ä", "zz", "ZZ"]
Closes = dict[tuple[str, date], int]

days = st.integers(0, 40).map(lambda number: DAY_ONE + timedelta(number))
keys = st.tuples(st.sampled_from(NAMES), days)
closes_of = st.dictionaries(keys, st.sampled_from([0, 1, 99_999]), max_size=60)
symbols_of = st.lists(st.sampled_from([*NAMES, "aB", "q", ""]), unique=True, max_size=8)
sessions_of = st.lists(days, unique=True, max_size=12).map(sorted)


def newest(closes: Closes, symbol: str, day: date) -> tuple[date, int] | None:
    """The newest close before a day."""
    known = [(other, ticks) for (name, other), ticks in closes.items() if name == symbol and other < day]
    return max(known, default=None)


def quoted(closes: Closes, symbol: str, day: date) -> tuple[int | None, ...]:
    """close, previous_close, newest_close, mark: documents 01 §3.3, §4.3 and §5.1."""
    upper = symbol.upper()
    before = newest(closes, upper, day)
    close = closes.get((symbol, day), 0) or None
    within = {age: before[1] if before and (day - before[0]).days <= age else None for age in (5, 10)}
    mark = within[5] if close is None else close
    return close, within[10], closes.get((upper, day), before and before[1]), mark or None


@settings(max_examples=300, deadline=None)
@given(closes=closes_of, symbols=symbols_of, sessions=sessions_of)
def test_every_symbol_and_day_has_the_prices_that_its_readers_would_find(
    closes: Closes, symbols: list[str], sessions: list[date]
) -> None:
    rows = [(name, day, Decimal(ticks).scaleb(-4)) for (name, day), ticks in sorted(closes.items())]
    schema = {"symbol": pl.String(), "date": pl.Date(), "close": pl.Decimal(12, 4)}
    stored = pl.DataFrame(rows, schema=schema, orient="row").sort("symbol", "date")
    found = quotes(pl.Series("symbol", symbols, pl.String), stored, sessions)
    expected = [
        (symbol, number, *quoted(closes, symbol, day))
        for symbol in symbols
        for number, day in enumerate(sessions)
    ]
    assert (
        found.select("symbol", "session", "close", "previous_close", "newest_close", "mark").rows()
        == expected
    )
