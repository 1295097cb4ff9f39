"""Sections of risk contributions and clusters, from hand-written rows of a small store."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import engine
from engine.core.rules import FactorCovariance, Rules
from engine.html.blocks import Section
from engine.html.page import fragment
from engine.reports.sections.clusters import clusters
from engine.reports.sections.risk import risk_contributions
from engine.reports.stored import StoredPortfolio
from engine.reports.stored_risk import read_risk
from tests.builders import STAMP, position, uid
from tests.memory_store import frame_of
from tests.pages.document import Node, card, parsed, table
from tests.small_stores import SESSIONS, Rows, database, world

DAY, LATER = SESSIONS[-2:]


def of_day(table: str, symbol: str = "", **figures: Any) -> dict[str, Any]:
    """A row of DAY in a table of risk contributions."""
    row = {"id": uid(f"{table}/{symbol}/{figures}"), "portfolio_id": uid("P"), "calculation_date": DAY}
    return row | figures | ({"position_id": uid(f"P/{symbol}/")} if symbol else {})


def risk_by_hand() -> dict[str, Rows]:
    """The worked example of docs/calculations/risk.md: 60 % of equity in AAA and -20 % in BBB."""
    factor, lot = "engine_factor_risk", "engine_position_risk"
    both: dict[str, Any] = {"volatility": 0.14249, "factor_volatility": 0.048, "specific_volatility": 0.13416}
    rest: dict[str, Any] = {"marginal": 0.0, "factor_contribution": 0.0, "specific_contribution": 0.0}
    market: dict[str, Any] = {
        "exposure": 0.3,
        "volatility": 0.16,
        "marginal": 0.0539,
        "contribution": 0.01617,
    }
    return {
        "engine_risk": [of_day("engine_risk", **both, factor_share=0.11347)],
        factor: [
            of_day(factor, factor="market", **market, share=0.11347),
            of_day(factor, factor="specific", volatility=0.13416, contribution=0.12632, share=0.88653),
        ],
        lot: [
            of_day(lot, "AAA", weight=0.6, contribution=0.1334, share=0.93619, **rest),
            of_day(lot, "BBB", weight=-0.2, contribution=0.0091, share=0.06386, **rest),
        ],
    }


def clusters_by_hand() -> dict[str, Rows]:
    """A matrix of DAY with one cluster of two lots, 40 and 20 % of gross exposure."""
    head = {
        "id": uid("matrix"),
        "portfolio_id": uid("P"),
        "duration_days": 90,
        "calculation_date": datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC),
        "overall_correlation": 0.8,
        "correlation_concentration_score": 0.75,
        "effective_positions": 1.2,
        "data_quality": "sufficient",
        "positions_included": 3,
        "positions_excluded": 0,
        "created_at": STAMP,
    }
    cluster = {
        "id": uid("cluster"),
        "correlation_calculation_id": uid("matrix"),
        "cluster_number": 1,
        "nickname": "AAA lookalikes",
        "avg_correlation": 0.8,
        "total_value": 600.0,
        "portfolio_percentage": 0.6,
        "created_at": STAMP,
    }
    lots = [
        {
            "id": uid(f"cluster/{symbol}"),
            "cluster_id": uid("cluster"),
            "position_id": uid(f"P/{symbol}/"),
            "symbol": symbol,
            "value": 1000 * part,
            "portfolio_percentage": part,
            "correlation_to_cluster": 0.8,
        }
        for symbol, part in (("BBB", 0.2), ("AAA", 0.4))
    ]
    return {
        "correlation_calculations": [head],
        "correlation_clusters": [cluster],
        "correlation_cluster_positions": lots,
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of hand-written rows of the session before the last."""
    folder: Path = tmp_path_factory.mktemp("risk")
    lots = [position(quantity="6"), position("BBB", "-2")]
    return database(folder / "store.duckdb", world(positions=lots, **risk_by_hand(), **clusters_by_hand()))


def sections(url: str, rules: Rules, first: date, last: date) -> list[Section]:
    """The sections of risk and clusters; only what they need is read, which is faster."""
    store, key = engine.open(url), uid("P")
    heads = store.read("correlation_calculations", key, first, last)
    read: dict[str, Any] = {field.name: pl.DataFrame() for field in fields(StoredPortfolio)} | {
        "portfolio": {"currency": "USD"},
        "start": first,
        "end": last,
        "history": pl.DataFrame({"snapshot_date": [last], "portfolio_id": [key]}),
        "status": frame_of("analytics_status", []),
        "positions": store.read("positions", key),
        "profiles": frame_of("company_profiles", []),
        "heads": heads.with_columns(date=pl.col("calculation_date").dt.date()),
        "risk": read_risk(store, key, first, last, DAY),
        "rules": rules,
        "never": (),
    }
    stored = StoredPortfolio(**read)
    return [*risk_contributions(stored), *clusters(stored)]


@pytest.fixture(scope="module")
def document(url: str) -> Node:
    return parsed(fragment(sections(url, Rules.corrected(), SESSIONS[0], LATER)))


def test_the_volatility_and_its_parts_stand_with_their_day(document: Node) -> None:
    assert card(document, "Predicted volatility").text == "14.2%"
    assert card(document, "From factors").value == 0.048
    assert card(document, "Specific").value == 0.13416
    factors = table(document, f"Contributions by factor on {DAY}")
    assert factors.texts("Factor") == ["Specific", "Market"]
    assert factors.texts("Of the volatility") == ["88.7%", "11.3%"]
    assert factors.texts("Portfolio's beta") == ["none", "0.30"]
    positions = table(document, f"Contributions by position on {DAY}")
    assert positions.texts("Position") == ["AAA", "BBB"]
    assert positions.values("Of equity") == [0.6, -0.2]
    sums = "The contributions sum to 14.25%; the predicted volatility is 14.25%; difference 0.00%."
    assert document.text.count(sums) == 2


def test_clusters_have_their_symbols_and_their_share_of_the_book(document: Node) -> None:
    (cluster,) = table(document, f"Clusters on {DAY}").rows
    assert [cell.text for cell in cluster] == ["AAA lookalikes AAA, BBB", "0.80", "60.0%", "$600"]
    lots = table(document, f"Positions in clusters on {DAY}")
    assert lots.texts("Position") == ["AAA", "BBB"]
    assert lots.texts("Of gross exposure") == ["40.0%", "20.0%"]
    assert f"On {DAY} clusters hold 75.0% of the value in the correlation matrix." in document.text


def test_a_last_session_without_figures_is_named(document: Node) -> None:
    missing = f"On {LATER} not computed: the store has no status of risk contributions for {LATER}."
    assert missing in document.one("section", id="risk").text


@pytest.mark.parametrize("covariance", ["session", "session_oas"])
def test_a_window_without_figures_says_so(url: str, covariance: FactorCovariance) -> None:
    rules = replace(Rules.corrected(), factor_covariance=covariance)
    document = parsed(fragment(sections(url, rules, LATER, LATER)))
    assert "Risk contributions not computed" in document.text
    assert not document.all("section", id="clusters")


def test_legacy_rules_have_no_such_sections(url: str) -> None:
    assert sections(url, Rules.legacy(), SESSIONS[0], LATER) == []
