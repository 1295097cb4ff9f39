"""The gate that every request to Yahoo goes through: one rate for all threads, and a breaker.

The breaker is closed as long as requests succeed. Status 429 opens it: nobody is let through for
a pause. Then a single request probes; if it is throttled too the pause doubles, if not the
breaker closes. After `Patience.pauses` pauses in a row it stays open.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from loaders.yahoo.errors import GaveUpError, ThrottledError


@dataclass(frozen=True)
class Patience:
    """How Yahoo is treated.

    rate: requests a second, all threads together. in_flight: requests under way at once.
    timeout: seconds until a request without an answer is given up.
    attempts: how often a request is sent that fails for a passing reason.
    backoff: seconds before the second attempt, doubled with each, plus as much jitter.
    pause: seconds of the breaker's first pause; longest: of any. pauses: in a row.
    """

    rate: float = 5.0
    in_flight: int = 8
    timeout: float = 20.0
    attempts: int = 4
    backoff: float = 1.0
    pause: float = 30.0
    longest: float = 300.0
    pauses: int = 4


JITTER = 0.2
"""Of a pause, at most so much more: not everybody who was throttled comes back at once."""


class Gate:
    """Lets threads through one by one at the rate, while the breaker is closed."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._change = Condition()
        self._next = 0.0
        self._opened = 0
        self._until = 0.0
        self._probing = False
        self._shut = False

    @property
    def pauses(self) -> int:
        """Pauses in a row so far; 0 while the breaker is closed."""
        return self._opened

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One request, from its turn to its end.

        Raises:
            GaveUpError: the breaker stays open, or the gate was shut.
        """
        opened = self._enter()
        try:
            yield
        except ThrottledError as error:
            self._open(opened, error.pause)
            raise
        except BaseException:
            self._release(opened)
            raise
        self._close(opened)

    def wait(self) -> None:
        """Wait for the turn of a request that says nothing of being throttled.

        Raises:
            GaveUpError: as of `turn`.
        """
        with self._change:
            self._wait()

    def shut(self) -> None:
        """Let nobody through any more; who waits is told so."""
        with self._change:
            self._shut = True
            self._change.notify_all()

    def _enter(self) -> int:
        with self._change:
            self._wait()
            self._probing = self._opened > 0
            return self._opened

    def _wait(self) -> None:
        while True:
            if self._shut:
                raise GaveUpError
            wait = max(self._next, self._until) - time.monotonic()
            if wait <= 0 and not self._probing:
                break
            self._change.wait(wait if wait > 0 else None)
        self._next = time.monotonic() + 1 / self._patience.rate

    def _open(self, opened: int, asked: float | None) -> None:
        """A throttled request: a pause, unless one has begun since the request was sent."""
        with self._change:
            if opened != self._opened:
                return
            self._probing = False
            self._opened += 1
            if self._opened > self._patience.pauses:
                self._shut = True
            doubled = self._patience.pause * 2 ** (self._opened - 1)
            pause = min(max(doubled, asked or 0.0), self._patience.longest)
            self._until = time.monotonic() + pause * (1 + random.uniform(0, JITTER))  # noqa: S311  no secret
            self._change.notify_all()

    def _release(self, opened: int) -> None:
        """A request that failed otherwise says nothing: the next one probes."""
        with self._change:
            if opened == self._opened:
                self._probing = False
                self._change.notify_all()

    def _close(self, opened: int) -> None:
        with self._change:
            if opened == self._opened:
                self._probing = False
                self._opened = 0
                self._change.notify_all()
