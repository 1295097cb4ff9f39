"""Writes: shards on their way into the store while the next one is computed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from types import TracebackType
from typing import Self


class StoppedError(Exception):
    """Raised inside a write, so that its transaction rolls back: the run is ending badly elsewhere."""


class Writes:
    """Writes under way; use it as a context manager, and nothing is under way when it ends.

    At most one write for each lane is under way: whoever computes faster waits. What a write
    raises is raised at the next call. Where the block ends badly, writes are rolled back.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._threads = ThreadPoolExecutor(lanes, thread_name_prefix="write")
        self._pending: set[Future[None]] = set()
        self._stopped = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stopped.set()
        self._threads.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            self.settle()

    def go_on(self) -> None:
        """Called from inside a write, now and then.

        Raises:
            StoppedError: there is no use in going on.
        """
        if self._stopped.is_set():
            raise StoppedError

    def submit(self, work: Callable[[], None], alone: bool = False) -> None:
        """Begin a write as soon as a lane is free; with `alone`, do it while no other is under way.

        In a single lane each is alone, and the next one may be computed meanwhile.
        """
        alone = alone and self._lanes > 1
        while len(self._pending) >= self._lanes:
            self._take(wait(self._pending, return_when=FIRST_COMPLETED).done)
        if alone:
            self.settle()
        self._pending.add(self._threads.submit(work))
        if alone:
            self.settle()

    def settle(self) -> None:
        """Wait until nothing is under way."""
        self._take(wait(self._pending).done)

    def _take(self, done: set[Future[None]]) -> None:
        self._pending -= done
        for write in done:
            write.result()
