"""What Yahoo says of a company or a fund, by yfinance's `Ticker.get_info`: three requests.

Which of Yahoo's names fills which column of company_profiles: document 04 §3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loaders.market.provider import Profile
from loaders.yahoo.errors import NoDataError
from loaders.yahoo.estimates import fetch_trend, year_estimates
from loaders.yahoo.spelling import provider_symbol
from loaders.yahoo.values import number, text

if TYPE_CHECKING:
    from loaders.yahoo.session import PatientSession

FIGURES = {
    "employees": "fullTimeEmployees",
    "market_cap": "marketCap",
    "beta": "beta",
    "pe_ratio": "trailingPE",
    "forward_pe": "forwardPE",
    "dividend_yield": "dividendYield",
    "week_52_high": "fiftyTwoWeekHigh",
    "week_52_low": "fiftyTwoWeekLow",
    "profit_margins": "profitMargins",
    "operating_margins": "operatingMargins",
    "gross_margins": "grossMargins",
    "return_on_assets": "returnOnAssets",
    "return_on_equity": "returnOnEquity",
    "total_revenue": "totalRevenue",
    "forward_eps": "forwardEps",
    "earnings_growth": "earningsGrowth",
    "revenue_growth": "revenueGrowth",
    "earnings_quarterly_growth": "earningsQuarterlyGrowth",
    "target_mean_price": "targetMeanPrice",
    "target_high_price": "targetHighPrice",
    "target_low_price": "targetLowPrice",
    "number_of_analyst_opinions": "numberOfAnalystOpinions",
    "recommendation_mean": "recommendationMean",
}
"""The margins, returns and growths come as fractions. dividendYield comes in percent with the quote,
which yfinance lays over the summary's fraction of the same name."""
QUOTED = "regularMarketPrice"
"""What only the quote tells: without it dividendYield is the summary's fraction, and left out."""
TEXTS = {
    "sector": "sector",
    "industry": "industry",
    "website": "website",
    "description": "longBusinessSummary",
    "country": "country",
    "exchange": "exchange",
    "recommendation_key": "recommendationKey",
}
ETF, FUNDS = "ETF", ("ETF", "MUTUALFUND")
COMPANY = "EQUITY"
"""The kind of quote that has estimates and statements."""


def fetch_profile(session: PatientSession, symbol: str) -> Profile:
    """What is known of a symbol; of a company the estimates of two fiscal years too.

    Raises:
        YahooError: any of the requests failed, so that a profile is never half of one.
    """
    ticker = open_ticker(session, symbol)
    info = known_info(ticker)
    if not is_company(info):
        return Profile(profile_values(info))
    return Profile(profile_values(info) | year_estimates(fetch_trend(ticker)))


def open_ticker(session: PatientSession, symbol: str) -> Any:
    """yfinance's ticker of a canonical symbol."""
    import yfinance

    return yfinance.Ticker(provider_symbol(symbol), session=session)


def known_info(ticker: Any) -> Mapping[str, Any]:
    """Yahoo's `info` of a symbol that it knows: one that is quoted as something."""
    info: Mapping[str, Any] = ticker.get_info()
    if not info.get("quoteType"):
        raise NoDataError("a quote of no kind")
    return info


def is_company(info: Mapping[str, Any]) -> bool:
    """Whether it is a share, and no fund, currency or index."""
    return info.get("quoteType") == COMPANY


def profile_values(info: Mapping[str, Any]) -> dict[str, object]:
    """The columns that `info` fills; None where it says nothing."""
    kind = info["quoteType"]
    officers = info.get("companyOfficers") or [{}]
    return {
        "company_name": text(info.get("longName")) or text(info.get("shortName")),
        "ceo": text(officers[0].get("name")),
        "is_etf": kind == ETF,
        "is_fund": kind in FUNDS,
        **{column: number(info.get(name)) for column, name in FIGURES.items()},
        **{column: text(info.get(name)) for column, name in TEXTS.items()},
        **({} if QUOTED in info else {"dividend_yield": None}),
    }
