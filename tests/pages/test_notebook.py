"""Pages and charts inside a notebook."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from shutil import copyfile

import duckdb
import polars as pl
import pytest

import engine
from engine.reports import fleet_page, portfolio_page
from tests.pages.conftest import FAMILY, LONG_SHORT
from tests.pages.document import parsed

pytestmark = pytest.mark.thorough


def test_a_page_is_the_one_that_the_command_writes(demo: str, tmp_path: Path) -> None:
    store = engine.open(demo)
    page = store.report(LONG_SHORT, start=date(2025, 12, 1))
    assert page.html == portfolio_page(demo, LONG_SHORT, date(2025, 12, 1))
    assert page.save(tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert parsed(page._repr_html_()).one("iframe").attributes["srcdoc"] == page.html
    assert store.report().html == fleet_page(demo)


def test_a_chart_holds_the_stored_figures_and_draws_without_a_network(demo: str) -> None:
    store = engine.open(demo)
    wanted = [LONG_SHORT, FAMILY]
    bundle = store.chart("daily_pnl", wanted, start=date(2025, 12, 15))._repr_mimebundle_()
    (kind,) = (kind for kind in bundle if "vegalite" in kind)
    spec = bundle[kind]
    assert isinstance(spec, dict)
    (rows,) = spec["datasets"].values()
    read = store.read("portfolio_snapshots", wanted, date(2025, 12, 15))
    assert sorted(row["daily_pnl"] for row in rows) == read["daily_pnl"].sort().to_list()
    assert {row["portfolio"] for row in rows} == set(wanted)
    drawing = str(bundle["image/svg+xml"])
    assert drawing.startswith("<svg")
    assert "href" not in drawing.replace("xlink", "")


def test_a_figure_that_is_none_is_refused(demo: str) -> None:
    store = engine.open(demo)
    with pytest.raises(engine.EngineError, match="equity_balance"):
        store.chart("equity_balanse")
    with pytest.raises(engine.EngineError, match="holds no numbers"):
        store.chart("volatility_trend")
    with pytest.raises(engine.EngineError, match="no session of these days"):
        store.chart(start=date(2031, 1, 1))


def test_a_session_without_a_figure_breaks_the_line(demo: str) -> None:
    chart = engine.open(demo).chart("realized_volatility_21d", [LONG_SHORT]).chart
    values: pl.Series = chart.data["realized_volatility_21d"]
    read = engine.open(demo).read("portfolio_snapshots", LONG_SHORT)["realized_volatility_21d"]
    assert values.null_count() == read.null_count()


def test_portfolios_of_one_name_have_a_line_each(demo: str, tmp_path: Path) -> None:
    copy = tmp_path / "alike.duckdb"
    copyfile(demo.removeprefix("duckdb:///"), copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update portfolios set name = 'Same' where name in (?, ?)", [LONG_SHORT, FAMILY])
    data = engine.open(f"duckdb:///{copy}").chart(start=date(2025, 12, 1)).chart.data
    per_day = data.group_by("portfolio", "snapshot_date").len()
    assert per_day["len"].max() == 1
    assert sum(name.startswith("Same (") for name in data["portfolio"].unique()) == 2
