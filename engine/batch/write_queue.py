"""Queue of writes: shards are written in threads while the next one is computed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from types import TracebackType
from typing import Self


class StoppedError(Exception):
    """Raised inside a write so that its transaction rolls back, because the run failed elsewhere."""


class WriteQueue:
    """WriteQueue in progress; a context manager that waits for them at its end.

    `submit` waits while as many writes as allowed are in progress. An error of a write is raised by the
    next call. If the block raises, writes in progress are rolled back.
    """

    def __init__(self, parallel_writes: int) -> None:
        self._limit = parallel_writes
        self._threads = ThreadPoolExecutor(parallel_writes, thread_name_prefix="write")
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
            self.wait_for_all()

    def raise_if_stopped(self) -> None:
        """Raise an error in a write of a run that has failed; writes call it between batches.

        Raises:
            StoppedError: the run has failed elsewhere.
        """
        if self._stopped.is_set():
            raise StoppedError

    def submit(self, work: Callable[[], None], alone: bool = False) -> None:
        """Start a write as soon as the number of writes in progress allows it.

        Args:
            work: writes one shard.
            alone: wait for all other writes before and for this one after. If only one write runs at a
                time, it is alone anyway, and the next shard is computed meanwhile.
        """
        alone = alone and self._limit > 1
        while len(self._pending) >= self._limit:
            self._take(wait(self._pending, return_when=FIRST_COMPLETED).done)
        if alone:
            self.wait_for_all()
        self._pending.add(self._threads.submit(work))
        if alone:
            self.wait_for_all()

    def wait_for_all(self) -> None:
        """Wait for all writes."""
        self._take(wait(self._pending).done)

    def _take(self, done: set[Future[None]]) -> None:
        self._pending -= done
        for write in done:
            write.result()
