"""Collection of market data: from a provider into a store.

Each kind of data is a module `collect_<kind>` with one function:

    collect(task: CollectionTask, provider: Provider) -> CollectionResult
"""

from __future__ import annotations

from engine.market_data.task import CollectionResult, CollectionTask

KINDS = ("prices", "profiles", "fundamentals")
"""Kinds of data, in the order in which the nightly run collects them."""

__all__ = ["KINDS", "CollectionResult", "CollectionTask"]
