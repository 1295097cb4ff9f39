"""Explained value at risk, scores of forecasts and attributed P&L: by hand, and against a stored run."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import date
from decimal import Decimal
from statistics import NormalDist

import pytest

import engine
from engine.analyst.explain.case import Case
from engine.analyst.explain.explaining import load_case, of_case
from engine.analyst.explain.selection import Selectors, figure_named, select
from engine.analytics import forecasts
from engine.analytics.factors import attribution
from engine.cli.main import main
from engine.core.errors import UsageError
from engine.core.names import UnknownNameError
from engine.core.rules import Rules
from tests.analyst.golden_cases import asks, store
from tests.test_golden import RUN_DATE

H1, H2 = "H1 Global Long Short", "H2 ETF Core"
TABLES = (*forecasts.TABLES, *attribution.TABLES, "engine_sector_exposures", "engine_returns")
START, END = date(2025, 4, 28), date(2025, 5, 30)
"""24 sessions: the last three score a forecast."""
MODEL: dict[str, str | int] = {"method": "model", "level": 95}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"duckdb:///{tmp_path_factory.mktemp('forecasts')}/store.duckdb"
    days = {"start": START, "end": END, "run_date": RUN_DATE}
    engine.backfill(store("mixed", "inputs").url, url, rules=Rules.corrected(), **days)
    return url


@pytest.fixture(scope="module")
def case(url: str) -> Case:
    return of_session(url, H2, END)


@pytest.fixture
def plain(demo: engine.Store) -> Case:
    """A session of a store of legacy rules."""
    day = date(2025, 12, 19)
    return load_case(demo, demo, "Demo Growth 3", day, Rules.legacy(), engine.load_scenarios())


def of_session(url: str, name: str, day: date) -> Case:
    figures = engine.open(url)
    inputs, scenarios = store("mixed", "inputs"), engine.load_scenarios()
    return load_case(figures, inputs, name, day, Rules.corrected(), scenarios)


def selected(case: Case, figure: str, **row: str | int) -> engine.Explanation:
    asked = Selectors(row=row)
    return of_case(case, select(case, figure_named(figure, None, asked), figure, asked))


def explained(case: Case, figure: str, **row: str | int) -> Decimal:
    """The computed value of a figure that equals the stored one."""
    found = selected(case, figure, **row)
    assert found.verdict == "equal", found.to_text()
    return Decimal(f"{found.computed}")


@pytest.mark.thorough
@pytest.mark.parametrize("name", [H2, H1, "H3 Growth Mix", "H5 All Private"])
def test_every_stored_figure_is_derived_again(url: str, name: str) -> None:
    count: Counter[tuple[str, str]] = Counter()
    for day in (date(2025, 5, 5), END):
        found = of_session(url, name, day)
        for ask in (ask for ask in asks(found, 12) if ask.table in TABLES):
            figure = of_case(found, ask)
            count[ask.table, figure.verdict] += 1
            assert figure.agrees, figure.to_text()
    if name == H2:
        assert {table for table, verdict in count if verdict == "equal"} == set(TABLES)


@pytest.mark.thorough
def test_the_model_s_value_at_risk_by_hand(url: str, case: Case) -> None:
    row = engine.open(url).read("portfolio_snapshots", H2, END, END).row(0, named=True)
    daily = float(row["equity_balance"]) * float(row["expected_volatility_21d"]) / math.sqrt(252)
    assert float(explained(case, "value_at_risk", **MODEL)) == pytest.approx(1.6448536 * daily, abs=0.01)
    beyond = NormalDist().pdf(1.6448536) / 0.05
    assert float(explained(case, "expected_shortfall", **MODEL)) == pytest.approx(beyond * daily, abs=0.01)


@pytest.mark.thorough
def test_a_component_is_the_sum_of_its_lots_and_the_residual_what_they_leave(url: str, case: Case) -> None:
    parts = {name: explained(case, "amount", component=name) for name in attribution.COMPONENTS}
    pnl = engine.open(url).read("portfolio_snapshots", H2, END, END, exact=True)["daily_pnl"][0]
    assert sum(parts.values()) == pnl
    lots = selected(case, "amount", component="market").working.frames["lots"]
    assert abs(lots["amount"].sum() - parts["market"]) <= Decimal("0.005")


@pytest.mark.thorough
def test_the_command_takes_columns_of_the_key(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["explain", url, "--portfolio", H2, "--date", f"{END}", "--figure", "exceptions", "--json"]
    asked += ["--from", store("mixed", "inputs").url, "--row", "method=model", "--row", "level=95"]
    assert main(asked) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["key"] == {"portfolio": H2, "session": f"{END}", "method": "model", "level": "95"}
    assert answer["verdict"] == "equal"
    assert main([*asked[:-1], "level"]) == 2
    assert "--row level has no value" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ({}, UsageError, "engine_value_at_risk needs its method"),
        ({"method": "model"}, UsageError, "needs its level"),
        ({"method": "modl", "level": 95}, UnknownNameError, "modl"),
        ({"method": "model", "level": 95, "lag": 1}, UnknownNameError, "key column.* lag"),
    ],
)
def test_a_key_that_is_not_whole_is_refused(
    plain: Case, row: dict[str, str | int], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        select(plain, "engine_value_at_risk", "value_at_risk", Selectors(row=row))


def test_legacy_rules_have_none_and_say_why(plain: Case) -> None:
    found = selected(plain, "value_at_risk", **MODEL)
    assert found.working.reason.startswith("only with volatility_forecast=mean_reverting")
