"""Analysts' estimates of a company: one request returns all periods."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from loaders.market.request_errors import NotFoundError
from loaders.yahoo.conversion import iso_date, number

YEARS = {"0y": "current_year", "+1y": "next_year"}
QUARTERS = {"0q": "current_quarter", "+1q": "next_quarter"}
RANGE = ("avg", "low", "high")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Estimates:
    """Estimates by period: `0q`, `+1q`, `0y`, `+1y`.

    Attributes:
        earnings: per share, currency units.
        revenue: currency units.
        period_ends: the last day of each period.
    """

    earnings: Mapping[str, Row] = field(default_factory=dict)
    revenue: Mapping[str, Row] = field(default_factory=dict)
    period_ends: Mapping[str, date | None] = field(default_factory=dict)


def fetch_estimates(ticker: Any) -> Estimates:
    """Fetch the estimates; empty if no analyst follows the company or yfinance cannot parse them.

    Args:
        ticker: yfinance's, of `open_ticker`.

    Returns:
        By period, as Yahoo names them.
    """
    with suppress(NotFoundError, LookupError, TypeError):
        earnings = ticker.get_earnings_estimate().to_dict(orient="index")
        revenue = ticker.get_revenue_estimate().to_dict(orient="index")
        return Estimates(earnings, revenue, _period_ends(ticker))
    return Estimates()


def _period_ends(ticker: Any) -> dict[str, date | None]:
    """Return the last day of each period, which yfinance keeps but leaves out of its frames."""
    with suppress(AttributeError, LookupError, TypeError):
        return {item["period"]: iso_date(item.get("endDate")) for item in ticker._analysis._earnings_trend}
    return {}


def year_estimates(estimates: Estimates) -> dict[str, object]:
    """Return the columns of company_profiles for the current and the next fiscal year."""
    values: dict[str, object] = {}
    for period, year in YEARS.items():
        earnings, revenue = estimates.earnings.get(period, {}), estimates.revenue.get(period, {})
        values |= _range(f"{year}_earnings", earnings) | _range(f"{year}_revenue", revenue)
        values[f"{year}_revenue_growth"] = number(revenue.get("growth"))
        values[f"{year}_end_date"] = estimates.period_ends.get(period)
    return values


def quarter_estimates(estimates: Estimates) -> dict[str, object]:
    """Return the columns of company_profiles for the current and the next quarter."""
    values: dict[str, object] = {}
    for period, quarter in QUARTERS.items():
        earnings, revenue = estimates.earnings.get(period, {}), estimates.revenue.get(period, {})
        values |= _range(f"{quarter}_eps", earnings) | _range(f"{quarter}_revenue", revenue)
        values[f"{quarter}_analyst_count"] = number(earnings.get("numberOfAnalysts"))
        values[f"{quarter}_target_period_date"] = estimates.period_ends.get(period)
    return values


def _range(column: str, row: Row) -> dict[str, object]:
    return {f"{column}_{bound}": number(row.get(bound)) for bound in RANGE}
