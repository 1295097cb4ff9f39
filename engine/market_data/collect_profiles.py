"""Collect the company profiles that are missing or stale."""

from __future__ import annotations

import polars as pl

from engine.core.schema import TABLES
from engine.market_data.companies.refresh import (
    PROFILES,
    collect_groups,
    profile_row,
    read_symbols,
    store_raw,
)
from engine.market_data.companies.refresh_rules import due_profiles
from engine.market_data.companies.table_rows import raw_rows
from engine.market_data.task import CollectionResult, CollectionTask
from engine.market_data.universe import UNQUOTED_CLASSES
from loaders.market import Answer, Profile, Provider


def collect(task: CollectionTask, provider: Provider) -> CollectionResult:
    """Fetch the profiles that are due, and merge their values into what is stored.

    The symbols are those of all positions that are not deleted, closed ones too: past sessions are
    computed with them. Only due symbols are requested, so a run after one that was killed or
    throttled continues there. A failed answer writes nothing.

    Args:
        task: what to collect.
        provider: of the profiles.

    Returns:
        The answers, and the fraction of symbols without a failure as coverage.
    """
    unquoted = pl.col("investment_class").is_in(UNQUOTED_CLASSES).fill_null(False)
    symbols, stored = read_symbols(task, pl.col("deleted_at").is_null() & ~unquoted, [PROFILES])
    due = due_profiles(symbols, stored, task.now)

    def store(group: list[Answer[Profile]]) -> dict[str, int]:
        rows = [
            profile_row(task, provider.name, one.symbol, one.data.values)
            for one in group
            if one.data is not None
        ]
        return store_raw(task, {PROFILES: raw_rows(TABLES[PROFILES], rows)}) if rows else {}

    return collect_groups(task, "profiles", symbols.len(), due, provider.profiles(due), store)
