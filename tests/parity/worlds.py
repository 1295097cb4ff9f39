"""Small stores in memory, built row by row; columns that a row leaves out have defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from engine.core.frames import dtype
from engine.core.schema import TABLES, Column

Rows = list[dict[str, object]]

DAY = date(2025, 5, 2)
NEXT_DAY = date(2025, 5, 5)
MOMENT = datetime(2025, 5, 2, tzinfo=UTC)
NEXT_MOMENT = datetime(2025, 5, 5, tzinfo=UTC)
FILLING: dict[str, object] = {
    "uuid": "00000000-0000-0000-0000-000000000000",
    "text": "text",
    "enum": "LONG",
    "date": DAY,
    "timestamp": MOMENT,
    "integer": 7,
    "bigint": 7,
    "boolean": True,
    "numeric": Decimal(1),
    "json": '{"a": 1}',
}


@dataclass
class Memory:
    """A store of frames in memory."""

    frames: dict[str, pl.DataFrame]
    url: str = "memory://store"

    @property
    def columns(self) -> dict[str, list[str]]:
        return {table: self.read(table).columns for table in self.tables()}

    def tables(self) -> set[str]:
        return set(self.frames)

    def read(self, table: str) -> pl.DataFrame:
        return self.frames[table]

    def having(self, table: str, frame: pl.DataFrame) -> Memory:
        """Return the store with one table replaced."""
        return Memory(self.frames | {table: frame}, self.url)

    def changed(self, table: str, row: int, column: str, value: object) -> Memory:
        """Return the store with one cell replaced."""
        frame = self.frames[table]
        values = frame[column].to_list()
        decimal = isinstance(frame.schema[column], pl.Decimal) and value is not None
        values[row] = Decimal(str(value)) if decimal else value
        series = pl.Series(column, values, dtype=frame.schema[column])
        return self.having(table, frame.with_columns(series))


class Folder(Memory):
    """The Parquet files of a folder, read on request."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, f"parquet://{folder}"

    def tables(self) -> set[str]:
        return {file.stem for file in self.folder.glob("*.parquet")}

    def read(self, table: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / f"{table}.parquet")

    def loaded(self) -> Memory:
        """Return the store in memory."""
        return Memory({table: self.read(table) for table in self.tables()})


def frame(table: str, rows: Rows) -> pl.DataFrame:
    """Return rows of a table in the types of `engine.core.frames`; absent columns have defaults."""
    columns = TABLES[table].columns
    return pl.DataFrame(
        [
            pl.Series(column.name, [_value(row, column) for row in rows], dtype=dtype(column))
            for column in columns
        ]
    )


def _value(row: Mapping[str, object], column: Column) -> object:
    value = row.get(column.name, FILLING[column.type.kind])
    if value is None or column.type.kind != "numeric":
        return value
    return float(value) if column.nan else Decimal(str(value))  # type: ignore[arg-type]


def store(**tables: Rows) -> Memory:
    """Return a store of the given rows by table."""
    return Memory({table: frame(table, rows) for table, rows in tables.items()})


def exposures(*values: object, **other: object) -> Memory:
    """Return a store with a factor exposure per portfolio p0, p1, ...: exposure_value numeric(12,6)."""
    rows = [
        {"portfolio_id": f"p{i}", "calculation_date": DAY, "exposure_value": value, **other}
        for i, value in enumerate(values)
    ]
    factors: Rows = [{"id": FILLING["uuid"], "name": "Momentum"}]
    return store(factor_exposures=rows, factor_definitions=factors)


def correlations(calculation: str, value: float = 0.5, cluster: str = "k") -> Memory:
    """Return two days of correlations of one portfolio, with ids that start with `calculation`."""
    calculations: Rows = [
        {"id": f"{calculation}1", "portfolio_id": "p", "calculation_date": MOMENT},
        {"id": f"{calculation}2", "portfolio_id": "p", "calculation_date": NEXT_MOMENT},
    ]
    pairs: Rows = [
        {
            "correlation_calculation_id": f"{calculation}{n}",
            "symbol_1": "A",
            "symbol_2": other,
            "correlation_value": value,
        }
        for n in (1, 2)
        for other in ("A", "B")
    ]
    clusters: Rows = [{"id": cluster, "correlation_calculation_id": f"{calculation}1", "cluster_number": 3}]
    members: Rows = [{"cluster_id": cluster, "position_id": "q"}]
    return store(
        correlation_calculations=calculations,
        pairwise_correlations=pairs,
        correlation_clusters=clusters,
        correlation_cluster_positions=members,
    )
