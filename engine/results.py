"""Results: what a run computed, one frame for each table, in the table's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

FAILURES: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "table": pl.String(),
    "column": pl.String(),
    "key": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
}
"""One row for each reason for which a portfolio was left out of the results."""


@dataclass(frozen=True)
class Results:
    """The tables of a run.

    tables: whole rows of every output table and of `analytics_status`; of the state tables
        `portfolios` and `positions` the rows of the portfolios that were computed, updated.
    failures: portfolios that were left out, with their reasons (`FAILURES`).
    removed: by table, the natural keys of rows that are no more.
    """

    tables: Mapping[str, pl.DataFrame]
    failures: pl.DataFrame
    removed: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(frame.height for frame in self.tables.values())

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><th>{name}</th><td>{frame.height:,} x {frame.width}</td></tr>"
            for name, frame in self.tables.items()
        )
        failed = f"<p>{self.failures.height} reasons for portfolios left out</p>"
        note = failed if self.failures.height else ""
        return f"<table><tr><th>table</th><th>rows x columns</th></tr>{body}</table>{note}"
