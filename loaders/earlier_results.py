"""The past: what earlier runs left, where the results of a run go to a store of their own.

Inputs are always the source's. What a run reads of its own earlier outputs is the target's, from
a portfolio's oldest snapshot there on; before that day, and of portfolios that the target does not
know, the source's. So two windows in a row into one target leave what one run over both leaves.
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
"""The columns that a run changes of rows that others keep."""
OPENINGS = {"portfolios": "engine_portfolio_openings", "positions": "engine_position_openings"}
"""By table of state, the ledger of what was there first; its key is the table's id."""


@dataclass(frozen=True)
class Past:
    """One or two stores, read as one past.

    source: where the inputs are. target: where the results go, if that is another store; None
    while it is not there yet. in_place: whether the results go back to the source.
    """

    source: Reader
    target: Reader | None = None
    in_place: bool = True

    @property
    def results(self) -> Reader | None:
        """The store that the results go to; None where it is not there yet."""
        return self.source if self.in_place else self.target

    @cached_property
    def since(self) -> dict[str, date]:
        """By portfolio that the target knows, the day of its oldest snapshot there."""
        if self.target is None:
            return {}
        scope: dict[str, Value] = {"everyone": True, "portfolios": ()}
        columns = ("portfolio_id", "snapshot_date")
        rows = self.target.select("read/first_snapshots", "portfolio_snapshots", columns, **scope)
        return dict(rows.iter_rows())

    def before(
        self,
        name: str,
        table: str,
        columns: Sequence[str],
        portfolios: Sequence[str] | None,
        start: date,
        **values: Value,
    ) -> pl.DataFrame:
        """The rows of sql/<name>.sql before a day, of both stores, each portfolio's from where they are.

        A statement that takes a portfolio's newest rows gives those of each store: see `newest`.
        """
        if self.target is None:
            return self.source.select(name, table, columns, start=start, **_scope(portfolios), **values)
        assert portfolios is not None, "a target of its own is written by portfolio"
        ends = {owner: min(self.since.get(owner, start), start) for owner in portfolios}
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
        known = _scope([owner for owner in portfolios if ends[owner] < start])
        return _together(*parts, self.target.select(name, table, columns, start=start, **known, **values))

    def either(
        self, name: str, table: str, columns: Sequence[str] | None, scope: dict[str, Value], **values: Value
    ) -> pl.DataFrame:
        """The rows of sql/<name>.sql of both stores; of two with one natural key the target's."""
        rows = self.source.select(name, table, columns, **scope, **values)
        if self.target is None:
            return rows
        ours = self.target.select(name, table, columns, **scope, **values)
        return _together(ours, rows.join(ours, on=TABLES[table].key, how="anti"))

    def stored(self, portfolios: Sequence[str], start: date) -> pl.DataFrame:
        """portfolio_id, snapshot_date of the snapshots from a day on, each in the store of its state."""
        ours = [owner for owner in portfolios if owner in self.since]
        theirs = [owner for owner in portfolios if owner not in self.since]
        found = [_stored(self.source, theirs, start)]
        if self.target is not None:
            found.append(_stored(self.target, ours, start))
        return pl.concat(found)

    def with_state(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of the source with what earlier runs have made of them in the target.

        Args:
            table: portfolios or positions.
            rows: whole rows.
        """
        if self.target is None or table not in self.target.columns:
            return rows
        owner, marks = TABLES[table].owner or "id", STATE[table]
        there = self.target.read(table, list(dict.fromkeys(("id", owner, *marks, "updated_at"))))
        ledger = TABLES[OPENINGS[table]].key[0]
        run = self.target.read(OPENINGS[table], [ledger])[ledger]
        known = there.filter(pl.col("id").is_in(run.implode()) | pl.col(owner).is_in(list(self.since)))
        known = known.select("id", *marks, here=pl.lit(True), changed="updated_at")
        both = rows.join(known, on="id", how="left", suffix="_there", maintain_order="left")
        return both.with_columns(
            pl.max_horizontal("updated_at", "changed").alias("updated_at"),
            *(pl.when("here").then(f"{name}_there").otherwise(name).alias(name) for name in marks),
        ).select(rows.columns)

    def of_both(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of a whole table of the source, and the target's own in place of the same ones."""
        if self.target is None or table not in self.target.columns:
            return rows
        ours = self.target.read(table)
        fresh = rows.join(ours, on=TABLES[table].key, how="anti").join(ours, on="id", how="anti")
        return _together(ours, fresh)

    def at_home(self, rows: pl.DataFrame, column: str, parent: str) -> pl.DataFrame:
        """Rows of the source that refer to the target's rows of `parent` by the ids they have there."""
        kept = self._renamed(parent)
        return rows.with_columns(pl.col(column).replace(kept["id"], kept["kept"])) if kept.height else rows

    def _renamed(self, parent: str) -> pl.DataFrame:
        """id, kept: the source's rows that the target has under another id."""
        if self.target is None or parent not in self.target.columns:
            return pl.DataFrame(schema={"id": pl.String, "kept": pl.String})
        columns = ["id", *TABLES[parent].key]
        there = self.target.read(parent, columns).rename({"id": "kept"})
        known = self.source.read(parent, columns).join(there, on=TABLES[parent].key)
        return known.filter(pl.col("id") != pl.col("kept")).select("id", "kept")

    def links(self, rows: pl.DataFrame, tags: pl.DataFrame) -> pl.DataFrame:
        """Links of the source, and the target's own: phase 5 has changed the sectors' there.

        Args:
            rows: of position_tags in the source. tags: of both stores, by the target's ids.
        """
        if self.target is None or "position_tags" not in self.target.columns:
            return rows
        rows = self.at_home(rows, "tag_id", "tags_v2")
        ours, held = self.target.read("position_tags"), self.target.read("positions", ["id"])
        sectors = tags.filter(pl.col("description").str.starts_with(SECTOR_MARK)).select(tag_id="id")
        moved = rows.join(sectors, on="tag_id", how="semi").join(
            held, left_on="position_id", right_on="id", how="semi"
        )
        for other, key in ((moved, ["id"]), (ours, list(TABLES["position_tags"].key))):
            rows = rows.join(other, on=key, how="anti")
        return _together(ours, rows)


def newest(rows: pl.DataFrame, owner: str, date: str) -> pl.DataFrame:
    """Each owner's newest row."""
    return rows.sort(owner, date).unique(owner, keep="last", maintain_order=True)


def _together(*parts: pl.DataFrame) -> pl.DataFrame:
    """Rows of both stores. A column that is no exact decimal in one of them waits for the rules as floats."""
    return pl.concat(parts, how="vertical_relaxed")


def _scope(portfolios: Sequence[str] | None) -> dict[str, Value]:
    return {"everyone": portfolios is None, "portfolios": portfolios or ()}


def _stored(reader: Reader, portfolios: Sequence[str], start: date) -> pl.DataFrame:
    columns = ("portfolio_id", "snapshot_date")
    return reader.select("read/stored", "portfolio_snapshots", columns, start=start, **_scope(portfolios))


@contextmanager
def open_past(source: StoreURL, target: StoreURL, in_place: bool) -> Iterator[Past]:
    """The stores of a run, opened to read.

    Raises:
        StoreUnreachableError: one is not there; a target that is a file may still be to make.
    """
    with open_reader(source) as reader:
        if in_place:
            yield Past(reader)
        elif is_new(target):
            yield Past(reader, None, in_place=False)
        else:
            with open_reader(target) as results:
                yield Past(reader, results, in_place=False)
