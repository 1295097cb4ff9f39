"""Many requests at once, and an answer for each, whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from engine.core.errors import told
from loaders.market.provider import Answer, Outcome
from loaders.yahoo.errors import YahooError

TICK_SECONDS = 0.5
"""An endless wait would be deaf to Ctrl-C: Polars' handler of it has system calls go on."""
W = TypeVar("W")
T = TypeVar("T")


def answers(
    fetch: Callable[[W], T], symbol: Callable[[W], str], wanted: Iterable[W], in_flight: int
) -> Iterator[Answer[T]]:
    """Fetch what is wanted, `in_flight` at once; answers come as they are ready.

    Nothing is begun that nobody waits for: a slow reader of the answers slows the requests down.

    Args:
        fetch: one request; raises YahooError, or anything, when it fails.
        symbol: the canonical symbol of a request.
    """
    left = iter(wanted)
    threads = ThreadPoolExecutor(in_flight, thread_name_prefix="yahoo")
    try:
        under_way = _begun(threads, fetch, symbol, left, in_flight)
        while under_way:
            done, under_way = wait(under_way, TICK_SECONDS, FIRST_COMPLETED)
            for future in done:
                yield future.result()
                under_way |= _begun(threads, fetch, symbol, left, 1)
    finally:
        # Whoever leaves early waits for nobody: a thread may have minutes of a pause before it.
        threads.shutdown(wait=False, cancel_futures=True)


def _begun(
    threads: ThreadPoolExecutor,
    fetch: Callable[[W], T],
    symbol: Callable[[W], str],
    left: Iterator[W],
    count: int,
) -> set[Future[Answer[T]]]:
    """The next requests, at most so many, on their way."""
    return {threads.submit(_answer, fetch, symbol(one), one) for one in islice(left, count)}


def _answer(fetch: Callable[[W], T], symbol: str, wanted: W) -> Answer[T]:
    try:
        return Answer(symbol, Outcome.OK, data=fetch(wanted))
    except YahooError as error:
        return Answer(symbol, error.outcome, str(error))
    except Exception as error:
        return Answer(symbol, Outcome.ERROR, told(error))
