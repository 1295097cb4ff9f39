"""Which companies to ask about: rules on what is stored and when it was collected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl

NEW_YORK = "America/New_York"
PROFILE_LIFE = timedelta(days=3)
INCOMPLETE_PROFILE_LIFE = timedelta(days=1)
EARNINGS_WAIT = timedelta(days=3)
STATEMENTS_LIFE = timedelta(days=30)

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
"""What the rules look at."""


def due_profiles(symbols: pl.Series, profiles: pl.DataFrame, now: datetime) -> list[str]:
    """The symbols whose profile is missing or stale, in order.

    A profile lives for three days (document 04 §11.3). One without sector or beta lives for one,
    unless it is a fund's, which has neither: so a run never asks twice in a day for what the
    provider does not know.

    Args:
        symbols: canonical symbols.
        profiles: `PROFILE_COLUMNS` of stored profiles.
        now: with a time zone.
    """
    fund = pl.col("is_etf") | pl.col("is_fund")
    complete = pl.col("sector").is_not_null() & pl.col("beta").cast(pl.Float64).is_finite().fill_null(False)
    incomplete = ~complete & ~fund.fill_null(False)
    life = pl.when(incomplete).then(INCOMPLETE_PROFILE_LIFE).otherwise(PROFILE_LIFE)
    fresh = pl.col("last_updated") + life > now
    return _without(symbols, profiles.filter(fresh))


def due_fundamentals(symbols: pl.Series, profiles: pl.DataFrame, today: date) -> list[str]:
    """The symbols whose statements are to be fetched, in order.

    Statements are due when they were never fetched; when the known earnings date lies three days
    back and they were last fetched before that day; and, where no earnings date is ahead (none is
    known, or the known one is served), 30 days after the last fetch. Funds have no statements.
    Source: document 04 §11.4. Legacy compares the earnings date with today alone, and never learns
    one: it fetches all of them on every run (§5.1, D16).

    Args:
        symbols: canonical symbols.
        profiles: `PROFILE_COLUMNS` of stored profiles.
        today: the date in New York.
    """
    fund = (pl.col("is_etf") | pl.col("is_fund")).fill_null(False)
    fetched = pl.col("fundamentals_last_fetched").dt.convert_time_zone(NEW_YORK).dt.date()
    reported = pl.col("next_earnings_date") + EARNINGS_WAIT
    served = (reported <= fetched).fill_null(True)
    wait_over = pl.when(served).then(fetched + STATEMENTS_LIFE <= today).otherwise(reported <= today)
    due = ~fund & (fetched.is_null() | wait_over)
    return _without(symbols, profiles.filter(~due))


def next_earnings(days: Sequence[date], stored: date | None, today: date) -> date | None:
    """The earnings date to store: the earliest whose wait is not over; None keeps what is stored.

    So a company that reported yesterday is asked again when the wait is over, and a date that is
    being waited for is not given up for the next one.

    Args:
        days: on which the company reported or will, as the provider says now.
        stored: the date stored so far.
        today: the date in New York.
    """
    waiting = stored is not None and stored <= today < stored + EARNINGS_WAIT
    return None if waiting else min((day for day in days if today < day + EARNINGS_WAIT), default=None)


def _without(symbols: pl.Series, settled: pl.DataFrame) -> list[str]:
    wanted = symbols.unique().sort()
    return wanted.filter(~wanted.is_in(settled["symbol"].implode())).to_list()
