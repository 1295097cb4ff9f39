"""Pack exposures to factors: one row for each owner and session, with a slot for each factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.core.compact.packing import PackError
from engine.core.compact.tables import PORTFOLIO_EXPOSURES, POSITION_EXPOSURES
from engine.core.frames import polars_schema
from engine.core.schema import TABLES, Table
from engine.core.sort_keys import enumerated
from engine.numerics.arrays import Ints

INT32 = 2**31
EMPTY = np.iinfo(np.int64).min
"""Stands for a null while lists are made; no scaled figure is so low."""


def pack_position_exposures(rows: pl.DataFrame, slots: Mapping[str, int]) -> pl.DataFrame:
    """Return rows of engine_position_exposures.

    Args:
        rows: All columns of position_factor_exposures but the id.
        slots: Place of each factor in the lists, from 1.

    Returns:
        One row for each position and session.

    Raises:
        PackError: A factor has two rows in one session, or an exposure is too large.
    """
    table = POSITION_EXPOSURES
    if rows.is_empty():
        return pl.DataFrame(schema=polars_schema(table))
    grid = _grid("position_factor_exposures", table, rows, slots)
    millionths = _units(rows, "exposure_value")
    if (wide := np.flatnonzero(np.abs(millionths) >= INT32)).size:
        raise PackError(
            grid.legacy.name, grid.key_of(int(wide[0])), "an exposure above 2147 cannot be packed"
        )
    columns = [
        *grid.keys(),
        grid.lists("exposures", millionths),
        grid.texts("quality_flags", rows["quality_flag"]),
        grid.stamps("created_at"),
    ]
    return pl.DataFrame(columns).cast(polars_schema(table))  # type: ignore[arg-type]


def pack_portfolio_exposures(rows: pl.DataFrame, slots: Mapping[str, int]) -> pl.DataFrame:
    """Return rows of engine_portfolio_exposures.

    Args:
        rows: All columns of factor_exposures but the id.
        slots: Place of each factor in the lists, from 1.

    Returns:
        One row for each portfolio and session.

    Raises:
        PackError: A factor has two rows in one session.
    """
    table = PORTFOLIO_EXPOSURES
    if rows.is_empty():
        return pl.DataFrame(schema=polars_schema(table))
    grid = _grid("factor_exposures", table, rows, slots)
    columns = [
        *grid.keys(),
        grid.lists("exposures", _units(rows, "exposure_value")),
        grid.lists("dollars", _units(rows, "exposure_dollar")),
        grid.stamps("created_at"),
        grid.stamps("updated_at"),
    ]
    return pl.DataFrame(columns).cast(polars_schema(table))  # type: ignore[arg-type]


class Grid(NamedTuple):
    """N rows of exposures, placed in M owners and sessions of K slots.

    Attributes:
        legacy: Table of the rows.
        packed: Table of the grid.
        rows: The rows, the packed table's key as enumerations and dates.
        place: [N] of owner and session, from 0.
        slot: [N] of the factor, from 0.
        first: [M] a row of each place.
        width: K.
    """

    legacy: Table
    packed: Table
    rows: pl.DataFrame
    place: Ints
    slot: Ints
    first: Ints
    width: int

    def keys(self) -> list[pl.Series]:
        """Return the packed table's key, [M] each."""
        keys = (self.rows[name].gather(self.first) for name in self.packed.key)
        return [key.cast(pl.String) if isinstance(key.dtype, pl.Enum) else key for key in keys]

    def key_of(self, row: int) -> str:
        """Return the natural key of a row, for a message."""
        return ", ".join(f"{name} {self.rows[name][row]}" for name in self.legacy.key)

    def lists(self, name: str, units: Ints) -> pl.Series:
        """Return lists of K whole numbers, null where a place has no row of the factor.

        Args:
            name: Of the result.
            units: [N]; `EMPTY` for null.
        """
        cells = np.full((self.first.size, self.width), EMPTY)
        cells[self.place, self.slot] = units
        flat = pl.Series(name, cells.ravel())
        return flat.replace(EMPTY, None).reshape(cells.shape).arr.to_list()

    def texts(self, name: str, values: pl.Series) -> pl.Series:
        """Return lists of K texts, or of one text for a place whose rows all have the same.

        Args:
            name: Of the result.
            values: [N], any of them null.
        """
        if values.n_unique() == 1:
            alike = pl.Series([True]).new_from_index(0, self.first.size)
        else:
            places = (
                pl.DataFrame({"place": self.place, "text": values})
                .group_by("place")
                .agg(alike=pl.col("text").n_unique() == 1)
            )
            alike = places.sort("place")["alike"]
        single = values.gather(self.first).reshape((-1, 1)).arr.to_list().alias(name)
        if alike.all():
            return single
        cells = np.full((self.first.size, self.width), None, dtype=np.object_)
        cells[self.place, self.slot] = values.to_list()
        every = pl.Series(name, cells.tolist(), dtype=pl.List(pl.String))
        return single.zip_with(alike, every)

    def stamps(self, name: str) -> pl.Series:
        """Return the newest time stamp of each place, [M].

        Args:
            name: Of a column of the rows.
        """
        times = self.rows[name]
        if times.min() == times.max():
            return times.gather(self.first)
        newest = np.full(self.first.size, EMPTY)
        np.maximum.at(newest, self.place, times.to_physical().to_numpy())
        return pl.Series(name, newest).cast(times.dtype)


def _grid(legacy: str, packed: Table, rows: pl.DataFrame, slots: Mapping[str, int]) -> Grid:
    """Return the place of each row.

    Args:
        legacy: Name of the rows' table.
        packed: Table of the grid.
        rows: At least one.
        slots: Of all factors of the rows.

    Raises:
        PackError: Two rows have one place and slot.
    """
    texts = [name for name in packed.key if rows.schema[name] == pl.String]
    rows = rows.with_columns(enumerated(rows[name]) for name in texts)
    owner, day = (rows[name].to_physical().cast(pl.Int64).to_numpy() for name in packed.key)
    days = rows[packed.key[1]].unique().sort().to_physical().cast(pl.Int64).to_numpy()
    cell = owner * days.size + np.searchsorted(days, day)
    filled = np.zeros(int(cell.max()) + 1, dtype=np.bool_)
    filled[cell] = True
    place = (np.cumsum(filled) - 1)[cell]
    first = np.empty(int(filled.sum()), dtype=np.int64)
    first[place] = np.arange(place.size)
    factors = rows["factor_id"].cast(pl.String)
    slot = factors.replace_strict(dict(slots), return_dtype=pl.Int64).to_numpy() - 1
    width = int(slot.max()) + 1
    grid = Grid(TABLES[legacy], packed, rows, place, slot, first, width)
    taken = np.bincount(place * width + slot)
    if (taken > 1).any():
        row = int(np.flatnonzero(place * width + slot == int(taken.argmax()))[0])
        raise PackError(legacy, grid.key_of(row), "there are several rows of this key")
    return grid


def _units(rows: pl.DataFrame, name: str) -> Ints:
    """Return a decimal column in units of its last place, `EMPTY` where it is null."""
    return rows[name].to_physical().cast(pl.Int64).fill_null(EMPTY).to_numpy()
