"""The job: plan, load, compute, write, report. The only place that knows all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import polars as pl

from engine.analytics.stress.scenarios import load_scenarios
from engine.batch.executors import check, open_executor
from engine.batch.ledger import Run, began, cut_off, new_run, resumed
from engine.batch.missing_sessions import Stage, backlog
from engine.batch.older_store import allow_for_gaps
from engine.batch.plan import known, plan, settled
from engine.batch.report import Report, combined
from engine.batch.request import Request, destination
from engine.batch.shards import alike, blocks, by_weight, live_portfolios, shard_count, weights
from engine.batch.steps import Job, Loaded, changed, computed, count, finish, load, made, past_of, shard
from engine.batch.store_rules import choose_rules, first_session
from engine.batch.table_choice import completed
from engine.core.errors import UsageError
from engine.core.progress import Quiet
from engine.core.rules import Rules
from engine.core.store_url import StoreURL
from engine.core.window import Window
from loaders.earlier_results import EarlierResults
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
        scenarios: a file of stress scenarios, TOML or JSON; default the shipped ones.
        progress: shows stages and rows; default none.

    Returns:
        What the run did.

    Raises:
        UsageError: arguments that contradict each other.
        EngineError: any other error of `engine.core.errors`; nothing of an open shard was written.
    """
    if recompute and (start or portfolios or only):
        raise UsageError(
            "--recompute computes all sessions, portfolios and tables of a store anew",
            "Leave out --start, --portfolio and --only",
        )
    inputs = StoreURL.parse(source)
    results = destination(inputs, StoreURL.parse(target) if target else None, dry_run)
    request = Request(
        inputs,
        results,
        start,
        end,
        run_date,
        portfolios,
        completed(only, same_store(inputs, results)),
        rules,
        load_scenarios(scenarios),
        batch_rows,
        shard_size,
        memory,
        dry_run,
        recompute,
    )
    job = Job(request, progress or Quiet(), datetime.now(UTC))
    check(executor, request)
    if dry_run:
        return _all_stages(job, _rehearse)
    with store_lock(request.target, wait):
        return _all_stages(job, partial(_run, restart=restart, executor=executor))


def _all_stages(job: Job, run: Callable[[Job], Report]) -> Report:
    """Run the job, and the stages of missing sessions that follow its own."""
    asked = job.request
    reports = [run(job)]
    for stage in job.stages:
        request = replace(asked, command=job.request.id).for_stage(stage)
        reports.append(run(Job(request, job.told, job.now)))
    return combined(reports)


def _rehearse(job: Job) -> Report:
    with job.report.timed("load"), past_of(job.request) as past:
        job.told.stage("load")
        allow_for_gaps(job, past)
        choose_rules(job, past)
        window = _planned(job, past)
        if window is None:
            return job.report
        runs = _runs(job, job.portfolios)
        first = load(job, past, window, runs[0])
    for loaded in _histories(job, window, runs, first):
        for block in _blocks(job, loaded, 1, 1):
            some = shard(job, loaded, block)
            results = computed(job, some)
            count(job, results, changed(job, some, results), some.window)
    return job.report


def _run(job: Job, restart: bool, executor: str) -> Report:
    begun = with_retries(partial(_begin, job, job.request, restart), job.told.note)
    if begun is None:
        return job.report
    run, runs, first = begun
    with open_executor(executor, job, run) as shards:
        for found in _histories(job, run.window, runs, first, shards.settle):
            loaded = found
            for block in _blocks(job, found, shards.held, shards.wide):
                loaded = shards.do(loaded, block)
    if not job.ended:
        with job.report.timed("write"):
            with_retries(partial(finish, job, run), job.told.note)
    return job.report


def _runs(job: Job, portfolios: Sequence[str]) -> list[list[str]]:
    """Return the portfolios in groups with one history.

    Without portfolios there is one empty group: positions of deleted portfolios are marked, too.
    """
    return alike(portfolios, job.known) if job.portfolios else [[]]


def _histories(
    job: Job,
    window: Window,
    runs: Sequence[list[str]],
    first: Loaded | None,
    ready: Callable[[], None] = lambda: None,
) -> Iterator[Loaded]:
    """Read the inputs of each group of portfolios with one history.

    Args:
        job: the backfill.
        window: of the run.
        runs: groups of portfolios.
        first: inputs of the first group, read already; None where nothing is left to do.
        ready: called before reading: a file is not read while it is written.

    Yields:
        The inputs of one group.
    """

    def read(run: list[str]) -> Loaded:
        with job.report.timed("load"), past_of(job.request) as past:
            return load(job, past, window, run)

    if first:
        yield first
    for run in runs[1:]:
        ready()
        yield with_retries(partial(read, run), job.told.note)


def _blocks(job: Job, loaded: Loaded, held: int, wide: int) -> list[list[str]]:
    portfolios, request = loaded.portfolios, job.request
    if not portfolios:
        return [[]]
    if request.shard_size:
        return blocks(portfolios, request.shard_size)
    weight, sessions = weights(portfolios, loaded.inputs.positions), len(loaded.window.sessions)
    shards = shard_count(sum(weight), len(portfolios), sessions, request.memory, held, wide)
    return by_weight(portfolios, weight, shards)


def _begin(job: Job, asked: Request, restart: bool) -> tuple[Run, list[list[str]], Loaded | None] | None:
    """Return the run, its portfolios in groups with one history, and the inputs of the first group."""
    job.request = asked
    with job.report.timed("load"), past_of(job.request) as past:
        job.told.stage("plan")
        allow_for_gaps(job, past)
        request, ledger = choose_rules(job, past), past.results
        old = cut_off(ledger, request.id) if ledger else None
        window = _planned(job, past, old, restart)
        if window is None:
            return None
        run = new_run(request.id, window, holder(), request.rules)
        if ledger is not None and old is not None and not restart:
            run = resumed(ledger, old, window, holder(), request.rules) or run
        runs = _runs(job, _left(job, run, restart or not job.request.command))
        return run, runs, load(job, past, run.window, runs[0]) if runs else None


def _left(job: Job, run: Run, again: bool) -> list[str]:
    """Return the portfolios to compute: all that are not done, or those that lack a session of the window."""
    due = set(run.window.sessions)
    return [owner for owner in run.left(job.portfolios) if again or not due.issubset(job.known[owner])]


def _planned(
    job: Job, past: EarlierResults, old: pl.DataFrame | None = None, restart: bool = False
) -> Window | None:
    """Return the window asked for, or of the first stage of what is missing, and tell the job.

    Args:
        job: the backfill; it is given its portfolios.
        past: source and target.
        old: the interrupted run of the same request, if any.
        restart: whether its shards are computed again.
    """
    request = job.request
    run_date = request.run_date or job.now.date()
    start, end = request.start, request.end or settled(job.now)
    if request.recompute:
        start = first_session(past.results)
    if start is None:
        stages = _resumed_first(backlog(past, end, request.portfolios), old, restart)
        if not stages:
            return None
        job.request, job.stages = request.for_stage(stages[0]), stages[1:]
        start, end = stages[0].start, stages[0].end
    window = plan(past, start, end, run_date, job.request.portfolios)
    job.report.window = window
    if window:
        job.portfolios, job.dead = live_portfolios(past.source, job.request.portfolios)
        job.complete = past.results is not None and set(made(job.request)) <= past.results.tables()
        job.known = known(past, window.sessions[0], job.portfolios)
    return window


def _resumed_first(stages: list[Stage], old: pl.DataFrame | None, restart: bool) -> list[Stage]:
    """Return the stages, after the window of an interrupted run unless the first stage is what it left."""
    first = None if old is None else began(old)
    if old is None or first is None or (stages and stages[0].start == first and not restart):
        return stages
    return [Stage(first, stages[-1].end if stages else old["end_date"].item())]
