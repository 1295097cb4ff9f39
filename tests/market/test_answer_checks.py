"""Answers that contradict themselves or what is stored: not stored, not covered, named once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from engine.core.calendar import sessions
from engine.core.errors import UsageError
from engine.market_data.answer_checks import contradiction
from engine.market_data.collect import collect, coverage
from engine.market_data.missing_bars import CELLS, CHECKED_SESSIONS, with_checks
from engine.market_data.price_bars import PRICE_ROWS
from loaders.market import PriceRequest, Prices, RequestPolicy
from loaders.market.provider import ACTIONS, BARS
from loaders.yahoo import Yahoo
from tests.market.conftest import TODAY
from tests.market.server import YahooServer
from tests.market.support import QUICK, START, Stores, closes, evening, expected, holding, listed, rows, run
from tests.market.world import NEW_YORK, Listing
from tests.marks import first

TOMORROW = date(2025, 7, 1)
DAY, NEXT = date(2025, 6, 26), date(2025, 6, 27)
Result = dict[str, Any]


def bars(*prices: tuple[float, float], first: date = date(2025, 6, 25)) -> pl.DataFrame:
    """Valid bars of consecutive days: raw and adjusted close."""
    values = [
        {
            "symbol": "AAA",
            "date": first + timedelta(n),
            "close": adjusted,
            "raw_close": raw,
            "adjusted_close": adjusted,
        }
        for n, (raw, adjusted) in enumerate(prices)
    ]
    return pl.DataFrame(values, schema=PRICE_ROWS)


def answer(actions: list[tuple[date, str, float]] | None = None, **other: Any) -> Prices:
    told = pl.DataFrame(actions or [], schema=ACTIONS, orient="row")
    return Prices(pl.DataFrame(schema=BARS), told, **other)


STORED = pl.DataFrame({"date": [date(2025, 6, 25)], "close": [100.0]})
NOTHING = STORED.clear()
FLAT = bars((100, 100), (101, 101), (100, 100))


@pytest.mark.parametrize(
    ("prices", "valid", "stored", "series", "words"),
    [
        (answer(), FLAT, STORED, {}, None),
        (answer(listed=NEXT), FLAT, STORED, {}, None),
        (answer(listed=DAY), FLAT[1:], STORED, {}, "listed on 2025-06-26, after its newest"),
        (answer(), FLAT[1:], STORED, {}, "none of its stored closes"),
        (answer(currency="GBP"), FLAT, STORED, {"currency": "GBp"}, "its currency was GBp and is GBP now"),
        (answer(currency=""), FLAT, STORED, {"currency": "GBp"}, None),
        (answer(currency="USD"), FLAT, STORED, {"currency": None}, None),
        (answer(adjusted=False), FLAT, NOTHING, {}, "no adjusted closes"),
        (answer([(DAY, "split", 2.0)]), bars((100, 100), (51, 51)), NOTHING, {}, "a split of 2 on"),
        (answer([(DAY, "split", 2.0)]), bars((50, 50), (51, 51)), NOTHING, {}, None),
        (answer([(DAY, "split", 0.1)]), bars((1, 1), (9.5, 9.5)), NOTHING, {}, "a split of 0.1"),
        (answer([(DAY, "split", 1.05)]), bars((100, 100), (95, 95)), NOTHING, {}, None),
        (answer([(DAY, "dividend", 1.0)]), bars((100, 100), (99, 99)), NOTHING, {}, "a dividend of 1"),
        (answer([(DAY, "dividend", 1.0)]), bars((100, 99), (99, 99)), NOTHING, {}, None),
        (answer([(DAY, "dividend", 0.05)]), bars((100, 100), (99, 99)), NOTHING, {}, None),
        (answer(), bars((300, 300), (3.1, 3.1)), NOTHING, {}, "from 300 to 3.1 on 2025-06-26: another unit"),
        (answer(), bars((3, 3), (296, 296)), NOTHING, {}, "another unit"),
        (answer(), bars((300, 300), (30, 30)), NOTHING, {}, None),
        (answer(), bars((1, 1), (1.01, 1.01)), STORED, {}, "0.01 times the stored ones"),
        (answer([(DAY, "split", 100.0)]), bars((1, 1), (1.01, 1.01)), STORED, {}, None),
    ],
)  # fmt: skip
def test_what_contradicts(
    prices: Prices, valid: pl.DataFrame, stored: pl.DataFrame, series: Result, words: str | None
) -> None:
    reason = contradiction(prices, valid, stored, series)
    assert reason is None if words is None else words in (reason or "")


def bent(yahoo: YahooServer, change: Callable[[Listing, Result], None] | None) -> None:
    yahoo.world.change = change


def in_pounds(listing: Listing, chart: Result) -> None:
    """The newest bars are in pounds, the others in pence; the currency says pounds."""
    chart["meta"]["currency"] = "GBP"
    prices = [chart["indicators"]["quote"][0][name] for name in ("open", "high", "low", "close")]
    for values in (*prices, chart["indicators"]["adjclose"][0]["adjclose"]):
        values[-1] /= 100


def without_adjusted(listing: Listing, chart: Result) -> None:
    del chart["indicators"]["adjclose"]


@pytest.mark.parametrize("change", first(1, [in_pounds, without_adjusted]))
@pytest.mark.parametrize("kind", first(1, ["duckdb", "postgres"]))
def test_an_answer_that_does_not_fit_is_not_stored_named_once_and_not_covered(
    yahoo: YahooServer, store: Stores, change: Callable[[Listing, Result], None], kind: str
) -> None:
    url = holding(store(kind), "AAA", "BBB")
    listing, other = listed(yahoo, "AAA", "BBB", dividends={date(2025, 6, 25): 2.0})
    run(url, TODAY, "AAA", "BBB")
    before = closes(url, "AAA")
    yahoo.world.today = TOMORROW
    bent(yahoo, lambda one, chart: change(one, chart) if one is listing else None)
    result = run(url, TOMORROW, "AAA", "BBB")
    assert result.outcomes == {"inconsistent": 1, "ok": 1}
    assert closes(url, "AAA") == before
    assert closes(url, "BBB") == expected(other, TOMORROW)
    assert result.to_text().count("AAA") == 1
    assert result.coverage == 0.5
    assert coverage(url, now=evening(TOMORROW), symbols=["AAA"], start=START).on_target == 0
    bent(yahoo, None)
    run(url, TOMORROW, "AAA", "BBB")
    assert closes(url, "AAA") == expected(listing, TOMORROW)


def test_a_ticker_of_another_company_is_not_spliced_on(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    gone = date(2025, 5, 20)
    days = sessions(date(2024, 1, 2), gone)
    yahoo.world.add(Listing("AAA", days, [100.0 + n / 10 for n in range(len(days))]))
    run(url, gone, "AAA")
    before = closes(url, "AAA")
    yahoo.world.add(
        Listing("AAA", sessions(date(2025, 6, 23), TODAY), [812.0, 815.0, 811.5, 820.0, 822.0, 823.0])
    )
    for _ in range(2):
        result = run(url, TODAY, "AAA")
        assert result.outcomes in ({"inconsistent": 1}, {})  # the second waits for a later day
    assert closes(url, "AAA") == before
    assert rows(url, "engine_price_series")["listed"].to_list() == [date(2024, 1, 2)]


@pytest.mark.thorough
@pytest.mark.parametrize("late", [8, 20])
def test_a_dividend_that_is_told_late_is_found_within_a_week(
    yahoo: YahooServer, store: Stores, late: int
) -> None:
    url = holding(store("duckdb"), "AAA", "BBB")
    days = sessions(date(2025, 6, 2), date(2025, 7, 31))
    told = listed(yahoo, "AAA", "BBB")
    for number, day in enumerate(days[: late + CHECKED_SESSIONS]):
        if number == late:
            for listing in told:
                listing.dividends[days[0]] = 3.0
        yahoo.world.today = day
        run(url, day, "AAA", "BBB")
    for listing in told:
        assert closes(url, listing.symbol) == expected(listing, day)


def test_each_symbol_is_compared_from_end_to_end_once_in_five_sessions() -> None:
    days = sessions(date(2025, 5, 1), date(2025, 6, 30))
    stored = pl.DataFrame({"symbol": ["AAA", "BBB"] * 2, "date": [date(2024, 1, 2)] * 2 + [days[0]] * 2})
    checked: dict[str, list[date]] = {"AAA": [], "BBB": []}
    for day in days:
        cells = pl.DataFrame([("AAA", day), ("BBB", day)], schema=CELLS, orient="row")
        for one in with_checks([PriceRequest(s, day, day) for s in checked], cells, stored):
            assert one.start in (day, date(2024, 1, 2))
            checked[one.symbol] += [day] if one.start < day else []
    for turns in checked.values():
        numbers = [days.index(day) for day in turns]
        # A holiday's turn is left out: the sessions are counted without a calendar of holidays.
        assert {b - a for a, b in pairwise(numbers)} <= {4, 5, 9}
        assert len(numbers) >= len(days) // CHECKED_SESSIONS - 2
    week = pl.DataFrame([("AAA", day) for day in days[-5:]], schema=CELLS, orient="row")
    (late,) = with_checks([PriceRequest("AAA", days[-5], days[-1])], week, stored)
    assert late.start == date(2024, 1, 2), "whoever collects once a week compares each time"


def test_refresh_replaces_what_has_silently_changed(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA", "BBB")
    told, other = listed(yahoo, "AAA", "BBB")
    run(url, TODAY, "AAA", "BBB")
    told.dividends[date(2025, 4, 7)] = 2.0
    assert run(url, TODAY, "AAA", "BBB").answers.height == 0
    result = run(url, TODAY, "AAA", "BBB", refresh=True)
    assert result.outcomes == {"ok": 2}
    assert closes(url, "AAA") == expected(told, TODAY)
    assert closes(url, "BBB") == expected(other, TODAY)


def test_refresh_takes_another_currency(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA")
    bent(yahoo, lambda one, chart: chart["meta"].update(currency="EUR"))
    yahoo.world.today = TOMORROW
    assert run(url, TOMORROW, "AAA").outcomes == {"inconsistent": 1}
    assert run(url, TOMORROW, "AAA", refresh=True).outcomes == {"ok": 1}
    assert closes(url, "AAA") == expected(listing, TOMORROW)
    assert rows(url, "engine_price_series")["currency"].to_list() == ["EUR"]


def test_only_prices_can_be_refreshed(yahoo: YahooServer, store: Stores) -> None:
    with Yahoo(QUICK) as provider, pytest.raises(UsageError, match="--refresh"):
        collect("profiles", store("duckdb"), provider, now=evening(TODAY), refresh=True)


def test_a_day_that_is_not_over_has_no_close(yahoo: YahooServer, store: Stores) -> None:
    """A bar of crypto currencies ends at midnight UTC: 20:00 in New York in summer."""
    url = holding(store("duckdb"), "AAA")
    days = sessions(date(2025, 4, 1), TOMORROW)
    coin = Listing("BTC-USD", days, [50_000.0 + n for n in range(len(days))], exchange="CCC")
    yahoo.world.add(coin)

    def at(hour: int) -> float:
        with Yahoo(QUICK) as provider:
            now = datetime(2025, 6, 30, hour, tzinfo=NEW_YORK)
            return collect("prices", url, provider, now=now, symbols=["BTC-USD"], start=START).coverage

    assert at(18) == 1.0
    assert max(closes(url, "BTC-USD")) == date(2025, 6, 27)
    assert rows(url, "engine_price_gaps").is_empty()  # the bar of today is to come
    assert at(19) == 1.0  # nothing is due
    assert at(20) == 1.0
    assert closes(url, "BTC-USD") == expected(coin, TODAY)


def test_an_outage_is_one_line_and_a_few_requests(yahoo: YahooServer, store: Stores) -> None:
    symbols = [f"S{n:02}" for n in range(40)]
    url = holding(store("duckdb"), *symbols)
    listed(yahoo, *symbols)
    yahoo.fail("500")
    result = run(url, TODAY, *symbols, policy=RequestPolicy(rate=1000, attempts=2, backoff=0.01))
    assert result.outcomes == {"error": 40}
    assert sum(yahoo.counted().values()) <= 2 * 16
    (line,) = [line for line in result.to_text().splitlines() if "error: " in line]
    assert line == "  S00, S01, S02, S03, S04 and 35 more: error: status 500"


def test_a_few_failures_are_no_outage(yahoo: YahooServer, store: Stores) -> None:
    symbols = [f"S{n:02}" for n in range(20)]
    url = holding(store("duckdb"), *symbols)
    listed(yahoo, *symbols)
    for symbol in symbols[::3]:
        yahoo.fail("500", symbol)
    assert run(url, TODAY, *symbols).outcomes == {"error": 7, "ok": 13}
