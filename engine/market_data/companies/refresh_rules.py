"""Rules on which companies to request, by what is stored and when it was collected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl

NEW_YORK = "America/New_York"
PROFILE_LIFETIME = timedelta(days=3)
INCOMPLETE_PROFILE_LIFETIME = timedelta(days=1)
EARNINGS_WAIT = timedelta(days=3)
STATEMENTS_LIFETIME = timedelta(days=30)

PROFILE_COLUMNS = (
    "symbol",
    "sector",
    "beta",
    "is_etf",
    "is_fund",
    "next_earnings_date",
    "fundamentals_last_fetched",
    "last_updated",
)
"""Columns of company_profiles that the rules read."""


def due_profiles(symbols: pl.Series, profiles: pl.DataFrame, now: datetime) -> list[str]:
    """Return the symbols whose profile is missing or stale.

    A profile is fresh for three days (document 04 §11.3). One without sector or beta is fresh for
    one day, unless it is a fund's, which has neither: so that no run requests twice a day what the
    provider does not know.

    Args:
        symbols: canonical symbols.
        profiles: `PROFILE_COLUMNS` of stored profiles.
        now: aware.

    Returns:
        Ascending, each once.
    """
    fund = pl.col("is_etf") | pl.col("is_fund")
    # beta may be a NaN in Postgres.
    complete = pl.col("sector").is_not_null() & pl.col("beta").cast(pl.Float64).is_finite().fill_null(False)
    incomplete = ~complete & ~fund.fill_null(False)
    lifetime = pl.when(incomplete).then(INCOMPLETE_PROFILE_LIFETIME).otherwise(PROFILE_LIFETIME)
    fresh = pl.col("last_updated") + lifetime > now
    return _without(symbols, profiles.filter(fresh))


def due_fundamentals(symbols: pl.Series, profiles: pl.DataFrame, today: date) -> list[str]:
    """Return the symbols whose statements are due.

    Statements are due if they were never fetched; if the known earnings date is three days ago or
    more and they were last fetched before that third day; and, if no earnings date is ahead, 30
    days after the last fetch. Funds have no statements.
    Source: document 04 §11.4. Legacy compares the earnings date with today alone, and never learns
    one: it fetches all statements on every run (§5.1, D16).

    Args:
        symbols: canonical symbols.
        profiles: `PROFILE_COLUMNS` of stored profiles.
        today: the date in New York.

    Returns:
        Ascending, each once.
    """
    fund = (pl.col("is_etf") | pl.col("is_fund")).fill_null(False)
    fetched = pl.col("fundamentals_last_fetched").dt.convert_time_zone(NEW_YORK).dt.date()
    reported = pl.col("next_earnings_date") + EARNINGS_WAIT
    up_to_date = (reported <= fetched).fill_null(True)
    wait_over = pl.when(up_to_date).then(fetched + STATEMENTS_LIFETIME <= today).otherwise(reported <= today)
    due = ~fund & (fetched.is_null() | wait_over)
    return _without(symbols, profiles.filter(~due))


def next_earnings(days: Sequence[date], stored: date | None, today: date) -> date | None:
    """Return the earnings date to store: the earliest whose wait is not over.

    So the statements of a company that reported yesterday are fetched when the wait is over, and a
    date in its wait is not replaced by the next one.

    Args:
        days: past and future earnings dates that the provider knows now.
        stored: the stored date.
        today: the date in New York.

    Returns:
        None to keep the stored date.
    """
    waiting = stored is not None and stored <= today < stored + EARNINGS_WAIT
    return None if waiting else min((day for day in days if today < day + EARNINGS_WAIT), default=None)


def _without(symbols: pl.Series, current: pl.DataFrame) -> list[str]:
    names = symbols.unique().sort()
    return names.filter(~names.is_in(current["symbol"].implode())).to_list()
