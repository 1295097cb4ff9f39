"""The request schedule by a clock of the test's own, and threads that wait for the limiter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from loaders.market.parallel_fetch import fetch_all
from loaders.market.rate_limiter import JITTER, RateLimiter, RequestPolicy, RequestSchedule
from loaders.market.request_errors import GaveUpError, ThrottledError

POLICY = RequestPolicy(rate=20, pause=30, longest=300, pauses=4)
PATIENCE_SECONDS = 120
"""A thread that has not ended by then hangs."""


def pause_of(schedule: RequestSchedule, now: float) -> float:
    """The pause without its jitter, if that is within its bounds."""
    delay = schedule.delay(now)
    pause = next(pause for pause in (30, 60, 120, 240, 300) if pause <= delay <= pause * (1 + JITTER))
    return float(pause)


def test_all_threads_together_keep_the_rate() -> None:
    schedule, now, starts = RequestSchedule(POLICY), 100.0, []
    for _ in range(10):
        now += schedule.delay(now)
        schedule.reserve(now)
        starts.append(now)
    assert starts == pytest.approx([100 + i / 20 for i in range(10)])


def test_idle_time_is_not_made_up_for_by_a_burst() -> None:
    schedule = RequestSchedule(POLICY)
    schedule.reserve(100.0)
    assert schedule.delay(200.0) == 0
    schedule.reserve(200.0)
    assert schedule.delay(200.0) == pytest.approx(1 / 20)


def test_a_throttled_request_opens_the_breaker_for_a_pause() -> None:
    schedule = RequestSchedule(POLICY)
    schedule.throttled(schedule.begin(), now=100.0)
    assert schedule.pauses == 1
    assert pause_of(schedule, 100.0) == 30
    assert schedule.delay(100 + 30 * (1 + JITTER)) == 0


def test_requests_throttled_together_make_one_pause() -> None:
    schedule = RequestSchedule(POLICY)
    together = [schedule.begin() for _ in range(8)]
    for generation in together:
        schedule.throttled(generation, now=100.0)
    assert schedule.pauses == 1
    assert pause_of(schedule, 100.0) == 30


def test_after_a_pause_a_single_request_probes() -> None:
    schedule = RequestSchedule(POLICY)
    schedule.throttled(schedule.begin(), now=0.0)
    probe = schedule.begin()
    assert math.isinf(schedule.delay(1000.0)), "the others wait for the probe's end"
    schedule.succeeded(probe)
    assert (schedule.pauses, schedule.delay(1000.0)) == (0, 0)


def test_a_probe_that_fails_otherwise_is_followed_by_another() -> None:
    schedule = RequestSchedule(POLICY)
    schedule.throttled(schedule.begin(), now=0.0)
    schedule.failed(schedule.begin())
    assert (schedule.pauses, schedule.delay(1000.0)) == (1, 0)


def test_an_answer_from_before_the_pause_does_not_close_the_breaker() -> None:
    schedule = RequestSchedule(POLICY)
    early, throttled = schedule.begin(), schedule.begin()
    schedule.throttled(throttled, now=100.0)
    schedule.succeeded(early)
    assert schedule.pauses == 1
    assert pause_of(schedule, 100.0) == 30


def test_pauses_double_up_to_the_longest_and_then_the_breaker_stays_open() -> None:
    schedule = RequestSchedule(RequestPolicy(pause=30, longest=200, pauses=4))
    lengths = []
    for _ in range(4):
        schedule.throttled(schedule.begin(), now=0.0)
        assert not schedule.stopped
        lengths.append(schedule.delay(0.0))
    for length, pause in zip(lengths, (30, 60, 120, 200), strict=True):
        assert pause <= length <= pause * (1 + JITTER)
    schedule.throttled(schedule.begin(), now=0.0)
    assert schedule.stopped


@pytest.mark.parametrize(("requested", "pause"), [(None, 30), (10, 30), (120, 120), (9999, 300)])
def test_the_pause_that_the_server_asks_for_counts_within_bounds(
    requested: float | None, pause: float
) -> None:
    schedule = RequestSchedule(POLICY)
    schedule.throttled(schedule.begin(), now=100.0, requested=requested)
    assert pause_of(schedule, 100.0) == pause


def test_a_block_reports_how_its_request_ended() -> None:
    limiter = RateLimiter(RequestPolicy(rate=1e9, pause=0, pauses=1))
    with pytest.raises(ThrottledError), limiter.request():
        raise ThrottledError
    assert limiter.schedule.pauses == 1
    with pytest.raises(KeyError), limiter.request():
        raise KeyError
    assert limiter.schedule.pauses == 1
    with limiter.request():
        pass
    assert limiter.schedule.pauses == 0


def test_a_breaker_that_stays_open_refuses_every_request() -> None:
    limiter = RateLimiter(RequestPolicy(rate=1e9, pause=0, pauses=0))
    with pytest.raises(ThrottledError), limiter.request():
        raise ThrottledError
    with pytest.raises(GaveUpError), limiter.request():
        pytest.fail("no request may start")
    with pytest.raises(GaveUpError):
        limiter.wait()


def test_threads_in_a_pause_end_when_the_limiter_is_stopped() -> None:
    limiter = RateLimiter(RequestPolicy(rate=1e9, pause=3600, longest=3600))
    with pytest.raises(ThrottledError), limiter.request():
        raise ThrottledError
    started, ended = Barrier(4), []

    def send() -> None:
        started.wait(PATIENCE_SECONDS)
        try:
            limiter.wait()
        except GaveUpError:
            ended.append("gave up")

    threads = [Thread(target=send, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait(PATIENCE_SECONDS)
    limiter.stop()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert ended == ["gave up"] * 3


def test_a_request_is_read_only_when_an_answer_is_taken() -> None:
    read: list[int] = []

    def requests() -> Iterator[int]:
        for number in range(30):
            read.append(number)
            yield number

    answers = fetch_all(lambda number: number, str, requests(), in_flight=4)
    assert read == []
    next(answers)
    assert read == list(range(4))
    next(answers)
    assert read == list(range(5))
    assert len(list(answers)) == 28
