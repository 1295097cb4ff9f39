"""A company's statements and when it reports next, by yfinance: eleven requests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from loaders.market.provider import Fundamentals
from loaders.yahoo.errors import NotFoundError
from loaders.yahoo.estimates import fetch_trend, quarter_estimates, year_estimates
from loaders.yahoo.profiles import is_company, known_info, open_ticker, profile_values
from loaders.yahoo.statements import statements
from loaders.yahoo.values import new_york_day, number, text

if TYPE_CHECKING:
    from loaders.yahoo.session import PatientSession

EARNINGS_TIMES = ("earningsTimestamp", "earningsTimestampStart", "earningsTimestampEnd")


def fetch_fundamentals(session: PatientSession, symbol: str) -> Fundamentals:
    """The statements of a company with its whole profile; of anything else the profile alone.

    Raises:
        YahooError: any of the requests failed, so that statements never come without the earnings
            date by which they are asked for again.
    """
    ticker = open_ticker(session, symbol)
    info = known_info(ticker)
    profile = profile_values(info)
    if not is_company(info):
        return Fundamentals({}, profile)
    trend, calendar = fetch_trend(ticker), _calendar(ticker)
    profile |= year_estimates(trend) | quarter_estimates(trend)
    profile["next_earnings_expected_eps"] = number(calendar.get("Earnings Average"))
    profile["next_earnings_expected_revenue"] = number(calendar.get("Revenue Average"))
    currency = text(info.get("financialCurrency"))
    return Fundamentals(statements(ticker), profile, _earnings(info, calendar), currency)


def _calendar(ticker: Any) -> Mapping[str, Any]:
    with suppress(NotFoundError, LookupError):
        calendar: Mapping[str, Any] = ticker.get_calendar()
        return calendar
    return {}


def _earnings(info: Mapping[str, Any], calendar: Mapping[str, Any]) -> tuple[date, ...]:
    """The days on which it reported or will, as far as Yahoo tells.

    `info` gives moments, and they have a day in New York. The calendar's moments yfinance has
    turned into days of the host's own zone, so they count only where `info` has none.
    """
    days = {found for name in EARNINGS_TIMES if (found := new_york_day(info.get(name)))}
    return tuple(sorted(days or set(calendar.get("Earnings Date", ()))))
