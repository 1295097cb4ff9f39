"""One collection: the order, the store's lock, the kind's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
from engine.core.window import PRICE_LOOK_BACK
from engine.market_data.coverage import Coverage, covered
from engine.market_data.order import NEW_YORK, Collected, Order
from engine.market_data.stored_market import read_market
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
    progress: Quiet | None = None,
) -> Collected:
    """Collect one kind of data into a store.

    Args:
        kind: one of `engine.market_data.KINDS`.
        url: the store, read and written.
        now: aware; it decides which session is the newest finished one.
        symbols: default what the portfolios hold, and the funds that the analytics need.
        since: the first session to be computed from what is collected; default the start, else
            the end. Positions that were closed before it are left out.
        start, end: days of prices; by default from what the analytics look back on to the newest
            finished session; no later day is ever collected.
        wait: for another run at work in the store, instead of leaving with an error.

    Raises:
        EngineError: see `engine.core.errors`; what was committed before stays.
    """
    order = ordered(url, now, symbols, since, start, end, batch_rows, progress or Quiet())
    work = cast("Callable[[Order, Provider], Collected]", import_module(f"engine.market_data.{kind}").collect)
    began = time.perf_counter()
    with store_lock(url, wait):
        found = work(order, provider)
        found.seconds = time.perf_counter() - began
        _record(order, found)
    return found


def ordered(
    url: str,
    now: datetime,
    symbols: Sequence[str] | None,
    since: date | None,
    start: date | None,
    end: date | None,
    batch_rows: int = BATCH_ROWS,
    told: Quiet | None = None,
) -> Order:
    """The order in full: see `collect`."""
    finished = target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))
    target = min(end or finished, finished)
    since = since or start or target
    first = start or since - PRICE_LOOK_BACK
    if first > target:
        raise UsageError(f"the prices wanted end ({target}) before they start ({first})")
    names = None if symbols is None else sorted({canonical(symbol) for symbol in symbols})
    return Order(url, since, first, target, now.astimezone(UTC), names, batch_rows, told or Quiet())


def coverage(
    url: str,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    since: date | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Coverage:
    """Hold a store's closes to what is due; the arguments are those of `collect`."""
    order = ordered(url, now, symbols, since, start, end)
    with open_reader(url) as reader:
        return covered(read_market(reader, order), order)


def _record(order: Order, found: Collected) -> None:
    """Put the collection into the ledger."""
    row = {
        "id": str(uuid4()),
        "kind": found.kind,
        "target": found.target,
        "symbols": found.wanted,
        "asked": found.answers.height,
        "brought": found.answers.height - found.failed.height,
        "coverage": Decimal(f"{found.coverage:.6f}"),
        "started_at": order.now,
        "finished_at": order.now + timedelta(seconds=found.seconds),
    }
    table = TABLES["engine_collections"]
    with open_writer(order.url) as writer, writer.transaction():
        writer.create_missing([table.name])
        writer.insert(table, pl.DataFrame([row], schema=polars_schema(table)))
