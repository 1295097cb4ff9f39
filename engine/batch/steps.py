"""Steps of a run before it writes: load, compute, report. `engine.batch.backfill` calls them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

import polars as pl

from engine.batch.copied_rows import rows_of_computed, rows_of_others
from engine.batch.gate import Decisions
from engine.batch.missing_sessions import Stage
from engine.batch.report import Report
from engine.batch.request import Request
from engine.batch.shards import require_memory, within_memory
from engine.batch.stale_sessions import STALE, stale_changes, stale_rows
from engine.batch.table_changes import TableChanges, table_changes, with_rows
from engine.core.errors import IncompleteError, NoPricesError
from engine.core.instruments import is_quoted
from engine.core.progress import Quiet
from engine.core.window import Window
from engine.pipeline.compute import compute
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results
from engine.pipeline.state_rows import TRACKING
from loaders.earlier_results import EarlierResults, open_stores
from loaders.structure import require_spelling
from loaders.window import load_shared_tables, load_window
from writers.open import writer_kind

SHARED_TABLES = {
    "factor_definitions": "factor_definitions",
    "tags": "tags_v2",
    "position_tags": "position_tags",
}
"""Shared reference tables that a shard may extend for the next one: {field of Inputs: table}."""


@dataclass
class RunState:
    """State of a backfill in progress.

    Attributes:
        request: what was asked for.
        progress: shows stages and rows.
        now: start of the backfill.
        portfolios: those to compute, ascending.
        deleted: deleted portfolios. Their positions have no snapshots of their own; they are marked in the
            sessions of the portfolio that has the most.
        names: of all portfolios of the source, by id.
        stored: by portfolio, its stored sessions from the window's first session on.
        tables_exist: whether the target has all tables that the run creates.
        start_recorded: whether the start of the run is recorded in the target, or queued to be.
        end_recorded: the same of its end.
        settings: those to record in the target, by name.
        decided: what the gate decided on the sessions of the whole request.
        stages: the stages of missing sessions after this one.
        report: what the run has done so far.
    """

    request: Request
    progress: Quiet
    now: datetime
    portfolios: Sequence[str] = ()
    deleted: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    tables_exist: bool = False
    start_recorded: bool = False
    end_recorded: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    decided: Decisions = field(default_factory=Decisions)
    stages: Sequence[Stage] = ()
    report: Report = field(default_factory=lambda: Report(None))

    def is_first(self, block: Sequence[str]) -> bool:
        """Return whether a block is the run's first shard; a run without portfolios has one empty shard.

        Args:
            block: ids of a shard's portfolios.
        """
        return not block or block[0] == self.portfolios[0]

    def is_last(self, block: Sequence[str]) -> bool:
        """Return whether a block is the run's last shard.

        Args:
            block: ids of a shard's portfolios.
        """
        return not block or block[-1] == self.portfolios[-1]

    def is_only(self, block: Sequence[str]) -> bool:
        """Return whether a block is the run's only shard, so that nothing is computed while it is written.

        Args:
            block: ids of a shard's portfolios.
        """
        return len(block) == len(self.portfolios)

    def marks_deleted(self, block: Sequence[str]) -> bool:
        """Return whether the positions of deleted portfolios are marked with a block.

        Args:
            block: ids of portfolios with one history, or of a shard.
        """
        return not block or max(self.portfolios, key=lambda owner: len(self.stored[owner])) in block


class LoadedInputs(NamedTuple):
    """Inputs of portfolios with one history, or of those of one shard.

    Attributes:
        portfolios: ids, ascending.
        window: of the run, with the sessions that these portfolios have stored.
        inputs: validated frames.
        copied: rows to copy unchanged to a separate target store, by table.
    """

    portfolios: list[str]
    window: Window
    inputs: Inputs
    copied: Mapping[str, pl.DataFrame]


def load(state: RunState, past: EarlierResults, whole: Window, portfolios: list[str]) -> LoadedInputs:
    """Read the inputs of portfolios with one history, once.

    Args:
        state: of the backfill; rows in quarantine are added to its report.
        past: source and target.
        whole: the window of the run.
        portfolios: ids with the same stored sessions.

    Returns:
        Inputs, and rows to copy to a separate target.

    Raises:
        NoPricesError: the source has no close in the window's look-back, and a position needs one.
    """
    request = state.request
    deleted = state.deleted if state.marks_deleted(portfolios) else ()
    window = replace(whole, known=state.stored[portfolios[0]] if portfolios else ())
    copied: Mapping[str, pl.DataFrame] = {}
    state.progress.stage("load")
    quoted = state.request.rules.closes == "quoted"
    replays = request.scenarios.windows
    inputs = load_window(past, window, [*portfolios, *deleted], deleted, quoted=quoted, replays=replays)
    require_spelling(past.source, inputs)
    if inputs.closes.is_empty() and needs_prices(inputs.positions):
        raise NoPricesError(request.source, f"{window.first_price}", f"{window.last}")
    if state.is_first(portfolios) and not request.in_place:
        copied, quarantine = rows_of_others(past, request.target, state.portfolios)
        state.report.add_quarantine(quarantine)
    state.report.add_quarantine(inputs.quarantine)
    state.report.add_inconsistent(inputs.inconsistent)
    inputs = replace(inputs, partial=state.decided.partial, stale=stale_rows(past, portfolios))
    return LoadedInputs(portfolios, window, inputs, copied)


def shard_inputs(state: RunState, loaded: LoadedInputs, block: list[str]) -> LoadedInputs:
    """Return the inputs of one shard; rows that belong to no portfolio go with the first shard.

    Args:
        state: of the backfill.
        loaded: inputs of portfolios with one history.
        block: ids of the shard's portfolios, some of them.
    """
    if block == loaded.portfolios:
        return loaded
    inputs = loaded.inputs.of([*block, *(state.deleted if state.marks_deleted(block) else ())])
    copied = loaded.copied if state.is_first(block) else {}
    return loaded._replace(portfolios=block, inputs=inputs, copied=copied)


def with_shared_rows(loaded: LoadedInputs, results: Results) -> LoadedInputs:
    """Return the inputs with the factors, tags and links that a shard's results extended.

    Args:
        loaded: inputs that later shards will use.
        results: of the shard before them.
    """
    tables = results.tables
    extended = {name: tables[table] for name, table in SHARED_TABLES.items() if table in tables}
    return loaded._replace(inputs=replace(loaded.inputs, **extended))  # type: ignore[arg-type]


def with_stored_shared_rows(state: RunState, loaded: LoadedInputs) -> LoadedInputs:
    """Return the inputs with the factors, tags and links that other processes have stored.

    Args:
        state: of the backfill; the time counts as its stage `load`.
        loaded: inputs that later shards will use.
    """
    with state.report.timed("load"), open_run_stores(state.request) as past:
        stored: dict[str, Any] = load_shared_tables(past)
        return loaded._replace(inputs=replace(loaded.inputs, **stored))


def open_run_stores(request: Request) -> AbstractContextManager[EarlierResults]:
    """Open the stores of a run to read."""
    return open_stores(request.source, request.target, request.in_place)


def needs_prices(positions: pl.DataFrame) -> bool:
    """Return whether the market quotes any of the positions.

    Args:
        positions: symbol and investment_class.
    """
    return not positions.filter(is_quoted()).is_empty()


def compute_shard(state: RunState, loaded: LoadedInputs, threads: int = 1) -> Results:
    """Return the results of a shard, after a check that no snapshot is missing.

    Args:
        state: of the backfill; rules and scenarios are its request's.
        loaded: inputs of the shard.
        threads: see `compute`.

    Raises:
        MemoryShortError: the shard does not fit the memory.
        IncompleteError: a snapshot is missing that no failure explains.
    """
    require_memory(loaded.portfolios, loaded.inputs.positions, len(loaded.window.sessions))
    with state.report.timed("compute"), within_memory(len(loaded.portfolios)):
        state.progress.stage("compute")
        request = state.request
        results = compute(loaded.inputs, loaded.window, request.rules, request.scenarios, threads)
    check_snapshots(results, loaded.window, loaded.portfolios)
    return results


def check_snapshots(results: Results, window: Window, block: Sequence[str]) -> None:
    """Check that a shard will write every snapshot whose lack no refused portfolio explains.

    Args:
        results: of the shard.
        window: of the shard.
        block: ids of the shard's portfolios.

    Raises:
        IncompleteError: there are too few snapshots or too many.
    """
    expected = results["portfolios"].height * len(window.sessions)
    failed = results.failures["portfolio_id"].n_unique()
    rows = results.tables.heights["portfolio_snapshots"]
    if rows != expected or results["portfolios"].height + failed != len(block):
        raise IncompleteError(rows, len(block) * len(window.sessions), failed)


def shard_changes(state: RunState, loaded: LoadedInputs, results: Results) -> TableChanges:
    """Return what a shard changes in the target; batch_run_tracking is written at the end of the run.

    Args:
        state: of the backfill.
        loaded: inputs of the shard.
        results: of the shard.
    """
    request = state.request
    copied = {} if request.in_place else {**rows_of_computed(loaded.inputs), **loaded.copied}
    wanted, definitions = request.wanted - {TRACKING.name}, loaded.inputs.factor_definitions
    ids = writer_kind(request.target).ids
    changes = table_changes(results, loaded.window, wanted, copied, definitions, request.in_place, ids)
    if "portfolio_snapshots" not in wanted:
        return changes
    rows, removed = stale_changes(loaded.inputs.stale, loaded.window, changes.computed, state.now)
    return with_rows(changes, STALE.name, rows, removed)


def report_shard(state: RunState, results: Results, changes: TableChanges, window: Window) -> None:
    """Add a shard to the report of the run.

    Args:
        state: of the backfill.
        results: of the shard.
        changes: rows that it writes, by table.
        window: of the shard.
    """
    report = state.report
    report.window = window
    report.portfolios += results["portfolios"].height
    report.add_failures(results.failures)
    report.add_outcomes(results.outcomes)
    report.rules = str(state.request.rules)
    report.count(changes.rows)
