"""What can go wrong with a request to Yahoo, each with the outcome that it comes to.

All are OSErrors: yfinance lets those through, and goes on without a crumb where fetching it
fails with one.
"""

from __future__ import annotations

from typing import ClassVar

from loaders.market.provider import Outcome


class YahooError(OSError):
    """A request that did not bring what was asked for."""

    outcome: ClassVar[Outcome] = Outcome.ERROR


class PassingError(YahooError):
    """A fault that may be gone in a moment: the request is worth repeating."""


class UnreachableError(PassingError):
    """No connection, a connection that broke off, or a server in trouble (status 500 and up)."""


class GarbledError(PassingError):
    """An answer that is not the JSON it should be: cut off, or a page of HTML."""


class SlowError(PassingError):
    """No answer in time."""

    outcome = Outcome.TIMEOUT


class ThrottledError(PassingError):
    """Too many requests (status 429); `pause` is how many seconds the server asks to wait."""

    outcome = Outcome.THROTTLED

    def __init__(self, pause: float | None = None) -> None:
        self.pause = pause
        super().__init__("too many requests")


class GaveUpError(YahooError):
    """The breaker stays open: nothing more is sent in this run."""

    outcome = Outcome.THROTTLED

    def __init__(self) -> None:
        super().__init__("too many requests, and waiting did not help")


class NotFoundError(YahooError):
    """Yahoo does not know the symbol (status 404)."""

    outcome = Outcome.NOT_FOUND


class NoDataError(YahooError):
    """Yahoo knows the symbol and has nothing for the request."""

    outcome = Outcome.EMPTY


class RenamedError(YahooError):
    """Yahoo answers with another symbol."""

    outcome = Outcome.RENAMED


class RefusedError(YahooError):
    """Any other status of 400 and up."""
