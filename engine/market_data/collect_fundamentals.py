"""Collect the financial statements of companies that have reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from engine.core.schema import TABLES
from engine.market_data.companies.refresh import (
    PROFILES,
    collect_groups,
    profile_row,
    read_symbols,
    store_raw,
)
from engine.market_data.companies.refresh_rules import due_fundamentals, next_earnings
from engine.market_data.companies.statements import STATEMENTS, fiscal_year_end, raw_statements
from engine.market_data.companies.table_rows import raw_rows
from engine.market_data.task import CollectionResult, CollectionTask
from loaders.market import Answer, Fundamentals, Provider

LONGEST_SYMBOL = min(TABLES[name]["symbol"].type.length or 0 for name in STATEMENTS)
"""Characters: the statements' symbol column is narrower than those of other tables."""
EXPECTED = ("next_earnings_expected_eps", "next_earnings_expected_revenue")


def collect(task: CollectionTask, provider: Provider) -> CollectionResult:
    """Fetch the statements that are due, and merge them and the profile into what is stored.

    The symbols are those of all public positions, closed and deleted ones too (document 04 §2.3).
    A symbol's statements and their fetch time are one transaction, so that no statements count as
    fetched that are not stored.

    Args:
        task: what to collect.
        provider: of the statements.

    Returns:
        The answers, and the fraction of symbols without a failure as coverage.
    """
    public = pl.col("investment_class") == "PUBLIC"
    symbols, profiles = read_symbols(task, public, [PROFILES, *STATEMENTS])
    symbols = _without_too_long(task, symbols)
    due = due_fundamentals(symbols, profiles, task.today)
    stored_earnings = dict(profiles.select("symbol", "next_earnings_date").iter_rows())

    def store(group: list[Answer[Fundamentals]]) -> dict[str, int]:
        return _store(task, provider.name, group, stored_earnings)

    return collect_groups(task, "fundamentals", symbols.len(), due, provider.fundamentals(due), store)


def _without_too_long(task: CollectionTask, symbols: pl.Series) -> pl.Series:
    fits = symbols.str.len_chars() <= LONGEST_SYMBOL
    for symbol in symbols.filter(~fits):
        task.progress.note(f"{symbol} has no statements: it is longer than {LONGEST_SYMBOL} characters")
    return symbols.filter(fits)


def _store(
    task: CollectionTask,
    source: str,
    group: list[Answer[Fundamentals]],
    stored_earnings: Mapping[str, date | None],
) -> dict[str, int]:
    answers = [(one.symbol, one.data) for one in group if one.data is not None]
    if not answers:
        return {}
    profiles = [
        profile_row(task, source, symbol, _profile(data, stored_earnings.get(symbol), task.today))
        | {"fundamentals_last_fetched": task.now}
        for symbol, data in answers
    ]
    # Funds have a profile and no statements.
    statements = [
        raw_statements(symbol, data.statements, data.currency) for symbol, data in answers if data.statements
    ]
    raw = {name: pl.concat(rows[name] for rows in statements) for name in STATEMENTS if statements}
    return store_raw(task, raw | {PROFILES: raw_rows(TABLES[PROFILES], profiles)})


def _profile(data: Fundamentals, stored: date | None, today: date) -> dict[str, object]:
    """Return the profile's values; estimates of the next earnings only together with their date."""
    earnings_date = next_earnings(data.earnings, stored, today)
    values = {name: value for name, value in data.profile.items() if earnings_date or name not in EXPECTED}
    year_end = fiscal_year_end(data.statements)
    return {
        **values,
        "next_earnings_date": earnings_date,
        "fiscal_year_end": year_end and f"{year_end:%m-%d}",
    }
