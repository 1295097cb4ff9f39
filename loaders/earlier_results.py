"""Results of earlier runs, read from the source or from a separate target store.

Inputs always come from the source. With a separate target, a run continues from its own earlier results
there: from a portfolio's oldest snapshot in the target on, earlier results are the target's. Before that
day, and for portfolios that the target does not have, they are the source's. So two consecutive windows
written to one target leave the same rows as one run over both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from engine.core.schema import TABLES
from engine.core.schema.holdings import SECTOR_MARK
from engine.core.store_url import StoreURL
from loaders.open import is_new, open_reader
from loaders.reader import Reader
from sql import Value

STATE = {
    "portfolios": ("equity_balance",),
    "positions": ("last_price", "market_value", "unrealized_pnl"),
}
"""Columns of input tables that a run overwrites."""
OPENINGS = {"portfolios": "engine_portfolio_openings", "positions": "engine_position_openings"}
"""Tables with the values that `STATE` columns had before the first run; keyed by the id of the table."""


@dataclass(frozen=True)
class EarlierResults:
    """The stores of a run, and the earlier results in both.

    Attributes:
        source: The store of the inputs.
        target: The store of the results if it is another one and exists; else None.
        in_place: Whether results are written to the source.
    """

    source: Reader
    target: Reader | None = None
    in_place: bool = True

    @property
    def results(self) -> Reader | None:
        """The store that results are written to; None if it does not exist yet."""
        return self.source if self.in_place else self.target

    @cached_property
    def target_starts(self) -> dict[str, date]:
        """Day of the oldest snapshot in a separate target, by portfolio."""
        if self.target is None:
            return {}
        scope: dict[str, Value] = {"everyone": True, "portfolios": ()}
        columns = ("portfolio_id", "snapshot_date")
        rows = self.target.select("read/first_snapshots", "portfolio_snapshots", columns, **scope)
        return dict(rows.iter_rows())

    def rows_before(
        self,
        name: str,
        table: str,
        columns: Sequence[str],
        portfolios: Sequence[str] | None,
        start: date,
        **values: Value,
    ) -> pl.DataFrame:
        """Return rows before a day: each portfolio's from the store that holds its results of those days.

        Args:
            name: The statement, `sql/<name>.sql`. If it selects the newest rows of a portfolio, both
                stores' newest rows are returned: see `newest_rows`.
            table: Name of the table.
            columns: Names of the columns.
            portfolios: Ids. None, for all, is possible without a separate target only.
            start: The day; rows of this day are excluded.
            values: Further placeholders of the statement.

        Returns:
            Rows in the schema's types, in any order.
        """
        if self.target is None:
            return self.source.select(name, table, columns, start=start, **_scope(portfolios), **values)
        assert portfolios is not None, "a separate target is written by portfolio"
        ends = {owner: min(self.target_starts.get(owner, start), start) for owner in portfolios}
        parts = [
            self.source.select(
                name,
                table,
                columns,
                start=end,
                **_scope([owner for owner in portfolios if ends[owner] == end]),
                **values,
            )
            for end in sorted(set(ends.values()))
        ]
        in_target = _scope([owner for owner in portfolios if ends[owner] < start])
        own = self.target.select(name, table, columns, start=start, **in_target, **values)
        return stacked(*parts, own)

    def rows(
        self, name: str, table: str, columns: Sequence[str] | None, scope: dict[str, Value], **values: Value
    ) -> pl.DataFrame:
        """Return the rows of a statement from both stores; the target's where both have a natural key.

        Args:
            name: Of the statement in `sql`.
            table: That it reads.
            columns: To read; default all.
            scope: What fills the statement: portfolios or symbols.
            values: Further ones.
        """
        rows = self.source.select(name, table, columns, **scope, **values)
        if self.target is None:
            return rows
        own = self.target.select(name, table, columns, **scope, **values)
        return stacked(own, rows.join(own, on=TABLES[table].key, how="anti"))

    def snapshot_days(self, portfolios: Sequence[str], start: date) -> pl.DataFrame:
        """Return portfolio_id, snapshot_date from a day on, from the store with the portfolio's state.

        Args:
            portfolios: Ids.
            start: First day, inclusive.
        """
        in_target = [owner for owner in portfolios if owner in self.target_starts]
        in_source = [owner for owner in portfolios if owner not in self.target_starts]
        days = [stored_days(self.source, in_source, start)]
        if self.target is not None:
            days.append(stored_days(self.target, in_target, start))
        return pl.concat(days)

    def with_state(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of the source with the `STATE` columns that earlier runs left in the target.

        Args:
            table: portfolios or positions.
            rows: Whole rows of the source.

        Returns:
            The same rows in the same order.
        """
        if self.target is None or table not in self.target.columns:
            return rows
        owner, marks = TABLES[table].owner or "id", STATE[table]
        in_target = self.target.read(table, list(dict.fromkeys(("id", owner, *marks, "updated_at"))))
        # A row counts as run in the target if its opening is recorded there, or its portfolio has snapshots.
        opening_id = TABLES[OPENINGS[table]].key[0]
        opened = self.target.read(OPENINGS[table], [opening_id])[opening_id]
        run = pl.col("id").is_in(opened.implode()) | pl.col(owner).is_in(list(self.target_starts))
        state = in_target.filter(run).select("id", *marks, here=pl.lit(True), changed="updated_at")
        both = rows.join(state, on="id", how="left", suffix="_there", maintain_order="left")
        return both.with_columns(
            pl.max_horizontal("updated_at", "changed").alias("updated_at"),
            *(pl.when("here").then(f"{name}_there").otherwise(name).alias(name) for name in marks),
        ).select(rows.columns)

    def whole_table(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Return a whole table: the target's rows, and those of the source (`rows`) that it lacks.

        Args:
            table: With an `id`.
            rows: Of the source, whole.
        """
        if self.target is None or table not in self.target.columns:
            return rows
        own = self.target.read(table)
        added = rows.join(own, on=TABLES[table].key, how="anti").join(own, on="id", how="anti")
        return stacked(own, added)

    def with_target_ids(self, rows: pl.DataFrame, column: str, parent: str) -> pl.DataFrame:
        """Return rows of the source whose references to a parent table have the target's ids.

        Args:
            rows: Rows of the source.
            column: The column that refers to the parent.
            parent: Name of the parent table.

        Returns:
            The same rows in the same order.
        """
        renamed = self._renamed_ids(parent)
        if renamed.is_empty():
            return rows
        return rows.with_columns(pl.col(column).replace(renamed["id"], renamed["kept"]))

    def _renamed_ids(self, parent: str) -> pl.DataFrame:
        """Return id, kept: rows of the source that the target has under another id."""
        if self.target is None or parent not in self.target.columns:
            return pl.DataFrame(schema={"id": pl.String, "kept": pl.String})
        columns = ["id", *TABLES[parent].key]
        in_target = self.target.read(parent, columns).rename({"id": "kept"})
        both = self.source.read(parent, columns).join(in_target, on=TABLES[parent].key)
        return both.filter(pl.col("id") != pl.col("kept")).select("id", "kept")

    def position_tags(self, rows: pl.DataFrame, tags: pl.DataFrame) -> pl.DataFrame:
        """Return position_tags of both stores. Of sector tags the target's rows replace the source's.

        Args:
            rows: position_tags of the source.
            tags: tags_v2 of both stores, with the target's ids.

        Returns:
            Whole rows that refer to tags by the target's ids.
        """
        if self.target is None or "position_tags" not in self.target.columns:
            return rows
        rows = self.with_target_ids(rows, "tag_id", "tags_v2")
        own, positions = self.target.read("position_tags"), self.target.read("positions", ["id"])
        sectors = tags.filter(pl.col("description").str.starts_with(SECTOR_MARK)).select(tag_id="id")
        # An earlier run has updated the sector tags of the positions that the target has.
        replaced = rows.join(sectors, on="tag_id", how="semi").join(
            positions, left_on="position_id", right_on="id", how="semi"
        )
        for other, key in ((replaced, ["id"]), (own, list(TABLES["position_tags"].key))):
            rows = rows.join(other, on=key, how="anti")
        return stacked(own, rows)


def newest_rows(rows: pl.DataFrame, owner: str, date: str) -> pl.DataFrame:
    """Return each owner's newest row.

    Args:
        rows: With both columns, not null.
        owner: Name of the column with the owner, such as portfolio_id.
        date: Name of the column with the day.
    """
    return rows.sort(owner, date).unique(owner, keep="last", maintain_order=True)


def stacked(*parts: pl.DataFrame) -> pl.DataFrame:
    """Return rows of one table read in parts. Floats, which the row rules refuse, may meet exact decimals."""
    return pl.concat(parts, how="vertical_relaxed")


def _scope(portfolios: Sequence[str] | None) -> dict[str, Value]:
    return {"everyone": portfolios is None, "portfolios": portfolios or ()}


def stored_days(
    reader: Reader, portfolios: Sequence[str] | None = None, start: date = date.min
) -> pl.DataFrame:
    """Return portfolio_id, snapshot_date of the sessions that are stored: those whose snapshot has an equity.

    Args:
        reader: The store.
        portfolios: Ids; None for all.
        start: The first day.
    """
    columns = ("portfolio_id", "snapshot_date")
    return reader.select("read/stored", "portfolio_snapshots", columns, start=start, **_scope(portfolios))


@contextmanager
def open_stores(source: StoreURL, target: StoreURL, in_place: bool) -> Iterator[EarlierResults]:
    """Open the stores of a run to read.

    Args:
        source: The store of the inputs.
        target: The store of the results; a file or folder need not exist yet.
        in_place: Whether both are the same store.

    Yields:
        The open stores.
    """
    with open_reader(source) as reader:
        if in_place:
            yield EarlierResults(reader)
        elif is_new(target):
            yield EarlierResults(reader, None, in_place=False)
        else:
            with open_reader(target) as results:
                yield EarlierResults(reader, results, in_place=False)
