"""Market data providers: the protocol, and what its implementations share."""

from __future__ import annotations

from engine.core.request_outcomes import RequestOutcome
from loaders.market.provider import (
    Answer,
    Fundamentals,
    PriceRequest,
    Prices,
    Profile,
    Provider,
)
from loaders.market.rate_limiter import RequestPolicy

__all__ = [
    "Answer",
    "Fundamentals",
    "PriceRequest",
    "Prices",
    "Profile",
    "Provider",
    "RequestOutcome",
    "RequestPolicy",
]
