"""Clusters of correlated symbols: members, lots, names, and how much of the portfolio they hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from engine.analytics.correlations.holdings import SymbolHoldings
from engine.analytics.correlations.matrices import Matrices
from engine.core.row_ids import row_ids
from engine.core.schema.holdings import NO_SECTOR, SECTOR_MARK
from engine.numerics.arrays import Floats, Ints
from engine.numerics.clusters import cluster_labels, pairs_within

TABLE, LOTS = "correlation_clusters", "correlation_cluster_positions"
SHARED = 0.7
"""Part of the members that must share a tag or a sector for a cluster to bear its name."""
UNKNOWN = ("", "unknown")
"""Sectors that name nothing, in lower case."""


class Clusters(NamedTuple):
    """Clusters of H matrices.

    Attributes:
        members: a row for each symbol in a cluster: matrix, cluster (1 is the largest), holding, symbol,
            to_cluster: its mean correlation with the other members.
        clusters: matrix, cluster, average: the mean correlation of the pairs of members.
        score: [H] value of the lots in clusters, as a fraction of all that pass the filter.
    """

    members: pl.DataFrame
    clusters: pl.DataFrame
    score: Floats


def find_clusters(computed: Matrices, held: SymbolHoldings) -> Clusters:
    """Return the clusters of each matrix: see `engine.numerics.clusters.cluster_labels`.

    The most members come first; of as many, the cluster with the first symbol. Correlations of members are
    signed. Source: document 03 §2.8, with average linkage in place of its connected components.

    Args:
        computed: H matrices.
        held: the holdings that they are of.
    """
    label = cluster_labels(computed.rho, computed.size)
    own = np.flatnonzero(computed.diagonal)
    matrix, holding = computed.matrix[own], computed.first[own]
    cells = _pair_sums(computed, label)
    inside = label >= 0
    rows = pl.DataFrame(
        {"matrix": matrix[inside], "label": label[inside], "holding": holding[inside], "sum": cells[inside]}
    )
    each = rows.group_by("matrix", "label", maintain_order=True).agg(size=pl.len(), total=pl.col("sum").sum())
    ranked = each.sort("matrix", "size", "label", descending=[False, True, False]).with_columns(
        cluster=pl.int_range(1, pl.len() + 1).over("matrix"),
        average=pl.col("total") / (pl.col("size") * (pl.col("size") - 1)),
    )
    members = rows.join(ranked, on=["matrix", "label"], maintain_order="left").select(
        "matrix",
        "cluster",
        "holding",
        held.symbol.gather(rows["holding"]).alias("symbol"),
        to_cluster=pl.col("sum") / (pl.col("size") - 1),
    )
    return Clusters(members, ranked.select("matrix", "cluster", "average"), _score(computed, held, rows))


def _pair_sums(computed: Matrices, label: Ints) -> Floats:
    """Return each series' sum of correlations with the other members of its cluster, [sum of size]."""
    row, column, cell = pairs_within(label, computed.size)
    others = row != column
    sums = np.bincount(row[others], computed.rho[cell[others]], minlength=label.size)
    return np.asarray(sums, dtype=np.float64)


def _score(computed: Matrices, held: SymbolHoldings, members: pl.DataFrame) -> Floats:
    """Return the value in clusters over that of all lots that pass the filter, [H]."""
    matrix, holding = (members[name].to_numpy() for name in ("matrix", "holding"))
    inside = held.value[holding, computed.session[matrix]]
    whole = np.zeros((held.portfolios, held.value.shape[1]))
    np.add.at(whole, held.owner, held.value)
    due = whole[computed.owner, computed.session]
    clustered = np.bincount(matrix, inside, minlength=computed.size.size)
    return np.divide(clustered, due, out=np.zeros(due.shape), where=due > 0)


class Names(NamedTuple):
    """Words that clusters are named by.

    Attributes:
        tags: tags_v2.
        links: position_tags.
        profiles: symbol, sector.
    """

    tags: pl.DataFrame
    links: pl.DataFrame
    profiles: pl.DataFrame


def cluster_tables(
    found: Clusters, heads: pl.DataFrame, held: SymbolHoldings, gross: Floats, dates: pl.Series, names: Names
) -> dict[str, pl.DataFrame]:
    """Return the rows of both tables: clusters, and every lot of their symbols that passes the filter.

    Args:
        found: clusters of H matrices.
        heads: rows of correlation_calculations: matrix, id, portfolio_id, owner, session.
        held: the holdings.
        gross: [P, D] USD.
        dates: [D] sessions.
        names: tags and sectors.
    """
    members = found.members.join(heads, on="matrix", maintain_order="left")
    lots = _lots(members, held, gross)
    sums = lots.group_by("matrix", "cluster").agg(
        pl.col("value").sum().alias("total_value"), pl.col("portfolio_percentage").sum()
    )
    rows = found.clusters.join(heads, on="matrix", maintain_order="left").join(
        sums, on=["matrix", "cluster"], maintain_order="left"
    )
    days = lots.with_columns(dates.gather(lots["session"]).alias("day"))
    rows = rows.join(_nicknames(days, members, names), on=["matrix", "cluster"], maintain_order="left")
    rows = rows.select(
        "portfolio_id",
        "matrix",
        "nickname",
        "total_value",
        "portfolio_percentage",
        correlation_calculation_id="id",
        cluster_number=pl.col("cluster").cast(pl.Int32),
        avg_correlation="average",
    )
    ids = row_ids(TABLE, rows["correlation_calculation_id"], rows["cluster_number"])
    rows = rows.with_columns(ids)
    keys = rows.select("matrix", cluster=pl.col("cluster_number").cast(pl.Int64), cluster_id="id")
    positions = lots.join(keys, on=["matrix", "cluster"], maintain_order="left").select(
        "portfolio_id",
        "cluster_id",
        "position_id",
        "symbol",
        "value",
        "portfolio_percentage",
        correlation_to_cluster="to_cluster",
    )
    return {TABLE: rows.drop("matrix"), LOTS: positions}


def _lots(members: pl.DataFrame, held: SymbolHoldings, gross: Floats) -> pl.DataFrame:
    """Return the lots of the members that pass the filter, with value and fraction of gross exposure."""
    holding, session, owner = (members[name].to_numpy() for name in ("holding", "session", "owner"))
    ends = np.searchsorted(held.lot_holding, np.arange(len(held.symbol) + 1))
    count = (ends[1:] - ends[:-1])[holding]
    row = np.repeat(np.arange(members.height), count)
    lot = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count) + ends[holding][row]
    value = held.lot_value[lot, session[row]]
    passes = value > 0
    row, lot, value = row[passes], lot[passes], value[passes]
    whole = gross[owner[row], session[row]]
    share = np.divide(value, whole, out=np.zeros(value.shape), where=whole > 0)
    chosen: pl.DataFrame = members[row]
    return chosen.with_columns(
        held.lot_id.gather(lot).alias("position_id"),
        pl.Series("value", value),
        pl.Series("portfolio_percentage", share),
    )


def _nicknames(lots: pl.DataFrame, members: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Return the name of each cluster: of a shared tag, of a shared sector, or of its largest lot.

    A tag or a sector names a cluster that it has `SHARED` of the lots, or of the symbols, of. The most
    frequent one counts; of two tags the first by name, of two sectors the one whose symbol comes first. Tags
    that a run made of sectors and links made after the session do not count.
    """
    key = ["matrix", "cluster"]
    every = lots.group_by(key, maintain_order=True).agg(
        lots=pl.len(), largest=pl.col("symbol").get(pl.col("value").arg_max())
    )
    of_tags = _shared(_tagged(lots, names), "name").rename({"count": "tagged"})
    sectors = members.join(_sectors(names), on="symbol", how="inner", maintain_order="left")
    of_sectors = _shared(sectors, "sector").rename({"count": "alike"})
    sizes = members.group_by(key).agg(size=pl.len())
    joined = every
    for part in (of_tags, of_sectors, sizes):
        joined = joined.join(part, on=key, how="left", maintain_order="left")
    return joined.select(
        *key,
        nickname=pl.when(pl.col("tagged") >= SHARED * pl.col("lots"))
        .then("name")
        .when(pl.col("alike") >= SHARED * pl.col("size"))
        .then("sector")
        .otherwise(pl.concat_str("largest", pl.lit(" lookalikes"))),
    )


def _tagged(lots: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Return a row for each lot and tag of its own, by name."""
    made = pl.col("description").str.starts_with(SECTOR_MARK) | (pl.col("description") == NO_SECTOR)
    own = names.tags.filter(~pl.col("is_archived") & ~made.fill_null(False)).select("name", tag_id="id")
    links = names.links.join(own, on="tag_id").select("position_id", "name", "assigned_at")
    found = lots.join(links, on="position_id")
    return found.filter(pl.col("assigned_at").dt.date() <= pl.col("day")).sort("name")


def _sectors(names: Names) -> pl.DataFrame:
    """Return the sector of each symbol that has one."""
    sector = pl.col("sector").str.strip_chars()
    known = names.profiles.select("symbol", sector=sector).drop_nulls()
    return known.filter(~pl.col("sector").str.to_lowercase().is_in(UNKNOWN))


def _shared(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the most frequent name of each cluster, of equals the first, with its count."""
    counts = rows.group_by("matrix", "cluster", name, maintain_order=True).agg(count=pl.len())
    best = counts.sort("count", descending=True, maintain_order=True)
    return best.unique(["matrix", "cluster"], keep="first", maintain_order=True)
