"""Clusters of correlated symbols, merged one pair of groups after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, product

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.matrices import Matrix, matrix
from engine.analyst.explain.working import Step, Value, Working, absent, table
from engine.core.schema.holdings import NO_SECTOR, SECTOR_MARK

NEAR = 0.7
"""Mean |rho| of two groups from which on they are merged."""
SHARED = 0.7
"""Part of lots or symbols that must share a tag or a sector to name a cluster."""
ONLY = "only with clusters=hierarchical"
LOTS = {"symbol": pl.String, "position_id": pl.String, "value": pl.String, "to_cluster": pl.Float64}


@dataclass(frozen=True)
class Cluster:
    """Symbols of a cluster, ascending, and the lots of them that pass the filter."""

    symbols: tuple[str, ...]
    lots: tuple[PositionLot, ...]


def clusters(case: Case) -> list[Cluster]:
    """Return the clusters of the session's matrix, the largest first, computed once.

    Args:
        case: Its matrix and rules.
    """
    return case.once(("clusters",), lambda: _clusters(case))


def _clusters(case: Case) -> list[Cluster]:
    correlations = matrix(case)
    if case.rules.clusters == "none" or correlations.reason or correlations.no_pair:
        return []
    groups: list[tuple[str, ...]] = [(symbol,) for symbol in correlations.symbols]
    while len(groups) > 1:
        nearest, one, other = max(
            ((_mean_size(correlations, a, b), a, b) for a, b in combinations(groups, 2)),
            key=lambda merge: merge[0],
        )
        if nearest < NEAR:
            break
        merged = tuple(sorted((*one, *other), key=correlations.symbols.index))
        groups = [merged if group == one else group for group in groups if group != other]
    found = sorted(
        (group for group in groups if len(group) > 1),
        key=lambda group: (-len(group), correlations.symbols.index(group[0])),
    )
    return [Cluster(g, tuple(lot for lot in correlations.lots if lot.symbol in g)) for g in found]


def _rho(correlations: Matrix, a: str, b: str) -> float:
    rho = correlations.rho(a, b)
    return 0.0 if math.isnan(rho) else rho


def _mean_size(correlations: Matrix, one: Iterable[str], other: Iterable[str]) -> float:
    """Return the mean |rho| of the pairs of two groups."""
    sizes = [abs(_rho(correlations, a, b)) for a, b in product(one, other)]
    return math.fsum(sizes) / len(sizes)


def to_cluster(case: Case, cluster: Cluster, symbol: str) -> float:
    """Return a symbol's mean correlation with the other members.

    Args:
        case: Its matrix.
        cluster: The symbol is one of its members.
        symbol: As in the matrix.
    """
    others = [_rho(matrix(case), symbol, other) for other in cluster.symbols if other != symbol]
    return math.fsum(others) / len(others)


def value(case: Case, lots: Iterable[PositionLot]) -> Decimal:
    """Return the absolute value of lots, USD.

    Args:
        case: Their values.
        lots: Of the portfolio.
    """
    return sum((abs(case.worth(lot)) for lot in lots), Decimal(0))


def score(case: Case, ask: Ask) -> Working:
    """Return the working of correlation_concentration_score.

    Args:
        case: Its clusters.
        ask: Not used; there is one column.
    """
    del ask
    correlations = matrix(case)
    if correlations.reason:
        return absent("correlation_concentration_score", correlations.reason, sample=correlations.sample)
    if case.rules.clusters == "none":
        return Working("correlation_concentration_score = 0", Decimal(0), notes=("the same in every row",))
    inside = value(case, (lot for cluster in clusters(case) for lot in cluster.lots))
    every = value(case, correlations.lots)
    steps = (
        Step("C", inside, "USD of the lots in clusters", "correlation_cluster_positions"),
        Step("V", every, "USD of all lots that pass the filter"),
    )
    return Working("correlation_concentration_score = {C} / {V}", float(inside) / float(every), steps)


def cluster(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of correlation_clusters.

    Args:
        case: Its clusters.
        ask: A column of the table, and the cluster's number.
    """
    found, number = clusters(case), int(ask.part("cluster_number"))
    if case.rules.clusters == "none" or not 0 < number <= len(found):
        return absent(ask.column, ONLY if case.rules.clusters == "none" else "there is no such cluster")
    own = found[number - 1]
    pairs = [_rho(matrix(case), a, b) for a, b in combinations(own.symbols, 2)]
    figures: dict[str, Value] = {
        "avg_correlation": math.fsum(pairs) / len(pairs),
        "total_value": value(case, own.lots),
        "portfolio_percentage": _part(case, own.lots),
    }
    frames = {"lots": _frame(case, own)}
    if ask.column == "nickname":
        return Working("nickname: of a tag, a sector or the largest lot", nickname(case, own), frames=frames)
    return Working(f"{ask.column} of the cluster's members", figures[ask.column], frames=frames)


def position(case: Case, ask: Ask) -> Working:
    """Return the working of a figure of correlation_cluster_positions.

    Args:
        case: Its clusters.
        ask: The position, and a column of the table.
    """
    lot = ask.position
    own = next((one for one in clusters(case) if lot in one.lots), None)
    if own is None:
        return absent(ask.column, "the lot is in no cluster" if case.rules.clusters != "none" else ONLY)
    figures: dict[str, Value] = {
        "symbol": lot.symbol,
        "value": value(case, [lot]),
        "portfolio_percentage": _part(case, [lot]),
        "correlation_to_cluster": to_cluster(case, own, lot.symbol),
    }
    frames = {"lots": _frame(case, own)}
    return Working(f"{ask.column} of the lot in its cluster", figures[ask.column], frames=frames)


def _part(case: Case, lots: Iterable[PositionLot]) -> float:
    gross = float(case.money("gross_exposure"))
    return float(value(case, lots)) / gross if gross > 0 else 0.0


def _frame(case: Case, own: Cluster) -> pl.DataFrame:
    rows = (
        (lot.symbol, lot.id, f"{value(case, [lot])}", to_cluster(case, own, lot.symbol)) for lot in own.lots
    )
    return table(LOTS, rows)


def nickname(case: Case, own: Cluster) -> str:
    """Return the name of a cluster: a tag of its lots, a sector of its symbols, or its largest lot.

    Args:
        case: Tags, their links, and profiles.
        own: The cluster.
    """
    tags = _most([name for lot in own.lots for name in sorted(_tags(case, lot))], sort=True)
    if tags and tags[1] >= SHARED * len(own.lots):
        return tags[0]
    profiles = dict(case.inputs.profiles.select("symbol", "sector").iter_rows())
    sectors = [(profiles.get(symbol) or "").strip() for symbol in own.symbols]
    sector = _most([name for name in sectors if name.lower() not in ("", "unknown")])
    if sector and sector[1] >= SHARED * len(own.symbols):
        return sector[0]
    largest = max(own.lots, key=lambda lot: abs(case.worth(lot)))
    return f"{largest.symbol} lookalikes"


def _tags(case: Case, lot: PositionLot) -> set[str]:
    """Return the names of a lot's tags of the session that no run made of sectors."""
    live = case.inputs.tags.filter(~pl.col("is_archived"))
    names = {
        row["id"]: row["name"]
        for row in live.iter_rows(named=True)
        if not (row["description"] or "").startswith((SECTOR_MARK, NO_SECTOR))
    }
    links = case.inputs.position_tags.filter(position_id=lot.id).iter_rows(named=True)
    return {
        names[row["tag_id"]]
        for row in links
        if row["tag_id"] in names and row["assigned_at"].date() <= case.day
    }


def _most(names: list[str], sort: bool = False) -> tuple[str, int] | None:
    """Return the most frequent name and its count; of equals the first, or the first by name."""
    distinct = sorted(set(names)) if sort else list(dict.fromkeys(names))
    best = max(distinct, key=names.count, default=None)
    return None if best is None else (best, names.count(best))
