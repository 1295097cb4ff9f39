"""Whole tables from one store, or from memory, into another."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from engine.errors import StoreUnreachableError, UsageError
from engine.progress import Quiet
from engine.schema import TABLES, Table
from engine.store_url import same_store
from loaders import Reader, open_reader
from writers import open_writer


def copy(source: str, target: str, batch_rows: int, progress: Quiet) -> dict[str, int]:
    """Copy every known table that the source has; rows by table.

    Rows that the target has under the same natural key are updated; others stay.
    """
    if same_store(source, target):
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
    progress.stage("write", sum(frame.height for frame in frames.values()))
    frames = _pointing_to(url, frames)
    with open_writer(url, batch_rows, progress.rows) as writer:
        made = set(writer.create_missing())
        with writer.transaction():
            for name in (name for name in TABLES if name in frames):
                put = writer.insert if name in made else writer.merge
                put(TABLES[name], frames[name])
    return {name: frame.height for name, frame in frames.items()}


def _pointing_to(url: str, frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Frames whose references name the target's rows: where it has a row under the same natural
    key, the merge keeps that row's id (`made_ids`), and children must follow.
    """
    pointed = dict(frames)
    try:
        with open_reader(url) as reader:
            for parent in (TABLES[name] for name in TABLES if name in frames and TABLES[name].made_ids):
                kept = _kept_ids(reader, parent, pointed[parent.name])
                for child, column in _references(parent, pointed) if kept.height else ():
                    followed = pl.col(column).replace(kept["id"], kept["kept"])
                    pointed[child] = pointed[child].with_columns(followed)
    except StoreUnreachableError:
        pass  # a store that is not there yet has no rows; any other reason the writer will meet
    return pointed


def _kept_ids(reader: Reader, parent: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """id, kept: rows of a frame that the target has under another id."""
    if parent.name not in reader.tables():
        return pl.DataFrame(schema={"id": pl.String, "kept": pl.String})
    there = reader.read(parent.name, ["id", *parent.key]).rename({"id": "kept"})
    known = frame.join(there, on=parent.key)
    return known.filter(pl.col("id") != pl.col("kept")).select("id", "kept")


def _references(parent: Table, frames: Mapping[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """The children's tables and columns that hold a parent's ids."""
    return [
        (child, key.column)
        for child in frames
        for key in TABLES[child].foreign_keys
        if key.parent == parent.name
    ]


def create(url: str) -> list[str]:
    """Make the tables that a store lacks; their names."""
    with open_writer(url) as writer:
        return writer.create_missing()
