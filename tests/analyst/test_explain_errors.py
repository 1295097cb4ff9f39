"""Requests of explain for figures that do not exist, and stored figures that are wrong."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

import engine
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.explaining import UnknownSessionError, load_case, of_case
from engine.analyst.explain.jobs import BY_JOB, documented
from engine.analyst.explain.selection import (
    AmbiguousFigureError,
    IncompleteKeyError,
    Selectors,
    UnknownFigureError,
    figure_named,
    select,
)
from engine.batch.copy import copy
from engine.cli.main import main
from engine.core.errors import NoPricesError
from engine.core.job_catalog import JOBS
from engine.core.names import AmbiguousNameError, UnknownNameError, UnknownPortfolioError, UnknownTableError
from engine.core.progress import Quiet
from tests.analyst.conftest import END
from tests.analyst.golden_cases import GOLDEN, asks, case

pytestmark = pytest.mark.thorough

DAY = date(2025, 4, 9)
SOURCE, OUTPUTS = (f"parquet:///{GOLDEN / 'edge' / part}" for part in ("inputs", "outputs"))
E8 = "E8 Control"
LEGACY_JOBS = {
    "pnl",
    "snapshot",
    "market_values",
    "market_beta",
    "provider_beta",
    "rate_beta",
    "spread_factors",
    "ridge_factors",
    "sector",
    "volatility",
    "correlations",
    "stress",
}


@pytest.mark.parametrize(
    ("which", "error", "told"),
    [
        ({"portfolio": "E8 Controll"}, UnknownPortfolioError, r"nearest: E8 Control"),
        ({"day": date(2025, 4, 12)}, UnknownSessionError, r"nearest: 2025-04-11"),
        ({"source": OUTPUTS}, NoPricesError, r"--from URL"),
    ],
)
def test_a_case_that_is_not_there_is_told_with_its_nearest(
    which: dict[str, Any], error: type[engine.EngineError], told: str
) -> None:
    asked = {"portfolio": E8, "day": DAY, "figure": "equity_balance", "source": SOURCE, **which}
    with pytest.raises(error, match=told):
        engine.explain(OUTPUTS, **asked)


@pytest.mark.parametrize(
    ("figure", "table", "which", "error", "told"),
    [
        ("equity_balanc", None, {}, UnknownFigureError, r"nearest: equity_balance"),
        ("equity_balance", "portfolio_snapshot", {}, UnknownTableError, r"nearest: portfolio_snapshots"),
        (
            "equity_balance",
            "factor_exposures",
            {},
            UnknownFigureError,
            r"factor_exposures has no figure equity",
        ),
        ("beta", None, {"symbol": "KAW"}, UnknownNameError, r"nearest: KAV"),
        ("beta", None, {}, IncompleteKeyError, r"needs its position"),
        ("r_squared", None, {"symbol": "KAV"}, AmbiguousFigureError, r"position_interest_rate_betas"),
        ("exposure_dollar", None, {"factor": "Sise"}, UnknownNameError, r"nearest: Size"),
        ("exposure_dollar", None, {}, IncompleteKeyError, r"Provider Beta"),
        ("direct_pnl", None, {"scenario": "market_down"}, UnknownNameError, r"nearest: market_down"),
        ("data_points", "pairwise_correlations", {}, IncompleteKeyError, r"two symbols"),
        ("status", None, {"job": "market_bet"}, UnknownNameError, r"nearest: market_beta"),
        ("reason", None, {"job": "market_bet"}, UnknownNameError, r"nearest: market_beta"),
        ("reason", None, {}, AmbiguousFigureError, r"analytics_status"),
    ],
)
def test_a_figure_that_is_not_there_is_told_with_its_nearest(
    figure: str, table: str | None, which: dict[str, Any], error: type[engine.EngineError], told: str
) -> None:
    asked = Selectors(**which)
    with pytest.raises(error, match=told):
        select(case("edge", E8, DAY), figure_named(figure, table, asked), figure, asked)


def test_a_symbol_of_two_lots_needs_an_id() -> None:
    known = case("mixed", "H3 Growth Mix", date(2025, 4, 11))
    with pytest.raises(AmbiguousNameError, match="2 positions are called KTV") as caught:
        select(known, "position_market_betas", "beta", Selectors(symbol="KTV"))
    one = select(known, "position_market_betas", "beta", Selectors(position=caught.value.ids[0]))
    assert of_case(known, one).verdict == "equal"


def test_a_refused_portfolio_says_why_it_has_no_figures(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path}/edge.duckdb"
    copy(SOURCE, url, 5_000, Quiet())
    engine.backfill(url, start=DAY, end=DAY, run_date=date(2026, 11, 23))
    found = engine.explain(url, "E2 NULL equity", DAY, "equity_balance")
    assert found.verdict == "absent"
    assert found.working.reason == "the portfolio was refused: portfolios.equity_balance is null"
    assert found.status["status"].to_list() == ["failed"]
    assert engine.explain(url, E8, DAY, "equity_balance").verdict == "equal"


@pytest.fixture(scope="module")
def tampered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The golden outputs with one snapshot's equity a cent too high."""
    path = tmp_path_factory.mktemp("tampered") / "edge.duckdb"
    copy(OUTPUTS, f"duckdb:///{path}", 5_000, Quiet())
    with duckdb.connect(path) as store:
        store.execute(
            "update portfolio_snapshots set equity_balance = equity_balance + 0.01 "
            "where snapshot_date = '2025-04-11'"
        )
    return f"duckdb:///{path}"


def command(url: str, *more: str) -> list[str]:
    common = ["--portfolio", E8, "--date", "2025-04-11", "--from", SOURCE]
    return ["explain", url, *common, "--figure", "equity_balance", *more]


def test_a_cell_that_does_not_follow_is_told_and_the_exit_code_is_1(
    tampered: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tampered)) == 1
    assert "THE STORED VALUE DIFFERS FROM THE COMPUTED VALUE" in capsys.readouterr().out
    assert main(command(OUTPUTS)) == 0
    assert "the stored value equals the computed value" in capsys.readouterr().out


def test_the_command_gives_json_and_says_usage_errors_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(OUTPUTS, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "equal"
    assert {step["name"] for step in told["steps"]} == {"U", "R", "T", "E0", "F"}
    assert main(command(OUTPUTS, "--table", "portfolio")) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "nearest: portfolios" in caught.err


def test_every_job_s_status_is_recomputed(demo: engine.Store) -> None:
    for name in ("Demo Growth 3", "Demo Family Office 5"):
        known = load_case(demo, demo, name, END, engine.Rules.legacy(), engine.load_scenarios())
        told = [of_case(known, ask) for ask in asks(known, 20) if ask.table == "analytics_status"]
        # A run by legacy rules has no risk model.
        assert {found.key["job"] for found in told} == set(JOBS) - {"risk"}
        recomputed = [found for found in told if found.key["job"] in BY_JOB]
        assert all(found.verdict in ("equal", "absent") for found in recomputed)


def test_the_status_of_every_legacy_job_is_recomputed() -> None:
    """That of a later job may be shown as it is stored."""
    assert set(BY_JOB) >= LEGACY_JOBS


def test_a_figure_without_an_explanation_names_the_page_of_its_job(demo: engine.Store) -> None:
    known = load_case(demo, demo, "Demo Growth 3", END, engine.Rules.legacy(), engine.load_scenarios())
    row = known.rows("portfolio_snapshots").row(0, named=True)
    shown = documented(known, Ask("portfolio_snapshots", "hhi", row=row))
    assert (shown.value, shown.checked) == (row["hhi"], False)
    assert shown.notes == ("not recomputed; its calculation is on the page docs/calculations/sector.md",)


def test_an_absent_figure_shows_its_job_s_status(demo: engine.Store) -> None:
    day = demo.read("portfolio_snapshots")["snapshot_date"].min()
    assert isinstance(day, date)
    found = engine.explain(demo, "Demo Growth 3", day, "hhi")
    assert found.verdict == "absent"
    assert found.status["reason"].to_list() == ["historical_session"]
    page = found._repr_html_()
    assert "historical_session" in page
    assert "portfolio_snapshots.hhi" in page


def test_a_row_that_later_sessions_overwrote_is_not_compared(demo: engine.Store) -> None:
    days = demo.read("portfolio_snapshots")["snapshot_date"].unique().sort()
    symbol = demo.read("positions", "Demo ETF Core 2")["symbol"][0]
    found = engine.explain(demo, "Demo ETF Core 2", days[-2], "market_value", symbol=symbol)
    assert found.verdict == "unchecked"
    assert "later sessions have overwritten" in found.working.notes[-1]
