"""Direct and correlated P&L of scenarios, by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.analytics.stress.scenarios import Scenario, scenario
from engine.analytics.stress.stress import stress
from engine.core.rules import Rules
from engine.pipeline.inputs import DURATIONS
from tests.analytics.small import EXPOSURES, LAST, lot, open_lots, portfolios, window_dates
from tests.analytics.stress.matrices import one_matrix
from tests.builders import STAMP, uid

CORRELATIONS = one_matrix(("Market", "Value"), np.array([[1.0, 0.5], [0.5, 1.0]]))

LEGACY = Rules.legacy()
NO_DURATIONS = pl.DataFrame(schema=DURATIONS)


def run(
    *scenarios: Scenario,
    stored: tuple[str, ...] = ("fall",),
    correlations: FactorCorrelations = CORRELATIONS,
    dollars: float | None = 400.0,
    rules: Rules = LEGACY,
    gross: float = 1000.0,
    net: float = 1000.0,
    betas: bool = True,
    durations: pl.DataFrame = NO_DURATIONS,
    symbol: str = "A",
) -> Any:
    rows = [] if dollars is None else [(uid("P0"), uid("Value"), LAST, 0.1, dollars, STAMP)]
    stored_betas = pl.DataFrame(
        {"position_id": [uid(f"P0/{symbol}/")], "calculation_date": [LAST], "ir_beta": [2.0]}
    )
    return stress(
        portfolios([[1000.0]], gross=[[gross]], net=[[net]]),
        open_lots(lot(symbol, [50.0])),
        window_dates(1),
        pl.DataFrame(rows, schema=EXPOSURES, orient="row"),
        stored_betas if betas else stored_betas.clear(),
        pl.DataFrame({"id": [uid("Value")], "name": ["Value"]}),
        scenarios,
        {name: uid(name) for name in stored},
        correlations,
        rules,
        durations,
    )


FALL = scenario("Fall", {"Market": -0.2, "Value": -0.1, "Interest_Rate": 0.01})


def test_the_job_has_a_row_for_each_stored_scenario() -> None:
    found = run(FALL, scenario("Other", {"Value": 0.1}))
    row = found.tables["stress_test_results"].row(0, named=True)
    assert found.tables["stress_test_results"].height == 1
    assert row["scenario_id"] == uid("fall")
    assert row["direct_pnl"] == pytest.approx(-0.1 * 400 + 0.01 * 2 * 50)
    assert row["correlated_pnl"] == pytest.approx((-0.1 - 0.2 * 0.5) * 400 + 0.01 * 2 * 50)
    assert row["correlation_effect"] == pytest.approx(-40.0)
    # The portfolio has no exposure to the market, which FALL shocks.
    assert found.status.select("status", "reason", "positions_used").rows() == [
        ("partial", "unmeasured_factor", 1)
    ]


def test_a_job_with_every_exposure_is_ok_and_covers_the_lots_with_a_rate_beta() -> None:
    found = run(scenario("Fall", {"Value": -0.1, "Interest_Rate": 0.01}))
    assert found.status.select("status", "reason", "coverage").rows() == [("ok", None, 1.0)]


def test_a_run_of_windows_that_no_session_knows_fails_with_that_reason() -> None:
    found = run(scenario("Fall", window=(date(2020, 2, 19), date(2020, 3, 23))))
    assert found.tables["stress_test_results"].is_empty()
    assert found.tables["stress_test_gaps"].is_empty()
    assert found.status.select("status", "reason").rows() == [("failed", "not_replayed")]


def test_a_replay_moves_lots_with_tlt_whatever_its_duration_in_the_session() -> None:
    """TLT gains 10 %: 50 USD with a beta of 2 gain 10. Yields fall by 0.5 % at 20 years, 0.4 % at 25."""
    days = window_dates(2)
    betas = {"position_id": [uid("P0/A/")] * 2, "calculation_date": days, "ir_beta": [2.0, 2.0]}
    exposures = [(uid("P0"), uid("Value"), day, 0.1, 400.0, STAMP) for day in days]
    window = date(2020, 2, 19), date(2020, 3, 23)
    found = stress(
        portfolios([[1000.0, 1000.0]]),
        open_lots(lot("A", [50.0, 50.0])),
        days,
        pl.DataFrame(exposures, schema=EXPOSURES, orient="row"),
        pl.DataFrame(betas),
        pl.DataFrame({"id": [uid("Value")], "name": ["Value"]}),
        [scenario("Fall", window=window)],
        {"fall": uid("fall")},
        CORRELATIONS,
        replace(LEGACY, rate_shocks="yields"),
        pl.DataFrame({"symbol": ["TLT", "TLT"], "asof_date": days, "duration": [20, 25]}, DURATIONS),
        replay_closes=pl.DataFrame({"symbol": ["TLT", "TLT"], "date": window, "close": [150.0, 165.0]}),
    )
    rows = found.tables["stress_test_results"].sort("calculation_date")
    assert rows["calculation_date"].to_list() == days.to_list()
    assert rows["direct_pnl"].to_list() == pytest.approx([10.0, 10.0])
    impacts = [json.loads(text)["Interest_Rate"]["shock_pct"] for text in rows["factor_impacts"]]
    assert impacts == pytest.approx([-0.5, -0.4])
    missing = ["Market", "Value", "Growth", "Momentum", "Quality", "Size", "Low Volatility"]
    assert json.loads(rows["calculation_metadata"][0])["not_replayed"] == missing
    assert found.tables["stress_test_gaps"].is_empty()


ONE = one_matrix(("Market",), np.eye(1))
NONE = one_matrix((), np.zeros((0, 0)), returns=0)


@pytest.mark.parametrize(
    ("scenarios", "case", "reason"),
    [
        ((FALL,), {"correlations": NONE}, "no_factor_prices"),
        ((FALL,), {"correlations": ONE}, "one_factor_alone"),
        ((FALL,), {"dollars": None}, "no_factor_exposures"),
        ((), {}, "no_scenarios"),
        ((FALL,), {"stored": ()}, "no_stored_scenarios"),
    ],
)
def test_the_job_says_why_it_has_no_results(
    scenarios: tuple[Scenario, ...], case: dict[str, Any], reason: str
) -> None:
    found = run(*scenarios, **case)
    assert found.status["reason"].to_list() == [reason]
    assert found.tables["stress_test_results"].is_empty()


def test_a_net_short_portfolio_loses_up_to_99_percent_of_its_gross_exposure() -> None:
    rise = scenario("Fall", {"Value": 2.0})
    short = {"dollars": -600.0, "gross": 800.0, "net": -800.0}
    floored = replace(LEGACY, loss_floor="gross")
    assert figures(run(rise, **short)) == (-0.99, -0.99)  # 99 % of 1 USD
    assert figures(run(rise, **short, rules=floored)) == (-792.0, -792.0)  # 99 % of 800, not 1,200
    mild = scenario("Fall", {"Value": 0.5})
    assert figures(run(mild, **short, rules=floored)) == (-300.0, -300.0)


def figures(result: Any) -> tuple[float, float]:
    (row,) = result.tables["stress_test_results"].select("direct_pnl", "correlated_pnl").rows()
    return row[0], row[1]


ABSENT = replace(LEGACY, unmeasured_factors="absent")


def test_a_scenario_of_a_factor_that_was_not_measured_has_a_gap_and_no_result() -> None:
    rise, both = (
        scenario("Rise", {"Value": 0.1}),
        scenario("Both", {"Value": 0.1, "Size": 0.1, "Market": -0.1}),
    )
    zero, absent = (run(rise, both, stored=("rise", "both"), rules=rules) for rules in (LEGACY, ABSENT))
    assert zero.tables["stress_test_results"].height == 2
    assert zero.tables["stress_test_gaps"].is_empty()
    assert absent.tables["stress_test_results"]["scenario_id"].to_list() == [uid("rise")]
    gap = (uid("P0"), uid("both"), LAST, "factor_not_measured", "Size, Market")
    names = ("portfolio_id", "scenario_id", "calculation_date", "reason", "factors")
    assert absent.tables["stress_test_gaps"].select(names).rows() == [gap]
    assert absent.status["reason"].to_list() == ["unmeasured_factor"]


def test_without_any_measured_scenario_the_job_fails() -> None:
    size = scenario("Fall", {"Size": -0.1})
    found = run(size, rules=ABSENT)
    assert found.status.select("status", "reason").rows() == [("failed", "factor_not_measured")]
    assert found.tables["stress_test_results"].is_empty()
    assert run(size).status["reason"].to_list() == ["unmeasured_factor"]


def test_without_a_rate_beta_a_rate_scenario_has_a_gap() -> None:
    rates, value = scenario("Rates", {"Interest_Rate": 0.01}), scenario("Fall", {"Value": -0.1})
    found = run(rates, value, stored=("rates", "fall"), rules=ABSENT, betas=False)
    assert found.tables["stress_test_gaps"]["factors"].to_list() == ["Interest_Rate"]
    assert found.tables["stress_test_results"]["scenario_id"].to_list() == [uid("fall")]


TLT = pl.DataFrame({"symbol": ["TLT"], "asof_date": [LAST], "duration": [16.0]})
RATES = scenario("Fall", {"Interest_Rate": 0.01})


def test_a_bond_book_loses_its_duration_when_yields_rise() -> None:
    assert figures(run(RATES)) == (1.0, 1.0)  # 50 x a beta of 2 x 1 %: a gain
    yields = replace(LEGACY, rate_shocks="yields")
    # A beta of 2 to TLT's returns is a duration of 2 x 16 years; TLT itself has its own 16.
    assert figures(run(RATES, rules=yields, durations=TLT)) == (-16.0, -16.0)
    assert figures(run(RATES, rules=yields, durations=TLT, symbol="TLT")) == (-8.0, -8.0)


def test_without_a_duration_a_scenario_of_yields_has_a_gap() -> None:
    rules = replace(ABSENT, rate_shocks="yields")
    found = run(RATES, rules=rules)
    assert found.status["reason"].to_list() == ["factor_not_measured"]
    assert found.tables["stress_test_results"].is_empty()
