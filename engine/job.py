"""The job: plan, load, compute, write, report. The only place that knows all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from engine.changes import Changes
from engine.ledger import Run, began, cut_off, new_run, resumed
from engine.plan import known, plan
from engine.progress import Quiet
from engine.report import Report
from engine.request import Request
from engine.results import Results
from engine.rules import Rules
from engine.scenarios import load_scenarios
from engine.shards import MemoryShortError, blocks, live_portfolios
from engine.steps import Job, changed, computed, load, past_of, write
from engine.store_url import same_store
from engine.subset import completed
from engine.window import Window
from loaders.past import Past
from writers.lock import holder, store_lock
from writers.retry import patiently
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
    dry_run: bool = False,
    restart: bool = False,
    wait: bool = False,
    rules: Rules | None = None,
    scenarios: Path | None = None,
    progress: Quiet | None = None,
) -> Report:
    """Compute a window of a store and write its tables, to the same store or another.

    Each shard, a block of portfolios over the whole window, is one transaction. A run that was
    cut off goes on with the shards that are not done when the same call is made again.

    Args:
        source, target: store URLs; the target defaults to the source.
        start, end: the window; by default the sessions that are missing (`engine.plan`).
        run_date: what counts as today; default today's date in UTC.
        portfolios: ids; default all that are not deleted.
        only: names of the tables to write; default all. See `engine.subset` for what goes along.
        batch_rows: rows a batch.
        shard_size: portfolios a shard; default what half of the free memory holds.
        dry_run: compute, but write nothing.
        restart: do the shards of a run that was cut off again, too.
        wait: for another run at work in the target, instead of leaving with an error.
        rules: default `Rules.legacy()`.
        scenarios: a file of stress scenarios, TOML or JSON; default the shipped ones.

    Raises:
        EngineError: see `engine.errors`; nothing of an open shard was written.
    """
    request = Request(
        source,
        target or source,
        start,
        end,
        run_date,
        portfolios,
        completed(only, same_store(source, target or source)),
        rules or Rules.legacy(),
        load_scenarios(scenarios),
        batch_rows,
        shard_size,
        dry_run,
    )
    job = Job(request, progress or Quiet(), datetime.now(UTC))
    if dry_run:
        return _rehearse(job)
    with store_lock(request.target, wait):
        return _run(job, restart)


def _rehearse(job: Job) -> Report:
    with job.report.timed("load"), past_of(job.request) as past:
        job.told.stage("load")
        window = _planned(job, past, job.request.start)
    if window is None:
        return job.report
    for block in _shards(job, job.portfolios):
        loaded = load(job, window, block)
        results = computed(job, loaded)
        _count(job, results, changed(job, loaded, results, tracked=True), loaded.window)
    return job.report


def _run(job: Job, restart: bool) -> Report:
    run = _begin(job, restart)
    if run is None:
        return job.report
    failed = run.failed
    for block in _shards(job, run.left(job.portfolios)):
        failed = _do(job, run, block, failed)
    return job.report


def _shards(job: Job, portfolios: Sequence[str]) -> list[list[str]]:
    """Without any portfolio there is one empty shard: positions of deleted ones are marked, too."""
    return blocks(portfolios, job.request.shard_size, job.known) if job.portfolios else [[]]


def _begin(job: Job, restart: bool) -> Run | None:
    """The run to do. Nothing is written yet."""
    request = job.request
    with job.report.timed("load"), past_of(request) as past:
        job.told.stage("plan")
        ledger = past.results
        old = cut_off(ledger, request.id) if ledger else None
        window = _planned(job, past, request.start or (None if old is None else began(old)))
        if window is None:
            return None
        if ledger is None or old is None or restart:
            return new_run(request.id, window, holder())
        return resumed(ledger, old, window, holder()) or new_run(request.id, window, holder())


def _planned(job: Job, past: Past, start: date | None) -> Window | None:
    """The window; with one the job knows its portfolios."""
    request = job.request
    run_date = request.run_date or job.now.date()
    window = plan(past, start, request.end, run_date, job.now, request.portfolios)
    job.report.window = window
    if window:
        job.portfolios, job.dead = live_portfolios(past.source, request.portfolios)
        job.known = known(past, window.sessions[0], job.portfolios)
    return window


def _do(job: Job, run: Run, block: list[str], failed: bool) -> bool:
    """One shard: halved where memory is short. Whether it, or one before, left a portfolio out."""
    try:
        loaded = load(job, run.window, block)
        results = computed(job, loaded)
    except MemoryShortError:
        if len(block) == 1:
            raise
        half = len(block) // 2
        job.told.note(f"memory is short: {len(block)} portfolios are done in two halves")
        failed = _do(job, run, block[:half], failed)
        return _do(job, run, block[half:], failed)
    failed = failed or not results.failures.is_empty()
    found = changed(job, loaded, results, tracked=job.is_last(block) and not failed)
    with job.report.timed("write"):
        job.told.stage("write", sum(found.rows.values()))
        patiently(partial(write, job, run, block, found, loaded.window), job.told.note)
    _count(job, results, found, loaded.window)
    return failed


def _count(job: Job, results: Results, found: Changes, window: Window) -> None:
    report = job.report
    report.window = window
    report.portfolios += results["portfolios"].height
    report.tell_failures(results.failures)
    for name, rows in found.rows.items():
        report.rows[name] = report.rows.get(name, 0) + rows
