"""Rate limit and circuit breaker for the requests to one provider, shared by all its threads.

The breaker is closed while requests succeed. A throttled request (HTTP status 429) opens it: no
request starts during a pause. Then a single request probes. If that one is throttled too, the
pause doubles; otherwise the breaker closes. After `RequestPolicy.pauses` pauses in a row the
breaker stays open.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from loaders.market.request_errors import GaveUpError, OutageError, ThrottledError


@dataclass(frozen=True)
class RequestPolicy:
    """Limits and pauses of the requests to a provider.

    Attributes:
        rate: requests a second, all threads together.
        in_flight: requests under way at once.
        timeout: seconds until a request without an answer has failed.
        attempts: how often a request is sent that fails for a transient reason.
        backoff: seconds before the second attempt; doubled with each further one, plus up to as
            much jitter.
        pause: seconds of the breaker's first pause; doubled with each further one in a row.
        longest: upper bound of any pause, seconds.
        pauses: pauses in a row after which the breaker stays open.
        outage: requests in a row without a connection, all attempts of each, after which no more are sent.
    """

    rate: float = 5.0
    in_flight: int = 8
    timeout: float = 20.0
    attempts: int = 4
    backoff: float = 1.0
    pause: float = 30.0
    longest: float = 300.0
    pauses: int = 4
    outage: int = 8


JITTER = 0.2
"""A pause is longer by up to this fraction: throttled clients must not all come back at once."""


class RequestSchedule:
    """When the next request may start: the rate and the breaker's state, without clock or threads.

    Times are seconds of any monotonic clock. A request's `generation` is the number of pauses at
    its start: what it reports of an older generation is ignored.

    Attributes:
        pauses: pauses in a row so far; 0 while the breaker is closed.
        stopped: whether no request may start any more.
    """

    def __init__(self, policy: RequestPolicy) -> None:
        self.pauses = 0
        self.stopped = False
        self._policy = policy
        self._next_start = 0.0
        self._pause_end = 0.0
        self._probing = False

    def delay(self, now: float) -> float:
        """Return the seconds until a request may start; infinite while a probe is under way.

        Args:
            now: seconds of a monotonic clock.
        """
        return math.inf if self._probing else max(self._next_start - now, self._pause_end - now, 0.0)

    def reserve(self, now: float) -> None:
        """Keep the rate: the next request starts no sooner than 1 / rate seconds after this one.

        Args:
            now: seconds of a monotonic clock.
        """
        self._next_start = now + 1 / self._policy.rate

    def begin(self) -> int:
        """Start a request that reports its end, as the probe after a pause; return its generation."""
        self._probing = self.pauses > 0
        return self.pauses

    def throttled(self, generation: int, now: float, requested: float | None = None) -> None:
        """Open the breaker after a throttled request.

        Args:
            generation: of the request.
            now: when its answer came, seconds.
            requested: pause that the server asks for, seconds.
        """
        # Requests that were under way together are throttled together: that is one pause, not many.
        if generation != self.pauses:
            return
        self._probing = False
        self.pauses += 1
        self.stopped |= self.pauses > self._policy.pauses
        doubled = self._policy.pause * 2 ** (self.pauses - 1)
        pause = min(max(doubled, requested or 0.0), self._policy.longest)
        self._pause_end = now + pause * (1 + random.uniform(0, JITTER))  # noqa: S311  no secret

    def failed(self, generation: int) -> None:
        """End a request that failed otherwise: it proves nothing, so the next one probes.

        Args:
            generation: number of pauses when the request began.
        """
        if generation == self.pauses:
            self._probing = False

    def succeeded(self, generation: int) -> None:
        """Close the breaker after a request that was not throttled.

        Args:
            generation: number of pauses when the request began.
        """
        if generation == self.pauses:
            self._probing, self.pauses = False, 0


class RateLimiter:
    """Makes threads wait for their turn in a `RequestSchedule`."""

    def __init__(self, policy: RequestPolicy) -> None:
        self.schedule = RequestSchedule(policy)
        self._changed = Condition()
        self._outage = policy.outage
        self._failures = 0
        self._reason = ""

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait, as `wait` does, until a request may start, and report how the block ends.

        Yields:
            Nothing; the block sends the request.

        Raises:
            ThrottledError: the block raised it; the breaker is open now.
        """
        with self._changed:
            self.wait()
            generation = self.schedule.begin()
        try:
            yield
        except ThrottledError as error:
            self._report(self.schedule.throttled, generation, time.monotonic(), error.pause)
            raise
        except BaseException:
            self._report(self.schedule.failed, generation)
            raise
        self._report(self.schedule.succeeded, generation)

    def wait(self) -> None:
        """Wait until a request may start whose end says nothing about throttling.

        Raises:
            OutageError: too many requests in a row had no connection.
            GaveUpError: the breaker stays open, or the limiter was stopped.
        """
        with self._changed:
            if self._failures >= self._outage:
                raise OutageError(self._reason)
            while not self.schedule.stopped and (delay := self.schedule.delay(time.monotonic())):
                self._changed.wait(None if math.isinf(delay) else delay)
            if self.schedule.stopped:
                raise GaveUpError
            self.schedule.reserve(time.monotonic())

    def reached(self) -> None:
        """Note that a request had an answer."""
        self._failures = 0

    def unreachable(self, reason: str) -> None:
        """Note that a request had no connection in any of its attempts."""
        with self._changed:
            self._failures += 1
            self._reason = reason

    def stop(self) -> None:
        """Start no more requests; threads that wait get a GaveUpError."""
        with self._changed:
            self.schedule.stopped = True
            self._changed.notify_all()

    def _report(self, report: Callable[..., None], *values: object) -> None:
        with self._changed:
            report(*values)
            self._changed.notify_all()
