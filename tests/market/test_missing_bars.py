"""Due sessions, requests for missing bars, and the adjustment basis: without a provider."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from engine.core.calendar import sessions
from engine.core.frames import empty
from engine.core.schema import TABLES
from engine.market_data.adjustment_basis import OVERLAP, basis_change, rebase
from engine.market_data.missing_bars import disjoint_symbols, due_cells, fetchable_cells, price_requests
from engine.market_data.universe import FUNDS, universe
from loaders.market import PriceRequest
from tests.builders import STAMP, position
from tests.market.support import evening
from tests.memory_store import MemoryReader, frame_of

CALENDAR = sessions(date(2025, 5, 1), date(2025, 6, 30))
SERIES, GAPS = empty(TABLES["engine_price_series"]), empty(TABLES["engine_price_gaps"])
D = date(2025, 6, 10)


def cells(symbol: str, *days: date) -> pl.DataFrame:
    return pl.DataFrame({"symbol": [symbol] * len(days), "date": pl.Series(days, dtype=pl.Date)})


def collected(**values: Any) -> list[str]:
    """The symbols collected for a position AAA with some values, without the funds."""
    with MemoryReader({"positions": frame_of("positions", [position("AAA", **values)])}) as reader:
        return sorted(set(universe(reader, D)) - set(FUNDS))


# The universe: document 04 §2.2 and §2.3


@pytest.mark.parametrize(
    ("values", "counts"),
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
def test_a_position_counts_while_it_is_open_and_public(values: dict[str, Any], counts: bool) -> None:
    assert collected(**values) == (["AAA"] if counts else [])


@pytest.mark.parametrize("symbol", ["EQIX", "EQR", "BRK.B", "FO", "F", "AAPL250117"])
def test_a_real_ticker_is_collected(symbol: str) -> None:
    with MemoryReader({"positions": frame_of("positions", [position(symbol)])}) as reader:
        assert symbol in universe(reader, D)


@pytest.mark.parametrize("symbol", ["", "  ", "HOME_EQUITY", "fo_art", "MONEY_MARKET", "SPY250117C00600000"])
def test_an_unquoted_symbol_is_not_collected(symbol: str) -> None:
    with MemoryReader({"positions": frame_of("positions", [position(symbol)])}) as reader:
        assert universe(reader, D) == sorted(FUNDS)


# Due and requested sessions


def test_sessions_are_due_since_the_listing() -> None:
    series = frame_of(
        "engine_price_series",
        [{"symbol": "NEW", "listed": date(2025, 6, 26), "outcome": "ok", "failures": 0, "asked_at": None}],
    )
    cells = due_cells(["NEW", "OLD"], series, date(2025, 6, 24), date(2025, 6, 29), evening(D))
    days = [date(2025, 6, day) for day in (24, 25, 26, 27)]
    assert cells.rows() == [("NEW", day) for day in days[2:]] + [("OLD", day) for day in days]


def test_a_request_overlaps_older_stored_sessions() -> None:
    stored = cells("AAA", *CALENDAR[:20])
    missing = cells("AAA", CALENDAR[20], CALENDAR[25])
    expected = PriceRequest("AAA", CALENDAR[20 - OVERLAP], CALENDAR[25])
    assert price_requests(missing, stored, CALENDAR) == [expected]


def test_a_request_before_all_stored_sessions_overlaps_newer_ones() -> None:
    requests = price_requests(cells("AAA", *CALENDAR[:3]), cells("AAA", *CALENDAR[3:]), CALENDAR)
    assert requests == [PriceRequest("AAA", CALENDAR[0], CALENDAR[2 + OVERLAP])]


def test_a_first_request_has_no_overlap() -> None:
    missing = cells("AAA", CALENDAR[9], CALENDAR[12])
    requests = price_requests(missing, cells("BBB", *CALENDAR), CALENDAR)
    assert requests == [PriceRequest("AAA", CALENDAR[9], CALENDAR[12])]


def test_stored_closes_outside_the_request_are_disjoint() -> None:
    requests = [PriceRequest(symbol, CALENDAR[0], CALENDAR[9]) for symbol in ("FAR", "MET", "NEW")]
    extents = pl.DataFrame(
        {"symbol": ["FAR", "MET"], "oldest": [CALENDAR[0]] * 2, "newest": [CALENDAR[0]] * 2}
    )
    assert disjoint_symbols(requests, cells("MET", CALENDAR[3]), extents) == ["FAR"]


def test_cells_are_not_requested_before_their_retry_date() -> None:
    missing = pl.concat([cells("GAP", *CALENDAR[:2]), cells("LOST", CALENDAR[0])])
    gap = {"symbol": "GAP", "date": CALENDAR[0], "reason": "-", "tries": 1, "retry_on": date(2025, 7, 2)}
    lost = {"symbol": "LOST", "outcome": "not_found", "failures": 1, "retry_on": date(2025, 7, 2)}
    gaps = frame_of("engine_price_gaps", [gap])
    series = frame_of("engine_price_series", [lost])
    assert fetchable_cells(missing, gaps, series, date(2025, 7, 1)).rows() == [("GAP", CALENDAR[1])]
    assert fetchable_cells(missing, gaps, series, date(2025, 7, 2)).height == 3


# Adjustment basis


def bars(*prices: float, first: int = 0) -> pl.DataFrame:
    days = pl.Series("date", CALENDAR[first : first + len(prices)])
    same = pl.Series("close", prices, dtype=pl.Float64)
    whole = dict.fromkeys(("open", "high", "low", "close", "raw_close", "adjusted_close"), same)
    return pl.DataFrame({"date": days, **whole, "volume": [100] * len(prices)})


ACTIONS = pl.DataFrame({"date": [CALENDAR[2]], "kind": ["dividend"], "value": [0.5]})


@pytest.mark.parametrize(
    ("fresh", "reason"),
    [
        ((10.0, 20.0, 30.0), None),
        ((10.0001, 20.0, 30.0001), None),
        ((5.0, 10.0, 15.0), f"the close of {CALENDAR[0]} was 10 and is 5 now"),
        ((10.0, 19.99, 30.0), f"the close of {CALENDAR[1]} was 20 and is 19.99 now"),
    ],
)
def test_a_close_that_differs_by_more_than_rounding_is_a_basis_change(
    fresh: tuple[float, ...], reason: str | None
) -> None:
    assert basis_change(bars(10.0, 20.0, 30.0), bars(*fresh), ACTIONS.clear(), ACTIONS.clear()) == reason


def test_a_dividend_of_a_cent_on_500_dollars_is_a_basis_change() -> None:
    before, after = bars(500.0), bars(500.0 * (1 - 0.01 / 500))
    assert basis_change(before, after, ACTIONS.clear(), ACTIONS.clear()) is not None


def test_a_new_action_is_a_basis_change_for_older_closes() -> None:
    stored = bars(10.0, 10.0)
    assert basis_change(stored, stored, ACTIONS, ACTIONS.clear()) == f"a dividend on {CALENDAR[2]}"
    assert basis_change(stored, stored, ACTIONS, ACTIONS) is None
    younger = bars(10.0, first=2)
    assert basis_change(younger, younger, ACTIONS, ACTIONS.clear()) is None


def test_rows_that_the_provider_lacks_are_rescaled() -> None:
    stored, fresh = bars(100.0, 80.0, 60.0, 40.0), bars(20.0, 15.0, 10.0, first=1)
    left = rebase(stored, fresh)
    assert left is not None
    # Four new shares for an old one: a quarter of the price, four times the volume.
    row = left.row(0, named=True)
    assert row == {
        "date": CALENDAR[0],
        **dict.fromkeys(("open", "high", "low", "close", "raw_close", "adjusted_close"), 25.0),
        "volume": 400,
    }


def test_rows_that_fit_no_single_ratio_are_not_rescaled() -> None:
    assert rebase(bars(100.0, 80.0, 60.0), bars(40.0, 60.0, first=1)) is None
    assert rebase(bars(100.0), bars(40.0, first=5)) is None


def test_no_row_is_rescaled_if_the_provider_has_all() -> None:
    left = rebase(bars(100.0, 80.0), bars(1.0, 2.0, 3.0))
    assert left is not None
    assert left.is_empty()
