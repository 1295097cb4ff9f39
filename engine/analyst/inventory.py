"""Inventory of a store: rows of each table and missing sessions of each portfolio."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.batch.gate_inputs import held_days, never_due
from engine.batch.missing_sessions import count_sessions, expected_sessions
from engine.core.compact import Layout, layout_of, packing_of
from engine.core.names import portfolio_label
from engine.core.schema import TABLES, Table
from engine.core.store_url import StoreURL
from loaders import open_reader
from loaders.earlier_results import stored_days
from loaders.reader import Reader
from sql import Name, statement

WIDEST_LABEL = 78
"""Characters of name and id up to which the columns behind them stay aligned."""


@dataclass(frozen=True)
class Inventory:
    """Row counts and missing sessions of a store.

    Attributes:
        url: The store.
        tables: table, rows, first and last (days of dated tables).
        portfolios: portfolio_id, name, expected, stored, missing, held_back and stale (numbers of sessions),
            first_missing, last_missing, first_stale. A session is stored if its snapshot has an equity. They
            are expected from the portfolio's oldest stored one to the store's newest, or the newest that is
            held back; for a portfolio without any, from its first position on, but not before the store's
            oldest stored session. One that nothing has a close of is not expected (`engine.batch.gate`).
            held_back: those of the missing ones that wait for closes. stale: those of the stored ones that
            were computed from closes that were added or changed since.
        layout: How the store keeps its largest tables: see `engine.core.compact`.
    """

    url: StoreURL
    tables: pl.DataFrame
    portfolios: pl.DataFrame
    layout: Layout = "legacy"

    @property
    def missing(self) -> int:
        """Number of missing sessions of all portfolios together."""
        return int(self.portfolios["missing"].sum())

    @property
    def note(self) -> str:
        """A line on stale sessions that are not known, because closes are in another store; else empty."""
        closes = self.tables.filter(pl.col("table") == "market_data_cache")["rows"].sum()
        if closes or not self.portfolios["stored"].sum():
            return ""
        return (
            "stale sessions are not known here: the closes are in another store. After late or corrected "
            "closes run `engine backfill --start DAY` with --from and --to"
        )

    def to_text(self) -> str:
        """Return both tables as text for a terminal."""
        lines = [
            f"{self.url}{', compact layout' if self.layout == 'compact' else ''}",
            "",
            f"{'table':<32}{'rows':>12}  days",
        ]
        for row in self.tables.iter_rows(named=True):
            span = f"{row['first']} to {row['last']}" if row["first"] else ""
            lines.append(f"{row['table']:<32}{row['rows']:>12,}  {span}")
        return "\n".join([*lines, "", *self._portfolio_lines(), *(["", self.note] if self.note else [])])

    def _portfolio_lines(self) -> list[str]:
        """Return a line for each portfolio, with its name before its id, under a line of titles."""
        names = dict(self.portfolios.select("portfolio_id", "name").iter_rows())
        labels = [portfolio_label(key, names) for key in self.portfolios["portfolio_id"]]
        width = min(max(map(len, ["portfolio", *labels])), WIDEST_LABEL) + 2
        titles = f"{'expected':>9}{'stored':>8}{'missing':>9}{'held back':>11}{'stale':>7}  which"
        lines = [f"{'portfolio':<{width}}{titles}"]
        for label, row in zip(labels, self.portfolios.iter_rows(named=True), strict=True):
            gap = f"{row['first_missing']} to {row['last_missing']}" if row["missing"] else ""
            counts = f"{row['expected']:>9}{row['stored']:>8}{row['missing']:>9}"
            counts += f"{row['held_back']:>11}{row['stale']:>7}"
            lines.append(f"{label:<{width}}{counts}  {gap}")
        return lines

    def to_json(self) -> str:
        """Return both tables as JSON."""
        content: dict[str, Any] = {
            "store": str(self.url),
            "layout": self.layout,
            "tables": self.tables.to_dicts(),
            "portfolios": self.portfolios.to_dicts(),
            "note": self.note,
        }
        return json.dumps(content, indent=1, default=str)


@dataclass(frozen=True)
class DueSessions:
    """Sessions of the portfolios of a store that are not deleted.

    Attributes:
        portfolios: id, name.
        due: portfolio_id, date, stored, as `engine.batch.missing_sessions.expected_sessions` has them.
        held: portfolio_id, date of those that the last runs held back.
        stale: portfolio_id, first_session, reason, found_at of engine_stale_sessions.
    """

    portfolios: pl.DataFrame
    due: pl.DataFrame
    held: pl.DataFrame
    stale: pl.DataFrame

    @property
    def counts(self) -> pl.DataFrame:
        """Numbers of sessions by portfolio: see `Inventory.portfolios`."""
        return count_sessions(self.portfolios, self.due, self.held, self.stale)


def inventory(url: str | StoreURL) -> Inventory:
    """Return the inventory of a store; nothing is written."""
    with open_reader(url) as reader:
        return inventory_of(reader)


def inventory_of(reader: Reader) -> Inventory:
    """Return the inventory of an open store."""
    counts, layout = due_sessions(reader).counts, layout_of(reader.columns)
    return Inventory(reader.url, row_counts(reader), counts, layout)


def row_counts(reader: Reader) -> pl.DataFrame:
    """Return table, rows, first and last (days of dated tables) of the tables that a store has."""
    present = reader.tables()
    counted = [_row_count(reader, table) for name, table in TABLES.items() if name in present]
    return pl.DataFrame(
        counted, schema={"table": pl.String, "rows": pl.Int64, "first": pl.Date, "last": pl.Date}
    )


def due_sessions(reader: Reader) -> DueSessions:
    """Return which sessions of which portfolios a store should have, and which it has."""
    portfolios = reader.read("portfolios", ["id", "name", "deleted_at"])
    positions = reader.read("positions", ["portfolio_id", "entry_date"])
    stored, held = stored_days(reader), held_days(reader)
    kept = portfolios.filter(pl.col("deleted_at").is_null()).select("id", "name")
    stale = reader.read("engine_stale_sessions")
    return DueSessions(kept, _expected(reader, kept, positions, stored, held), held, stale)


def _expected(
    reader: Reader, kept: pl.DataFrame, positions: pl.DataFrame, stored: pl.DataFrame, held: pl.DataFrame
) -> pl.DataFrame:
    """Return the sessions that are expected, without those that no run computes."""
    days = [*stored["snapshot_date"], *held["date"]]
    due = expected_sessions(kept["id"].to_list(), positions, stored, max(days, default=None))
    missing = due.filter(~pl.col("stored"))["date"].unique().sort()
    if missing.is_empty():
        return due
    never = never_due(reader, missing.to_list())
    return due.filter(pl.col("stored") | ~pl.col("date").is_in(never.implode()))


def _row_count(reader: Reader, table: Table) -> dict[str, object]:
    if table.name in reader.empty_tables:
        return {"table": table.name, "rows": 0, "first": None, "last": None}
    day = Name(table.date) if table.date else None
    packing = packing_of(table.name, reader.columns)
    text = statement(packing.extent if packing else "read/extent", table=Name(table.name), date=day)
    return {"table": table.name, **reader.query(text).row(0, named=True)}
