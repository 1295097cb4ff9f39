"""Writes of a run: its start, its shards and its end, each in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from engine.batch.kept_stamps import with_kept_stamps
from engine.batch.ledger import LEDGER, RUNS, SETTINGS, SHARDS, Run, settings_rows
from engine.batch.new_tables import create_tables
from engine.batch.report import by_status
from engine.batch.request import Request
from engine.batch.shards import within_memory
from engine.batch.stale_sessions import STALE
from engine.batch.steps import RunState
from engine.batch.table_changes import TableChanges, apply_changes
from engine.core.schema import TABLES
from engine.core.schema.kinds import FIRST_VERSION
from engine.core.window import Window
from engine.pipeline.state_rows import TRACKING, tracked_sessions
from loaders.store_rules import RECOMPUTE
from writers import LockScope, Scope, Writer, open_writer
from writers.writer import Progress

CREATED_TABLES = tuple(name for name, table in TABLES.items() if table.role in ("output", "engine"))
"""Tables that a run creates where they are missing. It never creates an input table: one that was dropped
during the run must not come back empty."""


class RunBoundary(NamedTuple):
    """Writes of a run's first and last transactions besides their shards.

    Attributes:
        creates_tables: create the tables that the target lacks.
        starts: record the start of the run, with the first shard.
        ends: record its end, with the last shard, if all others are committed.
    """

    creates_tables: bool = False
    starts: bool = False
    ends: bool = False


NO_BOUNDARY = RunBoundary()  # the writes of a shard alone


def record_start(state: RunState, run: Run) -> None:
    """Record the start of a run whose shards other processes write.

    The exclusive lock waits until the transactions of an interrupted run are committed or rolled back.

    Args:
        state: of the backfill.
        run: its row in the ledger.
    """
    request = state.request
    with open_writer(request.target, request.batch_rows) as writer, writer.transaction(LockScope()):
        writer.tidy()
        create_tables(writer, tables_to_create(request))
        _write_start(writer, state, run)


def wait_for_others(state: RunState) -> None:
    """Wait for the transactions of other processes in the target, and remove the files they prepared."""
    with open_writer(state.request.target) as writer, writer.transaction(LockScope()):
        writer.tidy()


def tables_to_create(request: Request) -> Collection[str]:
    """Return the tables that a run creates in its target where they are missing."""
    names = CREATED_TABLES if request.in_place else TABLES
    return [
        name
        for name in names
        if TABLES[name].since == FIRST_VERSION or name in request.wanted or name in LEDGER
    ]


def write_shard(
    state: RunState,
    run: Run,
    block: Sequence[str],
    changes: TableChanges,
    window: Window,
    progress: Progress,
    boundary: RunBoundary = NO_BOUNDARY,
    prepare: bool = False,
) -> None:
    """Write a shard and its row in the ledger in one transaction.

    Args:
        state: of the backfill.
        run: its row in the ledger.
        block: ids of the shard's portfolios.
        changes: what the shard changes.
        window: of the run.
        progress: called after each batch.
        boundary: what the transaction writes besides the shard.
        prepare: whether to prepare files before the lock is taken, because other processes write meanwhile.

    Raises:
        MemoryShortError: the rows do not fit the memory in their stored form.
    """
    request = state.request
    # Several shards insert these rows: shards of other processes must wait, too.
    exclusive = changes.inserts_definitions or not request.in_place
    refused = len(changes.reported) - len(changes.computed)
    lock = LockScope(None if exclusive or not block else block[0])
    with within_memory(len(block)):
        changes = with_kept_stamps(changes, request.target, window)
    with within_memory(len(block)), open_writer(request.target, request.batch_rows, progress) as writer:
        if prepare:
            writer.prepare(changes.figures, Scope(changes.computed, window.sessions[0], window.sessions[-1]))
        alone = state.is_only(block)
        with writer.transaction(lock), writer.rows_ahead(changes.figures, alone) as figures:
            if boundary.creates_tables:
                create_tables(writer, tables_to_create(request))
            if STALE.name in changes.upserts:
                writer.create_missing([STALE.name])
            apply_changes(writer, changes, figures, window)
            if boundary.starts and not boundary.ends:
                _write_start(writer, state, run)
            if block:
                writer.merge(SHARDS, run.shard_row(block, refused, sum(changes.rows.values())))
            tracked = _write_end(writer, state, run) if boundary.ends else {}
    state.report.count(tracked)


def _write_start(writer: Writer, state: RunState, run: Run) -> None:
    """Record that the run is at work, and the rules of the store, with the first of its figures."""
    recomputing = {RECOMPUTE: run.id} if state.request.recompute else {}
    writer.merge(RUNS, run.row("running"))
    writer.merge(SETTINGS, settings_rows({**state.settings, **recomputing}, state.now))


def record_end(state: RunState, run: Run) -> None:
    """Record the end of the run, and its sessions as done if no portfolio was refused.

    Args:
        state: of the backfill; the tracked sessions are counted in its report.
        run: its row in the ledger.
    """
    with open_writer(state.request.target, state.request.batch_rows) as writer, writer.transaction():
        tracked = _write_end(writer, state, run)
    state.report.count(tracked)


def _write_end(writer: Writer, state: RunState, run: Run) -> dict[str, int]:
    """Write batch_run_tracking and the end of the run; return the rows by table."""
    window = run.window
    failed = run.failed or not state.report.failures.is_empty()
    tracked = TRACKING.name in state.request.wanted and not failed
    rows = {TRACKING.name: tracked_sessions(window, datetime.now(UTC))} if tracked else {}
    writer.replace(rows, Scope((), window.sessions[0], window.sessions[-1]))
    writer.merge(RUNS, run.row("done", jobs=by_status(state.report)))
    writer.merge(SETTINGS, settings_rows(state.settings, state.now))
    if state.request.recompute:
        writer.remove(SETTINGS, pl.DataFrame({"name": [RECOMPUTE]}))
    return {name: frame.height for name, frame in rows.items()}
