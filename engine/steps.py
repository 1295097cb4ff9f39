"""The steps of one shard: load, compute, write. Each stands alone; `engine.job` orders them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import polars as pl

from engine.changes import Changes, apply, changes
from engine.errors import IncompleteError, NoPricesError
from engine.inputs import Inputs
from engine.ledger import RUNS, SHARDS, Run
from engine.pipeline import compute
from engine.progress import Quiet
from engine.report import Report
from engine.request import Request
from engine.results import Results
from engine.schema import TABLES
from engine.seeds import of_inputs, of_others
from engine.shards import within_memory
from engine.symbols import unquoted
from engine.window import Window
from loaders.past import Past, open_past
from loaders.window import load_window
from writers import open_writer

MADE = tuple(name for name, table in TABLES.items() if table.role in ("output", "engine"))
"""The tables that a run makes where they are missing. What it read from a store it does not make
there: a table that was dropped under the run must not come back empty."""


@dataclass
class Job:
    """A backfill in work: what was asked for, when, and what is known so far.

    portfolios: those to compute, ascending. dead: deleted ones, whose positions are marked with
    those of the first shard. known: by portfolio, the sessions from the window on that it has.
    """

    request: Request
    told: Quiet
    now: datetime
    portfolios: Sequence[str] = ()
    dead: Sequence[str] = ()
    known: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    report: Report = field(default_factory=lambda: Report(None))

    def is_first(self, block: Sequence[str]) -> bool:
        """Whether a block of portfolios is the run's first shard; without any there is one, empty."""
        return not block or block[0] == self.portfolios[0]

    def is_last(self, block: Sequence[str]) -> bool:
        """Whether a block of portfolios is the run's last shard."""
        return not block or block[-1] == self.portfolios[-1]


@dataclass(frozen=True)
class Loaded:
    """What a shard is computed from.

    seeds: what a target of its own needs beside the results, by table.
    """

    portfolios: list[str]
    window: Window
    inputs: Inputs
    seeds: Mapping[str, pl.DataFrame]


def load(job: Job, whole: Window, block: list[str]) -> Loaded:
    """Read a shard's inputs, once."""
    request = job.request
    dead = job.dead if job.is_first(block) else ()
    window = replace(whole, known=job.known[block[0]] if block else ())
    with job.report.timed("load"), past_of(request) as past:
        job.told.stage("load")
        inputs = load_window(past, window, [*block, *dead], dead)
        if inputs.closes.is_empty() and needs_prices(inputs.positions):
            raise NoPricesError(request.source, f"{window.first_price}", f"{window.last}")
        seeds = {} if request.in_place else of_inputs(inputs)
        if job.is_first(block) and not request.in_place:
            others, bad = of_others(past, request.target, job.portfolios)
            seeds |= others
            job.report.tell_quarantine(bad)
    job.report.tell_quarantine(inputs.quarantine)
    return Loaded(block, window, inputs, seeds)


def past_of(request: Request) -> AbstractContextManager[Past]:
    """The stores of a run, opened to read."""
    return open_past(request.source, request.target, request.in_place)


def needs_prices(positions: pl.DataFrame) -> bool:
    """Whether any of the positions is one that a market quotes."""
    private = (pl.col("investment_class").str.to_uppercase() == "PRIVATE").fill_null(False)
    return not positions.filter(~private & ~unquoted("symbol", "none")).is_empty()


def computed(job: Job, loaded: Loaded) -> Results:
    """Compute a shard, and hold it to what is due.

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
    """Refuse a shard that would write fewer snapshots than its status explains."""
    expected = results["portfolios"].height * len(window.sessions)
    left_out = results.failures["portfolio_id"].n_unique()
    found = results["portfolio_snapshots"].height
    if found != expected or results["portfolios"].height + left_out != len(block):
        raise IncompleteError(found, len(block) * len(window.sessions), left_out)


def changed(job: Job, loaded: Loaded, results: Results, tracked: bool) -> Changes:
    """What a shard changes in the target.

    Args:
        tracked: whether its sessions are told as done in batch_run_tracking.
    """
    request = job.request
    found = changes(results, loaded.window, request.wanted, loaded.seeds, request.in_place)
    return found if tracked else replace(found, figures=_less(found.figures, "batch_run_tracking"))


def _less(frames: Mapping[str, pl.DataFrame], name: str) -> dict[str, pl.DataFrame]:
    return {key: frame for key, frame in frames.items() if key != name}


def write(job: Job, run: Run, block: Sequence[str], found: Changes, window: Window) -> None:
    """The shard, its row in the ledger, and with the last one the run's end: one transaction."""
    request = job.request
    left_out = len(found.told) - len(found.computed)
    rows = sum(found.rows.values())
    with open_writer(request.target, request.batch_rows, job.told.rows) as writer, writer.transaction():
        writer.create_missing(MADE if request.in_place else TABLES)
        apply(writer, found, window)
        writer.merge(RUNS, run.row("done" if job.is_last(block) else "running"))
        if block:
            writer.merge(SHARDS, run.shard_row(block, left_out, rows))
