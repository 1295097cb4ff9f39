"""Time stamps in a rerun: a row that does not change keeps its `updated_at`."""

from __future__ import annotations

import polars as pl

from engine.batch.table_changes import TableChanges
from engine.core.schema import TABLES, Table
from engine.core.store_url import StoreURL
from engine.core.stored_rows import STAMPS
from engine.core.window import Window
from loaders.earlier_results import STATE
from loaders.open import is_new, open_reader
from loaders.reader import Reader
from loaders.slices import read_slice

STORED = "_stored"


def with_kept_stamps(changes: TableChanges, target: StoreURL, window: Window) -> TableChanges:
    """Return the changes of a rerun with the time stamps of the rows that the target has already.

    A row that does not change keeps its `updated_at`; that of a changed row never goes back.

    Args:
        changes: of a shard.
        target: the store that they are about to be written to.
        window: of the shard. Where it is no rerun, nothing is read.
    """
    if not window.rerun or is_new(target):
        return changes
    with open_reader(target) as reader:
        dated = [name for name, height in changes.figures.heights.items() if height and _has_stamp(name)]
        figures = {name: _figures(reader, TABLES[name], changes, window) for name in dated}
        updates, upserts = (
            {
                name: _state(reader, TABLES[name], rows) if name in STATE else rows
                for name, rows in frames.items()
            }
            for frames in (changes.updates, changes.upserts)
        )
    return changes._replace(figures=changes.figures.with_rows(figures), updates=updates, upserts=upserts)


def _has_stamp(name: str) -> bool:
    return "updated_at" in TABLES[name].names


def _state(reader: Reader, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a state table, whole or with the columns to update."""
    if table.name not in reader.columns:
        return rows
    return _kept(_matched(table, rows, reader.read(table.name, rows.columns)), rows.columns)


def _figures(reader: Reader, table: Table, changes: TableChanges, window: Window) -> pl.DataFrame:
    """Return rows of figures. Those of an owner and day share a `created_at`: stress reads in its order."""
    rows = changes.figures.select([table.name], "text")[table.name]
    stored = read_slice(reader, table, changes.computed, window.sessions[0], window.sessions[-1])
    matched = _matched(table, rows, stored)
    first = pl.col(f"created_at{STORED}").min().over(table.owner, table.date)
    return _kept(matched.with_columns(created_at=pl.coalesce(first, "created_at")), rows.columns)


def _matched(table: Table, rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the stored ones of the same key, and whether these are `same`."""
    figures = [name for name in rows.columns if name not in (*table.key, table.primary_key, *STAMPS)]
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}{STORED}")) for name in figures)
    both = rows.join(
        stored.with_columns(is_stored=pl.lit(True)),
        on=table.key,
        how="left",
        suffix=STORED,
        maintain_order="left",
    )
    return both.with_columns(same=pl.col("is_stored").fill_null(False) & same)


def _kept(matched: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    stored = pl.col(f"updated_at{STORED}")
    newest = pl.max_horizontal("updated_at", stored)
    return matched.with_columns(updated_at=pl.when("same").then(stored).otherwise(newest)).select(columns)
