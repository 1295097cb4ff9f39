"""Rows that are about to be packed, and the error of rows that cannot be."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import polars as pl

from engine.core.errors import EngineError


class PackError(EngineError, ValueError):
    """Rows that the compact layout cannot hold."""

    hint = "The legacy layout holds them: see docs/how-to/layout.md"

    def __init__(self, table: str, key: str, reason: str) -> None:
        self.table, self.key, self.reason = table, key, reason
        super().__init__(f"table {table}, {key}: {reason}")


class PackableFrames(Mapping[str, pl.DataFrame]):
    """Frames by table that can give the rows of a table without ids and in any order, which is cheaper."""

    @property
    @abstractmethod
    def heights(self) -> dict[str, int]:
        """Rows by table; no rows are made for it."""

    @abstractmethod
    def packable(self, table: str) -> pl.DataFrame:
        """Return the rows of a table for `Packing.pack`.

        Args:
            table: Name of a legacy table.

        Returns:
            All columns but the id, figures as they are stored.
        """


def packable_rows(frames: Mapping[str, pl.DataFrame], table: str) -> pl.DataFrame:
    """Return the rows of a table for `Packing.pack`, in the cheapest form that frames have.

    Args:
        frames: Rows by table.
        table: Name of a legacy table.
    """
    return frames.packable(table) if isinstance(frames, PackableFrames) else frames[table]


def heights_of(frames: Mapping[str, pl.DataFrame]) -> Mapping[str, int]:
    """Return the number of rows by table.

    Args:
        frames: Rows by table.
    """
    if isinstance(frames, PackableFrames):
        return frames.heights
    return {name: frame.height for name, frame in frames.items()}
