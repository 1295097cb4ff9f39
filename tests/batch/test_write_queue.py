"""Queue of writes: as many in progress as allowed, alone where asked, none when the block ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Barrier, Event, Lock

import pytest

from engine.batch.write_queue import StoppedError, WriteQueue

PATIENCE_SECONDS = 10


class Meter:
    """Counts what is under way at the same time."""

    def __init__(self) -> None:
        self.now, self.most, self.done = 0, 0, 0
        self._lock = Lock()

    def work(self, inside: Callable[[], object] = lambda: None) -> Callable[[], None]:
        def write() -> None:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            inside()
            with self._lock:
                self.now -= 1
                self.done += 1

        return write


def test_two_writes_run_at_the_same_time() -> None:
    meter, both = Meter(), Barrier(2, timeout=PATIENCE_SECONDS)
    with WriteQueue(2) as writes:
        for _ in range(6):
            writes.submit(meter.work(both.wait))  # each waits for another: alone it would never end
    assert (meter.most, meter.done) == (2, 6)


def test_one_write_runs_at_a_time() -> None:
    meter = Meter()
    with WriteQueue(1) as writes:
        for _ in range(5):
            writes.submit(meter.work())
    assert (meter.most, meter.done) == (1, 5)


def test_a_write_alone_is_through_before_the_next_begins() -> None:
    meter, seen = Meter(), []
    with WriteQueue(2) as writes:
        writes.submit(meter.work())
        writes.submit(meter.work(lambda: seen.append(meter.now)), alone=True)
        assert meter.done == 2
    assert seen == [1]


def test_what_a_write_raises_is_raised_and_nothing_more_begins() -> None:
    meter = Meter()

    def broken() -> None:
        raise ValueError("no room")

    def both() -> None:
        with WriteQueue(1) as writes:
            writes.submit(broken)
            writes.submit(meter.work())

    with pytest.raises(ValueError, match="no room"):
        both()
    assert meter.done == 0


def test_a_block_that_ends_badly_stops_what_is_under_way() -> None:
    begun, stopped = Event(), Event()

    def endless(writes: WriteQueue) -> None:
        begun.set()
        try:
            while True:
                writes.raise_if_stopped()
        except StoppedError:
            stopped.set()
            raise

    def interrupted() -> None:
        with WriteQueue(2) as writes:
            writes.submit(partial(endless, writes))
            assert begun.wait(PATIENCE_SECONDS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stopped.is_set()
