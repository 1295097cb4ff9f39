"""Changes: which rows of which tables a shard's results turn into, for the store they go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import polars as pl

from engine.results import Results
from engine.schema import TABLES
from engine.window import Window
from writers import Scope, Writer

STATE = {
    "portfolios": ("equity_balance",),
    "positions": ("last_price", "market_value", "unrealized_pnl"),
}
"""The columns that a run changes of rows that others keep."""
ONCE = ("users", "factor_definitions", "stress_test_scenarios", "tags_v2", "position_tags")
"""What a target of its own needs beside its portfolios, to be compared and used by itself; users
only in Postgres, where portfolios refer to them."""
OWNED = ("portfolios", "positions", "engine_portfolio_openings", "engine_position_openings")
"""What it needs of each portfolio."""


@dataclass(frozen=True)
class Changes:
    """Frames by table, parents first.

    whole: rows that are updated where they are, and put in where they are not.
    narrow: columns of rows that are there.
    figures: rows that replace those of the portfolios `computed`; status: those of `told`, the
        portfolios that were left out among them.
    removed: natural keys of rows that are no more.
    """

    whole: Mapping[str, pl.DataFrame]
    narrow: Mapping[str, pl.DataFrame]
    figures: Mapping[str, pl.DataFrame]
    status: Mapping[str, pl.DataFrame]
    removed: Mapping[str, pl.DataFrame]
    computed: Sequence[str]
    told: Sequence[str]

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        parts = {**self.whole, **self.narrow, **self.figures, **self.status}
        return {name: parts[name].height for name in TABLES if name in parts}


def changes(
    results: Results, window: Window, wanted: Set[str], seeds: Mapping[str, pl.DataFrame], in_place: bool
) -> Changes:
    """What a shard writes.

    Args:
        wanted: names of the tables to write.
        seeds: rows of the source that the target is to have beside the results.
        in_place: whether the results go back to the store they were computed from.
    """
    tables = {name: frame for name, frame in results.tables.items() if name in wanted}
    left_out = results.failures["portfolio_id"].unique().sort().to_list()
    computed = results["portfolios"]["id"].to_list()
    figures = {n: f for n, f in tables.items() if TABLES[n].role == "output"}
    status = {n: f for n, f in tables.items() if n == "analytics_status"}
    others = {n: f for n, f in tables.items() if n not in figures and n not in status}
    narrow = _touched(others, window) if in_place else {}
    whole = {n: f for n, f in others.items() if n not in narrow}
    for name, seed in seeds.items():
        if name in wanted:
            fresh = whole.get(name, seed.clear())
            whole[name] = _overlaid(seed, fresh, results, name)
    return Changes(
        whole={name: whole[name] for name in TABLES if name in whole},
        narrow=narrow,
        figures=figures,
        status=status,
        removed={n: f for n, f in results.removed.items() if n in wanted},
        computed=computed,
        told=sorted({*computed, *left_out}),
    )


def _touched(tables: Mapping[str, pl.DataFrame], window: Window) -> dict[str, pl.DataFrame]:
    """The state columns of rows that changed; in a rerun, which starts from older values, of all."""
    rows = {name: tables[name] for name in STATE if name in tables}
    if not window.rerun:
        rows = {n: f.filter(pl.col("updated_at") == window.stamp) for n, f in rows.items()}
    return {name: frame.select("id", *STATE[name], "updated_at") for name, frame in rows.items()}


def _overlaid(seed: pl.DataFrame, fresh: pl.DataFrame, results: Results, name: str) -> pl.DataFrame:
    """The seed with fresh rows in place of its own, less the portfolios that were left out."""
    table = TABLES[name]
    kept = seed.join(fresh, on=table.key, how="anti")
    if name in results.removed:
        kept = kept.join(results.removed[name], on=table.key, how="anti")
    if table.owner:
        kept = kept.join(results.failures, left_on=table.owner, right_on="portfolio_id", how="anti")
    return pl.concat([kept, fresh]).sort(table.key)


def apply(writer: Writer, found: Changes, window: Window) -> None:
    """Put a shard's changes in, inside an open transaction."""
    first, last = window.sessions[0], window.sessions[-1]
    for name, keys in found.removed.items():
        writer.remove(TABLES[name], keys)
    for name, frame in found.whole.items():
        writer.merge(TABLES[name], frame)
    for name, frame in found.narrow.items():
        writer.update(TABLES[name], frame)
    writer.replace(found.figures, Scope(found.computed, first, last))
    writer.replace(found.status, Scope(found.told, first, last))
