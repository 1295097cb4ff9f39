"""Five kinds of portfolio, used in turn, so that any five in a row contain every case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from loaders.demo.listings import Integers


class SlotKind(IntEnum):
    """Kind of the instrument in a portfolio's slot."""

    STOCK = 0
    SHORT = 1
    FUND = 2
    HEDGE = 3
    OPTION = 4
    PRIVATE = 5


@dataclass(frozen=True)
class Archetype:
    """A kind of portfolio.

    Attributes:
        name: part of the portfolios' names.
        account_type: of portfolios.
        gross: gross exposure / equity.
        mix: fraction of the slots by kind.
    """

    name: str
    account_type: str
    gross: float
    mix: Mapping[SlotKind, float]


LONG_SHORT, ETF_CORE, GROWTH, LEVERAGED, FAMILY_OFFICE = range(5)

ARCHETYPES = (
    Archetype(
        "Long Short",
        "taxable",
        1.4,
        {
            SlotKind.STOCK: 0.45,
            SlotKind.SHORT: 0.2,
            SlotKind.HEDGE: 0.05,
            SlotKind.OPTION: 0.2,
            SlotKind.PRIVATE: 0.1,
        },
    ),
    Archetype("ETF Core", "ira", 0.97, {SlotKind.FUND: 0.55, SlotKind.STOCK: 0.45}),
    Archetype("Growth", "taxable", 0.95, {SlotKind.STOCK: 0.95, SlotKind.OPTION: 0.05}),
    Archetype("Leveraged", "taxable", 1.9, {SlotKind.STOCK: 0.9, SlotKind.HEDGE: 0.1}),
    Archetype("Family Office", "trust", 0.9, {SlotKind.PRIVATE: 1.0}),
)


def slot_kinds(positions: int) -> Integers:
    """Return the kind of each slot, archetypes x slots, in the order of the mix.

    Args:
        positions: slots of each portfolio.
    """
    middles = (np.arange(positions) + 0.5) / positions
    return np.stack([_kinds(archetype, middles) for archetype in ARCHETYPES])


def _kinds(archetype: Archetype, middles: np.ndarray) -> Integers:
    kinds = np.array(list(archetype.mix), dtype=np.int64)
    bounds = np.cumsum(list(archetype.mix.values()))[:-1]
    return kinds[np.searchsorted(bounds, middles)]
