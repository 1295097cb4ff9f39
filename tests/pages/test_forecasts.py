"""Value at risk, scored forecasts and attributed P&L on the page, against the stored rows."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import engine
from engine.analytics.factors.attribution import COMPONENTS
from engine.reports import portfolio_page
from tests.pages.conftest import GLOBAL, corrected_mixed
from tests.pages.document import Node, parsed, table

pytestmark = pytest.mark.thorough

START, END = date(2025, 4, 21), date(2025, 5, 30)
"""29 sessions: the last eight score a forecast."""
PRIVATE = "H5 All Private"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> engine.Store:
    return corrected_mixed(tmp_path_factory.mktemp("forecasts"), START, END)


@pytest.fixture(scope="module")
def document(store: engine.Store) -> Node:
    return parsed(portfolio_page(store.url, GLOBAL))


def rows(store: engine.Store, name: str, day: date | None = None) -> pl.DataFrame:
    """The portfolio's stored rows, of a session or of all."""
    return store.read(name, GLOBAL, day, day).sort("calculation_date")


def text(node: Node) -> str:
    return " ".join(node.text.split())


def test_the_losses_are_the_last_session_s_rows(store: engine.Store, document: Node) -> None:
    stored = rows(store, "engine_value_at_risk", END).sort("method", "level")
    shown = table(document, f"Losses of the session after {END}")
    assert shown.texts("Forecast") == [
        "By history, 95%",
        "By history, 99%",
        "By the model, 95%",
        "By the model, 99%",
    ]
    assert shown.values("Value at risk") == stored["value_at_risk"].to_list()
    assert shown.values("Expected shortfall") == stored["expected_shortfall"].to_list()
    equity = store.read("portfolio_snapshots", GLOBAL, END, END)["equity_balance"][0]
    assert shown.values("Of equity") == pytest.approx((stored["value_at_risk"] / equity).to_list())


def test_the_backtests_are_the_last_session_s_rows(store: engine.Store, document: Node) -> None:
    stored = rows(store, "engine_var_tests", END).sort("method", "level")
    shown = table(document, f"Backtests up to {END}")
    assert shown.values("Exceptions") == stored["exceptions"].to_list()
    assert shown.values("Kupiec p") == stored["kupiec_p"].to_list()
    assert shown.values("Both p") == stored["joint_p"].to_list()
    assert shown.texts("Light") == stored["zone"].to_list()
    # 5 % of 28 sessions, and 1 %.
    assert shown.values("Due") == pytest.approx([1.4, 0.28, 1.4, 0.28])


def test_the_exceptions_are_the_sessions_beyond_the_limit_of_the_session_before(
    store: engine.Store, document: Node
) -> None:
    limits = rows(store, "engine_value_at_risk").filter(method="model", level=95)
    pnl = store.read("portfolio_snapshots", GLOBAL).sort("snapshot_date")["daily_pnl"].to_list()
    before = [None, *limits["value_at_risk"].to_list()[:-1]]
    beyond = [
        f"{day}"
        for day, moved, limit in zip(limits["calculation_date"], pnl, before, strict=True)
        if limit is not None and moved < -limit
    ]
    shown = table(document, "Exceptions")
    ours = zip(shown.texts("Session"), shown.texts("Forecast"), strict=True)
    assert beyond
    assert [day for day, name in ours if name == "by the model, 95%"] == beyond


def test_forecasts_stand_beside_what_came_with_their_score(store: engine.Store, document: Node) -> None:
    stored = rows(store, "engine_forecast_tests", END).sort("subject", descending=True)
    shown = table(document, f"Scores on {END}")
    assert shown.values("Scores")[1] == stored["scores"].to_list()[0]
    positions, own = stored.to_dicts()
    assert shown.values("Mean loss (QLIKE)") == [own["qlike"], positions["qlike"]]
    scored = rows(store, "engine_forecast_scores").filter(symbol="")
    summary = table(document, "Forecasts and outcomes")
    assert [row[2].value for row in summary.rows] == [scored["realized"][-1], scored["forecast"][-1]]
    ended = rows(store, "engine_forecast_scores", END).filter(pl.col("symbol") != "")
    by_symbol = table(document, f"Forecasts of {ended['forecast_date'][0]} that ended on {END}")
    assert sorted(by_symbol.texts("Symbol")) == sorted(ended["symbol"])


def test_the_parts_add_up_to_the_stored_pnl(store: engine.Store, document: Node) -> None:
    stored = rows(store, "engine_pnl_attribution")
    shown = table(document, "Parts of the P&L")
    last = dict(stored.filter(calculation_date=END).select("component", "amount").iter_rows())
    assert shown.values(f"On {END}") == [last[name] for name in COMPONENTS]
    pnl = store.read("portfolio_snapshots", GLOBAL)["daily_pnl"].sum()
    whole = [value for value in shown.values(f"{START} to {END}") if value is not None]
    assert sum(whole) == pytest.approx(pnl, abs=0.005)
    assert "difference $0.00" in text(document.one("section", id="attribution"))


def test_the_parts_of_the_positions_are_the_last_session_s(store: engine.Store, document: Node) -> None:
    stored = rows(store, "engine_position_attribution", END)
    shown = table(document, f"Parts by position on {END}")
    for heading, column in (("Market", "market"), ("Specific", "specific"), ("Residual", "residual")):
        added = [value for value in shown.values(heading) if value is not None]
        assert len(added) == stored.height
        assert sum(added) == pytest.approx(stored[column].sum(), abs=0.005 * stored.height)


def test_sectors_have_their_long_and_short_values(store: engine.Store, document: Node) -> None:
    stored = rows(store, "engine_sector_exposures", END)
    shown = table(document, "Long and short by sector")
    assert sorted(shown.texts("Sector")) == sorted(stored["sector"])
    for heading, column in (("Long", "long_value"), ("Short", "short_value"), ("Net", "net_value")):
        assert sorted(shown.values(heading)) == sorted(stored[column])  # type: ignore[type-var]


def test_a_portfolio_without_figures_says_why(store: engine.Store) -> None:
    document = parsed(portfolio_page(store.url, PRIVATE))
    losses = text(document.one("section", id="losses"))
    assert losses.endswith("Value at risk not computed failed, no open position has 63 returns.")
    assert "No P&L to attribute" in text(document.one("section", id="attribution"))


def test_legacy_rules_have_no_such_sections(global_document: Node) -> None:
    ids = {node.attributes.get("id") for node in global_document.all("section")}
    assert not ids & {"losses", "attribution"}
