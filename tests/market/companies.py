"""Companies and funds in Yahoo's format: modules, quotes, estimates, statements.

Every figure of an invented company is set by its test, or follows from its symbol alone.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tests.market.world import Listing

NEW_YORK = ZoneInfo("America/New_York")
QUARTERS = ("2024-03-31", "2024-06-30", "2024-09-30", "2024-12-31", "2025-03-31")
YEARS = ("2021-12-31", "2022-12-31", "2023-12-31", "2024-12-31")


def company(symbol: str, **fields: Any) -> Listing:
    """A company with default fields, except those given here by Yahoo's names."""
    values = {
        "longName": f"{symbol} Incorporated",
        "sector": "Technology",
        "industry": "Software",
        "website": f"https://{symbol.lower()}.example",
        "longBusinessSummary": "It makes things. " * 100,
        "country": "United States",
        "exchange": "NMS",
        "fullTimeEmployees": 1200,
        "marketCap": 3_450_000_000_000,
        "beta": 1.23445,
        "trailingPE": "Infinity",
        "forwardPE": 28.125,
        "fiftyTwoWeekHigh": 260.1,
        "fiftyTwoWeekLow": 169.21,
        "profitMargins": 0.2530987,
        "operatingMargins": -0.31,
        "grossMargins": 0.4690512,
        "returnOnAssets": 0.22,
        "returnOnEquity": 1.36,
        "totalRevenue": 391_035_000_000,
        "forwardEps": 8.31,
        "earningsGrowth": 0.1,
        "revenueGrowth": 101.5,
        "earningsQuarterlyGrowth": {},
        "targetMeanPrice": 220.5,
        "targetHighPrice": 300,
        "targetLowPrice": 170,
        "numberOfAnalystOpinions": 40,
        "recommendationMean": 1.95,
        "recommendationKey": "buy",
        "financialCurrency": "USD",
        "companyOfficers": [{"name": "Ms. First Officer", "title": "CEO"}, {"name": "Mr. Second"}],
        "dividendYield": 0.0044,
    } | fields
    modules = {module: {n: values[n] for n in names if n in values} for module, names in MODULES.items()}
    modules["quoteType"] |= {"quoteType": "EQUITY", "symbol": symbol, "underlyingSymbol": symbol}
    quote = {"symbol": symbol, "quoteType": "EQUITY", "regularMarketPrice": 250.0}
    quote |= {"longName": values["longName"], "exchange": values["exchange"], "dividendYield": 0.44}
    return Listing(symbol, [], [], modules=modules, quote=quote)


MODULES = {
    "quoteType": ("longName", "shortName", "exchange"),
    "assetProfile": (
        "sector",
        "industry",
        "website",
        "longBusinessSummary",
        "country",
        "fullTimeEmployees",
        "companyOfficers",
    ),
    "summaryDetail": (
        "marketCap",
        "beta",
        "trailingPE",
        "forwardPE",
        "dividendYield",
        "fiftyTwoWeekHigh",
        "fiftyTwoWeekLow",
    ),
    "financialData": (
        "profitMargins",
        "operatingMargins",
        "grossMargins",
        "returnOnAssets",
        "returnOnEquity",
        "totalRevenue",
        "earningsGrowth",
        "revenueGrowth",
        "targetMeanPrice",
        "targetHighPrice",
        "targetLowPrice",
        "numberOfAnalystOpinions",
        "recommendationMean",
        "recommendationKey",
        "financialCurrency",
    ),
    "defaultKeyStatistics": ("forwardEps", "earningsQuarterlyGrowth"),
}
"""Fields of Yahoo's modules."""


def fund(symbol: str, kind: str = "ETF") -> Listing:
    """A fund: no sector, no beta, no estimates."""
    quoted = {"quoteType": kind, "symbol": symbol, "longName": f"{symbol} Trust", "exchange": "PCX"}
    modules = {"quoteType": quoted, "summaryDetail": {"fiftyTwoWeekHigh": 500.5, "yield": 0.0113}}
    quote = quoted | {"regularMarketPrice": 490.0, "dividendYield": 1.13}
    return Listing(symbol, [], [], kind=kind, modules=modules, quote=quote)


def expect(listing: Listing, **periods: tuple[str, float, float]) -> None:
    """Set analysts' estimates: by period (q0, q1, y0, y1) its last day, earnings per share, revenue."""
    names = {"q0": "0q", "q1": "+1q", "y0": "0y", "y1": "+1y"}
    trend = [
        {
            "period": names[period],
            "endDate": end,
            "growth": _number(0.5),
            "earningsEstimate": _range(earnings) | {"earningsCurrency": "USD"},
            "revenueEstimate": _range(revenue) | {"growth": _number(0.0625), "revenueCurrency": "USD"},
        }
        for period, (end, earnings, revenue) in periods.items()
    ]
    listing.modules["earningsTrend"] = {"trend": trend}


def _range(middle: float) -> dict[str, Any]:
    ends = {"avg": middle, "low": middle * 0.75, "high": middle * 1.25}
    return {name: _number(value) for name, value in ends.items()} | {"numberOfAnalysts": _number(7)}


def _number(value: float) -> dict[str, Any]:
    return {"raw": value, "fmt": f"{value:.2f}"}


def report_on(listing: Listing, day: date | None, eps: float = 2.5, revenue: float = 1e9) -> None:
    """Set the next earnings date, at the close in New York; None: Yahoo does not know it."""
    if day is None:
        listing.modules.pop("calendarEvents", None)
        listing.quote.pop("earningsTimestamp", None)
        return
    moment = int(datetime.combine(day, time(16, 5), NEW_YORK).timestamp())
    listing.quote["earningsTimestamp"] = moment
    earnings = {"earningsDate": [moment], "earningsAverage": eps, "revenueAverage": revenue}
    listing.modules["calendarEvents"] = {"earnings": earnings}


def state(
    listing: Listing, line: str, quarterly: list[Any] | None = None, annual: list[Any] | None = None
) -> None:
    """Set a statement's line: figures of `QUARTERS` and `YEARS`, the newest last, None for no value.

    The trailing twelve months are set as well, to four times the newest quarter.
    """
    for prefix, ends, figures in (("quarterly", QUARTERS, quarterly), ("annual", YEARS, annual)):
        if figures:
            periods = zip(ends[-len(figures) :], figures, strict=True)
            listing.series[prefix + line] = [(end, figure) for end, figure in periods if figure is not None]
    if quarterly:
        listing.series["trailing" + line] = [(QUARTERS[-1], 4 * quarterly[-1])]
