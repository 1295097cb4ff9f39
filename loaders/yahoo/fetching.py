"""Many requests at once, and an answer for each, whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from engine.errors import told
from loaders.market.provider import Answer, Outcome
from loaders.yahoo.errors import YahooError

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
    with ThreadPoolExecutor(in_flight, thread_name_prefix="yahoo") as threads:
        try:
            under_way = {threads.submit(_answer, fetch, symbol(one), one) for one in islice(left, in_flight)}
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    under_way |= _next(threads, fetch, symbol, left)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _next(
    threads: ThreadPoolExecutor, fetch: Callable[[W], T], symbol: Callable[[W], str], left: Iterator[W]
) -> set[Future[Answer[T]]]:
    return {threads.submit(_answer, fetch, symbol(one), one) for one in islice(left, 1)}


def _answer(fetch: Callable[[W], T], symbol: str, wanted: W) -> Answer[T]:
    try:
        return Answer(symbol, Outcome.OK, data=fetch(wanted))
    except YahooError as error:
        return Answer(symbol, error.outcome, str(error))
    except Exception as error:
        return Answer(symbol, Outcome.ERROR, told(error))
