"""Steps of a run: load, compute, write, finish. `engine.batch.backfill` calls them in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from engine.batch.copied_rows import of_inputs, of_others
from engine.batch.ledger import LEDGER, RUNS, SETTINGS, SHARDS, Run, settings_rows
from engine.batch.missing_sessions import Stage
from engine.batch.report import Report
from engine.batch.request import Request
from engine.batch.shards import within_memory
from engine.batch.table_changes import Changes, apply, changes
from engine.core.errors import IncompleteError, NoPricesError
from engine.core.instruments import unquoted
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.core.schema.kinds import FIRST_VERSION
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from engine.pipeline.state_rows import TRACKING, tracked_sessions
from loaders.earlier_results import EarlierResults, open_stores
from loaders.store_rules import RECOMPUTE
from loaders.window import load_labels, load_window
from writers import LockScope, Scope, Writer, open_writer
from writers.open import writer_kind
from writers.writer import Progress

MADE = tuple(name for name, table in TABLES.items() if table.role in ("output", "engine"))
"""Tables that a run creates where they are missing. It never creates an input table: one that was dropped
during the run must not come back empty."""

LABELS = {"factor_definitions": "factor_definitions", "tags": "tags_v2", "position_tags": "position_tags"}
"""Shared reference tables that a shard may extend for the next one: {field of Inputs: table}."""


@dataclass
class Job:
    """State of a backfill.

    portfolios: those to compute, ascending. known: by portfolio, the sessions from the window on
    that it has. dead: deleted ones; their positions, which no snapshot tells the sessions of, are
    marked with those of the portfolio that has the most.
    complete: whether the target has all the tables that a run makes there. begun, ended: whether the
    run's beginning and its end are told of in the target, or about to be.
    settings: those that the target is to record, by name.
    stages: of the missing sessions, those that come after this job's.
    """

    request: Request
    told: Quiet
    now: datetime
    portfolios: Sequence[str] = ()
    dead: Sequence[str] = ()
    known: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    complete: bool = False
    begun: bool = False
    ended: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    stages: Sequence[Stage] = ()
    report: Report = field(default_factory=lambda: Report(None))

    def is_first(self, block: Sequence[str]) -> bool:
        """Whether a block is the run's first shard; a run without portfolios has one empty shard."""
        return not block or block[0] == self.portfolios[0]

    def is_last(self, block: Sequence[str]) -> bool:
        """Whether a block is the run's last shard."""
        return not block or block[-1] == self.portfolios[-1]

    def marks_deleted(self, block: Sequence[str]) -> bool:
        """Whether the positions of deleted portfolios are marked with a block."""
        return not block or max(self.portfolios, key=lambda owner: len(self.known[owner])) in block


@dataclass(frozen=True)
class Place:
    """What a shard's transaction holds besides the shard, by the shard's place in its run.

    makes: the tables that the target lacks. begins: that the run is at work, with the first shard
    that is written. ends: with the last one, when all others are through, the run's end.
    """

    makes: bool = False
    begins: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Loaded:
    """Inputs of portfolios with one history, or of those of one shard.

    others: what a target of its own needs beside, of nobody's or of portfolios not computed; by table.
    """

    portfolios: list[str]
    window: Window
    inputs: Inputs
    others: Mapping[str, pl.DataFrame]


def load(job: Job, past: EarlierResults, whole: Window, portfolios: list[str]) -> Loaded:
    """Read the inputs of portfolios with one history, once."""
    request = job.request
    dead = job.dead if job.marks_deleted(portfolios) else ()
    window = replace(whole, known=job.known[portfolios[0]] if portfolios else ())
    others: Mapping[str, pl.DataFrame] = {}
    job.told.stage("load")
    inputs = load_window(past, window, [*portfolios, *dead], dead)
    if inputs.closes.is_empty() and needs_prices(inputs.positions):
        raise NoPricesError(request.source, f"{window.first_price}", f"{window.last}")
    if job.is_first(portfolios) and not request.in_place:
        others, bad = of_others(past, request.target, job.portfolios)
        job.report.tell_quarantine(bad)
    job.report.tell_quarantine(inputs.quarantine)
    return Loaded(portfolios, window, inputs, others)


def shard(job: Job, loaded: Loaded, block: list[str]) -> Loaded:
    """Return the inputs of one shard; rows that belong to no portfolio go with the first shard."""
    inputs = loaded.inputs.of([*block, *(job.dead if job.marks_deleted(block) else ())])
    others = loaded.others if job.is_first(block) else {}
    return replace(loaded, portfolios=block, inputs=inputs, others=others)


def passed_on(loaded: Loaded, results: Results) -> Loaded:
    """Return the inputs with the factors, tags and links that a shard's results extended."""
    left = {name: results.tables[table] for name, table in LABELS.items() if table in results.tables}
    inputs = replace(loaded.inputs, **left)  # type: ignore[arg-type]
    return replace(loaded, inputs=inputs)


def relabelled(job: Job, loaded: Loaded) -> Loaded:
    """Return the inputs with the factors, tags and links that other processes have stored."""
    with job.report.timed("load"), past_of(job.request) as past:
        labels: dict[str, Any] = load_labels(past)
        return replace(loaded, inputs=replace(loaded.inputs, **labels))


def past_of(request: Request) -> AbstractContextManager[EarlierResults]:
    """Open the stores of a run to read."""
    return open_stores(request.source, request.target, request.in_place)


def needs_prices(positions: pl.DataFrame) -> bool:
    """Whether any of the positions is one that a market quotes."""
    private = (pl.col("investment_class").str.to_uppercase() == "PRIVATE").fill_null(False)
    return not positions.filter(~private & ~unquoted("symbol", "none")).is_empty()


def computed(job: Job, loaded: Loaded) -> Results:
    """Return the results of a shard, after a check that no snapshot is missing.

    Raises:
        MemoryShortError: the shard does not fit the memory.
        IncompleteError: a snapshot is missing that no failure explains.
    """
    with job.report.timed("compute"), within_memory(len(loaded.portfolios)):
        job.told.stage("compute")
        results = compute(loaded.inputs, loaded.window, job.request.rules, job.request.scenarios)
    gate(results, loaded.window, loaded.portfolios)
    return results


def gate(results: Results, window: Window, block: Sequence[str]) -> None:
    """Raise an IncompleteError if a shard would write fewer snapshots than its status explains."""
    expected = results["portfolios"].height * len(window.sessions)
    left_out = results.failures["portfolio_id"].n_unique()
    found = results.tables.heights["portfolio_snapshots"]
    if found != expected or results["portfolios"].height + left_out != len(block):
        raise IncompleteError(found, len(block) * len(window.sessions), left_out)


def changed(job: Job, loaded: Loaded, results: Results) -> Changes:
    """Return what a shard changes in the target; batch_run_tracking is written at the end of the run."""
    request = job.request
    seeds = {} if request.in_place else {**of_inputs(loaded.inputs), **loaded.others}
    wanted, definitions = request.wanted - {TRACKING.name}, loaded.inputs.factor_definitions
    ids = writer_kind(request.target).ids
    return changes(results, loaded.window, wanted, seeds, definitions, request.in_place, ids)


def count(job: Job, results: Results, found: Changes, window: Window) -> None:
    """Add a shard to the report."""
    report = job.report
    report.window = window
    report.portfolios += results["portfolios"].height
    report.tell_failures(results.failures)
    report.count(found.rows)


def begin(job: Job, run: Run) -> None:
    """Record the start of a run whose shards other processes write.

    What those of a dead run have under way there is through, or gone, when this ends.
    """
    request = job.request
    with open_writer(request.target, request.batch_rows) as writer, writer.transaction(LockScope()):
        writer.tidy()
        writer.create_missing(made(request))
        _announce(writer, job, run)


def wait_for_others(job: Job) -> None:
    """Wait until no other process is in a shard's transaction in the target, and clear what they left."""
    with open_writer(job.request.target) as writer, writer.transaction(LockScope()):
        writer.tidy()


def made(request: Request) -> Collection[str]:
    """Return the tables that a run creates in its target where they are missing."""
    names = MADE if request.in_place else TABLES
    return [
        name
        for name in names
        if TABLES[name].since == FIRST_VERSION or name in request.wanted or name in LEDGER
    ]


def write(
    job: Job,
    run: Run,
    block: Sequence[str],
    found: Changes,
    window: Window,
    told: Progress,
    place: Place = Place(),
    ahead: bool = False,
) -> None:
    """Write a shard and its row in the ledger in one transaction.

    Args:
        job: the backfill.
        run: its row in the ledger.
        block: ids of the shard's portfolios.
        found: what the shard changes.
        window: of the run.
        told: called after each batch.
        place: what the transaction holds besides the shard.
        ahead: whether other processes write meanwhile: files are then prepared before the lock is taken.

    Raises:
        MemoryShortError: the rows do not fit the memory in their stored form.
    """
    request = job.request
    # Several shards insert these rows: shards of other processes must wait, too.
    alone = found.makes_definitions or not request.in_place
    left_out = len(found.reported) - len(found.computed)
    rows = sum(found.rows.values())
    lock = LockScope(None if alone or not block else block[0])
    with within_memory(len(block)), open_writer(request.target, request.batch_rows, told) as writer:
        if ahead:
            writer.prepare(found.figures, Scope(found.computed, window.sessions[0], window.sessions[-1]))
        with writer.transaction(lock):
            if place.makes:
                writer.create_missing(made(request))
            apply(writer, found, window)
            if place.begins and not place.ends:
                _announce(writer, job, run)
            if block:
                writer.merge(SHARDS, run.shard_row(block, left_out, rows))
            tracked = _end(writer, job, run) if place.ends else {}
    job.report.count(tracked)


def _announce(writer: Writer, job: Job, run: Run) -> None:
    """Record that the run is at work, and the rules of the store, with the first of its figures."""
    recomputing = {RECOMPUTE: run.id} if job.request.recompute else {}
    writer.merge(RUNS, run.row("running"))
    writer.merge(SETTINGS, settings_rows({**job.settings, **recomputing}, job.now))


def finish(job: Job, run: Run) -> None:
    """Record the end of the run, and its sessions as done if no portfolio was refused."""
    with open_writer(job.request.target, job.request.batch_rows) as writer, writer.transaction():
        tracked = _end(writer, job, run)
    job.report.count(tracked)


def _end(writer: Writer, job: Job, run: Run) -> dict[str, int]:
    """Write batch_run_tracking and the end of the run; return the rows by table."""
    window = run.window
    failed = run.failed or not job.report.failures.is_empty()
    tracked = TRACKING.name in job.request.wanted and not failed
    rows = {TRACKING.name: tracked_sessions(window)} if tracked else {}
    writer.replace(rows, Scope((), window.sessions[0], window.sessions[-1]))
    writer.merge(RUNS, run.row("done"))
    writer.merge(SETTINGS, settings_rows(job.settings, job.now))
    if job.request.recompute:
        writer.remove(SETTINGS, pl.DataFrame({"name": [RECOMPUTE]}))
    return {name: frame.height for name, frame in rows.items()}
