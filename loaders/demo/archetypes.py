"""Five kinds of portfolio, taken in turn, so that any five in a row show every case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from loaders.demo.universe import Integers


class Kind(IntEnum):
    """What a slot of a portfolio holds."""

    STOCK = 0
    SHORT = 1
    FUND = 2
    HEDGE = 3
    OPTION = 4
    PRIVATE = 5


@dataclass(frozen=True)
class Archetype:
    """A kind of portfolio: gross exposure over equity, and the shares of its slots by kind."""

    name: str
    account_type: str
    gross: float
    mix: Mapping[Kind, float]


LONG_SHORT, ETF_CORE, GROWTH, LEVERAGED, FAMILY_OFFICE = range(5)

ARCHETYPES = (
    Archetype(
        "Long Short",
        "taxable",
        1.4,
        {
            Kind.STOCK: 0.45,
            Kind.SHORT: 0.2,
            Kind.HEDGE: 0.05,
            Kind.OPTION: 0.2,
            Kind.PRIVATE: 0.1,
        },
    ),
    Archetype("ETF Core", "ira", 0.97, {Kind.FUND: 0.55, Kind.STOCK: 0.45}),
    Archetype("Growth", "taxable", 0.95, {Kind.STOCK: 0.95, Kind.OPTION: 0.05}),
    Archetype("Leveraged", "taxable", 1.9, {Kind.STOCK: 0.9, Kind.HEDGE: 0.1}),
    Archetype("Family Office", "trust", 0.9, {Kind.PRIVATE: 1.0}),
)


def slot_kinds(positions: int) -> Integers:
    """Archetypes x slots: the kind of each slot, in the order of the mix."""
    middles = (np.arange(positions) + 0.5) / positions
    return np.stack([_kinds(archetype, middles) for archetype in ARCHETYPES])


def _kinds(archetype: Archetype, middles: np.ndarray) -> Integers:
    kinds = np.array(list(archetype.mix), dtype=np.int64)
    bounds = np.cumsum(list(archetype.mix.values()))[:-1]
    return kinds[np.searchsorted(bounds, middles)]
