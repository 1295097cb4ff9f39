"""Providers of market data: what any of them can be asked, whoever it is."""

from __future__ import annotations

from loaders.market.provider import (
    Answer,
    Fundamentals,
    Outcome,
    Prices,
    PricesWanted,
    Profile,
    Provider,
)

__all__ = ["Answer", "Fundamentals", "Outcome", "Prices", "PricesWanted", "Profile", "Provider"]
