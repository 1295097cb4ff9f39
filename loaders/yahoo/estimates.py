"""What analysts expect of a company: one request, whichever periods are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from loaders.yahoo.errors import NotFoundError
from loaders.yahoo.values import day, number

YEARS = {"0y": "current_year", "+1y": "next_year"}
QUARTERS = {"0q": "current_quarter", "+1q": "next_quarter"}
RANGE = ("avg", "low", "high")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Trend:
    """Estimates by period: `0q`, `+1q`, `0y`, `+1y`; ends: the periods' last days."""

    earnings: Mapping[str, Row] = field(default_factory=dict)
    revenue: Mapping[str, Row] = field(default_factory=dict)
    ends: Mapping[str, date | None] = field(default_factory=dict)


def fetch_trend(ticker: Any) -> Trend:
    """Nothing for a company that no analyst follows, and where yfinance cannot read the answer."""
    with suppress(NotFoundError, LookupError, TypeError):
        earnings = ticker.get_earnings_estimate().to_dict(orient="index")
        revenue = ticker.get_revenue_estimate().to_dict(orient="index")
        return Trend(earnings, revenue, _ends(ticker))
    return Trend()


def _ends(ticker: Any) -> dict[str, date | None]:
    """The periods' last days, which yfinance keeps in its answer and leaves out of its frames."""
    with suppress(AttributeError, LookupError, TypeError):
        return {item["period"]: day(item.get("endDate")) for item in ticker._analysis._earnings_trend}
    return {}


def year_estimates(trend: Trend) -> dict[str, object]:
    """Columns of company_profiles for the current and the next fiscal year."""
    found: dict[str, object] = {}
    for period, year in YEARS.items():
        earnings, revenue = trend.earnings.get(period, {}), trend.revenue.get(period, {})
        found |= _range(f"{year}_earnings", earnings) | _range(f"{year}_revenue", revenue)
        found[f"{year}_revenue_growth"] = number(revenue.get("growth"))
        found[f"{year}_end_date"] = trend.ends.get(period)
    return found


def quarter_estimates(trend: Trend) -> dict[str, object]:
    """Columns of company_profiles for the current and the next quarter."""
    found: dict[str, object] = {}
    for period, quarter in QUARTERS.items():
        earnings, revenue = trend.earnings.get(period, {}), trend.revenue.get(period, {})
        found |= _range(f"{quarter}_eps", earnings) | _range(f"{quarter}_revenue", revenue)
        found[f"{quarter}_analyst_count"] = number(earnings.get("numberOfAnalysts"))
        found[f"{quarter}_target_period_date"] = trend.ends.get(period)
    return found


def _range(column: str, row: Row) -> dict[str, object]:
    return {f"{column}_{end}": number(row.get(end)) for end in RANGE}
