"""The job: plan, load, compute, write, report. The only place that knows all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import polars as pl

from engine.changes import ONCE, OWNED, Changes, apply, changes
from engine.errors import IncompleteError, NoPricesError, StoreUnreachableError, UsageError, nearest
from engine.inputs import Inputs
from engine.ledger import RUNS, SHARDS, Run, began, cut_off, new_run, request_of, resumed
from engine.pipeline import compute
from engine.plan import plan
from engine.progress import Quiet
from engine.references import kept_ids, pointed
from engine.report import Report
from engine.results import Results
from engine.rules import Rules
from engine.scenarios import Scenarios, load_scenarios
from engine.schema import TABLES
from engine.shards import MemoryShortError, blocks, live_portfolios, within_memory
from engine.store_url import same_store, scheme
from engine.window import Window
from loaders import Reader, open_reader
from loaders.window import load_window
from writers import open_writer
from writers.lock import holder, store_lock
from writers.retry import patiently
from writers.writer import BATCH_ROWS

MADE = tuple(name for name, table in TABLES.items() if table.role in ("output", "engine"))
"""The tables that a run makes where they are missing. What it read from a store it does not make
there: a table that was dropped under the run must not come back empty."""


@dataclass
class Job:
    """A backfill in work: what was asked for, and what is known so far.

    dead: deleted portfolios, whose positions are marked with those of the first shard.
    """

    source: str
    target: str
    start: date | None
    end: date | None
    run_date: date | None
    portfolios: Sequence[UUID] | None
    wanted: set[str]
    batch_rows: int
    shard_size: int | None
    rules: Rules
    scenarios: Scenarios
    told: Quiet
    dry_run: bool
    now: datetime
    dead: Sequence[str] = ()
    report: Report = field(default_factory=lambda: Report(None))

    @property
    def in_place(self) -> bool:
        """Whether the results go back to the store they are computed from."""
        return same_store(self.source, self.target)

    @property
    def request(self) -> str:
        """What was asked for, as a hash."""
        asked = (self.source, self.start, self.end, self.run_date, self.portfolios, sorted(self.wanted))
        return request_of(*asked, self.rules, self.scenarios.active)


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
        only: names of the tables to write; default all.
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
    job = Job(
        source,
        target or source,
        start,
        end,
        run_date,
        portfolios,
        _known(only),
        batch_rows,
        shard_size,
        rules or Rules.legacy(),
        load_scenarios(scenarios),
        progress or Quiet(),
        dry_run,
        datetime.now(UTC),
    )
    if dry_run:
        return _rehearse(job)
    with store_lock(job.target, wait):
        return _run(job, restart)


def _known(only: Sequence[str] | None) -> set[str]:
    for name in only or ():
        if name not in TABLES:
            raise UsageError(f"no table is called {name}{nearest(name, TABLES)}")
    return set(only or TABLES)


def _rehearse(job: Job) -> Report:
    with job.report.timed("load"), open_reader(job.source) as reader:
        job.told.stage("load")
        run_date = job.run_date or job.now.date()
        job.report.window = plan(reader, job.start, job.end, run_date, job.now, job.portfolios)
        if job.report.window:
            ids, job.dead = live_portfolios(reader, job.portfolios)
    if job.report.window:
        for block in blocks(ids, job.shard_size):
            _count(job, *_shard(job, job.report.window, block, ids))
    return job.report


def _run(job: Job, restart: bool) -> Report:
    run, ids = _begin(job, restart)
    if run is None:
        return job.report
    left = run.left(ids)
    failed = run.failed
    for block in blocks(left, job.shard_size):
        failed = _do(job, run, block, ids, failed)
    return job.report


def _begin(job: Job, restart: bool) -> tuple[Run | None, list[str]]:
    """The run to do, and the portfolios of its shards. Nothing is written yet."""
    with ExitStack() as stack, job.report.timed("load"):
        job.told.stage("plan")
        ledger = _ledger(job.target, stack)
        reader = stack.enter_context(open_reader(job.source))
        old = cut_off(ledger, job.request) if ledger else None
        start = job.start or (None if old is None else began(old))
        run_date = job.run_date or job.now.date()
        window = plan(reader, start, job.end, run_date, job.now, job.portfolios)
        job.report.window = window
        if window is None:
            return None, []
        ids, job.dead = live_portfolios(reader, job.portfolios)
        found = resumed(ledger, old, window, holder()) if ledger and old is not None and not restart else None
    return found or new_run(job.request, window, holder()), ids


def _ledger(target: str, stack: ExitStack) -> Reader | None:
    """The target, if it is there already: it may remember a run that was cut off."""
    try:
        return stack.enter_context(open_reader(target))
    except StoreUnreachableError:
        return None  # where it is not new but out of reach, the writer will say so


def _do(job: Job, run: Run, block: list[str], ids: list[str], failed: bool) -> bool:
    """One shard: halved where memory is short. Whether it, or one before, left a portfolio out."""
    last = block[-1] == ids[-1]
    try:
        results, found, window = _shard(job, run.window, block, ids)
    except MemoryShortError:
        if len(block) == 1:
            raise
        half = len(block) // 2
        job.told.note(f"memory is short: {len(block)} portfolios are done in two halves")
        failed = _do(job, run, block[:half], ids, failed)
        return _do(job, run, block[half:], ids, failed)
    _gate(results, window, block)
    failed = failed or not results.failures.is_empty()
    if not last or failed:
        found = replace(found, figures=_less(found.figures, "batch_run_tracking"))
    with job.report.timed("write"):
        job.told.stage("write", sum(found.rows.values()))
        patiently(partial(_write, job, run, block, found, window, last), job.told.note)
    _count(job, results, found, window)
    return failed


def _shard(job: Job, whole: Window, block: list[str], ids: list[str]) -> tuple[Results, Changes, Window]:
    """Load and compute a block of portfolios; what it changes in the target."""
    scope = [*block, *(job.dead if block[0] == ids[0] else ())]
    with job.report.timed("load"), open_reader(job.source) as reader:
        job.told.stage("load")
        window = plan(reader, whole.start, whole.end, whole.run_date, job.now, block)
        assert window is not None
        inputs = load_window(reader, window, scope)
        if inputs.closes.is_empty() and not inputs.positions.is_empty():
            raise NoPricesError(job.source, f"{window.first_price}", f"{window.last}")
        seeds = {} if job.in_place else _seeds(reader, job.target, block, ids)
    if block[0] != ids[0] and not job.in_place and not job.dry_run:
        inputs = _linked(inputs, job.target)
    known = job.report.quarantine
    fresh = inputs.quarantine.join(
        known, on=known.columns, how="anti", nulls_equal=True, maintain_order="left"
    )
    job.report.quarantine = pl.concat([known, fresh])
    with job.report.timed("compute"), within_memory(len(block)):
        job.told.stage("compute")
        results = compute(inputs, window, job.rules, job.scenarios)
    found = changes(results, window, job.wanted, seeds, job.in_place)
    return results, found if job.in_place or job.dry_run else _pointed(found, job.target), window


def _pointed(found: Changes, target: str) -> Changes:
    kept = kept_ids(target, found.whole)
    return replace(
        found,
        whole=pointed(found.whole, kept),
        figures=pointed(found.figures, kept),
        removed=pointed(found.removed, kept),
    )


def _seeds(reader: Reader, target: str, block: Sequence[str], ids: Sequence[str]) -> dict[str, pl.DataFrame]:
    """What the target is to have of the source beside this shard's results.

    With the first shard come the tables that belong to no portfolio, and the rows of portfolios
    that are not computed at all.
    """
    first = block[0] == ids[0]
    present = reader.tables()
    once = [n for n in ONCE if n != "users" or scheme(target).startswith("postgres")] if first else []
    seeds = {name: reader.read(name) for name in once if name in present}
    for name in (name for name in OWNED if name in present):
        owner = pl.col(TABLES[name].owner or "id")
        ours = owner.is_in(pl.Series(block).implode())
        others = ~owner.is_in(pl.Series(ids).implode()) if first else pl.lit(False)
        seeds[name] = reader.read(name).filter(ours | others)
    return seeds


def _linked(inputs: Inputs, target: str) -> Inputs:
    """Inputs with the target's own tags: earlier shards have changed them there."""
    with open_reader(target) as reader:
        return replace(inputs, tags=reader.read("tags_v2"), position_tags=reader.read("position_tags"))


def _less(frames: Mapping[str, pl.DataFrame], name: str) -> dict[str, pl.DataFrame]:
    return {key: frame for key, frame in frames.items() if key != name}


def _gate(results: Results, window: Window, block: Sequence[str]) -> None:
    """Refuse a shard that would write fewer snapshots than its status explains."""
    expected = results["portfolios"].height * len(window.sessions)
    left_out = results.failures["portfolio_id"].n_unique()
    found = results["portfolio_snapshots"].height
    if found != expected or results["portfolios"].height + left_out != len(block):
        raise IncompleteError(found, len(block) * len(window.sessions), left_out)


def _write(job: Job, run: Run, block: Sequence[str], found: Changes, window: Window, last: bool) -> None:
    """The shard, its row in the ledger, and with the last one the run's end: one transaction."""
    left_out = len(found.told) - len(found.computed)
    rows = sum(found.rows.values())
    with open_writer(job.target, job.batch_rows, job.told.rows) as writer, writer.transaction():
        writer.create_missing(MADE if job.in_place else TABLES)
        apply(writer, found, window)
        writer.merge(RUNS, run.row("done" if last else "running"))
        writer.merge(SHARDS, run.shard_row(block, left_out, rows))


def _count(job: Job, results: Results, found: Changes, window: Window) -> None:
    report = job.report
    report.window = window
    report.portfolios += results["portfolios"].height
    report.failures = pl.concat([report.failures, results.failures])
    for name, rows in found.rows.items():
        report.rows[name] = report.rows.get(name, 0) + rows
