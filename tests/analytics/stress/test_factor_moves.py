"""Moves of factors in scenarios, by hand and against the conditional normal distribution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.analytics.stress.factor_moves import (
    beyond_market,
    conditional_moves,
    direct_moves,
    factor_move,
    model_moves,
    model_yield_move,
)
from engine.analytics.stress.scenarios import scenario
from tests.analytics.stress.matrices import one_matrix

# Volatilities of 1 %, 2 % and 3 %; correlations of 0.5, 0.2 and 0.8.
COVARIANCE = np.array([[1.0, 1.0, 0.6], [1.0, 4.0, 4.8], [0.6, 4.8, 9.0]]) * 1e-4
MATRIX = one_matrix(("Market", "Value", "Growth"), COVARIANCE)


def moves(shocks: dict[str, float], rule: str) -> list[float]:
    return [float(factor_move(scenario("S", shocks), name, MATRIX, rule)[0]) for name in MATRIX.names]  # type: ignore[arg-type]


def test_a_factor_moves_by_the_sum_of_shocks_times_correlations() -> None:
    assert moves({"Value": 0.2, "Growth": -0.1}, "sum") == pytest.approx(
        [0.2 * 0.5 - 0.1 * 0.2, 0.2 - 0.1 * 0.8, 0.2 * 0.8 - 0.1]
    )


def test_a_shocked_factor_moves_by_its_shock_and_another_by_its_beta() -> None:
    # The market's beta to Value is cov / var = 1 / 4, Growth's 4.8 / 4.
    assert moves({"Value": 0.2}, "conditional") == pytest.approx([0.2 * 0.25, 0.2, 0.2 * 1.2])


def test_with_two_shocks_a_factor_moves_by_its_joint_regression() -> None:
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(3), COVARIANCE, 200)
    sample = one_matrix(MATRIX.names, np.cov(draws.T, ddof=0))
    slopes = np.linalg.lstsq(draws[:, 1:] - draws[:, 1:].mean(0), draws[:, 0] - draws[:, 0].mean())[0]
    found = conditional_moves({"Value": 0.2, "Growth": -0.1}, ["Market"], sample)["Market"]
    assert found[0] == pytest.approx(slopes @ [0.2, -0.1], rel=1e-10)
    assert moves({"Value": 0.2, "Growth": -0.1}, "conditional")[1:] == [0.2, -0.1]


def test_a_factor_without_a_fund_moves_by_its_own_shock_alone() -> None:
    assert conditional_moves({"Size Spread": 0.1, "Value": 0.2}, ["Size Spread"], MATRIX)[
        "Size Spread"
    ].tolist() == [0.1]
    assert conditional_moves({"Value": 0.2}, ["Size Spread"], MATRIX)["Size Spread"].tolist() == [0.0]
    assert conditional_moves({"Size Spread": 0.1}, ["Value"], MATRIX)["Value"].tolist() == [0.0]


def test_without_a_covariance_only_shocked_factors_move() -> None:
    none = one_matrix(("Market", "Value"), np.eye(2))
    zero = np.zeros((1, 2, 2))
    flat = type(none)(none.names, none.rho, zero, none.returns, none.factors, none.as_of)
    assert conditional_moves({"Value": 0.2}, ["Market"], flat)["Market"].tolist() == [0.0]
    assert conditional_moves({"Value": 0.2}, ["Value"], flat)["Value"].tolist() == [0.2]


def test_rates_do_not_enter_here() -> None:
    assert moves({"Interest_Rate": 0.01}, "sum") == moves({"Interest_Rate": 0.01}, "conditional") == [0, 0, 0]


def test_beyond_the_market_is_the_move_less_the_slope_times_the_market() -> None:
    # Value's slope on the market is 1.0 / 1.0, Growth's 0.6.
    assert beyond_market("Value", -0.3, -0.1, MATRIX).tolist() == pytest.approx([-0.2])
    assert beyond_market("Growth", -0.3, -0.1, MATRIX).tolist() == pytest.approx([-0.24])
    assert beyond_market("Size", -0.3, -0.1, MATRIX).tolist() == [-0.3]


def test_a_direct_move_is_the_shock_but_for_styles_beside_the_market() -> None:
    shocks = scenario("S", {"Market": -0.1, "Value": -0.3, "Size Spread": 0.1})
    assert direct_moves(shocks, MATRIX, "separate") == shocks.shocks
    joint = direct_moves(shocks, MATRIX, "joint")
    assert (joint["Market"], joint["Size Spread"]) == (-0.1, 0.1)
    assert joint["Value"] == pytest.approx([-0.2])
    alone = scenario("S", {"Value": -0.3})
    assert direct_moves(alone, MATRIX, "joint") == alone.shocks


def test_a_market_shock_moves_no_exposure_of_the_joint_model_but_the_market_s() -> None:
    shock = scenario("S", {"Market": -0.1})
    names = ("Market Beta (90D)", "Value", "Growth")
    found = [float(move[0]) for move in model_moves(shock, names, MATRIX).values()]
    assert found == pytest.approx([-0.1, 0.0, 0.0], abs=1e-15)


def test_a_style_shock_moves_the_market_and_the_rest_of_the_style() -> None:
    # Given Value +20 % the market moves by 0.2 / 4 = 5 %; what is left of Value is 20 % - 1.0 x 5 %.
    shock = scenario("S", {"Value": 0.2})
    moves = model_moves(shock, ("Market Beta (90D)", "Value", "Growth", "Size Spread"), MATRIX)
    expected = [0.05, 0.15, 0.24 - 0.6 * 0.05, 0.0]
    assert [float(move[0]) for move in moves.values()] == pytest.approx(expected)


# The market and TLT: volatilities of 1 % and 0.8 %, a correlation of -0.25; TLT has 16 years.
BONDS = replace(
    one_matrix(("Market", "Interest Rate"), np.array([[1.0, -0.2], [-0.2, 0.64]]) * 1e-4),
    duration=np.array([16.0]),
)


def test_a_rise_of_yields_is_a_fall_of_the_fund_that_moves_the_market_too() -> None:
    # TLT falls by 16 x 0.5 % = 8 %; the market is expected to move by -0.2 / 0.64 x -8 % = 2.5 %.
    shock = scenario("S", {"Interest_Rate": 0.005})
    assert model_moves(shock, ["Market Beta (90D)"], BONDS)["Market Beta (90D)"][0] == pytest.approx(0.025)
    # Of TLT's move the market explains -0.2 x 2.5 % = -0.5 %; -7.5 % are left, 7.5 / 16 % of yield.
    assert model_yield_move(shock, BONDS)[0] == pytest.approx(0.075 / 16)


def test_a_market_shock_moves_yields_by_no_more_than_the_market_s_part() -> None:
    assert model_yield_move(scenario("S", {"Market": -0.1}), BONDS)[0] == pytest.approx(0.0, abs=1e-15)
    both = scenario("S", {"Market": -0.1, "Interest_Rate": 0.005})
    # TLT -8 %, of which the market explains -0.2 x -10 % = 2 %: -10 % are left.
    assert model_yield_move(both, BONDS)[0] == pytest.approx(0.1 / 16)
    assert direct_moves(both, BONDS, "joint")["Interest_Rate"] == pytest.approx([0.1 / 16])


def test_where_the_fund_s_duration_is_unknown_yields_move_by_their_shock_alone() -> None:
    shock, unknown = scenario("S", {"Interest_Rate": 0.005}), replace(BONDS, duration=np.array([np.nan]))
    assert model_yield_move(shock, unknown).tolist() == [0.005]
    assert model_moves(shock, ["Market Beta (90D)"], unknown)["Market Beta (90D)"].tolist() == [0.0]
    assert model_yield_move(shock, replace(BONDS, names=("Market", "Value"))).tolist() == [0.005]
