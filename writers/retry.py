"""Repeat work after transient errors: a lost connection, a restarting server, a file open elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from engine.core.errors import (
    BusyFileError,
    ConflictError,
    LostConnectionError,
    LostReadError,
    ServerAwayError,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")
TRANSIENT_ERRORS = (BusyFileError, ConflictError, LostConnectionError, LostReadError, ServerAwayError)
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
"""After the second attempt, doubled with each further one: a server that restarts has 7 s in all."""
JITTER_SECONDS = 0.5


def with_retries(work: Callable[[], T], note: Callable[[str], None]) -> T:
    """Do some work; repeat it with growing pauses while it fails with a transient error.

    Args:
        work: A whole transaction, or only reads, so that a failed attempt leaves nothing behind.
        note: Called with a message before each repetition.

    Returns:
        The result of the work.
    """
    try:
        return work()
    except TRANSIENT_ERRORS as error:
        note(f"attempt 1 of {ATTEMPTS} failed, trying again: {error}")
        return _again(work, note)


def _again(work: Callable[[], T], note: Callable[[str], None]) -> T:
    # Imported here, because the import takes longer than the computing of a short run.
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        note(f"attempt {state.attempt_number + 1} of {ATTEMPTS} failed, trying again: {error}")

    return Retrying(
        retry=retry_if_exception_type(TRANSIENT_ERRORS),
        stop=stop_after_attempt(ATTEMPTS - 1),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, jitter=JITTER_SECONDS),
        before_sleep=before_sleep,
        reraise=True,
    )(work)
