"""Patience with faults that pass: a lost connection, a restarting server, a file that somebody looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from engine.core.errors import BusyFileError, LostConnectionError, LostReadError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")
PASSING = (BusyFileError, LostConnectionError, LostReadError)
ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 20


def patiently(work: Callable[[], T], told: Callable[[str], None]) -> T:
    """Do some work again, with growing pauses, as long as it fails for a passing reason.

    The work is a whole transaction, or only reads: what a failed attempt did is gone.
    """
    try:
        return work()
    except PASSING as error:
        told(f"attempt 1 of {ATTEMPTS} failed, trying again: {error}")
        return _again(work, told)


def _again(work: Callable[[], T], told: Callable[[str], None]) -> T:
    # Imported only now: it takes longer than a short run's computing.
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    def say(state: RetryCallState) -> None:
        outcome = state.outcome.exception() if state.outcome else None
        told(f"attempt {state.attempt_number + 1} of {ATTEMPTS} failed, trying again: {outcome}")

    return Retrying(
        retry=retry_if_exception_type(PASSING),
        stop=stop_after_attempt(ATTEMPTS - 1),
        wait=wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT_SECONDS),
        before_sleep=say,
        reraise=True,
    )(work)
