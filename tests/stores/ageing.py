"""Older stores, made from new ones by each store's own means: without some columns or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.core.schema.evolution import OWN_ROLES
from loaders import window
from tests.small_stores import Content
from tests.stores.support import folder_of, run_sql

READ_BACK = {
    *(*window.SNAPSHOT_COLUMNS, *window.FIRST_COLUMNS, *window.EXPOSURE_COLUMNS),
    *(*window.MARKET_BETA_COLUMNS, *window.RATE_BETA_COLUMNS),
    *("last_price", "market_value", "unrealized_pnl"),
}
"""Columns that later sessions are computed from: a null would be another figure, so that none is optional."""
OWN = [table for table in TABLES.values() if table.role in OWN_ROLES]
LATER = {
    table.name: names
    for table in OWN
    if (names := [c.name for c in table.columns if c.nullable and c.name not in READ_BACK])
}
"""By table of the engine or of its results, the columns that a later schema version could have brought."""


@dataclass
class NoteCollector(Quiet):
    """Keeps what is said."""

    lines: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.lines.append(text)


def without_columns(url: str, table: str, names: Sequence[str]) -> None:
    if url.startswith("parquet"):
        for path in folder_of(url).glob(f"{table}*.parquet"):
            pl.read_parquet(path).drop(names).write_parquet(path)
    else:
        for name in names:
            run_sql(url, f'alter table {table} drop column "{name}"')


def without_table(url: str, table: str) -> None:
    if url.startswith("parquet"):
        (folder_of(url) / f"{table}.parquet").unlink()
    else:
        run_sql(url, f"drop table {table} cascade")


def columns(url: str, table: str) -> list[str]:
    """The columns that a table has, as the store's own driver says."""
    if url.startswith("parquet"):
        return pl.read_parquet_schema(folder_of(url) / f"{table}.parquet").names()
    query = f"select column_name::text from information_schema.columns where table_name = '{table}'"
    return [name for (name,) in run_sql(url, query)]


def nulled(content: Content, lacking: Mapping[str, Sequence[str]]) -> Content:
    """The content with nulls in some columns, rows in one order."""
    blank = {
        name: frame.with_columns(
            pl.lit(None, frame.schema[column]).alias(column) for column in lacking.get(name, ())
        )
        for name, frame in content.items()
    }
    return {name: frame.sort(frame.columns) for name, frame in blank.items()}
