"""Market data providers: the protocol, and what its implementations share."""

from __future__ import annotations

from loaders.market.provider import (
    FINAL_OUTCOMES,
    Answer,
    Fundamentals,
    PriceRequest,
    Prices,
    Profile,
    Provider,
    RequestOutcome,
)
from loaders.market.rate_limiter import RequestPolicy

__all__ = [
    "FINAL_OUTCOMES",
    "Answer",
    "Fundamentals",
    "PriceRequest",
    "Prices",
    "Profile",
    "Provider",
    "RequestOutcome",
    "RequestPolicy",
]
