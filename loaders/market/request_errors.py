"""Failures of a request to a provider, each with the `RequestOutcome` that its symbol gets.

All are OSErrors: client libraries such as yfinance let those pass unchanged.
"""

from __future__ import annotations

from typing import ClassVar

from engine.core.request_outcomes import RequestOutcome


class RequestError(OSError):
    """A request that brought no usable answer."""

    outcome: ClassVar[RequestOutcome] = RequestOutcome.ERROR


class TransientError(RequestError):
    """A failure that may be over in a moment: the request is repeated."""


class UnreachableError(TransientError):
    """No connection, a connection that broke off, or a failing server (status 500 and up)."""


class MalformedAnswerError(TransientError):
    """An answer that is not the JSON it should be: truncated, or a page of HTML."""


class RequestTimeoutError(TransientError):
    """No answer in time."""

    outcome = RequestOutcome.TIMEOUT


class ThrottledError(TransientError):
    """Too many requests (status 429); `pause` is how many seconds the server asks to wait."""

    outcome = RequestOutcome.THROTTLED

    def __init__(self, pause: float | None = None) -> None:
        self.pause = pause
        super().__init__("too many requests")


class GaveUpError(RequestError):
    """The circuit breaker stays open: this run sends no more requests."""

    outcome = RequestOutcome.THROTTLED

    def __init__(self) -> None:
        super().__init__("too many requests, and waiting did not help")


class OutageError(RequestError):
    """The provider cannot be reached by any request: this run sends no more."""


class NotFoundError(RequestError):
    """The provider does not know the symbol (status 404)."""

    outcome = RequestOutcome.NOT_FOUND


class NoDataError(RequestError):
    """The provider knows the symbol and has no data for the request."""

    outcome = RequestOutcome.EMPTY


class RenamedError(RequestError):
    """The provider answers with another symbol."""

    outcome = RequestOutcome.RENAMED


class RejectedError(RequestError):
    """Any other status of 400 and up."""
