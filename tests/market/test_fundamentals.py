"""Collecting statements: the real yfinance against the loopback server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.market_data import CollectionResult
from engine.market_data.collect import collect
from loaders.yahoo import Yahoo
from tests.builders import STAMP, position, uid
from tests.market.companies import company, expect, fund, report_on, state
from tests.market.holdings import HASTE, hold, stored
from tests.market.server import SERIES, SUMMARY, YahooServer
from tests.market.test_profiles import KINDS, profile
from tests.market.world import Listing

pytestmark = pytest.mark.thorough

NOW = datetime(2025, 6, 30, 23, 30, tzinfo=UTC)
TABLES = ("income_statements", "balance_sheets", "cash_flows")
NEWEST = ("AAA", date(2025, 3, 31), "q")
EARNINGS, NEXT_EARNINGS = date(2025, 7, 30), date(2025, 10, 29)

LINES: Mapping[str, tuple[float, str, str]] = {
    "TotalRevenue": (5e9, "income_statements", "total_revenue"),
    "CostOfRevenue": (2_654_321_099.0, "income_statements", "cost_of_revenue"),
    "GrossProfit": (2_345_678_901.0, "income_statements", "gross_profit"),
    "OperatingIncome": (-1e9, "income_statements", "operating_income"),
    "NetIncome": (1_666_666_667.0, "income_statements", "net_income"),
    "DilutedEPS": (1.23455, "income_statements", "diluted_eps"),
    "BasicAverageShares": (15_000_000_001.0, "income_statements", "basic_average_shares"),
    "ReconciledDepreciation": (3e8, "income_statements", "depreciation_and_amortization"),
    "TotalAssets": (2e10, "balance_sheets", "total_assets"),
    "CurrentAssets": (3e9, "balance_sheets", "current_assets"),
    "CurrentLiabilities": (2e9, "balance_sheets", "current_liabilities"),
    "CashAndCashEquivalents": (4e8, "balance_sheets", "cash_and_cash_equivalents"),
    "TotalDebt": (1e9, "balance_sheets", "total_debt"),
    "TotalEquityGrossMinorityInterest": (7e9, "balance_sheets", "total_stockholders_equity"),
    "OrdinarySharesNumber": (3e9, "balance_sheets", ""),
    "OperatingCashFlow": (1.2e9, "cash_flows", "operating_cash_flow"),
    "CapitalExpenditure": (-2e8, "cash_flows", "capital_expenditures"),
    "NetBusinessPurchaseAndSale": (-1234567.89, "cash_flows", "acquisitions"),
}
"""The newest quarter's figures, table and column; all other periods have the same figures."""


def reporting(symbol: str, **other: Any) -> Listing:
    """A company with all three statements and an earnings date."""
    listing = company(symbol, **other)
    for line, (figure, _, _) in LINES.items():
        state(listing, line, [figure] * 5, [figure] * 4)
    report_on(listing, EARNINGS, eps=2.05, revenue=5.5e9)
    return listing


def fundamentals(url: str, now: datetime = NOW, symbols: list[str] | None = None) -> CollectionResult:
    with Yahoo(HASTE) as provider:
        return collect("fundamentals", url, provider, now=now, symbols=symbols)


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., str]:
    return lambda *symbols, **other: hold(f"duckdb:///{tmp_path}/held.duckdb", *symbols, **other)


@pytest.mark.parametrize("any_store", KINDS, indirect=True)
def test_a_first_collection_stores_three_statements_of_quarters_and_years(
    yahoo: YahooServer, any_store: Callable[..., str]
) -> None:
    aaa = yahoo.world.add(reporting("AAA"))
    expect(aaa, q0=("2025-06-30", 2.05, 5.5e9), q1=("2025-09-30", 2.1, 6e9), y0=("2025-12-31", 8.1, 2e10))
    yahoo.world.add(reporting("BRK-B", financialCurrency="EUR"))
    url = any_store("AAA", "BRK.B")

    result = fundamentals(url)

    assert (result.wanted, result.outcomes, result.coverage) == (2, {"ok": 2}, 1)
    assert result.rows == dict.fromkeys(TABLES, 18) | {"company_profiles": 2}
    for table in TABLES:
        rows = stored(url, table)
        # Five quarters and four years of each: no trailing twelve months among the years.
        assert [(day, letter) for symbol, day, letter in rows if symbol == "AAA"] == PERIODS
        for column, figure in SAID[table].items():
            assert rows[NEWEST][column] == figure, column
        assert {row["currency"] for key, row in rows.items() if key[0] == "BRK.B"} == {"EUR"}
    newest, year = stored(url, "income_statements")[NEWEST], ("AAA", date(2024, 12, 31), "a")
    assert (newest["fiscal_year"], newest["fiscal_quarter"], newest["currency"]) == (2025, 1, "USD")
    assert (newest["created_at"], newest["updated_at"]) == (NOW, NOW)
    assert stored(url, "cash_flows")[year]["fiscal_quarter"] is None
    row = stored(url, "company_profiles")["AAA"]
    assert {name: row[name] for name in OF_THE_PROFILE} == OF_THE_PROFILE


PERIODS = [
    (date(2021, 12, 31), "a"),
    (date(2022, 12, 31), "a"),
    (date(2023, 12, 31), "a"),
    (date(2024, 3, 31), "q"),
    (date(2024, 6, 30), "q"),
    (date(2024, 9, 30), "q"),
    (date(2024, 12, 31), "a"),
    (date(2024, 12, 31), "q"),
    (date(2025, 3, 31), "q"),
]
SAID = {
    "income_statements": {
        "total_revenue": Decimal("5000000000.00"),
        "cost_of_revenue": Decimal("2654321099.00"),
        "research_and_development": None,
        "diluted_eps": Decimal("1.2346"),
        "basic_eps": None,
        "basic_average_shares": 15_000_000_001,
        "depreciation_and_amortization": Decimal("300000000.00"),
        "gross_margin": Decimal("0.469136"),  # 2,345,678,901 / 5,000,000,000 = 0.4691357802
        "operating_margin": Decimal("-0.200000"),
        "net_margin": Decimal("0.333333"),
    },
    "balance_sheets": {
        "total_assets": Decimal("20000000000.00"),
        "inventory": None,
        "working_capital": Decimal("1000000000.00"),
        "net_debt": Decimal("600000000.00"),
        "current_ratio": Decimal("1.5000"),
        "debt_to_equity": Decimal("0.1429"),  # 1 / 7
        "book_value_per_share": Decimal("2.3333"),  # 7 / 3
    },
    "cash_flows": {
        "operating_cash_flow": Decimal("1200000000.00"),
        "capital_expenditures": Decimal("-200000000.00"),
        "acquisitions": Decimal("-1234567.89"),
        "free_cash_flow": Decimal("1000000000.00"),
        "fcf_margin": Decimal("0.200000"),
    },
}
OF_THE_PROFILE = {
    "sector": "Technology",
    "beta": Decimal("1.2345"),
    "fiscal_year_end": "12-31",
    "next_earnings_date": EARNINGS,
    "next_earnings_expected_eps": Decimal("2.0500"),
    "next_earnings_expected_revenue": Decimal("5500000000.00"),
    "fundamentals_last_fetched": NOW,
    "last_updated": NOW,
    "current_quarter_target_period_date": date(2025, 6, 30),
    "current_quarter_eps_low": Decimal("1.5375"),
    "current_quarter_revenue_high": Decimal("6875000000.00"),
    "current_quarter_analyst_count": 7,
    "next_quarter_target_period_date": date(2025, 9, 30),
    "next_quarter_revenue_avg": Decimal("6000000000.00"),
    "current_year_earnings_avg": Decimal("8.1000"),
    "next_year_earnings_avg": None,
}


def test_the_trailing_twelve_months_are_not_requested(yahoo: YahooServer, store: Callable[..., str]) -> None:
    aaa = yahoo.world.add(reporting("AAA"))
    assert aaa.series["trailingTotalRevenue"] == [("2025-03-31", 2e10)]

    fundamentals(store("AAA"))

    asked = [one.parameters["type"] for one in yahoo.asked if one.path == SERIES]
    assert len(asked) == 7
    assert [kinds for kinds in asked if "trailing" in kinds] == ["trailingPegRatio"]  # of yfinance's info


def test_statements_wait_until_three_days_after_earnings(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    aaa = yahoo.world.add(reporting("AAA"))
    url = store("AAA")
    fundamentals(url)
    yahoo.heal()

    for day in (EARNINGS, EARNINGS + timedelta(days=2)):
        assert fundamentals(url, evening(day)).answers.is_empty()
    assert yahoo.asked == []

    aaa.series["quarterlyTotalRevenue"].append(("2025-06-30", 6e9))
    report_on(aaa, NEXT_EARNINGS)
    due = evening(EARNINGS + timedelta(days=3))
    assert fundamentals(url, due).outcomes == {"ok": 1}
    assert stored(url, "income_statements")["AAA", date(2025, 6, 30), "q"]["total_revenue"] == 6_000_000_000
    row = stored(url, "company_profiles")["AAA"]
    assert (row["next_earnings_date"], row["fundamentals_last_fetched"]) == (NEXT_EARNINGS, due)
    yahoo.heal()

    for day in (date(2025, 8, 3), NEXT_EARNINGS + timedelta(days=2)):
        assert fundamentals(url, evening(day)).answers.is_empty()
    assert yahoo.asked == []


def evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)


def test_a_profile_collected_after_earnings_does_not_end_the_wait(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    aaa = yahoo.world.add(reporting("AAA"))
    url = store("AAA")
    fundamentals(url)
    report_on(aaa, NEXT_EARNINGS)
    for kind in ("profiles", "fundamentals"):
        with Yahoo(HASTE) as provider:
            collect(kind, url, provider, now=evening(EARNINGS + timedelta(days=1)))
    assert stored(url, "company_profiles")["AAA"]["next_earnings_date"] == EARNINGS
    assert fundamentals(url, evening(EARNINGS + timedelta(days=3))).outcomes == {"ok": 1}


def test_without_an_earnings_date_statements_are_fetched_every_thirty_days(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    report_on(yahoo.world.add(reporting("AAA")), None)
    url = store("AAA")
    assert fundamentals(url).outcomes == {"ok": 1}
    assert stored(url, "company_profiles")["AAA"]["next_earnings_date"] is None
    assert fundamentals(url, NOW + timedelta(days=29)).answers.is_empty()
    assert fundamentals(url, NOW + timedelta(days=30)).outcomes == {"ok": 1}


def test_nan_infinite_and_too_wide_figures_are_null(yahoo: YahooServer, store: Callable[..., str]) -> None:
    aaa = yahoo.world.add(reporting("AAA"))
    series = aaa.series
    series["quarterlyTotalRevenue"] = [("2024-12-31", float("nan")), ("2025-03-31", float("inf"))]
    series["quarterlyInventory"] = [("2025-03-31", 0.0)]
    series["quarterlyNetIncome"] = [("2024-09-30", -4e9), ("2024-12-31", -2e9), ("2025-03-31", -1e9)]
    series["quarterlyTotalRevenue"].insert(0, ("2024-09-30", 1e7))  # -4e9 / 1e7 = -400 fits no numeric(8,6)
    url = store("AAA")

    fundamentals(url)

    income = {key[1]: row for key, row in stored(url, "income_statements").items() if key[2] == "q"}
    figures = [(row["total_revenue"], row["net_margin"]) for row in income.values()][-3:]
    assert figures == [(10_000_000, None), (None, None), (None, None)]
    assert [row["net_income"] for row in income.values()][-3:] == [
        -4_000_000_000,
        -2_000_000_000,
        -1_000_000_000,
    ]
    assert stored(url, "balance_sheets")[NEWEST]["inventory"] == 0


def test_a_company_before_its_first_sale_has_statements(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    new = yahoo.world.add(company("NEW"))
    state(new, "TotalRevenue", [0.0] * 5)
    state(new, "NetIncome", [-1e6] * 5)
    url = store("NEW")
    fundamentals(url)
    rows = stored(url, "income_statements").values()
    assert {(row["total_revenue"], row["net_income"], row["net_margin"]) for row in rows} == {
        (0, -1_000_000, None)
    }
    assert {(row["fiscal_year"], row["fiscal_quarter"]) for row in rows} == {
        (None, None)
    }  # no fiscal year end known
    assert not stored(url, "balance_sheets")


FAULTS = {
    ("404", SERIES, 1): "not_found",
    ("500", SERIES, 4): "error",
    ("truncated", SERIES, 6): "error",
    ("empty", SERIES, 5): "error",
    ("cut", SUMMARY, 1): "error",
    ("500", SUMMARY, 2): "error",
}
"""Kind, path, and how many requests succeed before; the outcome."""


def test_a_fault_in_any_request_stores_nothing_of_the_company(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    faults = {f"BAD{number}": fault for number, fault in enumerate(FAULTS)}
    for symbol in (*faults, "AAA"):
        yahoo.world.add(reporting(symbol))
    for symbol, (fault, path, after) in faults.items():
        yahoo.fail(fault, symbol, path=path, after=after)  # type: ignore[arg-type]
    stale = {"fundamentals_last_fetched": STAMP, "next_earnings_date": date(2025, 4, 30)}
    url = store(
        *faults,
        "AAA",
        company_profiles=[profile(symbol, **stale) for symbol in faults],
        income_statements=[statement(symbol, total_revenue=Decimal(7)) for symbol in faults],
    )
    before = stored(url, "company_profiles") | stored(url, "income_statements")

    result = fundamentals(url)

    answers = dict(result.answers.select("symbol", "outcome").iter_rows())
    assert answers == {symbol: FAULTS[fault] for symbol, fault in faults.items()} | {"AAA": "ok"}
    after = stored(url, "company_profiles") | stored(url, "income_statements")
    assert {key: row for key, row in after.items() if "AAA" not in key} == before
    yahoo.heal()
    assert fundamentals(url).outcomes == {"ok": len(faults)}


def statement(symbol: str, **figures: Any) -> dict[str, Any]:
    """A stored row of a statement table: the newest quarter."""
    _, day, letter = NEWEST
    row = {"id": uid(symbol), "symbol": symbol, "period_date": day, "frequency": letter, "currency": "USD"}
    return row | {"created_at": STAMP, "updated_at": STAMP} | figures


def test_a_line_that_is_missing_keeps_the_stored_value(yahoo: YahooServer, store: Callable[..., str]) -> None:
    yahoo.world.add(reporting("AAA"))
    old = statement("AAA", total_revenue=Decimal(20_000_000_000), research_and_development=Decimal(9))
    url = store("AAA", income_statements=[old])

    fundamentals(url)

    row = stored(url, "income_statements")[NEWEST]
    assert (row["total_revenue"], row["research_and_development"]) == (5_000_000_000, 9)
    assert (row["id"], row["created_at"], row["updated_at"]) == (uid("AAA"), STAMP, NOW)


def test_the_run_after_a_throttled_one_requests_the_rest(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    symbols = [f"S{number:02}" for number in range(6)]
    for symbol in symbols:
        yahoo.world.add(reporting(symbol))
    url = store(*symbols)
    yahoo.fail("429", path=SERIES, after=25)

    first = fundamentals(url)

    collected = set(stored(url, "company_profiles"))
    assert first.outcomes == {"ok": len(collected), "throttled": 6 - len(collected)}
    assert 1 <= len(collected) <= 3
    for table in TABLES:
        assert {key[0] for key in stored(url, table)} == collected
    yahoo.heal()
    assert fundamentals(url).outcomes == {"ok": 6 - len(collected)}
    assert set(yahoo.counted(SUMMARY)) == set(symbols) - collected


def test_no_statements_of_a_fund_are_requested(yahoo: YahooServer, store: Callable[..., str]) -> None:
    yahoo.world.add(fund("SPY"))
    yahoo.world.add(fund("BND"))
    url = store("SPY", "BND", company_profiles=[profile("BND", is_etf=True, is_fund=True)])

    result = fundamentals(url)

    assert result.answers.rows() == [("SPY", "ok", "")]  # whose quote type was not known
    assert {one.parameters["type"] for one in yahoo.asked if one.path == SERIES} == {"trailingPegRatio"}
    assert stored(url, "company_profiles")["SPY"]["is_etf"] is True
    assert fundamentals(url).answers.is_empty()


def test_the_symbols_requested_are_those_of_the_positions(
    yahoo: YahooServer, store: Callable[..., str]
) -> None:
    url = store(
        positions=[
            position("EQIX"),
            position(" brk.b "),
            position("GONE", deleted_at=STAMP),
            position("NULL", investment_class=None),
            position("PRIV", investment_class="PRIVATE"),
            position("MONEY_MARKET"),
            position("LONGERTHAN10"),
        ]
    )
    result = fundamentals(url)
    assert sorted(result.answers["symbol"]) == ["BRK.B", "EQIX", "GONE"]
    assert result.outcomes == {"not_found": 3}
    assert set(yahoo.counted(SUMMARY)) == {"BRK-B", "EQIX", "GONE"}
