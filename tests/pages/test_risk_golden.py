"""Risk contributions and clusters on the pages of the golden set `mixed`, against the rows of the store."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import engine
from engine.reports import portfolio_page
from tests.pages.conftest import GLOBAL, corrected_mixed
from tests.pages.document import Node, card, parsed, table

pytestmark = pytest.mark.thorough

START, END = date(2025, 5, 29), date(2025, 5, 30)
PRIVATE = "H5 All Private"
FACTOR_COLUMNS = {
    "Of the volatility": "share",
    "Contribution": "contribution",
    "Portfolio's beta": "exposure",
    "Factor's volatility": "volatility",
}
POSITION_COLUMNS = {
    "Of the volatility": "share",
    "Contribution": "contribution",
    "by factors": "factor_contribution",
    "specific": "specific_contribution",
    "Of equity": "weight",
}
CLUSTER_COLUMNS = {
    "Average correlation": "avg_correlation",
    "Of gross exposure": "portfolio_percentage",
    "Value": "total_value",
}
LOT_COLUMNS = {
    "Value": "value",
    "Of gross exposure": "portfolio_percentage",
    "Correlation with the others": "correlation_to_cluster",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> engine.Store:
    return corrected_mixed(tmp_path_factory.mktemp("risk"), START, END)


@pytest.fixture(scope="module")
def document(store: engine.Store) -> Node:
    return parsed(portfolio_page(store.url, GLOBAL))


def rows(store: engine.Store, name: str) -> pl.DataFrame:
    """The portfolio's stored rows of the last session."""
    return store.read(name, GLOBAL, END, END)


def same_rows(document: Node, caption: str, stored: pl.DataFrame, columns: dict[str, str]) -> None:
    """Compare the figures of a table with stored rows, whatever their order."""
    grid = table(document, caption)
    shown = zip(*(grid.values(heading) for heading in columns), strict=True)
    assert stored.height
    assert sorted(shown, key=str) == sorted(stored.select(columns.values()).rows(), key=str)


def test_the_volatility_is_the_last_session_s(store: engine.Store, document: Node) -> None:
    own = rows(store, "engine_risk").row(0, named=True)
    assert card(document, "Predicted volatility").value == own["volatility"]
    assert card(document, "From factors").value == own["factor_volatility"]
    assert card(document, "Specific").value == own["specific_volatility"]
    status = rows(store, "analytics_status").filter(job="risk")
    assert card(document, "Value in the figure").value == status["coverage"].item()


def test_the_contributions_are_the_last_session_s(store: engine.Store, document: Node) -> None:
    factors, positions = (rows(store, f"engine_{part}_risk") for part in ("factor", "position"))
    same_rows(document, f"Contributions by factor on {END}", factors, FACTOR_COLUMNS)
    same_rows(document, f"Contributions by position on {END}", positions, POSITION_COLUMNS)
    assert document.one("section", id="risk").text.count("difference 0.00%") == 2


def test_each_position_has_its_own_share_the_largest_first(store: engine.Store, document: Node) -> None:
    symbols = store.read("positions", GLOBAL).select("symbol", position_id="id")
    stored = rows(store, "engine_position_risk").join(symbols, on="position_id")
    grid = table(document, f"Contributions by position on {END}")
    names = [text.split()[0] for text in grid.texts("Position")]
    shown = zip(names, grid.values("Of the volatility"), strict=True)
    assert sorted(shown, key=str) == sorted(stored.select("symbol", "share").rows(), key=str)
    sizes = [abs(value) for value in grid.values("Contribution") if value is not None]
    assert sizes == sorted(sizes, reverse=True)


def test_the_clusters_are_the_newest_matrix_s(store: engine.Store, document: Node) -> None:
    stored, lots = rows(store, "correlation_clusters"), rows(store, "correlation_cluster_positions")
    same_rows(document, f"Clusters on {END}", stored, CLUSTER_COLUMNS)
    same_rows(document, f"Positions in clusters on {END}", lots, LOT_COLUMNS)
    named = [
        f"{nickname} {', '.join(sorted(set(lots.filter(cluster_id=cluster)['symbol'])))}"
        for cluster, nickname in stored.sort("cluster_number").select("id", "nickname").iter_rows()
    ]
    assert table(document, f"Clusters on {END}").texts("Cluster") == named


def test_a_portfolio_without_figures_says_why(store: engine.Store) -> None:
    text = parsed(portfolio_page(store.url, PRIVATE)).one("section", id="risk").text
    reason = "no open position has 30 returns in common with all factor funds"
    assert text.endswith(f"On {END}: failed, {reason}.")


def test_legacy_pages_have_no_such_sections(global_document: Node) -> None:
    ids = {node.attributes.get("id") for node in global_document.all("section")}
    assert "correlations" in ids
    assert not ids & {"risk", "clusters"}
