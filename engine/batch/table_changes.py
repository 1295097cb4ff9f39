"""Turn the results of a shard into changes of the target's tables, and apply them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import polars as pl

from engine.core.row_ids import IdForm
from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.results import Results, StoredTables
from loaders.earlier_results import STATE
from writers import Scope, Writer
from writers.rows_ahead import RowsAhead

FOREIGN_KEYS = (
    ("positions", "portfolio_id", "portfolios"),
    ("position_tags", "position_id", "positions"),
    ("position_tags", "tag_id", "tags_v2"),
    ("engine_portfolio_openings", "portfolio_id", "portfolios"),
    ("engine_position_openings", "position_id", "positions"),
)
"""Foreign keys to enforce when target and source differ: child, its column, parent. Rows of a refused
portfolio, or of another shard, are not written."""

DEFINITIONS = "factor_definitions"


class TableChanges(NamedTuple):
    """Changes of a shard to the target: frames by table, parents first.

    Attributes:
        upserts: rows to update or insert.
        updates: columns of stored rows to update.
        figures: rows that replace those of the portfolios `computed`.
        status: rows of analytics_status that replace those of the portfolios `reported`.
        removed: natural keys of rows to delete.
        computed: ids of the portfolios that were computed.
        reported: ids of those and of the refused ones.
    """

    upserts: Mapping[str, pl.DataFrame]
    updates: Mapping[str, pl.DataFrame]
    figures: StoredTables
    status: StoredTables
    removed: Mapping[str, pl.DataFrame]
    computed: Sequence[str]
    reported: Sequence[str]

    @property
    def inserts_definitions(self) -> bool:
        """Return whether the shard inserts factor definitions, which other shards may insert too."""
        return not self.upserts.get(DEFINITIONS, pl.DataFrame()).is_empty()

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows by table."""
        heights = {name: frame.height for name, frame in {**self.upserts, **self.updates}.items()}
        heights |= {**self.figures.heights, **self.status.heights}
        return {name: heights[name] for name in TABLES if name in heights}


def table_changes(
    results: Results,
    window: Window,
    wanted: Set[str],
    copied: Mapping[str, pl.DataFrame],
    definitions: pl.DataFrame,
    in_place: bool,
    ids: IdForm,
) -> TableChanges:
    """Return what a shard changes in the target.

    Args:
        results: of the shard.
        window: of the run.
        wanted: names of the tables to write.
        copied: rows, by table, to copy unchanged to a separate target.
        definitions: factor definitions as the shard read them.
        in_place: whether source and target are the same store.
        ids: the form of ids that the target takes.

    Returns:
        The changes; figures are made when they are written.
    """
    refused = results.failures["portfolio_id"].unique().sort().to_list()
    computed = results["portfolios"]["id"].to_list()
    tables = results.tables.select(wanted, ids)
    figures = tables.select([name for name in tables if TABLES[name].role == "output"])
    status = tables.select(["analytics_status"])
    others = {n: tables[n] for n in tables if n not in figures and n not in status}
    updates = _changed_state(others, window) if in_place else {}
    upserts = {n: f for n, f in others.items() if n not in updates}
    if in_place and DEFINITIONS in upserts:
        # Every shard would update these rows alike, and wait for the other's row locks: write new ones only.
        upserts[DEFINITIONS] = upserts[DEFINITIONS].join(
            definitions, on=definitions.columns, how="anti", nulls_equal=True, maintain_order="left"
        )
    for name, rows in copied.items():
        if name in wanted:
            upserts[name] = _replaced(rows, upserts.get(name, rows.clear()), results, name)
    if not in_place:
        upserts = _with_parents(upserts)
    return TableChanges(
        upserts={name: upserts[name] for name in TABLES if name in upserts},
        updates=updates,
        figures=figures,
        status=status,
        removed={n: f for n, f in results.removed.items() if n in wanted},
        computed=computed,
        reported=sorted({*computed, *refused}),
    )


def with_rows(changes: TableChanges, table: str, rows: pl.DataFrame, removed: pl.DataFrame) -> TableChanges:
    """Return the changes with further rows of a table.

    Args:
        changes: of a shard.
        table: its name.
        rows: to update or insert.
        removed: natural keys of rows to delete.
    """
    return changes._replace(
        upserts={**changes.upserts, **_if_any(table, rows)},
        removed={**changes.removed, **_if_any(table, removed)},
    )


def _if_any(table: str, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {} if rows.is_empty() else {table: rows}


def _changed_state(tables: Mapping[str, pl.DataFrame], window: Window) -> dict[str, pl.DataFrame]:
    """Return the state columns of changed rows; in a rerun, which starts from older values, of all rows."""
    rows = {name: tables[name] for name in STATE if name in tables}
    if not window.rerun:
        rows = {n: f.filter(pl.col("updated_at") >= window.written) for n, f in rows.items()}
    return {name: frame.select("id", *STATE[name], "updated_at") for name, frame in rows.items()}


def _replaced(copied: pl.DataFrame, fresh: pl.DataFrame, results: Results, name: str) -> pl.DataFrame:
    """Return the copied rows with fresh rows in place of those with their key, without removed rows."""
    table = TABLES[name]
    kept = copied.join(fresh, on=table.key, how="anti")
    if name in results.removed:
        kept = kept.join(results.removed[name], on=table.key, how="anti")
    return pl.concat([kept, fresh]).sort(table.key)


def _with_parents(rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the frames without rows whose parent is not written."""
    frames = dict(rows)
    for child, column, parent in FOREIGN_KEYS:
        if child in frames and parent in frames:
            parents = frames[parent].select(pl.col("id").alias(column))
            frames[child] = frames[child].join(parents, on=column, how="semi", maintain_order="left")
    return frames


def apply_changes(writer: Writer, changes: TableChanges, figures: RowsAhead, window: Window) -> None:
    """Apply a shard's changes inside an open transaction.

    Args:
        writer: of the target, inside a transaction.
        changes: of the shard.
        figures: rows of `changes.figures`, which are being made.
        window: whose sessions' figures are replaced.
    """
    first, last = window.sessions[0], window.sessions[-1]
    for name, keys in changes.removed.items():
        writer.remove(TABLES[name], keys)
    for name, frame in changes.upserts.items():
        writer.merge(TABLES[name], frame, by_id=TABLES[name].made_ids)
    for name, frame in changes.updates.items():
        writer.update(TABLES[name], frame)
    writer.replace_by(figures, Scope(changes.computed, first, last))
    writer.replace(changes.status, Scope(changes.reported, first, last))
