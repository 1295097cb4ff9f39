"""Collect fundamentals: the statements of the companies that have reported, ten at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from engine.core.schema import TABLES
from engine.market_data.companies.due import due_fundamentals, next_earnings
from engine.market_data.companies.fitting import raw_rows
from engine.market_data.companies.statements import STATEMENTS, fiscal_year_end, raw_statements
from engine.market_data.company_refresh import PROFILES, groups, look, profile_row, put, tally
from engine.market_data.order import Collected, Order
from loaders.market import Answer, Fundamentals, Provider

LONGEST_SYMBOL = min(TABLES[name]["symbol"].type.length or 0 for name in STATEMENTS)
EXPECTED = ("next_earnings_expected_eps", "next_earnings_expected_revenue")


def collect(order: Order, provider: Provider) -> Collected:
    """Ask for the statements that are due, and put them, with the profile, over what is stored.

    Those of all public positions, closed and deleted ones too (document 04 §2.3). A symbol's
    statements and the time at which they were fetched are one transaction, so that nothing counts
    as fetched that is not stored.
    """
    whose = pl.col("investment_class") == "PUBLIC"
    symbols, profiles = look(order, whose, [PROFILES, *STATEMENTS])
    symbols = _with_room(order, symbols)
    due = due_fundamentals(symbols, profiles, order.today)
    waited_for = dict(profiles.select("symbol", "next_earnings_date").iter_rows())
    found = Collected("fundamentals", order.target, wanted=symbols.len(), coverage=1.0)
    order.told.stage("fundamentals", len(due))
    for group in groups(order, provider.fundamentals(due)):
        tally(found, group, _put(order, provider.name, group, waited_for))
    return found


def _with_room(order: Order, symbols: pl.Series) -> pl.Series:
    """The symbols that fit the statements' own column of them, which is narrower than others."""
    fits = symbols.str.len_chars() <= LONGEST_SYMBOL
    for symbol in symbols.filter(~fits):
        order.told.note(f"{symbol} has no statements: it is longer than {LONGEST_SYMBOL} characters")
    return symbols.filter(fits)


def _put(
    order: Order,
    source: str,
    group: list[Answer[Fundamentals]],
    waited_for: Mapping[str, date | None],
) -> dict[str, int]:
    told = [(one.symbol, one.data) for one in group if one.data is not None]
    if not told:
        return {}
    profiles = [
        profile_row(order, source, symbol, _profile(data, waited_for.get(symbol), order.today))
        | {"fundamentals_last_fetched": order.now}
        for symbol, data in told
    ]
    statements = [
        raw_statements(symbol, data.statements, data.currency) for symbol, data in told if data.statements
    ]
    raw = {name: pl.concat(rows[name] for rows in statements) for name in STATEMENTS if statements}
    return put(order, raw | {PROFILES: raw_rows(TABLES[PROFILES], profiles)})


def _profile(data: Fundamentals, stored: date | None, today: date) -> dict[str, object]:
    """The profile that came along; what belongs to the next earnings only with their date."""
    expected = next_earnings(data.earnings, stored, today)
    values = {name: value for name, value in data.profile.items() if expected or name not in EXPECTED}
    year_end = fiscal_year_end(data.statements)
    return {
        **values,
        "next_earnings_date": expected,
        "fiscal_year_end": year_end and f"{year_end:%m-%d}",
    }
