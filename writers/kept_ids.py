"""References into tables whose ids are made: rows that a target has already keep their own.

A merge updates a row under its natural key and leaves its id (`Table.made_ids`); what refers to
the row by the id that it has elsewhere must follow.
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
"""By parent table: id, kept: rows that the target has under another id."""


def kept_ids(url: str | StoreURL, frames: Mapping[str, pl.DataFrame]) -> KeptIds:
    """The rows of frames that are about to be merged into a store and have another id there."""
    try:
        with open_reader(url) as reader:
            parents = (TABLES[name] for name in frames if TABLES[name].made_ids)
            found = {parent.name: _kept(reader, parent, frames[parent.name]) for parent in parents}
    except StoreUnreachableError:
        return {}  # a store that is not there yet has no rows; any other reason the writer will meet
    return {name: kept for name, kept in found.items() if kept.height}


def _kept(reader: Reader, parent: Table, frame: pl.DataFrame) -> pl.DataFrame:
    if parent.name not in reader.tables():
        return pl.DataFrame(schema={"id": pl.String, "kept": pl.String})
    there = reader.read(parent.name, ["id", *parent.key]).rename({"id": "kept"})
    known = frame.join(there, on=parent.key)
    return known.filter(pl.col("id") != pl.col("kept")).select("id", "kept")


def pointed(frames: Mapping[str, pl.DataFrame], kept: KeptIds) -> dict[str, pl.DataFrame]:
    """Frames whose references name the target's rows."""
    return {
        name: frame.with_columns(
            pl.col(key.column).replace(kept[key.parent]["id"], kept[key.parent]["kept"])
            for key in TABLES[name].foreign_keys
            if key.parent in kept and key.column in frame.columns
        )
        for name, frame in frames.items()
    }
