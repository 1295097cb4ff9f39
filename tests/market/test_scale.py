"""Two years of 200 symbols on each kind of store: failures, repairs, actions."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from engine.core.calendar import sessions
from loaders.market import RequestPolicy
from tests.market.server import YahooServer
from tests.market.support import Stores, expected, holding, listed, rows, run
from tests.stores.support import folder_of, run_sql

SYMBOLS = [f"S{i:03}" for i in range(200)]
START, DAY, NEXT = date(2023, 7, 3), date(2025, 6, 27), date(2025, 6, 30)
DAYS = len(sessions(START, DAY))
MISSING_DAY = date(2024, 9, 17)
FAST = RequestPolicy(rate=100_000, in_flight=8, pause=0.05, pauses=1)


def series(url: str) -> dict[str, dict[date, float]]:
    closes = rows(url, "market_data_cache").sort("symbol", "date")
    parts = closes.partition_by("symbol", as_dict=True)
    return {str(symbol): dict(part.select("date", "close").iter_rows()) for (symbol,), part in parts.items()}


def delete_closes(url: str, condition: str) -> None:
    if url.startswith("parquet"):
        path = folder_of(url) / "market_data_cache.parquet"
        pl.read_parquet(path).filter(~pl.sql_expr(condition)).write_parquet(path)
    else:
        run_sql(url, f"delete from market_data_cache where {condition}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["duckdb", "postgres", "parquet"])
def test_two_hundred_symbols_over_two_years(yahoo: YahooServer, store: Stores, kind: str) -> None:
    url = holding(store(kind), *SYMBOLS)
    listings = listed(yahoo, *SYMBOLS, since=date(2023, 6, 1))

    def collected(day: date) -> tuple[dict[str, int], int, float]:
        yahoo.asked.clear()
        yahoo.world.today = day
        result = run(url, day, *SYMBOLS, policy=FAST, start=START)
        return result.outcomes, result.rows.get("market_data_cache", 0), result.coverage

    def all_as_the_provider_has_them(day: date) -> None:
        stored = series(url)
        assert all(stored[one.symbol] == expected(one, day, START) for one in listings)

    # Throttled in the middle; the next run gets the rest, and one more requests nothing.
    yahoo.fail("429", after=120)
    outcomes, written, _ = collected(DAY)
    assert outcomes == {"ok": 120, "throttled": 80}
    assert written == 120 * DAYS
    yahoo.heal()
    assert collected(DAY) == ({"ok": 80}, 80 * DAYS, 1.0)
    all_as_the_provider_has_them(DAY)
    assert collected(DAY) == ({}, 0, 1.0)
    assert not yahoo.asked

    # Missing bars and lags are filled by one request each.
    delete_closes(url, f"date = date '{MISSING_DAY}' and symbol < 'S050'")
    delete_closes(url, "date > date '2025-06-20' and symbol >= 'S190'")
    assert collected(DAY) == ({"ok": 60}, 50 + 10 * 5, 1.0)
    all_as_the_provider_has_them(DAY)

    # A split and a dividend replace their series; the others get one row.
    listings[7].split(NEXT, 10.0)
    listings[8].dividends[NEXT] = 0.75
    assert collected(NEXT) == ({"ok": 200}, 198 + 2 * (DAYS + 1), 1.0)
    assert yahoo.counted() == {s: 2 if s in ("S007", "S008") else 1 for s in SYMBOLS}
    all_as_the_provider_has_them(NEXT)
