"""One collection: the order, the store's lock, the kind's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from importlib import import_module
from typing import cast

from engine.collection.order import Collected, Order
from engine.plan import NEW_YORK
from engine.progress import Quiet
from engine.sessions import target_session
from engine.symbols import canonical
from loaders.market import Provider
from writers.lock import store_lock
from writers.writer import BATCH_ROWS


def collect(
    kind: str,
    url: str,
    provider: Provider,
    *,
    now: datetime,
    symbols: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    batch_rows: int = BATCH_ROWS,
    wait: bool = False,
    progress: Quiet | None = None,
) -> Collected:
    """Collect one kind of data into a store.

    Args:
        kind: one of `engine.collection.KINDS`.
        url: the store, read and written.
        now: aware; it decides which session is the newest finished one.
        symbols: default what the portfolios hold, and the funds that the analytics need.
        start, end: days of prices; an end in the future means the newest finished session.
        wait: for another run at work in the store, instead of leaving with an error.

    Raises:
        EngineError: see `engine.errors`; what was committed before stays.
    """
    finished = target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))
    order = Order(
        url,
        target=min(end or finished, finished),
        now=now,
        symbols=None if symbols is None else sorted({canonical(symbol) for symbol in symbols}),
        start=start,
        batch_rows=batch_rows,
        told=progress or Quiet(),
    )
    work = cast("Callable[[Order, Provider], Collected]", import_module(f"engine.collection.{kind}").collect)
    began = time.perf_counter()
    with store_lock(url, wait):
        found = work(order, provider)
    found.seconds = time.perf_counter() - began
    return found
