"""Whole tables from one store, or from memory, into another."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from engine.core.errors import UsageError
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from loaders.open import open_reader, same_store
from writers import open_writer
from writers.kept_ids import kept_ids, with_kept_ids


def copy(source: str, target: str, batch_rows: int, progress: Quiet) -> dict[str, int]:
    """Copy every known table that the source has; rows by table.

    Rows that the target has under the same natural key are updated; others stay.
    """
    if same_store(StoreURL.parse(source), StoreURL.parse(target)):
        raise UsageError("the two stores are one and the same")
    progress.stage("read")
    with open_reader(source) as reader:
        present = reader.tables()
        frames = {name: reader.read(name) for name in TABLES if name in present}
    return put_whole(target, frames, batch_rows, progress)


def put_whole(
    url: str, frames: Mapping[str, pl.DataFrame], batch_rows: int, progress: Quiet
) -> dict[str, int]:
    """Put whole frames into a store, in one transaction; rows by table."""
    stage = progress.stage("write", sum(frame.height for frame in frames.values()))
    frames = with_kept_ids(frames, kept_ids(url, frames))
    with open_writer(url, batch_rows, stage.rows) as writer, writer.transaction():
        made = set(writer.create_missing())
        for name in (name for name in TABLES if name in frames):
            put = writer.insert if name in made else writer.merge
            put(TABLES[name], frames[name])
    return {name: frame.height for name, frame in frames.items()}


def create(url: str) -> list[str]:
    """Make the tables that a store lacks; their names."""
    with open_writer(url) as writer, writer.transaction():
        return writer.create_missing()
