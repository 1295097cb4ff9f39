"""References to rows that the target has under another id.

Some tables have row ids that the engine makes (`Table.made_ids`). A merge finds such a row by its natural
key and keeps the id that the target has. Rows that refer to it have to use the target's id, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from engine.core.errors import StoreUnreachableError
from engine.core.schema import TABLES, Table
from engine.core.store_url import StoreURL
from loaders import open_reader
from loaders.reader import Reader

KeptIds = Mapping[str, pl.DataFrame]
"""Columns id and kept, by parent table: rows that the target has under the id `kept`."""


def kept_ids(url: str | StoreURL, frames: Mapping[str, pl.DataFrame]) -> KeptIds:
    """Return the rows of frames that a store has under another id.

    Args:
        url: The store that the frames are about to be merged into.
        frames: Whole rows by table.

    Returns:
        The ids by table; tables without such a row are left out.
    """
    try:
        with open_reader(url) as reader:
            parents = (TABLES[name] for name in frames if TABLES[name].made_ids)
            kept = {parent.name: _kept(reader, parent, frames[parent.name]) for parent in parents}
    except StoreUnreachableError:
        return {}  # a store that does not exist yet has no rows; the writer reports any other cause
    return {name: ids for name, ids in kept.items() if ids.height}


def _kept(reader: Reader, parent: Table, frame: pl.DataFrame) -> pl.DataFrame:
    if parent.name not in reader.tables():
        return pl.DataFrame(schema={"id": pl.String, "kept": pl.String})
    stored = reader.read(parent.name, ["id", *parent.key]).rename({"id": "kept"})
    both = frame.join(stored, on=parent.key)
    return both.filter(pl.col("id") != pl.col("kept")).select("id", "kept")


def with_kept_ids(frames: Mapping[str, pl.DataFrame], kept: KeptIds) -> dict[str, pl.DataFrame]:
    """Return the frames with references to the target's ids.

    Args:
        frames: Whole rows by table.
        kept: Result of `kept_ids`.

    Returns:
        The same rows by table.
    """
    return {
        name: frame.with_columns(
            pl.col(key.column).replace(kept[key.parent]["id"], kept[key.parent]["kept"])
            for key in TABLES[name].foreign_keys
            if key.parent in kept and key.column in frame.columns
        )
        for name, frame in frames.items()
    }
