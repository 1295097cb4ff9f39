"""A store as a notebook shows it."""

from __future__ import annotations

import polars as pl

from engine.analyst.inventory import Inventory, inventory_of
from engine.analyst.open_store import opened
from engine.core.store_url import safe_url
from engine.html.blocks import PageTable, Section
from engine.html.cells import count, plain
from engine.html.overview import DAY, FIGURES, SNAPSHOTS, last_sessions, sizes_table
from engine.html.page import fragment

COUNTS = {
    "expected": "Due",
    "stored": "Stored",
    "missing": "Missing",
    "held_back": "Held back",
    "stale": "Stale",
}
"""Titles of the numbers of sessions."""


def overview(url: str) -> str:
    """Return the last session of each portfolio, its sessions, and the sizes of the tables, as HTML.

    Args:
        url: the store.
    """
    with opened(url) as store:
        contents = inventory_of(store.reader)
        snapshots = store.read(SNAPSHOTS.name, columns=["portfolio_id", DAY, *FIGURES])
    names = dict(contents.portfolios.select("portfolio_id", "name").iter_rows())
    stored = snapshots.filter(pl.col("portfolio_id").is_in(list(names)), pl.col(FIGURES[0]).is_not_null())
    sizes = dict(contents.tables.select("table", "rows").iter_rows())
    blocks = [_sessions(contents), sizes_table(sizes)]
    if stored.height:
        blocks.insert(0, last_sessions(stored, names))
    return fragment([Section("store", safe_url(url), contents.note, blocks)])


def _sessions(contents: Inventory) -> PageTable:
    rows = [
        [plain(row["name"] or row["portfolio_id"]), *(count(row[name]) for name in COUNTS)]
        for row in contents.portfolios.sort("name").iter_rows(named=True)
    ]
    return PageTable("Sessions by portfolio", ("Portfolio", *COUNTS.values()), rows)
