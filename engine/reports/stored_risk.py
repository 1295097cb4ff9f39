"""Read where the predicted volatility comes from, and clusters: tables that corrected rules fill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from engine.analyst.open_store import OpenStore


@dataclass(frozen=True)
class StoredRisk:
    """Rows of a portfolio; tables of other rules are empty.

    Attributes:
        totals: engine_risk of the newest session of the window that has a row; at most one row.
        factors: engine_factor_risk of that session.
        positions: engine_position_risk of that session.
        clusters: correlation_clusters of the newest matrix of the window.
        cluster_lots: correlation_cluster_positions of that matrix.
    """

    totals: pl.DataFrame
    factors: pl.DataFrame
    positions: pl.DataFrame
    clusters: pl.DataFrame
    cluster_lots: pl.DataFrame


def read_risk(store: OpenStore, key: str, first: date, last: date, matrix: date) -> StoredRisk:
    """Return the rows of a portfolio.

    Args:
        store: of the portfolio.
        key: its id.
        first: first session of the window.
        last: last session of the window.
        matrix: session of the newest correlation matrix; a day before all sessions if there is none.
    """
    totals = store.read("engine_risk", key, first, last).sort("calculation_date").tail(1)
    day = totals["calculation_date"][0] if totals.height else last
    return StoredRisk(
        totals=totals,
        factors=store.read("engine_factor_risk", key, day, day),
        positions=store.read("engine_position_risk", key, day, day),
        clusters=store.read("correlation_clusters", key, matrix, matrix),
        cluster_lots=store.read("correlation_cluster_positions", key, matrix, matrix),
    )
