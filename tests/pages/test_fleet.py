"""The page of all portfolios: a row for each, sorted and linked."""

from __future__ import annotations

import json

import duckdb
import pytest

from engine.reports import fleet_page
from tests.pages.document import Node, card, parsed, table

pytestmark = pytest.mark.thorough

CAPTION = "Last session and window"


@pytest.fixture(scope="module")
def document(fleet: str) -> Node:
    return parsed(fleet)


@pytest.fixture(scope="module")
def stored(demo: str) -> dict[str, tuple[float, ...]]:
    """By name: last equity, P&L, gross exposure, P&L of the worst scenario, in SQL; largest equity first."""
    with duckdb.connect(demo.removeprefix("duckdb:///"), read_only=True) as store:
        rows = store.execute(
            """
            select p.name, last(s.equity_balance order by snapshot_date)::double, sum(daily_pnl)::double,
                last(gross_exposure order by snapshot_date)::double,
                (select min(correlated_pnl)::double from stress_test_results r
                 where r.portfolio_id = p.id and calculation_date = '2025-12-19')
            from portfolios p join portfolio_snapshots s on s.portfolio_id = p.id
            group by p.id, p.name order by 2 desc
            """
        ).fetchall()
    return {name: figures for name, *figures in rows}


def test_a_row_for_each_portfolio_largest_first(document: Node, stored: dict[str, tuple[float, ...]]) -> None:
    shown = table(document, CAPTION)
    assert [cell.inside[0] for cell in shown.column("Portfolio")] == list(stored)
    assert shown.values("Equity") == [row[0] for row in stored.values()]
    assert shown.values("P&L") == pytest.approx([row[1] for row in stored.values()], abs=1e-6)
    assert shown.values("Gross") == pytest.approx([row[2] / row[0] for row in stored.values()])


def test_scenarios_are_shares_of_equity_or_say_why_not(
    document: Node, stored: dict[str, tuple[float, ...]]
) -> None:
    cells = table(document, CAPTION).column("Worst scenario")
    for cell, row in zip(cells, stored.values(), strict=True):
        if row[3] is None:
            assert cell.text.startswith("not computed: ")
        else:
            assert cell.value == pytest.approx(row[3] / row[0])
    assert any(row[3] is None for row in stored.values())


def test_small_charts_are_named(document: Node) -> None:
    sparks = document.all("svg", **{"class": "spark"})
    assert len(sparks) == 10
    assert {spark.attributes["role"] for spark in sparks} == {"img"}
    assert all(spark.attributes["aria-label"] for spark in sparks)


def test_it_can_be_sorted_and_searched(document: Node) -> None:
    grid = document.one("table", id="fleet")
    assert "data-sortable" in grid.attributes
    field = document.one("input")
    assert field.attributes["data-filters"] == "fleet"
    assert document.one("label", **{"for": field.attributes["id"]}).text == "Find a portfolio"


def test_links_lead_where_pages_were_made(demo: str) -> None:
    with duckdb.connect(demo.removeprefix("duckdb:///"), read_only=True) as store:
        key, name = store.execute("select id::text, name from portfolios limit 1").fetchall()[0]
    links = parsed(fleet_page(demo, links={key: "pages/one.html"})).one("table", id="fleet").all("a")
    assert [(link.attributes["href"], link.text) for link in links] == [("pages/one.html", name)]


def test_equity_is_added_up_and_failures_are_counted(
    document: Node, stored: dict[str, tuple[float, ...]]
) -> None:
    assert card(document, "Portfolios").value == 5
    assert card(document, "Total equity").value == pytest.approx(sum(row[0] for row in stored.values()))
    assert card(document, "Portfolios with a failed job").value == 1


def test_today_is_the_last_stored_session(document: Node, demo: str) -> None:
    with duckdb.connect(demo.removeprefix("duckdb:///"), read_only=True) as store:
        rows = store.execute(
            """
            select daily_pnl::double, daily_return::double from portfolio_snapshots
            where snapshot_date = '2025-12-19' order by equity_balance desc
            """
        ).fetchall()
    shown = table(document, CAPTION)
    assert shown.values("P&L today") == [row[0] for row in rows]
    assert shown.values("Today") == [row[1] for row in rows]


def test_a_reader_can_filter_by_status_type_and_size(document: Node) -> None:
    grid = document.one("table", id="fleet")
    assert json.loads(grid.attributes["data-choices"]) == ["Status", "Type", "Size"]
    rows = [json.loads(row.attributes["data-facets"]) for row in grid.all("tr")[1:]]
    names = [cell.inside[0] for cell in table(document, CAPTION).column("Portfolio")]
    family = rows[names.index("Demo Family Office 5")]
    assert family[0] == ["failed job"], "no position of it has returns"
    for name, (states, kinds, sizes), equity in zip(
        names, rows, table(document, CAPTION).values("Equity"), strict=True
    ):
        assert states, name
        assert len(kinds) == 1, name
        assert equity is not None
        assert sizes == ["from $1.00M" if equity >= 1_000_000 else "from $100.00k"], name
