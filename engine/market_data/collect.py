"""Run one collection under the store's lock, and record it in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import cast
from uuid import uuid4

import polars as pl

from engine.core.calendar import target_session
from engine.core.errors import UsageError
from engine.core.frames import polars_schema
from engine.core.instruments import canonical
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from engine.core.schema.evolution import gaps_of_a_run, warn_of_gaps
from engine.core.store_url import StoreURL
from engine.core.window import PRICE_LOOK_BACK
from engine.market_data.price_coverage import PriceCoverage, measure_coverage
from engine.market_data.stored_market import read_market
from engine.market_data.task import NEW_YORK, CollectionResult, CollectionTask
from loaders import open_reader
from loaders.market import Provider
from writers import open_writer
from writers.lock import store_lock
from writers.writer import BATCH_ROWS


def collect(
    kind: str,
    url: str,
    provider: Provider,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    since: date | None = None,
    start: date | None = None,
    end: date | None = None,
    batch_rows: int = BATCH_ROWS,
    wait: bool = False,
    refresh: bool = False,
    progress: Quiet | None = None,
) -> CollectionResult:
    """Collect one kind of data into a store; what was committed before an error stays.

    Args:
        kind: one of `engine.market_data.KINDS`.
        url: the store, read and written.
        provider: of the data.
        now: aware; it decides which session is the newest finished one.
        symbols: default those of the portfolios' positions, and the funds of the analytics.
        since: first session to be computed from the data; default the start, else the end.
            Positions closed before it are left out.
        start: first day of prices; default the longest look-back before `since`.
        end: last day of prices; default, and at most, the newest finished session.
        batch_rows: rows to gather before a commit.
        wait: whether to wait for another run in the store instead of raising an error.
        refresh: whether to fetch stored prices again and replace them, even without a sign of a change.
        progress: takes stages, counts and notes.

    Returns:
        The provider's answers and the coverage of the due data.

    Raises:
        UsageError: `refresh` of another kind than prices.
    """
    if refresh and kind != "prices":
        raise UsageError(f"only prices are compared and replaced, not {kind}", "Leave out --refresh")
    task = replace(make_task(url, now, symbols, since, start, end, batch_rows, progress), refresh=refresh)
    module = import_module(f"engine.market_data.collect_{kind}")
    collect_kind = cast("Callable[[CollectionTask, Provider], CollectionResult]", module.collect)
    began = time.perf_counter()
    with store_lock(task.url, wait):
        result = collect_kind(task, provider)
        # Still under the lock: the ledger row is one more write into the store.
        result.seconds = time.perf_counter() - began
        _record(task, result)
    return result


def make_task(
    url: str,
    now: datetime,
    symbols: Sequence[str] | None,
    since: date | None,
    start: date | None,
    end: date | None,
    batch_rows: int = BATCH_ROWS,
    progress: Quiet | None = None,
) -> CollectionTask:
    """Return the task with all defaults filled in.

    Args:
        url: see `collect`, as for all others.
        now: aware.
        symbols: in any spelling.
        since: first session to be computed.
        start: first day of prices.
        end: last day of prices.
        batch_rows: rows to gather before a commit.
        progress: takes stages, counts and notes.

    Returns:
        A task that starts no later than its target.

    Raises:
        UsageError: the prices would end before they start.
    """
    finished = target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))
    target = min(end or finished, finished)
    since = since or start or target
    first = start or since - PRICE_LOOK_BACK
    if first > target:
        raise UsageError(f"the prices wanted end ({target}) before they start ({first})")
    names = None if symbols is None else sorted({canonical(symbol) for symbol in symbols})
    return CollectionTask(
        StoreURL.parse(url), since, first, target, now.astimezone(UTC), names, batch_rows, progress or Quiet()
    )


def coverage(
    url: str,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    since: date | None = None,
    start: date | None = None,
    end: date | None = None,
) -> PriceCoverage:
    """Compare a store's closes with those that are due, without a request to a provider.

    Args:
        url: the store; see `collect` for this and the others.
        now: aware.
        symbols: default those of the portfolios' positions, and the funds of the analytics.
        since: first session to be computed.
        start: first day.
        end: last day.

    Returns:
        Counts by symbol and by session.
    """
    task = make_task(url, now, symbols, since, start, end)
    with open_reader(task.url) as reader:
        return measure_coverage(read_market(reader, task), task)


def _record(task: CollectionTask, result: CollectionResult) -> None:
    """Add the collection to the ledger."""
    row = {
        "id": str(uuid4()),
        "kind": result.kind,
        "target": result.target,
        "symbols": result.wanted,
        "asked": result.answers.height,
        "brought": result.answers.height - result.failed.height,
        "coverage": Decimal(f"{result.coverage:.6f}"),
        "started_at": task.now,
        "finished_at": task.now + timedelta(seconds=result.seconds),
    }
    table = TABLES["engine_collections"]
    with open_writer(task.url) as writer, writer.transaction():
        warn_of_gaps(gaps_of_a_run(writer.catalog()), task.url, task.progress)
        writer.create_missing([table.name])
        writer.insert(table, pl.DataFrame([row], schema=polars_schema(table)))
