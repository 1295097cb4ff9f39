"""Results of a run: one frame for each table, in the table's own columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from engine.core.compact import PackableFrames
from engine.core.names import table_named
from engine.core.row_ids import IdForm
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows, unnumbered_rows

if TYPE_CHECKING:  # what draws tables is loaded only where somebody looks
    from engine.html.readable import ReadableTable
    from engine.pipeline.changed import Changed

FAILURES: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "date": pl.Date(),
    "table": pl.String(),
    "column": pl.String(),
    "key": pl.String(),
    "value": pl.String(),
    "reason": pl.String(),
}
"""One row for each reason for which a portfolio was left out of the results.

`date` is the session of a figure that its column cannot hold; other reasons have none.
"""


class StoredTables(PackableFrames):
    """Stored rows by table; a table's rows are made when it is first asked for.

    A dry run, or a question about one table, does not pay for the others.
    """

    def __init__(
        self,
        figures: Mapping[str, pl.DataFrame],
        finished: Mapping[str, pl.DataFrame],
        stamp: datetime,
        ids: IdForm = "text",
        written: datetime | None = None,
    ) -> None:
        """Keep frames until their rows are needed.

        Args:
            figures: By table, frames for `engine.core.stored_rows.stored_rows`.
            finished: By table, whole rows in the table's types.
            stamp: When the rows were made.
            ids: The form of ids that are made.
            written: Their `updated_at`; default `stamp`.
        """
        self._figures, self._rows = dict(figures), dict(finished)
        self._stamp, self._ids, self._written = stamp, ids, written

    def __getitem__(self, table: str) -> pl.DataFrame:
        figures = self._figures.get(table)
        if figures is not None:
            self._rows[table] = stored_rows(TABLES[table], figures, self._stamp, self._ids, self._written)
            # The figures take as much memory as the rows.
            self._figures.pop(table, None)
        return self._rows[table]

    def packable(self, table: str) -> pl.DataFrame:
        figures = self._figures.get(table)
        if figures is None:
            return self._rows[table]
        return unnumbered_rows(TABLES[table], figures, self._stamp, self._written)

    def __contains__(self, table: object) -> bool:
        return table in self.heights

    def __iter__(self) -> Iterator[str]:
        return iter(self.heights)

    def __len__(self) -> int:
        return len(self.heights)

    @property
    def heights(self) -> dict[str, int]:
        """Rows by table, in the order of the schema; no rows are made for it."""
        frames = {**self._figures, **self._rows}
        return {name: frames[name].height for name in TABLES if name in frames}

    def select(self, tables: Collection[str], ids: IdForm | None = None) -> StoredTables:
        """Return some of the tables, with rows that are still to be made in another form of ids.

        Args:
            tables: Names; one that the results lack is ignored.
            ids: Form of the made ids; default the present one.
        """
        figures, rows = (
            {name: frame for name, frame in frames.items() if name in tables}
            for frames in (self._figures, self._rows)
        )
        return StoredTables(figures, rows, self._stamp, ids or self._ids, self._written)

    def with_rows(self, rows: Mapping[str, pl.DataFrame]) -> StoredTables:
        """Return the tables with finished rows in place of some.

        Args:
            rows: By table, whole rows in the table's types.
        """
        figures = {name: frame for name, frame in self._figures.items() if name not in rows}
        return StoredTables(figures, {**self._rows, **rows}, self._stamp, self._ids, self._written)


OUTCOMES: dict[str, pl.DataType] = {
    "job": pl.String(),
    "status": pl.String(),
    "reason": pl.String(),
    "sessions": pl.Int64(),
}
"""Number of portfolio sessions by job, status and reason."""


@dataclass(frozen=True)
class Results:
    """The tables of a run.

    Attributes:
        tables: Whole rows of every output table and of `analytics_status`; of the state tables
            `portfolios` and `positions` the rows of the portfolios that were computed, updated.
        failures: Portfolios that were left out, with their reasons (`FAILURES`).
        removed: By table, the natural keys of rows to delete.
        outcomes: Counts of the rows of `analytics_status` (`OUTCOMES`).
    """

    tables: StoredTables
    failures: pl.DataFrame
    removed: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    outcomes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTCOMES))

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(self.tables.heights.values())

    def show(self, table: str, columns: Sequence[str] | None = None) -> ReadableTable:
        """Return a table to look at: names before ids, money formatted, units in the headings.

        Args:
            table: Name.
            columns: To show; default all that hold a figure.
        """
        from engine.html.readable import names_of, readable

        return readable(table_named(table), self.tables[table], names_of(self.tables), columns)

    def compare(self, other: Results) -> Changed:
        """Return the cells in which another result of the same window differs: see `engine.what_changed`.

        Args:
            other: Results after a change of inputs or rules.
        """
        from engine.pipeline.changed import what_changed

        return what_changed(self, other)

    def _repr_html_(self) -> str:
        from engine.html.blocks import Section
        from engine.html.overview import SNAPSHOTS, last_sessions, outcomes_table, sizes_table
        from engine.html.page import fragment
        from engine.html.readable import names_of

        heights, blocks = self.tables.heights, []
        if heights.get(SNAPSHOTS.name):
            names = names_of(self.tables).get("portfolio_id", {})
            blocks.append(last_sessions(self.tables[SNAPSHOTS.name], names))
        if self.outcomes.height:
            blocks.append(outcomes_table(self.outcomes))
        blocks.append(sizes_table(heights))
        left_out = self.failures["portfolio_id"].n_unique() if self.failures.height else 0
        note = f"{left_out} portfolios are left out: `.failures` has the reasons." if left_out else ""
        return fragment([Section("results", "Results", note, blocks)])
