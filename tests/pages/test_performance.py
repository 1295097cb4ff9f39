"""Measures of returns, the benchmark and doubts, beside hand arithmetic and quantstats."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from engine.analyst.store import open as open_store
from engine.analytics.positions.valuation import OPEN
from engine.reports.measures.benchmark import benchmark
from engine.reports.measures.contributions import priced_days
from engine.reports.measures.data_quality import QUOTED
from engine.reports.measures.doubts import doubts, last_prices
from engine.reports.measures.performance import FEWEST, performance
from engine.reports.stored import StoredPortfolio, read_stored
from tests.pages.conftest import DEMO_END, LONG_SHORT
from tests.pages.document import Node, card, table

RETURNS = [0.01, -0.02, 0.015, 0.003, -0.007, 0.0, 0.021, -0.013, 0.004, -0.001]
TWENTY = [*RETURNS, *(-r / 2 for r in RETURNS)]
"""20 returns; their sum is 0.006."""
QUANTSTATS = {
    "volatility": 0.15281505850296026,
    "sharpe": 0.4947156434752504,
    "sortino": 0.74523278297888,
    "comp": 0.0051326882525162265,
}
"""quantstats 0.0.86 of TWENTY: stats.volatility, stats.sharpe, stats.sortino, stats.comp."""


@pytest.fixture(scope="module")
def stored(demo: str) -> StoredPortfolio:
    return read_stored(demo, LONG_SHORT, None, None)


def test_measures_of_twenty_returns_are_those_of_quantstats_and_empyrical() -> None:
    found = performance(pl.Series([*TWENTY, None]))
    assert found is not None
    assert found.sessions == 20
    assert found.volatility == pytest.approx(QUANTSTATS["volatility"], rel=1e-12)
    assert found.sharpe == pytest.approx(QUANTSTATS["sharpe"], rel=1e-12)
    assert found.sortino == pytest.approx(QUANTSTATS["sortino"], rel=1e-12)
    assert found.total == pytest.approx(QUANTSTATS["comp"], rel=1e-12)
    # By hand: the two lowest are -0.02 and -0.013; the quantile lies 0.05 x 19 = 0.95 of the way between.
    assert found.value_at_risk == pytest.approx(0.02 - 0.95 * 0.007, rel=1e-12)
    assert found.expected_shortfall == pytest.approx(0.02, rel=1e-12)


def test_too_few_returns_have_no_measures() -> None:
    assert performance(pl.Series(TWENTY[: FEWEST - 1])) is None


@pytest.mark.parametrize("value", [0.0, 0.0003, 0.01])
def test_returns_that_do_not_vary_have_no_ratios(value: float) -> None:
    """NumPy's standard deviation of equal returns may be 1e-19."""
    found = performance(pl.Series([value] * FEWEST))
    assert found is not None
    assert found.sharpe is None
    assert found.sortino is None
    assert found.volatility == 0


def test_the_benchmark_has_the_closes_returns_and_the_portfolios_flows(stored: StoredPortfolio) -> None:
    frame = benchmark(stored)
    closes = dict(
        stored.closes.filter(symbol="SPY").select("date", pl.col("close").cast(pl.Float64)).iter_rows()
    )
    days = sorted(closes)
    equity = stored.opening_equity
    assert equity is not None
    for row, flow in zip(frame.to_dicts(), stored.snapshots["daily_capital_flow"], strict=True):
        before = days[days.index(row["date"]) - 1]
        move = closes[row["date"]] / closes[before] - 1
        equity = equity * (1 + move) + flow
        assert row["benchmark_return"] == pytest.approx(move, rel=1e-12)
        assert row["benchmark_equity"] == pytest.approx(equity, rel=1e-12)


def test_without_closes_of_the_fund_there_is_no_benchmark(stored: StoredPortfolio) -> None:
    bare = replace(stored, closes=stored.closes.filter(pl.col("symbol") != "SPY"))
    assert benchmark(bare)["benchmark_equity"].null_count() == len(stored.days)


def test_the_page_shows_the_months_returns(demo: str, demo_document: Node) -> None:
    rows = open_store(demo).read("portfolio_snapshots", LONG_SHORT).sort("snapshot_date")
    november = rows.filter(pl.col("snapshot_date").is_between(date(2025, 11, 1), date(2025, 11, 30)))
    index = 1.0
    for value in november["daily_return"]:
        index *= 1 + value
    shown = table(demo_document, "Returns by month").values("Nov")
    assert shown == [pytest.approx(index - 1, rel=1e-12)]


def test_the_last_session_comes_first(demo: str, demo_document: Node) -> None:
    last = open_store(demo).read("portfolio_snapshots", LONG_SHORT).sort("snapshot_date").row(-1, named=True)
    assert demo_document.one("section", id="glance").all("dt")[0].text == "P&L of the last session"
    assert card(demo_document, "P&L of the last session").value == last["daily_pnl"]
    net = card(demo_document, "Net exposure").value
    assert net == pytest.approx(last["net_exposure"] / last["equity_balance"], rel=1e-12)


def test_a_missing_close_of_the_last_session_is_in_doubt(stored: StoredPortfolio) -> None:
    priced = pl.col("close").is_not_null() & (pl.col("date") == stored.end)
    symbol = priced_days(stored).filter(OPEN, QUOTED, priced)["symbol"][0]
    newest = (pl.col("symbol") == symbol) & (pl.col("date") == stored.end)
    bare = replace(stored, closes=stored.closes.filter(~newest))
    days = priced_days(bare)
    marked = last_prices(bare, days)
    assert marked["symbol"].unique().to_list() == [symbol]
    assert set(marked["mark"]) == {"carried"}
    found = [one for one in doubts(bare, days) if one.mark == "carried"]
    assert [one.figure for one in found] == [f"Values of {symbol}"]
    old = replace(stored, closes=stored.closes.filter(pl.col("symbol") != symbol))
    assert set(last_prices(old, priced_days(old))["mark"]) == {"stale"}


def test_partial_jobs_and_stale_sessions_are_in_doubt(stored: StoredPortfolio) -> None:
    sound = replace(stored, status=stored.status.with_columns(status=pl.lit("ok")))
    assert not doubts(sound, priced_days(sound))
    volatility = (pl.col("job") == "volatility") & (pl.col("calculation_date") == stored.end)
    status = sound.status.with_columns(
        status=pl.when(volatility).then(pl.lit("partial")).otherwise("status"),
        reason=pl.when(volatility).then(pl.lit("low_coverage")).otherwise("reason"),
        coverage=pl.when(volatility).then(0.5).otherwise("coverage"),
    )
    partial = replace(stored, status=status, stale_from=stored.days[3])
    stale, low = doubts(partial, priced_days(partial))
    assert (stale.figure, stale.mark) == ("Every figure", "stale")
    assert str(stored.days[3]) in stale.why
    assert (low.job, low.mark) == ("volatility", "partial")
    assert "closes cover 50.0% of the value" in low.why
    assert "collect prices" in low.cure


def test_a_card_in_doubt_leads_to_what_to_do(demo_document: Node) -> None:
    """The demo's private fund has no returns, so that its volatility is partial."""
    rows = table(demo_document, f"In doubt on {DEMO_END}")
    assert rows.texts("Figure") == ["Volatility"]
    box = next(node for node in demo_document.all("dt") if node.text.startswith("Volatility, 21 sessions"))
    assert box.one("a", **{"class": "mark"}).attributes["href"] == "#doubts"
    assert box.text == "Volatility, 21 sessions partial"
