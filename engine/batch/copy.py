"""Copy whole tables between stores, create tables, upgrade stores."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import polars as pl

from engine.batch.new_tables import add_shipped_rows, create_tables
from engine.core.compact import Layout, layout_of
from engine.core.errors import UsageError
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.core.schema.evolution import gaps_note, gaps_of_a_run, schema_gaps, warn_of_gaps
from engine.core.store_url import StoreURL
from loaders.open import is_new, open_reader, same_store
from writers import LockScope, layouts, open_writer
from writers.kept_ids import kept_ids, with_kept_ids
from writers.lock import store_lock
from writers.retry import with_retries

SPREAD = "spread"
"""factor_type of the spreads in databases that an older migration filled (document 02 §5)."""


def copy(source: str, target: str, batch_rows: int, progress: Quiet) -> dict[str, int]:
    """Copy every known table of the source.

    Rows of the target with the same natural key are updated; others stay.

    Args:
        source: URL of the store to read.
        target: URL of the store to write.
        batch_rows: rows in one batch.
        progress: shows stages and rows.

    Returns:
        Rows by table.

    Raises:
        UsageError: both URLs name the same store.
    """
    if same_store(StoreURL.parse(source), StoreURL.parse(target)):
        raise UsageError("the two stores are one and the same")
    progress.stage("read")
    with open_reader(source) as reader:
        present = reader.tables()
        frames = {name: reader.read(name) for name in TABLES if name in present}
    return write_frames(target, frames, batch_rows, progress)


def write_frames(
    url: str, frames: Mapping[str, pl.DataFrame], batch_rows: int, progress: Quiet
) -> dict[str, int]:
    """Put whole frames into a store in one transaction.

    Args:
        url: of the store; missing tables are created.
        frames: whole rows by table; rows of existing natural keys are replaced and keep their ids.
        batch_rows: rows in one batch.
        progress: shows stages and rows.

    Returns:
        The number of rows by table.
    """
    fitting = _without_spreads(with_kept_ids(frames, kept_ids(url, frames)), url)
    with_retries(partial(_write_frames, url, fitting, batch_rows, progress), progress.note)
    return {name: frame.height for name, frame in frames.items()}


def _write_frames(url: str, frames: Mapping[str, pl.DataFrame], batch_rows: int, progress: Quiet) -> None:
    stage = progress.stage("write", sum(frame.height for frame in frames.values()))

    def count(table: str, rows: int) -> None:
        if table in frames:  # not the rows that a new table begins with
            stage.rows(table, rows)

    with open_writer(url, batch_rows, count) as writer, writer.transaction():
        warn_of_gaps(gaps_of_a_run(writer.catalog()), url, progress)
        made = set(create_tables(writer, given=frames))
        for name in (name for name in TABLES if name in frames):
            put = writer.insert if name in made else writer.merge
            put(TABLES[name], frames[name])


def _without_spreads(frames: Mapping[str, pl.DataFrame], url: str) -> Mapping[str, pl.DataFrame]:
    """Return the frames without definitions that the target keeps as spreads, as the application does."""
    fresh = frames.get("factor_definitions")
    if fresh is None or is_new(StoreURL.parse(url)):
        return frames
    with open_reader(url) as reader:
        if "factor_definitions" not in reader.tables():
            return frames
        stored = reader.read("factor_definitions", ["name", "factor_type"])
    spreads = stored.filter(pl.col("factor_type") == SPREAD)["name"]
    other = fresh.filter((pl.col("factor_type") == SPREAD) | ~pl.col("name").is_in(spreads.implode()))
    return {**frames, "factor_definitions": other}


def create(url: str, layout: Layout | None = None) -> list[str]:
    """Create the tables that a store lacks, with the rows that a new store begins with.

    A table that exists already is left alone, even an empty one: it may be another application's.

    Args:
        url: The store; made if it does not exist.
        layout: Of its tables; default the store's own, of a new store the legacy layout.

    Returns:
        The names of the tables.
    """
    with open_writer(url) as writer, writer.transaction():
        made = writer.create_missing(layout=layout)
        add_shipped_rows(writer, made)
        return made


def schema_note(url: str) -> str:
    """Return the line that says what a store lacks of the schema; empty if it lacks nothing."""
    with open_reader(url) as reader:
        return gaps_note(schema_gaps(reader.columns), url)


def upgrade(url: str) -> list[str]:
    """Bring an existing store to the present schema version, in one transaction.

    Tables of the engine and of its results that the store lacks are made, columns that they lack are added,
    and text columns of the engine that are too narrow are widened. Tables of inputs are left alone. Where the
    store refuses one change it keeps none. A store that a run is writing is left alone, with an error.

    Args:
        url: the store.

    Returns:
        A line for each change; none if there was nothing to do.
    """
    if is_new(StoreURL.parse(url)):
        open_reader(url).close()  # it raises if there is no file or folder: the lock would make a folder
    with store_lock(url, wait=False):
        with open_reader(url) as reader:
            gaps = schema_gaps(reader.columns)
        if gaps:
            with open_writer(url) as writer, writer.transaction(LockScope()):
                writer.upgrade(gaps)
                add_shipped_rows(writer, [gap.table for gap in gaps if not gap.column])
    return [gap.change for gap in gaps]


def change_layout(url: str, layout: Layout) -> dict[str, int]:
    """Change the layout of a store, in one transaction; a store that a run is writing is left alone.

    Args:
        url: The store.
        layout: The new one.

    Returns:
        Rows by legacy table; empty if the store has that layout already.
    """
    if is_new(StoreURL.parse(url)):
        open_reader(url).close()  # it raises if there is no file or folder: the lock would make a folder
    with store_lock(url, wait=False), open_writer(url) as writer, writer.transaction(LockScope()):
        return layouts.change_layout(writer, layout)


def stored_layout(url: str) -> Layout:
    """Return the layout of a store."""
    with open_reader(url) as reader:
        return layout_of(reader.columns)
