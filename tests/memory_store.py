"""A store in memory, read through the engine's own statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from engine.core.frames import empty, polars_schema
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from loaders.arrow_stream import ArrowStream
from loaders.duckdb.reader import DuckDBReader
from sql import statement

NEEDED = (
    "portfolios",
    "positions",
    "position_realized_events",
    "equity_changes",
    "market_data_cache",
    "company_profiles",
    "benchmarks_sector_weights",
    "stress_test_scenarios",
    "factor_definitions",
    "tags_v2",
    "position_tags",
)


class MemoryReader(DuckDBReader):
    """Frames as tables; what a run needs and is not given is there without rows."""

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        self.frames = {**{name: empty(TABLES[name]) for name in NEEDED}, **frames}
        super().__init__(StoreURL.parse("duckdb:///memory"))

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:")
        connection.execute(statement("utc"))
        for name, frame in self.frames.items():
            connection.register("incoming", ArrowStream(frame))
            connection.execute(f"create table {name} as select * from incoming")
        return connection


def frame_of(table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of Python values as a frame of the table's types."""
    return pl.DataFrame(list(rows), schema=polars_schema(TABLES[table]), orient="row", strict=False)
