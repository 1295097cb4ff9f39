"""Collecting profiles: the real yfinance against the loopback server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import UsageError
from engine.market_data import CollectionResult
from engine.market_data.collect import collect
from loaders.market import RequestPolicy
from loaders.yahoo import Yahoo
from tests.builders import STAMP, position
from tests.market.companies import company, expect, fund
from tests.market.holdings import HASTE, hold, stored
from tests.market.server import QUOTE, SERIES, SUMMARY, YahooServer
from tests.stores.support import run_sql

pytestmark = pytest.mark.thorough

NOW = datetime(2025, 6, 30, 23, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
KINDS = ("duckdb", "parquet", "postgres")


def profiles(
    url: str, now: datetime = NOW, symbols: list[str] | None = None, policy: RequestPolicy = HASTE
) -> CollectionResult:
    with Yahoo(policy) as provider:
        return collect("profiles", url, provider, now=now, symbols=symbols)


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., str]:
    return lambda *symbols, **other: hold(f"duckdb:///{tmp_path}/held.duckdb", *symbols, **other)


def profile(symbol: str, **other: Any) -> dict[str, Any]:
    """A stored row of company_profiles."""
    row = {
        "symbol": symbol,
        "sector": "Energy",
        "beta": Decimal("0.9"),
        "is_etf": False,
        "is_fund": False,
        "data_source": "yfinance+yahooquery",
        "last_updated": STAMP,
        "created_at": STAMP,
        "updated_at": STAMP,
    }
    return row | other


@pytest.mark.parametrize("any_store", KINDS, indirect=True)
def test_a_first_collection_stores_every_field(yahoo: YahooServer, any_store: Callable[..., str]) -> None:
    aaa = yahoo.world.add(company("AAA"))
    expect(aaa, q0=("2025-06-30", 2.0, 1e9), y0=("2025-12-31", 8.1, 4e9), y1=("2026-12-31", 9.0, 5e9))
    yahoo.world.add(company("BRK-B"))
    yahoo.world.add(fund("SPY"))
    url = any_store("AAA", "BRK.B", "SPY")

    result = profiles(url)

    assert (result.wanted, result.outcomes, result.rows, result.coverage) == (
        3,
        {"ok": 3},
        {"company_profiles": 3},
        1,
    )
    rows = stored(url, "company_profiles")
    assert list(rows) == ["AAA", "BRK.B", "SPY"]
    assert rows["AAA"] == {
        "symbol": "AAA",
        "company_name": "AAA Incorporated",
        "sector": "Technology",
        "industry": "Software",
        "exchange": "NMS",
        "country": "United States",
        "market_cap": Decimal("3450000000000.00"),
        "description": ("It makes things. " * 100)[:1000],
        "is_etf": False,
        "is_fund": False,
        "ceo": "Ms. First Officer",
        "employees": 1200,
        "website": "https://aaa.example",
        "pe_ratio": None,  # "Infinity"
        "forward_pe": Decimal("28.13"),
        "dividend_yield": Decimal("0.440000"),  # percent
        "beta": Decimal("1.2345"),
        "week_52_high": Decimal("260.1000"),
        "week_52_low": Decimal("169.2100"),
        "target_mean_price": Decimal("220.5000"),
        "target_high_price": Decimal("300.0000"),
        "target_low_price": Decimal("170.0000"),
        "number_of_analyst_opinions": 40,
        "recommendation_mean": Decimal("1.95"),
        "recommendation_key": "buy",
        "forward_eps": Decimal("8.3100"),
        "earnings_growth": Decimal("0.100000"),
        "revenue_growth": None,  # 101.5 does not fit
        "earnings_quarterly_growth": None,  # {}
        "profit_margins": Decimal("0.253099"),
        "operating_margins": Decimal("-0.310000"),
        "gross_margins": Decimal("0.469051"),
        "return_on_assets": Decimal("0.220000"),
        "return_on_equity": Decimal("1.360000"),
        "total_revenue": Decimal("391035000000.00"),
        "current_year_revenue_avg": Decimal("4000000000.00"),
        "current_year_revenue_low": Decimal("3000000000.00"),
        "current_year_revenue_high": Decimal("5000000000.00"),
        "current_year_revenue_growth": Decimal("0.062500"),
        "current_year_earnings_avg": Decimal("8.1000"),
        "current_year_earnings_low": Decimal("6.0750"),
        "current_year_earnings_high": Decimal("10.1250"),
        "current_year_end_date": date(2025, 12, 31),
        "next_year_revenue_avg": Decimal("5000000000.00"),
        "next_year_revenue_low": Decimal("3750000000.00"),
        "next_year_revenue_high": Decimal("6250000000.00"),
        "next_year_revenue_growth": Decimal("0.062500"),
        "next_year_earnings_avg": Decimal("9.0000"),
        "next_year_earnings_low": Decimal("6.7500"),
        "next_year_earnings_high": Decimal("11.2500"),
        "next_year_end_date": date(2026, 12, 31),
        **dict.fromkeys(OF_FUNDAMENTALS),
        "data_source": "yfinance",
        "last_updated": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    }
    spy = rows["SPY"]
    assert (spy["is_etf"], spy["is_fund"], spy["sector"], spy["beta"]) == (True, True, None, None)
    assert spy["dividend_yield"] == Decimal("1.130000")
    assert yahoo.counted(SUMMARY) == {"AAA": 2, "BRK-B": 2, "SPY": 1}


OF_FUNDAMENTALS = (
    *(
        f"{quarter}_quarter_{name}"
        for quarter in ("current", "next")
        for name in (
            "target_period_date",
            *(f"{figure}_{end}" for figure in ("revenue", "eps") for end in ("avg", "low", "high")),
            "analyst_count",
        )
    ),
    "fiscal_year_end",
    "fiscal_quarter_offset",
    "next_earnings_date",
    "next_earnings_expected_eps",
    "next_earnings_expected_revenue",
    "fundamentals_last_fetched",
)
"""Columns that a collection of profiles does not write."""


def test_a_second_collection_sends_no_request(yahoo: YahooServer, store: Callable[..., str]) -> None:
    for symbol in ("AAA", "BBB"):
        yahoo.world.add(company(symbol))
    yahoo.world.add(fund("SPY"))
    url = store("AAA", "BBB", "SPY")
    profiles(url)
    yahoo.heal()

    result = profiles(url, NOW + timedelta(days=3, seconds=-1))

    assert (result.wanted, result.answers.height, result.rows, result.coverage) == (3, 0, {}, 1)
    assert yahoo.asked == []
    assert profiles(url, LATER).outcomes == {"ok": 3}


def test_the_symbols_requested_are_those_of_the_positions(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    yahoo.world.add(company("EQIX"))
    deleted = {"deleted_at": STAMP}
    url = store(
        positions=[
            position(" eqix "),
            position("AAA", exit_date=date(2025, 3, 3)),
            position("NULL", investment_class=None),
            position("PRIV", investment_class="PRIVATE"),
            position("OPT", investment_class="OPTIONS"),
            position("SPY250117C00550000"),
            position("FO_SOMETHING"),
            position("HOME_EQUITY"),
            position("GONE", **deleted),
        ]
    )

    result = profiles(url)

    assert sorted(result.answers["symbol"]) == ["AAA", "EQIX", "NULL"]
    assert list(stored(url, "company_profiles")) == ["EQIX"]


def test_symbols_can_be_named(yahoo: YahooServer, tmp_path: Path) -> None:
    yahoo.world.add(company("AAA"))
    url = f"parquet:///{tmp_path}/new"
    assert profiles(url, symbols=["aaa ", "AAA"]).outcomes == {"ok": 1}
    assert list(stored(url, "company_profiles")) == ["AAA"]
    with pytest.raises(UsageError, match="'HOME_EQUITY' is no symbol that a market quotes"):
        profiles(url, symbols=["AAA", "HOME_EQUITY"])


FAULTS = {
    ("404", SUMMARY): "not_found",
    ("500", SUMMARY): "error",
    ("truncated", SUMMARY): "error",
    ("cut", SUMMARY): "error",
    ("html", SUMMARY): "error",
    ("slow", SUMMARY): "timeout",
    ("404", QUOTE): "not_found",
    ("truncated", QUOTE): "error",
    ("500", SERIES): "error",
}


def test_a_fault_changes_no_row_and_affects_no_other_symbol(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    faults = {f"BAD{number}": fault for number, fault in enumerate(FAULTS)}
    for symbol in (*faults, "AAA"):
        yahoo.world.add(company(symbol))
    for symbol, (fault, path) in faults.items():
        yahoo.fail(fault, symbol, path=path, value=30)  # type: ignore[arg-type]
    url = store("AAA", *faults, company_profiles=[profile(symbol, ceo="Somebody") for symbol in faults])
    before = stored(url, "company_profiles")

    result = profiles(url, policy=replace(HASTE, timeout=3))

    after = stored(url, "company_profiles")
    assert after.pop("AAA")["sector"] == "Technology"
    assert after == before
    answers = dict(result.answers.select("symbol", "outcome").iter_rows())
    assert answers == {symbol: FAULTS[fault] for symbol, fault in faults.items()} | {"AAA": "ok"}
    assert result.coverage == pytest.approx(1 / 10)
    assert result.unanswered == pytest.approx(7 / 10)  # all except the two that Yahoo does not know
    yahoo.heal()
    assert profiles(url).outcomes == {"ok": len(faults)}
    assert {row["sector"] for row in stored(url, "company_profiles").values()} == {"Technology"}


@pytest.mark.parametrize(
    ("path", "fresh", "kept"),
    [
        (SUMMARY, {"company_name": "AAA Incorporated"}, {"sector": "Energy", "ceo": "Somebody"}),
        (QUOTE, {"sector": "Technology"}, {"dividend_yield": Decimal("1.5")}),  # the summary's is a fraction
    ],
)
def test_a_partial_answer_is_merged_into_the_stored_row(
    yahoo: YahooServer, store: Callable[..., str], path: str, fresh: dict[str, Any], kept: dict[str, Any]
) -> None:
    yahoo.world.add(company("AAA"))
    url = store("AAA", company_profiles=[profile("AAA", ceo="Somebody", dividend_yield=Decimal("1.5"))])
    yahoo.fail("empty", path=path)

    assert profiles(url).outcomes == {"ok": 1}

    row = stored(url, "company_profiles")["AAA"]
    assert {name: row[name] for name in (*fresh, *kept)} == fresh | kept


def test_fields_that_an_answer_lacks_keep_their_stored_values(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    aaa = yahoo.world.add(company("AAA", beta=None, sector=None))
    aaa.modules.pop("financialData")
    url = store("AAA", company_profiles=[profile("AAA", profit_margins=Decimal("0.1"), ceo="Somebody")])

    assert profiles(url).outcomes == {"ok": 1}

    row = stored(url, "company_profiles")["AAA"]
    assert (row["sector"], row["beta"], row["profit_margins"]) == ("Energy", Decimal("0.9"), Decimal("0.1"))
    assert (row["ceo"], row["data_source"]) == ("Ms. First Officer", "yfinance")
    assert (row["created_at"], row["last_updated"]) == (STAMP, NOW)


def test_a_nan_in_the_database_counts_as_null(yahoo: YahooServer, postgres_url: str) -> None:
    yahoo.world.add(company("AAA", beta=None, marketCap=None))
    yahoo.world.add(company("BBB", marketCap=None))
    known = [profile(symbol, market_cap=Decimal(5), last_updated=NOW) for symbol in ("AAA", "BBB")]
    url = hold(postgres_url, "AAA", "BBB", company_profiles=known)
    run_sql(url, "update company_profiles set beta = 'NaN'")
    run_sql(url, "update company_profiles set market_cap = 'NaN' where symbol = 'AAA'")

    assert profiles(url, NOW + timedelta(days=1)).outcomes == {"ok": 2}

    rows = run_sql(url, "select symbol, beta::text, market_cap::text from company_profiles order by symbol")
    assert rows == [("AAA", None, None), ("BBB", "1.2345", "5.00")]


def test_the_run_after_a_throttled_one_requests_the_rest(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    symbols = [f"S{number:02}" for number in range(15)]
    for symbol in symbols:
        yahoo.world.add(company(symbol))
    url = store(*symbols)
    yahoo.fail("429", path=SUMMARY, after=24)

    first = profiles(url)

    collected = set(stored(url, "company_profiles"))
    assert 8 <= len(collected) <= 12
    assert first.outcomes == {"ok": len(collected), "throttled": 15 - len(collected)}
    yahoo.heal()
    second = profiles(url)
    assert second.outcomes == {"ok": 15 - len(collected)}
    assert set(yahoo.counted(SUMMARY)) == set(symbols) - collected
    assert set(stored(url, "company_profiles")) == set(symbols)


def test_a_symbol_that_yahoo_renamed_keeps_its_profile(yahoo: YahooServer, store: Callable[..., str]) -> None:
    yahoo.world.add(company("META"))
    url = store("FB", "META", company_profiles=[profile("FB")])
    before = stored(url, "company_profiles")["FB"]

    result = profiles(url)

    assert result.outcomes == {"not_found": 1, "ok": 1}
    assert stored(url, "company_profiles")["FB"] == before


def test_profiles_request_no_statements(yahoo: YahooServer, store: Callable[..., str]) -> None:
    yahoo.world.add(company("AAA"))
    profiles(store("AAA"))
    asked = {one.parameters["type"] for one in yahoo.asked if one.path == SERIES}
    assert asked == {"trailingPegRatio"}  # part of yfinance's info
