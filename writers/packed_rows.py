"""Rows of legacy tables in a compact store, packed when they are written or changed."""

from __future__ import annotations

from collections.abc import Callable, Collection

import polars as pl

from engine.core.compact import FACTOR_SLOTS, Packing
from engine.core.frames import polars_schema
from engine.core.schema import Table
from sql import Name, Pairs, Selected, statement
from writers.sql_store import SqlStore


def insert_packed(writer: SqlStore, packing: Packing, rows: pl.DataFrame) -> None:
    """Insert rows of a legacy table into its packed table.

    Args:
        writer: Of a compact store, in a transaction.
        packing: Of the table.
        rows: Whole rows; the id may be missing.
    """
    slots = _slots(writer, rows["factor_id"]) if packing.by_factor else {}
    writer.load(packing.table, packing.pack(rows, slots), rows.height)


def _slots(writer: SqlStore, factors: pl.Series) -> dict[str, int]:
    """Return the slot of every factor; factors without one are given the next ones."""
    slots = _stored_slots(writer)
    wanted = set(factors.unique().cast(pl.String))
    if wanted - set(slots):
        writer.lock_slots()
        slots = _stored_slots(writer)  # another process may have given some before the lock was taken
        new = enumerate(sorted(wanted - set(slots)), start=max(slots.values(), default=0) + 1)
        rows = pl.DataFrame([*new], schema=polars_schema(FACTOR_SLOTS), orient="row")
        writer.load(FACTOR_SLOTS, rows, 0)
        slots |= {factor: slot for slot, factor in rows.iter_rows()}
    return slots


def _stored_slots(writer: SqlStore) -> dict[str, int]:
    return dict(writer.fetch(statement("compact/slots")))


def rewrite(
    writer: SqlStore,
    table: Table,
    packing: Packing,
    keys: pl.DataFrame,
    change: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    """Change rows of a legacy table: the packed rows that hold them are made anew.

    Args:
        writer: Of a compact store, in a transaction.
        table: The legacy table.
        packing: Of the table.
        keys: Rows with the packed table's key.
        change: Returns the rows to store; it is given all stored ones of those packed rows.
    """
    packed = packing.table
    wanted = keys.select(packed.key).unique()
    text = statement(
        "compact/stored_rows",
        columns=Selected(table.columns),
        view=Name(table.name),
        source=writer.stage(packed, wanted),
        same=Pairs(packed.key, "kept.", "wanted.", "and"),
    )
    stored = pl.DataFrame(writer.fetch(text), schema=polars_schema(table), orient="row")
    writer.remove(packed, wanted)
    insert_packed(writer, packing, change(stored))


def merged(
    table: Table, stored: pl.DataFrame, fresh: pl.DataFrame, keep: Collection[str] = ()
) -> pl.DataFrame:
    """Return fresh rows, and the stored ones of other keys.

    Args:
        table: Of the rows.
        stored: Whole rows.
        fresh: Whole rows.
        keep: Columns of which a fresh row has the stored row's values.
    """
    others = stored.join(fresh, on=table.key, how="anti")
    fresh = fresh.update(stored.select(*table.key, *keep), on=table.key, include_nulls=True)
    return pl.concat([others, fresh.select(others.columns)])
