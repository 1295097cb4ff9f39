"""Pages of a store of corrected rules: they name them, and show returns and P&L of lots."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import engine
from engine.core.rules import Rules
from engine.html.cells import money, percent
from engine.reports import portfolio_page
from tests.builders import event, position, uid
from tests.pages.document import Node, parsed
from tests.small_stores import SESSIONS, database, run, world

SALE = event(SESSIONS[4], "12.00") | {"quantity_closed": Decimal(4)}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """6 shares that are left of 10 from a close of 100 up to 107; 4 were sold at 103 for a gain of 12.00."""
    path: Path = tmp_path_factory.mktemp("corrected") / "store.duckdb"
    lot = position(quantity="6", entry_price=Decimal(100))
    url = database(path, world(positions=[lot], position_realized_events=[SALE]))
    run(url, url, rules=Rules.corrected())
    return url


@pytest.fixture(scope="module")
def document(url: str) -> Node:
    return parsed(portfolio_page(url, uid("P")))


def test_the_page_names_the_rules(document: Node) -> None:
    assert "Rules corrected" in " ".join(document.text.split())


def test_the_positions_have_the_p_and_l_of_their_lots(url: str, document: Node) -> None:
    """6 x 7 and 4 x 3, and what the portfolio earned."""
    pnl = engine.open(url).read("portfolio_snapshots")["daily_pnl"].sum()
    assert pnl == 54
    text = " ".join(document.text.split())
    assert "of which income" in text
    assert f"Contributions sum to {money(54, 'USD', cents=True).text}" in text
    assert f"difference {money(0, 'USD', cents=True).text}" in text


def test_the_page_has_the_returns_of_the_last_session(url: str, document: Node) -> None:
    rows = engine.open(url).read("engine_returns", start=SESSIONS[-1], end=SESSIONS[-1])
    since = rows.filter(horizon="since_start")["time_weighted"].item()
    # An equity of 1,000.00 earns 54.00 without a flow.
    assert float(since) == pytest.approx(0.054, abs=1e-9)
    text = " ".join(document.text.split())
    assert "Returns, not annualised" in text
    assert percent(0.054, digits=2).text in text
