"""Profile of a company or a fund, by yfinance's `Ticker.get_info`: three requests.

Source of the mapping from Yahoo's names to the columns of company_profiles: document 04 §3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from loaders.market.provider import Profile
from loaders.market.request_errors import NoDataError
from loaders.yahoo.conversion import number, text, yahoo_symbol
from loaders.yahoo.estimates import fetch_estimates, year_estimates

if TYPE_CHECKING:
    from loaders.yahoo.session import LimitedSession

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
"""Margins, returns and growth rates are fractions. dividendYield is in percent: yfinance overwrites
the summary's fraction with the quote's value of the same name."""
QUOTE_FIELD = "regularMarketPrice"
"""A field of the quote alone. Without it dividendYield is the summary's fraction, and is left out."""
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
"""The quote type that has estimates and statements."""


def fetch_profile(session: LimitedSession, symbol: str) -> Profile:
    """Fetch the profile of a symbol; of a company with the estimates of two fiscal years.

    A RequestError of any of the requests ends the call, so that no partial profile is stored.

    Args:
        session: sends the requests.
        symbol: canonical.

    Returns:
        The columns that Yahoo fills.
    """
    ticker = open_ticker(session, symbol)
    info = fetch_info(ticker)
    estimates = year_estimates(fetch_estimates(ticker)) if is_company(info) else {}
    return Profile(profile_values(info) | estimates)


def open_ticker(session: LimitedSession, symbol: str) -> Any:
    """Return yfinance's ticker of a canonical symbol.

    Args:
        session: sends the requests, within the provider's limits.
        symbol: as market data is stored under it.
    """
    import yfinance

    return yfinance.Ticker(yahoo_symbol(symbol), session=session)


def fetch_info(ticker: Any) -> Mapping[str, Any]:
    """Fetch Yahoo's `info` of a security.

    Args:
        ticker: yfinance's, of `open_ticker`.

    Returns:
        The fields by Yahoo's names.

    Raises:
        NoDataError: It has no quote type: Yahoo knows no such security.
    """
    info: Mapping[str, Any] = ticker.get_info()
    if not info.get("quoteType"):
        raise NoDataError("a quote of no kind")
    return info


def is_company(info: Mapping[str, Any]) -> bool:
    """Return whether the security is a share: no fund, currency or index.

    Args:
        info: of `fetch_info`.
    """
    return info.get("quoteType") == COMPANY


def profile_values(info: Mapping[str, Any]) -> dict[str, object]:
    """Return the columns that `info` fills; None where it has no value.

    Args:
        info: of `fetch_info`.
    """
    kind = info["quoteType"]
    officers = info.get("companyOfficers") or [{}]
    return {
        "company_name": text(info.get("longName")) or text(info.get("shortName")),
        "ceo": text(officers[0].get("name")),
        "is_etf": kind == ETF,
        "is_fund": kind in FUNDS,
        **{column: number(info.get(name)) for column, name in FIGURES.items()},
        **{column: text(info.get(name)) for column, name in TEXTS.items()},
        **({} if QUOTE_FIELD in info else {"dividend_yield": None}),
    }
