"""Which sessions are due, which are asked for, and what an overlap tells: without any provider."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from engine.core.calendar import sessions
from engine.core.frames import empty
from engine.core.schema import TABLES
from engine.market_data.holes import apart, askable, due, requests
from engine.market_data.overlap import OVERLAP, moved, rebased
from engine.market_data.universe import FUNDS, universe
from loaders.market import PriceRequest
from tests.builders import STAMP, position
from tests.memory_store import MemoryReader, frame_of

CALENDAR = sessions(date(2025, 5, 1), date(2025, 6, 30))
SERIES, GAPS = empty(TABLES["engine_price_series"]), empty(TABLES["engine_price_gaps"])
D = date(2025, 6, 10)


def cells(symbol: str, *days: date) -> pl.DataFrame:
    return pl.DataFrame({"symbol": [symbol] * len(days), "date": pl.Series(days, dtype=pl.Date)})


def held(**other: Any) -> list[str]:
    with MemoryReader({"positions": frame_of("positions", [position("AAA", **other)])}) as reader:
        return sorted(set(universe(reader, D)) - set(FUNDS))


# The universe: document 04 §2.2 and §2.3


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ({}, True),
        ({"investment_class": None}, True),
        ({"investment_class": "PRIVATE"}, False),
        ({"investment_class": "OPTIONS"}, False),
        ({"exit_date": date(2025, 6, 9)}, False),
        ({"exit_date": D}, True),
        ({"expiration_date": date(2025, 6, 9)}, False),
        ({"expiration_date": D}, True),
        ({"deleted_at": STAMP}, False),
        ({"entry_date": date(2025, 12, 1)}, True),
    ],
)
def test_a_position_counts_while_it_is_open_and_public(other: dict[str, Any], counts: bool) -> None:
    assert held(**other) == (["AAA"] if counts else [])


@pytest.mark.parametrize("symbol", ["EQIX", "EQR", "BRK.B", "FO", "F", "AAPL250117"])
def test_a_real_ticker_is_collected(symbol: str) -> None:
    with MemoryReader({"positions": frame_of("positions", [position(symbol)])}) as reader:
        assert symbol in universe(reader, D)


@pytest.mark.parametrize("symbol", ["", "  ", "HOME_EQUITY", "fo_art", "MONEY_MARKET", "SPY250117C00600000"])
def test_what_no_market_quotes_is_not(symbol: str) -> None:
    with MemoryReader({"positions": frame_of("positions", [position(symbol)])}) as reader:
        assert universe(reader, D) == sorted(FUNDS)


# What is due, and asked for


def test_sessions_are_due_since_the_listing() -> None:
    series = frame_of(
        "engine_price_series",
        [{"symbol": "NEW", "listed": date(2025, 6, 26), "outcome": "ok", "failures": 0, "asked_at": None}],
    )
    found = due(["NEW", "OLD"], series, date(2025, 6, 24), date(2025, 6, 29))
    days = [date(2025, 6, day) for day in (24, 25, 26, 27)]
    assert found.rows() == [("NEW", day) for day in days[2:]] + [("OLD", day) for day in days]


def test_a_request_reaches_back_into_what_is_stored() -> None:
    stored = cells("AAA", *CALENDAR[:20])
    wanted = cells("AAA", CALENDAR[20], CALENDAR[25])
    assert requests(wanted, stored, CALENDAR) == [PriceRequest("AAA", CALENDAR[20 - OVERLAP], CALENDAR[25])]


def test_a_request_before_all_that_is_stored_reaches_on_into_it() -> None:
    found = requests(cells("AAA", *CALENDAR[:3]), cells("AAA", *CALENDAR[3:]), CALENDAR)
    assert found == [PriceRequest("AAA", CALENDAR[0], CALENDAR[2 + OVERLAP])]


def test_a_first_request_asks_for_no_more_than_is_wanted() -> None:
    found = requests(cells("AAA", CALENDAR[9], CALENDAR[12]), cells("BBB", *CALENDAR), CALENDAR)
    assert found == [PriceRequest("AAA", CALENDAR[9], CALENDAR[12])]


def test_what_is_stored_elsewhere_in_time_is_apart() -> None:
    asked = [PriceRequest(symbol, CALENDAR[0], CALENDAR[9]) for symbol in ("FAR", "MET", "NEW")]
    extents = pl.DataFrame(
        {"symbol": ["FAR", "MET"], "oldest": [CALENDAR[0]] * 2, "newest": [CALENDAR[0]] * 2}
    )
    assert apart(asked, cells("MET", CALENDAR[3]), extents) == ["FAR"]


def test_what_waits_for_its_day_is_not_asked_for() -> None:
    missing = pl.concat([cells("GAP", *CALENDAR[:2]), cells("LOST", CALENDAR[0])])
    gap = {"symbol": "GAP", "date": CALENDAR[0], "reason": "-", "tries": 1, "retry_on": date(2025, 7, 2)}
    lost = {"symbol": "LOST", "outcome": "not_found", "failures": 1, "retry_on": date(2025, 7, 2)}
    gaps = frame_of("engine_price_gaps", [gap])
    series = frame_of("engine_price_series", [lost])
    assert askable(missing, gaps, series, date(2025, 7, 1)).rows() == [("GAP", CALENDAR[1])]
    assert askable(missing, gaps, series, date(2025, 7, 2)).height == 3


# One basis


def bars(*prices: float, first: int = 0) -> pl.DataFrame:
    days = pl.Series("date", CALENDAR[first : first + len(prices)])
    same = pl.Series("close", prices, dtype=pl.Float64)
    whole = dict.fromkeys(("open", "high", "low", "close", "raw_close", "adjusted_close"), same)
    return pl.DataFrame({"date": days, **whole, "volume": [100] * len(prices)})


ACTIONS = pl.DataFrame({"date": [CALENDAR[2]], "kind": ["dividend"], "value": [0.5]})


@pytest.mark.parametrize(
    ("fresh", "why"),
    [
        ((10.0, 20.0, 30.0), None),
        ((10.0001, 20.0, 30.0001), None),
        ((5.0, 10.0, 15.0), f"the close of {CALENDAR[0]} was 10 and is 5 now"),
        ((10.0, 19.99, 30.0), f"the close of {CALENDAR[1]} was 20 and is 19.99 now"),
    ],
)
def test_a_close_that_differs_by_more_than_rounding_tells_of_another_basis(
    fresh: tuple[float, ...], why: str | None
) -> None:
    assert moved(bars(10.0, 20.0, 30.0), bars(*fresh), ACTIONS.clear(), ACTIONS.clear()) == why


def test_a_cent_on_five_hundred_dollars_is_seen() -> None:
    before, after = bars(500.0), bars(500.0 * (1 - 0.01 / 500))
    assert moved(before, after, ACTIONS.clear(), ACTIONS.clear()) is not None


def test_an_action_that_is_new_tells_of_another_basis_for_what_is_older() -> None:
    stored = bars(10.0, 10.0)
    assert moved(stored, stored, ACTIONS, ACTIONS.clear()) == f"a dividend on {CALENDAR[2]}"
    assert moved(stored, stored, ACTIONS, ACTIONS) is None
    younger = bars(10.0, first=2)
    assert moved(younger, younger, ACTIONS, ACTIONS.clear()) is None


def test_rows_that_the_provider_lost_are_brought_to_the_new_basis() -> None:
    stored, fresh = bars(100.0, 80.0, 60.0, 40.0), bars(20.0, 15.0, 10.0, first=1)
    left = rebased(stored, fresh)
    assert left is not None
    # Four new shares for an old one: a quarter of the price, four times the volume.
    row = left.row(0, named=True)
    assert row == {
        "date": CALENDAR[0],
        **dict.fromkeys(("open", "high", "low", "close", "raw_close", "adjusted_close"), 25.0),
        "volume": 400,
    }


def test_rows_that_fit_no_single_basis_are_not_guessed_at() -> None:
    assert rebased(bars(100.0, 80.0, 60.0), bars(40.0, 60.0, first=1)) is None
    assert rebased(bars(100.0), bars(40.0, first=5)) is None


def test_nothing_is_left_where_the_provider_has_all() -> None:
    left = rebased(bars(100.0, 80.0), bars(1.0, 2.0, 3.0))
    assert left is not None
    assert left.is_empty()
