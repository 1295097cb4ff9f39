"""The registry of packings: the packed table and the functions of each legacy table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple, get_args

import polars as pl

from engine.core.compact.matrices import pack_pairs
from engine.core.compact.slots import pack_portfolio_exposures, pack_position_exposures
from engine.core.compact.tables import CORRELATION_MATRICES, PORTFOLIO_EXPOSURES, POSITION_EXPOSURES
from engine.core.schema import Table

Layout = Literal["legacy", "compact"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
Slots = Mapping[str, int]
"""Place of each factor in lists, from 1, by its id."""


class Packing(NamedTuple):
    """Storage of one legacy table in a compact store.

    Attributes:
        table: The packed table. Its key is a part of the legacy table's natural key; owner and date are the
            legacy table's, so that the same statements delete a scope's rows.
        pack: Makes its rows from those of the legacy table.
        by_factor: Whether the rows have factors, whose slots `pack` is given.
        extent: Statement that counts the legacy rows; one that need not unpack them where there is one.
        by_day: Statement that counts them by day without unpacking them; empty where there is none.
    """

    table: Table
    pack: Callable[[pl.DataFrame, Slots], pl.DataFrame]
    by_factor: bool = False
    extent: str = "read/extent"
    by_day: str = ""


COMPACT = {
    "pairwise_correlations": Packing(
        CORRELATION_MATRICES, pack_pairs, extent="compact/extent_of_pairs", by_day="compact/pairs_by_day"
    ),
    "position_factor_exposures": Packing(POSITION_EXPOSURES, pack_position_exposures, by_factor=True),
    "factor_exposures": Packing(PORTFOLIO_EXPOSURES, pack_portfolio_exposures, by_factor=True),
}
"""Packings by the name of the legacy table, which is a view in a compact store."""


def packing_of(table: str, catalog: Collection[str]) -> Packing | None:
    """Return how a store packs a table; None if it stores the rows as they are.

    Args:
        table: Name of a legacy table.
        catalog: Names of the store's tables.
    """
    packing = COMPACT.get(table)
    return packing if packing and packing.table.name in catalog else None


def layout_of(catalog: Collection[str]) -> Layout:
    """Return the layout of a store.

    Args:
        catalog: Names of its tables.
    """
    return "compact" if any(packing.table.name in catalog for packing in COMPACT.values()) else "legacy"
