"""A company's statements, estimates and earnings dates, by yfinance: eleven requests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from loaders.market.provider import Fundamentals
from loaders.market.request_errors import NotFoundError
from loaders.yahoo.conversion import new_york_date, number, text
from loaders.yahoo.estimates import fetch_estimates, quarter_estimates, year_estimates
from loaders.yahoo.profiles import fetch_info, is_company, open_ticker, profile_values
from loaders.yahoo.statement_lines import fetch_statements

if TYPE_CHECKING:
    from loaders.yahoo.session import LimitedSession

EARNINGS_TIMES = ("earningsTimestamp", "earningsTimestampStart", "earningsTimestampEnd")


def fetch_fundamentals(session: LimitedSession, symbol: str) -> Fundamentals:
    """Fetch the statements of a company with its profile; of anything else the profile alone.

    A RequestError of any of the requests ends the call. Statements without the earnings date
    would be stored and then not fetched again after the next report.

    Args:
        session: sends the requests.
        symbol: canonical.

    Returns:
        The statements by table, the profile's columns, and the known earnings dates.
    """
    ticker = open_ticker(session, symbol)
    info = fetch_info(ticker)
    profile = profile_values(info)
    if not is_company(info):
        return Fundamentals({}, profile)
    estimates, calendar = fetch_estimates(ticker), _calendar(ticker)
    planned = _planned_dates(session.answer)
    profile |= year_estimates(estimates) | quarter_estimates(estimates)
    profile["next_earnings_expected_eps"] = number(calendar.get("Earnings Average"))
    profile["next_earnings_expected_revenue"] = number(calendar.get("Revenue Average"))
    currency = text(info.get("financialCurrency"))
    earnings = _earnings_dates(info, planned)
    return Fundamentals(fetch_statements(ticker), profile, earnings, currency)


def _calendar(ticker: Any) -> Mapping[str, Any]:
    with suppress(NotFoundError, LookupError):
        calendar: Mapping[str, Any] = ticker.get_calendar()
        return calendar
    return {}


def _planned_dates(answer: Any) -> set[date]:
    """Return the earnings dates of Yahoo's calendar; yfinance gives those of the host's own time zone."""
    with suppress(LookupError, TypeError):
        moments = answer["quoteSummary"]["result"][0]["calendarEvents"]["earnings"]["earningsDate"]
        return {day for moment in moments if (day := new_york_date(moment))}
    return set()


def _earnings_dates(info: Mapping[str, Any], planned: set[date]) -> tuple[date, ...]:
    """Return the past and future earnings dates that Yahoo knows, ascending."""
    dates = {day for name in EARNINGS_TIMES if (day := new_york_date(info.get(name)))}
    return tuple(sorted(dates or planned))
