"""Two portfolios side by side: their figures are those of the store, over their common sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.__main__ import main
from engine.analyst.store import open as open_store
from engine.core.errors import UsageError
from engine.reports import comparison_page
from engine.reports.comparison import read_pair, render
from engine.reports.measures.pair import Pair
from tests.marks import first
from tests.pages.conftest import DEMO_END, FAMILY, LONG_SHORT
from tests.pages.document import Node, parsed, table

GROWTH = "Demo Growth 3"


@pytest.fixture(scope="module")
def document(demo: str) -> Node:
    return parsed(comparison_page(demo, LONG_SHORT, GROWTH))


@pytest.fixture(scope="module")
def snapshots(demo: str) -> dict[str, pl.DataFrame]:
    store = open_store(demo)
    names = (LONG_SHORT, GROWTH)
    return {name: store.read("portfolio_snapshots", name).sort("snapshot_date") for name in names}


def test_figures_of_both_stand_beside_each_other(document: Node, snapshots: dict[str, pl.DataFrame]) -> None:
    grid = table(document, "Side by side")
    assert grid.headings == ["Figure", LONG_SHORT, GROWTH, "SPY"]
    figures = dict(zip(grid.texts("Figure"), range(len(grid.rows)), strict=True))
    for name, rows in snapshots.items():
        values = grid.values(name)
        last = rows.row(-1, named=True)
        assert values[figures[f"P&L on {DEMO_END}"]] == last["daily_pnl"]
        assert values[figures["Equity"]] == last["equity_balance"]
        index = np.cumprod(1 + rows["daily_return"].to_numpy())
        assert values[figures["Return"]] == pytest.approx(index[-1] - 1, rel=1e-12)
        peak = np.maximum.accumulate(np.maximum(index, 1.0))
        assert values[figures["Deepest drawdown"]] == pytest.approx((index / peak - 1).min(), rel=1e-12)


def test_the_correlation_is_that_of_numpy(document: Node, snapshots: dict[str, pl.DataFrame]) -> None:
    first, second = (rows["daily_return"].to_numpy() for rows in snapshots.values())
    expected = np.corrcoef(first, second)[0, 1]
    assert f"correlation of their daily returns is {expected:.2f}." in document.one("main").text


def test_positions_are_shares_of_each_equity(demo: str, document: Node) -> None:
    store = open_store(demo)
    grid = table(document, "Positions, of equity")
    shown = dict(zip(grid.texts("Name"), grid.values(GROWTH), strict=True))
    held = store.read("positions", GROWTH).filter(
        pl.col("exit_date").is_null(), pl.col("deleted_at").is_null(), pl.col("market_value").is_not_null()
    )
    last = store.read("portfolio_snapshots", GROWTH, DEMO_END, DEMO_END)["equity_balance"][0]
    for symbol, value in held.group_by("symbol").agg(pl.col("market_value").sum()).iter_rows():
        assert shown[symbol] == pytest.approx(value / last, rel=1e-12)


def test_the_command_takes_two_names(demo: str, tmp_path: Path) -> None:
    out = tmp_path / "pair.html"
    names = ["--portfolio", FAMILY, "--portfolio", GROWTH]
    window = ["--start", "2025-11-03", "--end", "2025-12-05"]
    assert main(["report", demo, *names, *window, "--out", str(out)]) == 0
    shown = parsed(out.read_text(encoding="utf-8"))
    assert shown.one("h1").text == f"{FAMILY} and {GROWTH}"
    assert "2025-11-03 to 2025-12-05" in shown.one("header").text
    assert main(["report", demo, *names, "--portfolio", LONG_SHORT, "--out", str(out)]) == 2


def test_a_portfolio_is_not_compared_with_itself(demo: str) -> None:
    with pytest.raises(UsageError, match="compared with itself"):
        comparison_page(demo, GROWTH, GROWTH, date(2025, 12, 1))


NAMED_ALIKE = [
    (("Same", "Same"), ("Same ({})", "Same ({})")),
    (("SPY", "date"), ("SPY ({})", "date")),
    (("series", "value"), ("series", "value")),
]
"""Names of two portfolios, and what the page calls them: of one name, of the fund's, of a chart's columns."""


@pytest.mark.parametrize("case", first(1, NAMED_ALIKE))
def test_names_that_others_have_are_told_apart(
    demo: str, case: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    names, labels = case
    pair = read_pair(demo, LONG_SHORT, GROWTH, date(2025, 12, 17), DEMO_END)
    named = [
        replace(one, portfolio=one.portfolio | {"name": name})
        for one, name in zip(pair.both, names, strict=True)
    ]
    shown = parsed(render(Pair(*named)))
    both = [text.format(one.portfolio["id"][:8]) for text, one in zip(labels, named, strict=True)]
    assert shown.one("h1").text == " and ".join(both)
    assert table(shown, "Side by side").headings == ["Figure", *both, "SPY"]
    lines = table(shown, "Return since the start by session")
    assert lines.texts("Series") == [*both, "SPY"]
    for name, one in zip(both, named, strict=True):
        gained = np.prod(1 + one.snapshots["daily_return"].to_numpy()) - 1
        last = dict(zip(lines.texts("Series"), lines.values("Last"), strict=True))[name]
        assert last == pytest.approx(gained, rel=1e-12)


def test_a_figure_that_is_missing_says_why(demo: str) -> None:
    pair = read_pair(demo, LONG_SHORT, GROWTH, date(2025, 11, 3), DEMO_END)
    level = replace(pair.first, history=pair.first.history.with_columns(daily_return=pl.lit(0.0003)))
    short = replace(pair.second, history=pair.second.history.with_columns(daily_return=pl.lit(None, float)))
    grid = table(parsed(render(Pair(level, short))), "Side by side")
    shown = dict(
        zip(grid.texts("Figure"), zip(grid.texts(LONG_SHORT), grid.texts(GROWTH), strict=True), strict=True)
    )
    few = "not computed: fewer than 20 returns"
    assert shown["Return"][1] == "not computed: no session has a return"
    assert shown["Volatility of returns, a year"] == ("0.0%", few)
    assert shown["Sharpe ratio, a year"] == ("not computed: the returns do not vary", few)
    assert shown["Sortino ratio, a year"] == ("not computed: no session loses", few)
