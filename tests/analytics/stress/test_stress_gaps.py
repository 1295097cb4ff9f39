"""Scenarios without a result, by hand."""

from __future__ import annotations

import numpy as np

from engine.analytics.stress.replays import DatedScenario
from engine.analytics.stress.scenarios import Scenario, scenario
from engine.analytics.stress.stress_exposures import FactorDollars, RateDollars
from engine.analytics.stress.stress_gaps import gap_rows, measured_factors, measured_scenarios
from tests.analytics.small import LAST, portfolios, window_dates
from tests.builders import uid

BOTH, SIZE = scenario("Both", {"Market": 0.1, "Size": 0.1}), scenario("Size", {"Size": 0.1})
RATES = RateDollars(np.array([[1.0, np.nan]]), np.zeros((1, 2), int), np.zeros((1, 2), int), np.ones((1, 2)))
FACTORS = FactorDollars(
    {}, {"Market Beta (90D)": np.array([[True, False]])}, np.zeros((1, 1, 2), int), np.array([[True, True]])
)


def every(one: Scenario) -> DatedScenario:
    """A scenario that has its shocks in both sessions."""
    return DatedScenario(one, np.array([True, True]))


def test_a_factor_without_any_exposure_is_not_measured() -> None:
    measured = measured_factors([BOTH], FACTORS, RATES, "absent")
    assert {name: cells.tolist() for name, cells in measured.items()} == {
        "Market": [[True, False]],
        "Size": [[False, False]],
    }


def test_rates_are_measured_where_there_is_a_rate_beta() -> None:
    rates = scenario("Rates", {"Interest_Rate": 0.01})
    assert measured_factors([rates], FACTORS, RATES, "absent")["Interest_Rate"].tolist() == [[True, False]]


def test_under_the_rule_zero_every_factor_counts_as_measured() -> None:
    measured = measured_factors([BOTH], FACTORS, RATES, "zero")
    assert all(cells.all() for cells in measured.values())


def test_a_scenario_needs_all_of_its_factors() -> None:
    measured = {"Market": np.array([[True, False]]), "Size": np.array([[True, True]])}
    both, size = measured_scenarios([every(BOTH), every(SIZE)], measured, (1, 2))
    assert both.tolist() == [[True, False]]
    assert size.tolist() == [[True, True]]
    assert measured_scenarios([], {}, (1, 2)).shape == (0, 1, 2)


def test_a_gap_names_the_session_and_the_factors() -> None:
    measured = {"Market": np.array([[True, False]]), "Size": np.array([[True, False]])}
    done = np.array([[True, True]])
    scenarios = [every(BOTH), every(SIZE)]
    rows = gap_rows(
        portfolios([[1.0, 1.0]]), window_dates(2), {"both": "b", "size": "s"}, scenarios, measured, done
    )
    assert rows.select("portfolio_id", "scenario_id", "calculation_date", "factors").rows() == [
        (uid("P0"), "b", LAST, "Market, Size"),
        (uid("P0"), "s", LAST, "Size"),
    ]
    assert set(rows["reason"]) == {"factor_not_measured"}
    none = gap_rows(portfolios([[1.0, 1.0]]), window_dates(2), {"both": "b"}, scenarios[:1], measured, ~done)
    assert none.is_empty()


def test_a_session_in_which_a_window_is_not_replayed_has_a_gap_of_every_factor_of_a_window() -> None:
    replay = DatedScenario(scenario("Fall", {"Size": -0.1}), np.array([False, True]))
    measured, done = {"Size": np.array([[True, True]])}, np.array([[True, True]])
    numbers = {"fall": "f", "never": "n"}
    rows = gap_rows(portfolios([[1.0, 1.0]]), window_dates(2), numbers, [replay], measured, done)
    first, last = window_dates(2)
    keys = [("f", first), ("n", first), ("n", last)]
    assert rows.select("scenario_id", "calculation_date").rows() == keys
    assert set(rows["reason"]) == {"not_replayed"}
    names = "Market, Value, Growth, Momentum, Quality, Size, Low Volatility, Interest_Rate"
    assert set(rows["factors"]) == {names}
