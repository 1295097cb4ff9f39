"""Collect profiles: of what is held, those that are missing or stale, ten at a time."""

from __future__ import annotations

import polars as pl

from engine.core.schema import TABLES
from engine.market_data.companies.due import due_profiles
from engine.market_data.companies.fitting import raw_rows
from engine.market_data.company_refresh import PROFILES, groups, look, profile_row, put, tally
from engine.market_data.order import Collected, Order
from engine.market_data.universe import NOT_MARKET
from loaders.market import Answer, Profile, Provider


def collect(order: Order, provider: Provider) -> Collected:
    """Ask about the companies and funds whose profile is due; put what is told over what is stored.

    Those of all positions that are not deleted, closed ones too: the past is computed with them.
    Whoever is not due is not asked about, so that a run that was cut off, or throttled, goes on
    where it stopped. Only a good answer is written, and of it only what it says.
    """
    private = pl.col("investment_class").is_in(NOT_MARKET).fill_null(False)
    whose = pl.col("deleted_at").is_null() & ~private
    symbols, stored = look(order, whose, [PROFILES])
    due = due_profiles(symbols, stored, order.now)
    found = Collected("profiles", order.target, wanted=symbols.len(), coverage=1.0)
    order.told.stage("profiles", len(due))
    for group in groups(order, provider.profiles(due)):
        tally(found, group, _put(order, provider.name, group))
    return found


def _put(order: Order, source: str, group: list[Answer[Profile]]) -> dict[str, int]:
    rows = [profile_row(order, source, one.symbol, one.data.values) for one in group if one.data is not None]
    return put(order, {PROFILES: raw_rows(TABLES[PROFILES], rows)}) if rows else {}
