"""Tables of clusters: members, lots, names and the concentration score, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.correlations.clusters import LOTS, TABLE, Names
from engine.analytics.correlations.correlation_rows import correlations
from engine.analytics.positions.valuation import mark_to_market
from engine.core.schema.holdings import NO_SECTOR, SECTOR_MARK
from tests.analytics.small import LAST, crossed, portfolios, price_panel, table, window_dates
from tests.builders import position, uid

RNG = np.random.default_rng(4)
UP, DOWN, ALONE = (RNG.normal(0, 0.02, 40) for _ in range(3))
MOVES = {
    "A": UP,
    "B": -UP + RNG.normal(0, 0.003, 40),
    "C": UP + RNG.normal(0, 0.003, 40),
    "D": DOWN,
    "E": DOWN + RNG.normal(0, 0.003, 40),
    "Z": ALONE,
}
CLOSES = {name: [50.0, *(50 * np.exp(np.cumsum(moves)))] for name, moves in MOVES.items()}
RHO = np.corrcoef(list(MOVES.values()))
LOT_LIST = [("A", 20_000, ""), ("A", 30_000, "second"), ("A", 5_000, "small"), ("B", -40_000, "")]
LOT_LIST += [("C", 20_000, ""), ("D", 25_000, ""), ("E", 25_000, ""), ("Z", 60_000, "")]
ASSIGNED = datetime.combine(LAST, datetime.min.time(), UTC)


def lot_id(symbol: str, name: str = "") -> str:
    return str(position(symbol, "10", "P0", name)["id"])


def names(
    tagged: dict[str, list[str]] | None = None,
    sectors: dict[str, str] | None = None,
    assigned: datetime = ASSIGNED,
    **tag: Any,
) -> Names:
    """Tags by the lots that bear them, and sectors by symbol."""
    tags = [{"id": uid(name), "name": name, "is_archived": False} | tag for name in tagged or {}]
    links = [
        {"position_id": lot, "tag_id": uid(name), "assigned_at": assigned}
        for name, lots in (tagged or {}).items()
        for lot in lots
    ]
    profiles = [{"symbol": symbol, "sector": sector} for symbol, sector in (sectors or {}).items()]
    kinds = ("tags_v2", tags), ("position_tags", links), ("company_profiles", profiles)
    return Names(*(table(kind, *rows) for kind, rows in kinds))


def run(of: Names | None) -> Any:
    lots = [
        position(symbol, "10", "P0", name, entry_price=Decimal(usd) / 10) for symbol, usd, name in LOT_LIST
    ]
    days = mark_to_market(crossed(lots, [], [LAST]))
    figures = portfolios([[250_000.0]]), price_panel(CLOSES), pl.DataFrame(), window_dates(1)
    found = correlations(days, *figures, "refused", names=of)
    return found.tables


def nicknames(of: Names) -> list[str]:
    return run(of)[TABLE].sort("cluster_number")["nickname"].to_list()


def test_clusters_have_their_members_values_and_signed_correlations() -> None:
    found = run(names())
    clusters = found[TABLE].sort("cluster_number")
    assert clusters["cluster_number"].to_list() == [1, 2]
    first = (RHO[0, 1] + RHO[0, 2] + RHO[1, 2]) / 3
    assert clusters["avg_correlation"].to_list() == pytest.approx([first, RHO[3, 4]], abs=1e-12)
    assert clusters["total_value"].to_list() == [110_000.0, 50_000.0]
    assert clusters["portfolio_percentage"].to_list() == pytest.approx([0.44, 0.2])
    assert clusters["nickname"].to_list() == ["B lookalikes", "D lookalikes"]
    (head,) = found["correlation_calculations"].to_dicts()
    # Of 220,000 USD that pass the filter, all but the 60,000 of Z.
    assert head["correlation_concentration_score"] == pytest.approx(160 / 220)


def test_every_lot_that_passes_the_filter_is_written() -> None:
    found = run(names())
    lots = found[LOTS].join(found[TABLE].select("cluster_number", cluster_id="id"), on="cluster_id")
    assert sorted(lots.select("cluster_number", "symbol", "value").rows()) == [
        *((1, "A", 20_000.0), (1, "A", 30_000.0), (1, "B", 40_000.0), (1, "C", 20_000.0)),
        *((2, "D", 25_000.0), (2, "E", 25_000.0)),
    ]
    of_b = lots.filter(symbol="B")
    assert of_b["correlation_to_cluster"].to_list() == pytest.approx([(RHO[0, 1] + RHO[1, 2]) / 2], abs=1e-12)
    assert of_b["portfolio_percentage"].to_list() == pytest.approx([0.16])


def test_without_the_rule_there_are_none() -> None:
    found = run(None)
    assert {TABLE, LOTS}.isdisjoint(found)
    assert found["correlation_calculations"]["correlation_concentration_score"].to_list() == [0.0]


THREE = [lot_id("A"), lot_id("B"), lot_id("C")]


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (names({"Core": THREE}), "Core"),  # three lots of four
        (names({"Core": THREE[:2]}, {"A": "Energy", "B": "Energy", "C": "Energy"}), "Energy"),
        (names({"Core": THREE}, assigned=ASSIGNED + timedelta(1)), "B lookalikes"),
        (names({"Core": THREE}, is_archived=True), "B lookalikes"),
        (names({"Core": THREE}, description=f"{SECTOR_MARK}Core"), "B lookalikes"),
        (names({"Uncategorized": THREE}, description=NO_SECTOR), "B lookalikes"),
        (names({"Zeal": THREE, "Core": THREE}), "Core"),  # of two tags the first by name
        (names(None, {"A": "Energy", "B": " Energy ", "C": "Utilities"}), "B lookalikes"),  # two of three
        (names(None, {"A": "Unknown", "B": "Unknown", "C": " "}), "B lookalikes"),
    ],
)
def test_a_tag_then_a_sector_then_the_largest_lot_names_a_cluster(of: Names, name: str) -> None:
    assert nicknames(of)[0] == name
