"""A store in memory: frames, read through the same statements as a DuckDB file."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from engine.core.frames import empty
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from loaders.arrow_stream import ArrowStream
from loaders.duckdb.connect import connect_memory
from loaders.duckdb.reader import DuckDBReader
from sql import Name, statement

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
"""Tables that loading a window requires."""


class MemoryReader(DuckDBReader):
    """Frames as tables; of those that a window needs, one that is not given has no rows."""

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        self.frames = {**{name: empty(TABLES[name]) for name in NEEDED}, **frames}
        super().__init__(StoreURL.parse("duckdb:///memory"))

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = connect_memory()
        connection.execute(statement("utc"))
        for name, frame in self.frames.items():
            connection.register("incoming", ArrowStream(frame))
            connection.execute(statement("write/from_frame", table=Name(name)))
        return connection
