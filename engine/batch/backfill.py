"""A backfill from its plan to its report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from engine.analytics.stress.scenarios import load_scenarios
from engine.batch.executors import check, open_executor
from engine.batch.failed_sessions import stages_around_failures
from engine.batch.gate import THRESHOLD
from engine.batch.held_back import record_held_back
from engine.batch.ledger import Run, interrupted_run, new_run, resumed_run
from engine.batch.older_store import allow_for_gaps
from engine.batch.quoted_closes import note_closes
from engine.batch.report import Report, combined
from engine.batch.request import Request, destination
from engine.batch.run_window import run_window
from engine.batch.run_writes import record_end
from engine.batch.shards import (
    blocks_by_weight,
    equal_blocks,
    group_by_history,
    shard_count,
    weights,
)
from engine.batch.steps import (
    LoadedInputs,
    RunState,
    compute_shard,
    load,
    open_run_stores,
    report_shard,
    shard_changes,
    shard_inputs,
)
from engine.batch.store_rules import choose_rules
from engine.batch.table_choice import with_required_tables
from engine.core.errors import UsageError
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.core.store_url import StoreURL
from engine.core.window import Window
from loaders.open import same_store
from writers.file_lock import holder
from writers.lock import store_lock
from writers.retry import with_retries
from writers.writer import BATCH_ROWS


def backfill(
    source: str,
    target: str | None = None,
    *,
    start: date | None = None,
    end: date | None = None,
    run_date: date | None = None,
    portfolios: Sequence[UUID] | None = None,
    only: Sequence[str] | None = None,
    batch_rows: int = BATCH_ROWS,
    shard_size: int | None = None,
    memory: int | None = None,
    dry_run: bool = False,
    restart: bool = False,
    wait: bool = False,
    executor: str = "local",
    rules: Rules | None = None,
    recompute: bool = False,
    threshold: float = THRESHOLD,
    allow_stale: bool = False,
    scenarios: Path | None = None,
    progress: Quiet | None = None,
) -> Report:
    """Compute a window of a store and write its tables, to the same store or another.

    Each shard, a block of portfolios over the whole window, is one transaction. A run that was
    interrupted computes the shards that are not done when the same call is made again.

    Args:
        source: URL of the store to read.
        target: URL of the store to write; default the source, but see `engine.batch.request.destination`.
        start: first day; default the first missing session (`engine.batch.missing_sessions`).
        end: last day; default the newest session whose closes are final.
        run_date: what counts as today; default today's date in UTC.
        portfolios: ids; default all that are not deleted.
        only: names of tables to write, with those that they need (`engine.batch.table_choice`); default all.
        batch_rows: rows in one batch.
        shard_size: portfolios in a shard; default what fits in memory (`engine.batch.shards`).
        memory: bytes that the run may use; default half of what is free.
        dry_run: compute, but write nothing.
        restart: compute all shards of an interrupted run again.
        wait: wait for another run in the target instead of raising an error.
        executor: "local", this process, or "ray", a cluster (`engine.batch.executors`).
        rules: default those of the store; `Rules.legacy()` for a store without figures. Other rules than
            the store's are refused, unless all is computed anew.
        recompute: compute all stored sessions anew, from the first one on, by `rules`.
        threshold: the fraction of a portfolio's value that the closes of a session must cover, 0 to 1. A
            missing session with fewer waits for closes that may still come (`engine.batch.gate`).
        allow_stale: compute sessions with too few closes, or none, all the same; never one of the future.
        scenarios: a file of stress scenarios, TOML or JSON; default the shipped ones.
        progress: shows stages and rows; default none.

    Returns:
        What the run did.

    Raises:
        UsageError: arguments that contradict each other.
        EngineError: any other error of `engine.core.errors`; nothing of an open shard was written.
    """
    if recompute and not (start is None and portfolios is None and only is None):
        raise UsageError(
            "--recompute computes all sessions, portfolios and tables of a store anew",
            "Leave out --start, --portfolio and --only",
        )
    inputs = StoreURL.parse(source)
    results = destination(inputs, None if target is None else StoreURL.parse(target), dry_run)
    request = Request(
        inputs,
        results,
        start,
        end,
        run_date,
        portfolios,
        with_required_tables(only, same_store(inputs, results)),
        rules,
        load_scenarios(scenarios),
        batch_rows,
        shard_size,
        memory,
        dry_run,
        recompute,
        threshold,
        allow_stale,
    )
    return execute(request, progress or Quiet(), restart=restart, wait=wait, executor=executor)


def execute(
    request: Request, progress: Quiet, *, restart: bool = False, wait: bool = False, executor: str = "local"
) -> Report:
    """Run a request.

    Args:
        request: what to compute.
        progress: shows stages and rows.
        restart: compute all shards of an interrupted run again.
        wait: wait for another run in the target instead of raising an error.
        executor: "local" or "ray".

    Returns:
        What the run did.
    """
    state = RunState(request, progress, datetime.now(UTC))
    check(executor, request)
    if request.dry_run:
        return _named(state, _all_stages(state, _dry_run))
    with store_lock(request.target, wait):
        report = _named(state, _all_stages(state, partial(_run, restart=restart, executor=executor)))
        with_retries(partial(record_held_back, state), state.progress.note)
        return report


def _named(state: RunState, report: Report) -> Report:
    """Return the report with the names of the portfolios that it mentions."""
    names = state.names
    report.names = {owner: names[owner] for owner in sorted(report.mentioned) if names.get(owner)}
    return report


def _all_stages(state: RunState, run: Callable[[RunState], Report]) -> Report:
    """Compute the first stage, those that `run_window` finds, and those around sessions that failed."""
    asked = state.request
    reports, stages = [run(state)], deque(state.stages)
    while True:
        # A dry run stores nothing from which the sessions after a failed one could go on.
        report, window = reports[-1], reports[-1].window
        if window and not asked.dry_run:
            stages.extendleft(reversed(stages_around_failures(report, window.run_date)))
        if not stages:
            return combined(reports)
        request = asked._replace(command=state.request.id).for_stage(stages.popleft())
        reports.append(run(RunState(request, state.progress, state.now, decided=state.decided)))


def _dry_run(state: RunState) -> Report:
    with state.report.timed("load"), open_run_stores(state.request) as past:
        state.progress.stage("load")
        allow_for_gaps(state, past)
        choose_rules(state, past)
        note_closes(state, past)
        window = run_window(state, past)
        if window is None:
            return state.report
        groups = _groups(state, state.portfolios)
        first = load(state, past, window, groups[0])
    for loaded in _loaded_groups(state, window, groups, first):
        for block in _shards(state, loaded, 1, 1):
            inputs = shard_inputs(state, loaded, block)
            results = compute_shard(state, inputs, threads=2)
            report_shard(state, results, shard_changes(state, inputs, results), inputs.window)
    return state.report


def _run(state: RunState, restart: bool, executor: str) -> Report:
    started = with_retries(partial(_start, state, state.request, restart), state.progress.note)
    if started is None:
        return state.report
    run, groups, first = started
    with open_executor(executor, state, run) as shards:
        for group in _loaded_groups(state, run.window, groups, first, shards.wait_for_all):
            loaded = group
            for block in _shards(state, group, shards.shards_in_memory, shards.parallel_shards):
                loaded = shards.run_shard(loaded, block)
    if not state.end_recorded:
        with state.report.timed("write"):
            with_retries(partial(record_end, state, run), state.progress.note)
    return state.report


def _groups(state: RunState, portfolios: Sequence[str]) -> list[list[str]]:
    """Return the portfolios in groups with one history.

    Without portfolios there is one empty group: positions of deleted portfolios are marked, too.
    """
    return group_by_history(portfolios, state.stored) if state.portfolios else [[]]


def _loaded_groups(
    state: RunState,
    window: Window,
    groups: Sequence[list[str]],
    first: LoadedInputs | None,
    wait: Callable[[], None] = lambda: None,
) -> Iterator[LoadedInputs]:
    """Read the inputs of each group of portfolios with one history.

    Args:
        state: of the backfill.
        window: of the run.
        groups: ids of portfolios.
        first: inputs of the first group, read already; None where nothing is left to compute.
        wait: called before reading: a file must not be read while it is written.

    Yields:
        The inputs of one group.
    """

    def read(group: list[str]) -> LoadedInputs:
        with state.report.timed("load"), open_run_stores(state.request) as past:
            return load(state, past, window, group)

    if first:
        yield first
    for group in groups[1:]:
        wait()
        yield with_retries(partial(read, group), state.progress.note)


def _shards(state: RunState, loaded: LoadedInputs, in_memory: int, parallel: int) -> list[list[str]]:
    """Return the portfolios in blocks, one for each shard."""
    portfolios, request = loaded.portfolios, state.request
    if not portfolios:
        return [[]]
    if request.shard_size:
        return equal_blocks(portfolios, request.shard_size)
    weight, sessions = weights(portfolios, loaded.inputs.positions), len(loaded.window.sessions)
    shards = shard_count(sum(weight), len(portfolios), sessions, request.memory, in_memory, parallel)
    return blocks_by_weight(portfolios, weight, shards)


def _start(
    state: RunState, asked: Request, restart: bool
) -> tuple[Run, list[list[str]], LoadedInputs | None] | None:
    """Return the run, its portfolios in groups with one history, and the inputs of the first group."""
    state.request = asked
    with state.report.timed("load"), open_run_stores(state.request) as past:
        state.progress.stage("plan")
        allow_for_gaps(state, past)
        request, ledger = choose_rules(state, past), past.results
        note_closes(state, past)
        old = interrupted_run(ledger, request.id) if ledger else None
        window = run_window(state, past, old, restart)
        if window is None:
            return None
        run = new_run(request.id, window, holder(), request.rules)
        if ledger is not None and old is not None and not restart:
            run = resumed_run(ledger, old, window, holder(), request.rules) or run
        run = run._replace(threshold=request.threshold, allow_stale=request.allow_stale)
        state.report.run_ids.append(run.id)
        groups = _groups(state, _remaining(state, run, restart or state.request.again))
        return run, groups, load(state, past, run.window, groups[0]) if groups else None


def _remaining(state: RunState, run: Run, again: bool) -> list[str]:
    """Return the portfolios to compute: all that are not done, or those that lack a session of the window."""
    due = set(run.window.sessions)
    portfolios = run.remaining(state.portfolios)
    return [owner for owner in portfolios if again or not due.issubset(state.stored[owner])]
