"""Inventory: what a store holds, and which sessions of which portfolio it lacks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from engine.errors import safe_url
from engine.schema import TABLES, Table
from engine.sessions import sessions
from loaders import Reader, open_reader
from sql import Name, statement


@dataclass(frozen=True)
class Inventory:
    """A store in figures.

    tables: table, rows, first, last (days of dated tables).
    portfolios: portfolio_id, name, expected, stored, missing (sessions), first_missing,
        last_missing; sessions are expected from the portfolio's first position or snapshot to
        the store's newest snapshot.
    """

    url: str
    tables: pl.DataFrame
    portfolios: pl.DataFrame

    @property
    def missing(self) -> int:
        """Sessions that portfolios lack, together."""
        return int(self.portfolios["missing"].sum())

    def to_text(self) -> str:
        """Both tables for a terminal."""
        lines = [safe_url(self.url), "", f"{'table':<32}{'rows':>12}  days"]
        for row in self.tables.iter_rows(named=True):
            span = f"{row['first']} to {row['last']}" if row["first"] else ""
            lines.append(f"{row['table']:<32}{row['rows']:>12,}  {span}")
        lines += ["", f"{'portfolio':<38}{'expected':>9}{'stored':>8}{'missing':>9}  which"]
        for row in self.portfolios.iter_rows(named=True):
            gap = f"{row['first_missing']} to {row['last_missing']}" if row["missing"] else ""
            counts = f"{row['expected']:>9}{row['stored']:>8}{row['missing']:>9}"
            lines.append(f"{row['portfolio_id']:<38}{counts}  {gap}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Both tables as JSON."""
        found: dict[str, Any] = {
            "store": safe_url(self.url),
            "tables": self.tables.to_dicts(),
            "portfolios": self.portfolios.to_dicts(),
        }
        return json.dumps(found, indent=1, default=str)


def inventory(url: str) -> Inventory:
    """Look a store over."""
    with open_reader(url) as reader:
        present = reader.tables()
        counted = [_counted(reader, table) for name, table in TABLES.items() if name in present]
        portfolios = reader.read("portfolios", ["id", "name", "deleted_at"])
        positions = reader.read("positions", ["portfolio_id", "entry_date"])
        snapshots = reader.read("portfolio_snapshots", ["portfolio_id", "snapshot_date"])
    tables = pl.DataFrame(
        counted, schema={"table": pl.String, "rows": pl.Int64, "first": pl.Date, "last": pl.Date}
    )
    kept = portfolios.filter(pl.col("deleted_at").is_null())
    return Inventory(url, tables, gaps(kept, positions, snapshots))


def _counted(reader: Reader, table: Table) -> dict[str, object]:
    day = Name(table.date) if table.date else None
    text = statement("read/extent", table=Name(table.name), date=day)
    return {"table": table.name, **reader.query(text).row(0, named=True)}


def gaps(
    portfolios: pl.DataFrame, positions: pl.DataFrame, snapshots: pl.DataFrame, until: date | None = None
) -> pl.DataFrame:
    """Expected sessions less stored ones, by portfolio: see `Inventory.portfolios`.

    Args:
        portfolios: id, name. positions: portfolio_id, entry_date.
        snapshots: portfolio_id, snapshot_date.
        until: the last session expected; default the newest snapshot's.
    """
    begins = pl.concat(
        [
            positions.select("portfolio_id", day="entry_date"),
            snapshots.select("portfolio_id", day="snapshot_date"),
        ]
    )
    starts = begins.group_by("portfolio_id").agg(start=pl.col("day").min())
    newest = until or snapshots["snapshot_date"].max()
    assert newest is None or isinstance(newest, date)
    days = sessions(starts["start"].min(), newest) if newest and starts.height else []  # type: ignore[arg-type]
    calendar = pl.DataFrame({"snapshot_date": pl.Series(days, dtype=pl.Date)})
    expected = (
        portfolios.select(portfolio_id="id")
        .join(starts, on="portfolio_id", how="left")
        .join(calendar, how="cross")
        .filter(pl.col("snapshot_date") >= pl.col("start"))
    )
    held = snapshots.with_columns(stored=pl.lit(True))
    marked = expected.join(held, on=["portfolio_id", "snapshot_date"], how="left")
    lacking = pl.col("snapshot_date").filter(pl.col("stored").is_null())
    counted = marked.group_by("portfolio_id").agg(
        expected=pl.len(),
        stored=pl.col("stored").is_not_null().sum(),
        missing=pl.col("stored").is_null().sum(),
        first_missing=lacking.min(),
        last_missing=lacking.max(),
    )
    counts = pl.col("expected", "stored", "missing").fill_null(0).cast(pl.Int64)
    named = portfolios.select("name", portfolio_id="id").select("portfolio_id", "name")
    return named.join(counted, on="portfolio_id", how="left").with_columns(counts).sort("portfolio_id")
