"""Rows as a notebook shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from engine.core.errors import UsageError
from engine.core.schema import TABLES
from engine.html.inline import InlinePage
from engine.html.overview import last_sessions, outcomes_table
from engine.html.readable import MOST_ROWS, names_of, readable
from tests.memory_store import frame_of
from tests.pages.document import parsed, table

SNAPSHOTS = TABLES["portfolio_snapshots"]
DAY = date(2025, 12, 19)


def snapshots(*equities: str | None) -> pl.DataFrame:
    rows = [
        {
            "portfolio_id": f"{number}1111111-2222",
            "snapshot_date": DAY,
            "equity_balance": None if equity is None else Decimal(equity),
            "daily_return": Decimal("0.0125"),
        }
        for number, equity in enumerate(equities)
    ]
    return frame_of("portfolio_snapshots", rows)


def test_names_come_first_ids_last_and_values_have_their_units() -> None:
    names = {"portfolio_id": {"01111111-2222": "Book <b>", "11111111-2222": None}}
    columns = ["portfolio_id", "snapshot_date", "equity_balance", "daily_return"]
    shown = readable(SNAPSHOTS, snapshots("2939200.5", None), names, columns)
    assert shown.frame.columns == [
        "portfolio",
        "snapshot_date",
        "equity_balance",
        "daily_return",
        "portfolio_id",
    ]
    assert shown.frame["equity_balance"].to_list() == [2939200.5, None]
    rows = table(parsed(shown._repr_html_()), "2 rows")
    assert rows.headings[2:4] == ["equity_balance, USD", "daily_return, fraction"]
    assert rows.texts("portfolio") == ["Book <b>", ""]
    assert rows.texts("equity_balance, USD")[0] == "$2,939,200.50"
    assert rows.texts("equity_balance, USD")[1].startswith("not computed")
    assert rows.texts("daily_return, fraction") == ["1.25%"] * 2
    assert rows.texts("portfolio_id") == ["01111111", "11111111"]


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(UsageError, match=r"equity_balanse.*equity_balance"):
        readable(SNAPSHOTS, snapshots("1.00"), {}, ["equity_balanse"])


def test_a_long_table_is_cut_and_says_so() -> None:
    shown = readable(
        SNAPSHOTS, snapshots(*["1.00"] * (MOST_ROWS + 3)), {}, ["portfolio_id", "equity_balance"]
    )
    assert shown.frame.height == MOST_ROWS + 3
    assert "3 more rows" in parsed(shown._repr_html_()).text


def test_names_are_those_of_the_tables_that_are_there() -> None:
    portfolios = pl.DataFrame({"id": ["a"], "name": ["Book"]})
    assert names_of({"portfolios": portfolios}) == {"portfolio_id": {"a": "Book"}}


def test_the_last_session_of_each_portfolio_counts() -> None:
    older = snapshots("1.00", "2.00").with_columns(snapshot_date=pl.lit(date(2025, 12, 18)))
    rows = pl.concat([snapshots("3.00", "4.00"), older])
    shown = last_sessions(rows, {"01111111-2222": "Zebra", "11111111-2222": "Ant"})
    assert [[cell.text for cell in row[:3]] for row in shown.rows] == [
        ["Ant", "2025-12-19", "$4.00"],
        ["Zebra", "2025-12-19", "$3.00"],
    ]


def test_outcomes_are_in_the_order_of_the_jobs_with_reasons_in_words() -> None:
    outcomes = pl.DataFrame(
        [
            ("stress", "ok", None, 2),
            ("pnl", "ok", None, 3),
            ("volatility", "failed", "no_position_volatility", 1),
        ],
        schema=["job", "status", "reason", "sessions"],
        orient="row",
    )
    rows = [[cell.text for cell in row] for row in outcomes_table(outcomes).rows]
    assert [row[0] for row in rows] == ["P&L", "Volatility", "Stress"]
    assert rows[1][1:] == ["failed", "1", "no open position has 63 returns"]


def test_a_page_in_a_cell_cannot_leave_its_frame() -> None:
    page = InlinePage('<p title="a">&amp; <script>alert(1)</script></p>')
    cell = page._repr_html_()
    assert "<script" not in cell
    assert parsed(cell).one("iframe").attributes["srcdoc"] == page.html
    frame = parsed(cell).one("iframe").attributes
    assert frame["sandbox"].split() == ["allow-scripts", "allow-downloads"]
    assert frame["allow"] == "clipboard-write *"
