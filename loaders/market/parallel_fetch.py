"""Concurrent requests to a provider, with one answer for each, whatever happens to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from engine.core.errors import error_line
from engine.core.request_outcomes import RequestOutcome
from loaders.market.provider import Answer
from loaders.market.request_errors import RequestError

POLL_SECONDS = 0.5
"""Upper bound of one wait: Polars' handler of Ctrl-C restarts system calls, so that an endless
wait would never see the interrupt."""
RequestT = TypeVar("RequestT")
T = TypeVar("T")


def fetch_all(
    fetch: Callable[[RequestT], T],
    symbol_of: Callable[[RequestT], str],
    requests: Iterable[RequestT],
    in_flight: int,
) -> Iterator[Answer[T]]:
    """Fetch all requests in threads; yield each answer as soon as it is ready.

    A request starts only when an answer is taken, so a slow consumer slows the requests down.

    Args:
        fetch: sends one request; raises RequestError, or any other exception, when it fails.
        symbol_of: the canonical symbol of a request.
        requests: read lazily.
        in_flight: requests under way at once.

    Yields:
        One answer for each request, in order of completion.
    """
    remaining = iter(requests)
    threads = ThreadPoolExecutor(in_flight, thread_name_prefix="provider")

    def start(count: int) -> set[Future[Answer[T]]]:
        return {threads.submit(_answer, fetch, symbol_of(one), one) for one in islice(remaining, count)}

    try:
        pending = start(in_flight)
        while pending:
            done, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                yield future.result()
                pending |= start(1)
    finally:
        # A consumer that leaves early does not wait: a thread may be in a pause of minutes.
        threads.shutdown(wait=False, cancel_futures=True)


def _answer(fetch: Callable[[RequestT], T], symbol: str, request: RequestT) -> Answer[T]:
    try:
        return Answer(symbol, RequestOutcome.OK, data=fetch(request))
    except RequestError as error:
        return Answer(symbol, error.outcome, str(error))
    except Exception as error:
        return Answer(symbol, RequestOutcome.ERROR, error_line(error))
