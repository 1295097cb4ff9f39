"""Clusters of correlated symbols of the newest correlation matrix."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.html.blocks import Block, Notice, PageTable, Section
from engine.html.cells import Cell, money, percent, plain, ratio
from engine.numerics.clusters import DISTANCE
from engine.reports.stored import StoredPortfolio

TITLE = "Clusters"
MEANING = (
    "A cluster is a group of symbols that move together, so that its positions are nearer to one bet than to "
    f"several: its correlations have a mean size of {1 - DISTANCE:.1f} or more, whatever their sign."
)


def clusters(stored: StoredPortfolio) -> list[Section]:
    """Return the section of clusters; none without a matrix, or by rules without clusters."""
    if stored.rules.clusters != "hierarchical" or stored.heads.is_empty():
        return []
    head = stored.heads.row(-1, named=True)
    if stored.risk.clusters.is_empty():
        nothing = Notice(
            f"No clusters on {head['date']}", "No two symbols of the matrix have a correlation of that size."
        )
        return [Section("clusters", TITLE, MEANING, [nothing])]
    blocks: list[Block] = [_table(stored, head), _lots(stored, head)]
    return [Section("clusters", TITLE, _lead(head), blocks)]


def _lead(head: dict[str, Any]) -> str:
    held = percent(head["correlation_concentration_score"]).text
    return f"{MEANING} On {head['date']} clusters hold {held} of the value in the correlation matrix."


def _table(stored: StoredPortfolio, head: dict[str, Any]) -> PageTable:
    members = stored.risk.cluster_lots.group_by("cluster_id").agg(pl.col("symbol").unique().sort())
    rows = stored.risk.clusters.join(members, left_on="id", right_on="cluster_id", how="left")
    cells = [_row(stored, row) for row in rows.sort("cluster_number").iter_rows(named=True)]
    headings = ("Cluster", "Average correlation", "Of gross exposure", "Value")
    note = "Values are absolute: a short counts like a long."
    return PageTable(f"Clusters on {head['date']}", headings, cells, note=note)


def _row(stored: StoredPortfolio, row: dict[str, Any]) -> list[Cell]:
    return [
        plain(row["nickname"], ", ".join(row["symbol"])),
        ratio(row["avg_correlation"]),
        percent(row["portfolio_percentage"]),
        money(row["total_value"], stored.currency),
    ]


def _lots(stored: StoredPortfolio, head: dict[str, Any]) -> PageTable:
    """Return a row for each position in a cluster, the largest of each cluster first."""
    owners = stored.risk.clusters.select("cluster_number", "nickname", cluster_id="id")
    names = stored.profiles.select("symbol", "company_name")
    rows = stored.risk.cluster_lots.join(owners, on="cluster_id").join(names, on="symbol", how="left")
    order = ("cluster_number", "value", "symbol", "position_id")
    cells = [
        [
            plain(row["symbol"], row["company_name"] or ""),
            plain(row["nickname"], f"cluster {row['cluster_number']}"),
            money(row["value"], stored.currency),
            percent(row["portfolio_percentage"]),
            ratio(row["correlation_to_cluster"]),
        ]
        for row in rows.sort(order, descending=[False, True, False, False]).iter_rows(named=True)
    ]
    headings = ("Position", "Cluster", "Value", "Of gross exposure", "Correlation with the others")
    caption = f"Positions in clusters on {head['date']}"
    return PageTable(caption, headings, cells, folded=True)
