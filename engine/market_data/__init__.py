"""Collecting the market: from a provider into a store.

Each kind of data is a module here with one function:

    collect(order: Order, provider: Provider) -> Collected
"""

from __future__ import annotations

from engine.market_data.order import Collected, Order

KINDS = ("prices", "profiles", "fundamentals")
"""What can be collected, in the order in which the nightly run does it."""

__all__ = ["KINDS", "Collected", "Order"]
