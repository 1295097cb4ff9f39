"""Outcomes of requests to a market data provider as they are stored, and reasons of missing bars.

The gate reads them in every run, the collection writes them.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

RECENTLY_TRADED = timedelta(days=10)
"""A symbol with a close so near to the target is listed: that it is not found is transient."""
NO_BAR = "the provider has no bar"
"""Reason of a gap that the provider has confirmed; other reasons are of bars that may still be completed."""


class RequestOutcome(StrEnum):
    """Outcome of a request."""

    OK = "ok"
    EMPTY = "empty"
    """The provider knows the symbol, and has no data for the request."""
    NOT_FOUND = "not_found"
    """The provider does not know the symbol: delisted, or misspelt."""
    RENAMED = "renamed"
    """The provider answers with another symbol."""
    INCONSISTENT = "inconsistent"
    """The answer contradicts itself or what is stored; nothing of it is stored."""
    THROTTLED = "throttled"
    """Too many requests; waiting did not help."""
    TIMEOUT = "timeout"
    ERROR = "error"
    """Anything else: the provider is unreachable or failing, or its answer cannot be parsed."""

    @property
    def transient(self) -> bool:
        """Return whether the same request may well succeed later."""
        return self in (RequestOutcome.THROTTLED, RequestOutcome.TIMEOUT, RequestOutcome.ERROR)


FINAL_OUTCOMES = [
    outcome.value for outcome in RequestOutcome if not outcome.transient and outcome != RequestOutcome.OK
]
"""Outcomes without data that the same request will not change."""
