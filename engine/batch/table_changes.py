"""Changes: which rows of which tables a shard's results turn into, for the store they go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import polars as pl

from engine.core.row_ids import IdForm
from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.results import Results, StoredTables
from loaders.earlier_results import STATE
from writers import Scope, Writer

ROOTED = (
    ("positions", "portfolio_id", "portfolios"),
    ("position_tags", "position_id", "positions"),
    ("position_tags", "tag_id", "tags_v2"),
    ("engine_portfolio_openings", "portfolio_id", "portfolios"),
    ("engine_position_openings", "position_id", "positions"),
)
"""Tables of a target of its own whose rows come along only with the row that they refer to: child,
its column, parent. What belongs to a portfolio that was left out, or of another shard, stays away."""


DEFINITIONS = "factor_definitions"


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
    figures: StoredTables
    status: StoredTables
    removed: Mapping[str, pl.DataFrame]
    computed: Sequence[str]
    told: Sequence[str]

    @property
    def makes_definitions(self) -> bool:
        """Whether it brings rows that other shards may bring as well, where the store is the inputs' own."""
        return not self.whole.get(DEFINITIONS, pl.DataFrame()).is_empty()

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        known = {name: frame.height for name, frame in {**self.whole, **self.narrow}.items()}
        parts = {**known, **self.figures.heights, **self.status.heights}
        return {name: parts[name] for name in TABLES if name in parts}


def changes(
    results: Results,
    window: Window,
    wanted: Set[str],
    seeds: Mapping[str, pl.DataFrame],
    definitions: pl.DataFrame,
    in_place: bool,
    ids: IdForm,
) -> Changes:
    """What a shard writes.

    Args:
        wanted: names of the tables to write.
        seeds: rows of the source that the target is to have beside the results.
        definitions: of factors, as the shard found them.
        in_place: whether the results go back to the store they were computed from.
        ids: the form of ids that the store takes.
    """
    left_out = results.failures["portfolio_id"].unique().sort().to_list()
    computed = results["portfolios"]["id"].to_list()
    tables = results.tables.select(wanted, ids)
    figures = tables.select([name for name in tables if TABLES[name].role == "output"])
    status = tables.select(["analytics_status"])
    others = {n: tables[n] for n in tables if n not in figures and n not in status}
    narrow = _touched(others, window) if in_place else {}
    whole = {n: f for n, f in others.items() if n not in narrow}
    if in_place and DEFINITIONS in whole:
        # Rows that every shard would update the same way, each waiting for the other's end.
        whole[DEFINITIONS] = whole[DEFINITIONS].join(
            definitions, on=definitions.columns, how="anti", nulls_equal=True, maintain_order="left"
        )
    for name, seed in seeds.items():
        if name in wanted:
            whole[name] = _overlaid(seed, whole.get(name, seed.clear()), results, name)
    if not in_place:
        whole = _rooted(whole)
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
    """The seed with fresh rows in place of its own, less the rows that are no more."""
    table = TABLES[name]
    kept = seed.join(fresh, on=table.key, how="anti")
    if name in results.removed:
        kept = kept.join(results.removed[name], on=table.key, how="anti")
    return pl.concat([kept, fresh]).sort(table.key)


def _rooted(whole: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The frames without rows whose parent does not come along."""
    found = dict(whole)
    for child, column, parent in ROOTED:
        if child in found and parent in found:
            known = found[parent].select(pl.col("id").alias(column))
            found[child] = found[child].join(known, on=column, how="semi", maintain_order="left")
    return found


def apply(writer: Writer, found: Changes, window: Window) -> None:
    """Put a shard's changes in, inside an open transaction."""
    first, last = window.sessions[0], window.sessions[-1]
    for name, keys in found.removed.items():
        writer.remove(TABLES[name], keys)
    for name, frame in found.whole.items():
        writer.merge(TABLES[name], frame, by_id=TABLES[name].made_ids)
    for name, frame in found.narrow.items():
        writer.update(TABLES[name], frame)
    writer.replace(found.figures, Scope(found.computed, first, last))
    writer.replace(found.status, Scope(found.told, first, last))
