"""Prices from the loopback Yahoo into real stores: requests, stored rows, repairs."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from engine.core.errors import UsageError
from engine.market_data.collect import collect
from engine.market_data.universe import FUNDS
from loaders.market import RequestPolicy
from loaders.yahoo import Yahoo
from tests.builders import STAMP, close, uid
from tests.market.conftest import TODAY
from tests.market.server import CHART, YahooServer
from tests.market.support import (
    NEW_YORK,
    QUICK,
    Stores,
    closes,
    evening,
    expected,
    holding,
    listed,
    put,
    rows,
    run,
)
from tests.market.world import Listing, invented
from tests.marks import first
from tests.stores.support import run_sql

KINDS = ("duckdb", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("postgres", "parquet")))
PERIOD = ("period1", "period2")
TOMORROW = date(2025, 7, 1)
LATER = date(2025, 7, 2)
YEAR_AGO = date(2024, 5, 25)
"""The longest look-back of 2025-06-30: 401 days."""
YEAR, QUARTER = 273, 62
"""Sessions from there on: 286 weekdays less twelve holidays and 2025-01-09; and from `START` on: 21,
21 and 20 a month."""


def prices(url: str) -> list[list[tuple[object, ...]]]:
    """Every cell of the price tables."""
    tables = ("market_data_cache", "engine_raw_closes", "engine_price_actions")
    return [rows(url, name).sort("symbol", "date").rows() for name in tables]


# Stored prices


@pytest.mark.parametrize("kind", first(1, ["duckdb", "postgres", "parquet"]))
def test_a_first_collection_stores_raw_and_adjusted_closes_and_actions(
    yahoo: YahooServer, store: Stores, kind: str
) -> None:
    url = holding(store(kind), "AAA")
    (listing,) = listed(yahoo, "AAA", dividends={date(2025, 2, 3): 1.25}, splits={date(2025, 4, 1): 3.0})
    result = run(url, TODAY, "AAA", start=None)
    assert (result.wanted, result.outcomes, result.coverage) == (1, {"ok": 1}, 1.0)
    assert result.rows["market_data_cache"] == YEAR
    assert closes(url, "AAA") == expected(listing, TODAY, YEAR_AGO)
    seen = {day: (raw, adjusted) for day, raw, adjusted in listing.seen(TODAY)}
    kept = rows(url, "engine_raw_closes").sort("date")
    for day, raw, adjusted in kept.select("date", "raw_close", "adjusted_close").iter_rows():
        assert (raw, adjusted) == pytest.approx(seen[day], abs=5e-9)
    actions = rows(url, "engine_price_actions").sort("date")
    stored_actions = actions.select("date", "kind", pl.col("value").round(6)).rows()
    assert stored_actions == [
        (date(2025, 2, 3), "dividend", round(1.25 / 3, 6)),
        (date(2025, 4, 1), "split", 3.0),
    ]


@pytest.mark.thorough
def test_open_high_and_low_get_the_adjustment_of_the_close(yahoo: YahooServer, store: Stores) -> None:
    days = [date(2025, 6, 27), date(2025, 6, 30)]
    yahoo.world.add(Listing("AAA", days, [100.0, 90.0], dividends={days[1]: 10.0}))
    url = holding(store("duckdb"), "AAA")
    run(url, TODAY, "AAA")
    bars = rows(url, "market_data_cache").sort("date").select("open", "high", "low", "close", "volume")
    # A dividend of a tenth of the previous close: older prices are multiplied by nine tenths.
    assert bars.rows() == [(89.1, 91.8, 87.3, 90.0, 1_000_000), (89.1, 91.8, 87.3, 90.0, 1_000_001)]


def test_a_second_collection_fetches_nothing_and_changes_nothing(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    listed(yahoo, "AAA", *FUNDS)
    assert run(url, TODAY).wanted == len(FUNDS) + 1
    before = prices(url)
    yahoo.asked.clear()
    again = run(url, TODAY)
    assert (again.wanted, again.answers.height, again.coverage) == (len(FUNDS) + 1, 0, 1.0)
    assert not yahoo.asked
    assert prices(url) == before


def test_the_next_evening_adds_one_row_and_changes_no_other(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA")
    yahoo.asked.clear()
    yahoo.world.today = TOMORROW
    assert run(url, TOMORROW, "AAA").rows["market_data_cache"] == 1
    assert yahoo.counted() == {"AAA": 1}
    assert closes(url, "AAA") == expected(listing, TOMORROW)
    written = dict(rows(url, "market_data_cache").select("date", "updated_at").iter_rows())
    assert [day for day, at in written.items() if at >= evening(TOMORROW)] == [TOMORROW]


def test_a_bar_of_an_unfinished_session_is_not_stored(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    listed(yahoo, "AAA")
    for hour, minute, newest in ((16, 29, date(2025, 6, 27)), (16, 30, TODAY)):
        with Yahoo(QUICK) as provider:
            now = datetime(2025, 6, 30, hour, minute, tzinfo=NEW_YORK)
            collect("prices", url, provider, now=now, symbols=["AAA"], end=date(2026, 1, 1))
        assert max(closes(url, "AAA")) == newest


# Missing bars


@pytest.fixture
def no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No symbol is compared from end to end."""
    monkeypatch.setattr("engine.market_data.missing_bars.CHECKED_SESSIONS", 10**12)


@pytest.mark.usefixtures("no_turn")
@pytest.mark.parametrize("kind", KINDS)
def test_missing_bars_inside_a_series_are_filled_by_one_request(
    yahoo: YahooServer, store: Stores, kind: str
) -> None:
    url = holding(store(kind), "AAA", "BBB")
    listed(yahoo, "AAA", "BBB")
    run(url, TODAY, "AAA", "BBB")
    before = closes(url, "AAA"), closes(url, "BBB")
    missing = (date(2025, 5, 6), date(2025, 5, 7), date(2025, 5, 13))
    _delete(url, "AAA", missing)
    assert len(closes(url, "AAA")) == QUARTER - 3
    yahoo.asked.clear()
    result = run(url, TOMORROW, "AAA", "BBB", end=TODAY)
    assert result.rows["market_data_cache"] == 3
    assert (closes(url, "AAA"), closes(url, "BBB")) == before
    assert yahoo.counted() == {"AAA": 1}
    (asked,) = (one.parameters for one in yahoo.asked if one.path == CHART)
    first, last = (
        datetime.fromtimestamp(int(asked[name]), NEW_YORK).date() for name in ("period1", "period2")
    )
    # Seven sessions before the first missing bar, and one more day for time zones at both ends.
    assert (first, last) == (date(2025, 4, 24), date(2025, 5, 15))


def _delete(url: str, symbol: str, days: tuple[date, ...]) -> None:
    if url.startswith("parquet"):
        from tests.stores.support import folder_of

        path = folder_of(url) / "market_data_cache.parquet"
        stored = pl.read_parquet(path)
        stored.filter(~((pl.col("symbol") == symbol) & pl.col("date").is_in(days))).write_parquet(path)
    else:
        listing = ", ".join(f"'{day}'" for day in days)
        run_sql(url, f"delete from market_data_cache where symbol = '{symbol}' and date in ({listing})")


def test_a_symbol_that_lags_catches_up_though_others_have_the_session(
    yahoo: YahooServer, store: Stores
) -> None:
    url = holding(store("duckdb"), "AAA", "LAG")
    _, lag = listed(yahoo, "AAA", "LAG")
    run(url, date(2025, 6, 23), "LAG")
    run(url, TODAY, "AAA")
    yahoo.asked.clear()
    assert run(url, TODAY, "AAA", "LAG").rows["market_data_cache"] == 5
    assert yahoo.counted() == {"LAG": 1}
    assert closes(url, "LAG") == {**expected(lag, TODAY), **expected(lag, date(2025, 6, 23))}


@pytest.mark.thorough
def test_an_earlier_start_adds_bars_before_the_stored_ones(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA", start=date(2025, 3, 3))
    run(url, TODAY, "AAA", start=date(2024, 3, 1))
    assert closes(url, "AAA") == expected(listing, TODAY, date(2024, 3, 1))


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_a_stored_zero_or_nan_counts_as_missing(yahoo: YahooServer, store: Stores, kind: str) -> None:
    broken = date(2025, 6, 24)
    kept = {"sector": "Kept", "market_cap": 5}
    url = put(store(kind), {"market_data_cache": [close(broken, "0", **kept)]})
    if kind == "postgres":
        run_sql(url, "update market_data_cache set close = 'NaN'")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA")
    assert closes(url, "AAA") == expected(listing, TODAY)
    row = rows(url, "market_data_cache").filter(pl.col("date") == broken).row(0, named=True)
    assert (row["sector"], str(row["id"]), row["data_source"]) == ("Kept", uid(f"AAA/{broken}"), "yfinance")
    assert row["created_at"] == STAMP


# Adjustment basis


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_a_split_replaces_the_whole_history(yahoo: YahooServer, store: Stores, kind: str) -> None:
    url = holding(store(kind), "AAA", "BBB")
    listing, other = listed(yahoo, "AAA", "BBB")
    run(url, TODAY, "AAA", "BBB", start=date(2024, 2, 1))
    listing.splits[TOMORROW] = 10.0
    listing.paid = [
        p if day < TOMORROW else p / 10 for day, p in zip(listing.days, listing.paid, strict=True)
    ]
    yahoo.world.today = TOMORROW
    yahoo.asked.clear()
    run(url, TOMORROW, "AAA", "BBB")
    stored = closes(url, "AAA")
    assert stored == expected(listing, TOMORROW, date(2024, 2, 1))
    moves = [b / a for a, b in zip(list(stored.values()), list(stored.values())[1:], strict=False)]
    assert max(moves) < 1.2
    assert min(moves) > 0.8, "no return of a tenfold split"
    assert closes(url, "BBB") == expected(other, TOMORROW, date(2024, 2, 1))
    assert yahoo.counted() == {"AAA": 2, "BBB": 1}


@pytest.mark.thorough
def test_a_dividend_replaces_the_whole_history(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA")
    listing.dividends[TOMORROW] = 0.4
    yahoo.world.today = LATER
    result = run(url, LATER, "AAA")
    assert result.rows["market_data_cache"] == QUARTER + 2
    assert closes(url, "AAA") == expected(listing, LATER)
    assert rows(url, "engine_price_actions")["kind"].to_list() == ["dividend"]


@pytest.mark.thorough
def test_a_split_among_the_missing_sessions_is_detected(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, date(2025, 4, 30), "AAA")
    listing.split(date(2025, 5, 12), 2.0)
    run(url, TODAY, "AAA")
    assert closes(url, "AAA") == expected(listing, TODAY)


@pytest.mark.thorough
def test_a_history_with_two_bases_from_the_legacy_batch_is_repaired(
    yahoo: YahooServer, store: Stores
) -> None:
    (listing,) = listed(yahoo, "AAA", dividends={date(2025, 6, 20): 1.5})
    stale = expected(listing, date(2025, 6, 18), date(2025, 4, 1))
    fresh = expected(listing, date(2025, 6, 27), date(2025, 6, 20))
    spliced = [close(day, str(price)) for day, price in (stale | fresh).items()]
    url = put(store("duckdb"), {"market_data_cache": spliced})
    run(url, TODAY, "AAA", start=date(2025, 4, 1))
    assert closes(url, "AAA") == expected(listing, TODAY, date(2025, 4, 1))


@pytest.mark.thorough
def test_a_disjoint_older_history_is_fetched_again(yahoo: YahooServer, store: Stores) -> None:
    (listing,) = listed(yahoo, "AAA", dividends={date(2024, 9, 3): 2.0})
    old = expected(listing, date(2024, 3, 28), date(2024, 3, 1))
    url = put(store("duckdb"), {"market_data_cache": [close(d, str(p)) for d, p in old.items()]})
    run(url, TODAY, "AAA", start=date(2025, 5, 1))
    stored = closes(url, "AAA")
    assert stored == expected(listing, TODAY, date(2024, 3, 1)), "with the sessions between, on one basis"


@pytest.mark.thorough
def test_bars_that_the_provider_lacks_are_rescaled(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA")
    volumes = dict(rows(url, "market_data_cache").select("date", "volume").iter_rows())
    listing.split(TOMORROW, 4.0)
    yahoo.world.today = TOMORROW
    whole_series = expected(listing, TOMORROW)
    lacking = [day for day in listing.days if date(2025, 4, 7) <= day <= date(2025, 4, 11)]
    kept = [(day, paid) for day, paid in zip(listing.days, listing.paid, strict=True) if day not in lacking]
    listing.days, listing.paid = [list(column) for column in zip(*kept, strict=True)]  # type: ignore[assignment]
    run(url, TOMORROW, "AAA")
    stored = closes(url, "AAA")
    assert set(stored) == set(whole_series), "no row is deleted"
    assert stored == pytest.approx(whole_series, abs=1e-4)
    after = dict(rows(url, "market_data_cache").select("date", "volume").iter_rows())
    assert [after[day] for day in lacking] == [4 * volumes[day] for day in lacking]


@pytest.mark.thorough
def test_a_failed_history_request_changes_no_price(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    run(url, TODAY, "AAA")
    before = prices(url)
    listing.split(TOMORROW, 2.0)
    yahoo.world.today = TOMORROW
    yahoo.fail("500", "AAA", after=1)
    result = run(url, TOMORROW, "AAA")
    assert result.outcomes == {"error": 1}
    assert prices(url) == before, "no new close among old ones of another basis"
    yahoo.heal()
    run(url, TOMORROW, "AAA")
    assert closes(url, "AAA") == expected(listing, TOMORROW)


@pytest.mark.thorough
def test_a_withdrawn_dividend_is_removed(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA", dividends={date(2025, 6, 26): 3.0})
    run(url, TODAY, "AAA")
    listing.dividends = {date(2025, 6, 27): 3.0}
    yahoo.world.today = TOMORROW
    run(url, TOMORROW, "AAA")
    assert rows(url, "engine_price_actions")["date"].to_list() == [date(2025, 6, 27)]
    assert closes(url, "AAA") == expected(listing, TOMORROW)


# Failures


FAILURES = {
    "404": "not_found",
    "500": "error",
    "empty": "empty",
    "truncated": "error",
    "cut": "error",
    "slow": "timeout",
    "renamed": "renamed",
}


@pytest.mark.thorough
def test_a_failure_changes_no_price(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    symbols = {f"S{kind.upper()}": kind for kind in FAILURES}
    listed(yahoo, *symbols)
    run(url, TODAY, *symbols, start=date(2025, 6, 2))
    before = prices(url)
    yahoo.world.today = TOMORROW
    for symbol, kind in symbols.items():
        yahoo.fail(kind, symbol, value="NEW" if kind == "renamed" else 30)  # type: ignore[arg-type]
    policy = RequestPolicy(rate=1000, attempts=2, backoff=0.01, timeout=3)
    result = run(url, TOMORROW, *symbols, policy=policy, start=date(2025, 6, 2))
    assert dict(result.answers.select("symbol", "outcome").iter_rows()) == {
        symbol: FAILURES[kind] for symbol, kind in symbols.items()
    }
    assert result.coverage == 0, "the session that is due is missing"
    assert result.unanswered == 1, "all were traded the day before"
    assert prices(url) == before
    yahoo.heal()
    assert run(url, TOMORROW, *symbols, start=date(2025, 6, 2)).coverage == 1
    for symbol in symbols:
        assert closes(url, symbol) == expected(yahoo.world.listings[symbol], TOMORROW, date(2025, 6, 2))


@pytest.mark.thorough
def test_a_partial_answer_is_stored_and_the_rest_is_requested_again(
    yahoo: YahooServer, store: Stores
) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    yahoo.fail("partial", "AAA", times=1)
    assert run(url, TODAY, "AAA").coverage == 0
    assert 0 < len(closes(url, "AAA")) < QUARTER
    gaps = rows(url, "engine_price_gaps")
    assert set(gaps["reason"]) == {"the provider has no bar"}
    run(url, date(2025, 7, 1), "AAA", end=TODAY)
    assert len(closes(url, "AAA")) > QUARTER // 2
    later = run(url, date(2025, 7, 2), "AAA", end=TODAY)
    assert later.coverage == 1
    assert closes(url, "AAA") == expected(listing, TODAY)
    assert rows(url, "engine_price_gaps").is_empty()


@pytest.mark.thorough
def test_a_bar_without_a_price_is_refused_with_its_reason(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    for day, paid in ((TODAY, float("nan")), (date(2025, 6, 26), -1.0), (date(2025, 6, 25), 3e8)):
        listing.paid[listing.days.index(day)] = paid
    run(url, TODAY, "AAA")
    gaps = dict(rows(url, "engine_price_gaps").select("date", "reason").iter_rows())
    assert gaps == {
        TODAY: "the close is missing",
        date(2025, 6, 26): "the close is -1.0",
        date(2025, 6, 25): "the close is 300000000.0",
    }
    assert not set(gaps) & set(closes(url, "AAA"))


@pytest.mark.thorough
def test_the_run_after_a_throttled_one_requests_only_the_rest(yahoo: YahooServer, store: Stores) -> None:
    symbols = [f"S{i:02}" for i in range(20)]
    url = holding(store("duckdb"), *symbols)
    listings = listed(yahoo, *symbols)
    yahoo.fail("429", after=8)
    first = run(url, TODAY, *symbols, policy=RequestPolicy(rate=1000, pause=0.05, pauses=1, in_flight=4))
    assert first.outcomes == {"ok": 8, "throttled": 12}
    assert first.rows["market_data_cache"] == 8 * QUARTER
    yahoo.heal()
    second = run(url, TODAY, *symbols)
    assert second.outcomes == {"ok": 12}
    assert yahoo.counted() == dict.fromkeys(first.failed["symbol"], 1)
    assert all(closes(url, one.symbol) == expected(one, TODAY) for one in listings)


# Requests


@pytest.mark.usefixtures("no_turn")
@pytest.mark.thorough
def test_an_unknown_symbol_is_retried_with_backoff_and_others_are_not_affected(
    yahoo: YahooServer, store: Stores
) -> None:
    url = holding(store("duckdb"), "AAA", "GONE")
    listed(yahoo, "AAA")
    for day, asked in (
        (TODAY, {"AAA": 1, "GONE": 1}),
        (TOMORROW, {"AAA": 1, "GONE": 1}),
        (LATER, {"AAA": 1}),
        (date(2025, 7, 3), {"AAA": 1, "GONE": 1}),
    ):
        yahoo.world.today = day
        yahoo.asked.clear()
        run(url, day, "AAA", "GONE")
        assert yahoo.counted() == asked, day
        wide = [
            one
            for one in yahoo.asked
            if one.symbol == "AAA"
            and int(one.parameters["period2"]) - int(one.parameters["period1"]) > 30 * 86_400
        ]
        assert (len(wide) == 1) == (day == TODAY)


@pytest.mark.thorough
def test_a_session_without_a_bar_is_retried_with_backoff(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    (listing,) = listed(yahoo, "AAA")
    halted = date(2025, 4, 2)
    place = listing.days.index(halted)
    del listing.days[place], listing.paid[place]
    asked = []
    for day in (TODAY, TODAY, TOMORROW, LATER, date(2025, 7, 3)):
        yahoo.asked.clear()
        run(url, day, "AAA", end=TODAY)
        asked.append(yahoo.counted()["AAA"])
    assert asked == [1, 0, 1, 0, 1]
    assert rows(url, "engine_price_gaps").select("date", "tries").rows() == [(halted, 3)]


@pytest.mark.thorough
def test_sessions_before_a_listing_are_not_due(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "IPO")
    yahoo.world.add(invented("IPO", date(2025, 5, 1), TODAY))
    assert run(url, TODAY, "IPO").coverage == 1
    yahoo.asked.clear()
    assert run(url, TODAY, "IPO").answers.is_empty()
    assert rows(url, "engine_price_gaps").is_empty()


@pytest.mark.thorough
def test_symbols_are_stored_in_canonical_form(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "BRK.B", "EQIX", " brk.b ")
    brk, eqix, *_ = listed(yahoo, "BRK-B", "EQIX", *FUNDS)
    run(url, TODAY)
    assert closes(url, "BRK.B") == expected(brk, TODAY)
    assert closes(url, "EQIX") == expected(eqix, TODAY)
    assert yahoo.counted()["BRK-B"] == 1


def test_an_unquoted_symbol_is_refused_by_name(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA")
    with pytest.raises(UsageError, match="'AAPL250117C00150000' is no symbol"):
        run(url, TODAY, "AAPL250117C00150000")


def test_every_collection_is_in_the_ledger(yahoo: YahooServer, store: Stores) -> None:
    url = holding(store("duckdb"), "AAA", "GONE")
    listed(yahoo, "AAA")
    run(url, TODAY, "AAA", "GONE")
    (row,) = rows(url, "engine_collections").select("kind", "target", "symbols", "asked", "brought").rows()
    assert row == ("prices", TODAY, 2, 2, 1)
