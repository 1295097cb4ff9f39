"""Rows of Python values as frames, for stores in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from loaders.duckdb.memory import NEEDED, MemoryReader

__all__ = ["NEEDED", "MemoryReader", "frame_of"]


def frame_of(table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of Python values as a frame of the table's types."""
    return pl.DataFrame(list(rows), schema=polars_schema(TABLES[table]), orient="row", strict=False)
