"""Frames as a store of an earlier schema version can hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from engine.core.errors import MissingColumnError
from engine.core.schema import Table
from engine.core.schema.evolution import can_be_added, narrower
from engine.core.store_url import StoreURL

NOT_NULL = "not null"
"""End of the type of a number that takes no null, as the catalogs spell it."""


def as_stored(frame: pl.DataFrame, table: Table, stored: Mapping[str, str], url: StoreURL) -> pl.DataFrame:
    """Return a frame without the columns that the store lacks, its texts cut to the store's widths.

    A row with an undefined figure is left out where the store's column takes no null.
    A `MissingColumnError` is raised if the store lacks a column that every schema version has.

    Args:
        frame: Rows to write.
        table: Their table.
        stored: The columns of the table in the store, with their types.
        url: The store, for messages.

    Returns:
        The rows in the same order.
    """
    kept = columns_to_write(table, frame.columns, stored, url)
    room = {name: narrower(table, table[name], stored[name]) for name in kept}
    undefined = [name for name in kept if not table[name].legacy_null and stored[name].endswith(NOT_NULL)]
    frame = frame.drop_nulls(undefined) if undefined else frame
    cut = [pl.col(name).str.slice(0, length) for name, length in room.items() if length is not None]
    return frame if len(kept) == frame.width and not cut else frame.select(kept).with_columns(cut)


def columns_to_write(
    table: Table, columns: Sequence[str], stored: Mapping[str, str], url: StoreURL
) -> list[str]:
    """Return those of the columns that the store has.

    Args:
        table: The table.
        columns: Names of the columns.
        stored: The columns of the table in the store, with their types.
        url: The store, for messages.

    Returns:
        Names in the order of `columns`.

    Raises:
        MissingColumnError: The store lacks a column that every schema version has.
    """
    for name in columns:
        if name not in stored and not can_be_added(table, table[name]):
            raise MissingColumnError(url, table.name, name, stored)
    return [name for name in columns if name in stored]
