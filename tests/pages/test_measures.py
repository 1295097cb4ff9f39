"""Figures that a page computes, against arithmetic by hand, pandas and SciPy."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from engine.reports.measures.clusters import cluster_order, correlation_matrix
from engine.reports.measures.forecasts import HORIZON, ForecastScore, outcomes, score
from engine.reports.measures.growth import drawdowns, growth

FIRST = date(2025, 3, 3)
SAME = 1e-12
"""Products in another order."""


def days(number: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(number)]


def returns(*values: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"date": days(len(values)), "daily_return": values}, schema_overrides={"daily_return": pl.Float64}
    )


def test_growth_compounds_returns_and_skips_missing_ones() -> None:
    grown = growth(returns(0.10, None, -0.20, 0.25))
    assert grown["index"].to_list() == pytest.approx([1.1, None, 0.88, 1.1], abs=SAME)
    assert grown["drawdown"].to_list() == pytest.approx([0.0, None, -0.2, 0.0], abs=SAME)


def test_a_fall_in_the_first_session_is_a_drawdown_from_the_start() -> None:
    assert growth(returns(-0.05, 0.01))["drawdown"][0] == pytest.approx(-0.05)


def test_a_loss_beyond_the_whole_counts_as_the_whole() -> None:
    grown = growth(returns(0.5, -1.7, 0.3))
    assert grown["index"].to_list() == [1.5, 0.0, 0.0]
    assert grown["drawdown"].to_list() == [0.0, -1.0, -1.0]


def test_growth_agrees_with_pandas() -> None:
    values = np.random.default_rng(5).normal(0, 0.02, 250)
    grown = growth(returns(*values))
    index = (1 + pd.Series(values)).cumprod()
    peak = index.cummax().clip(lower=1.0)
    assert np.allclose(grown["drawdown"], index / peak - 1, atol=SAME, rtol=0)


def test_drawdowns_are_the_deepest_first_and_know_when_they_ended() -> None:
    grown = growth(returns(0.1, -0.1, 0.2, -0.5, 0.5, -0.01))
    deepest = drawdowns(grown, 5).to_dicts()
    day = days(6)
    assert [row["depth"] for row in deepest] == pytest.approx([-0.5, -0.1])
    assert deepest[0] | {"depth": 0} == {
        "fell": day[3],
        "trough": day[3],
        "depth": 0,
        "recovered": None,
        "sessions": 3,
    }
    assert (deepest[1]["fell"], deepest[1]["recovered"], deepest[1]["sessions"]) == (day[1], day[2], 1)


def volatilities(number: int) -> pl.DataFrame:
    values = [0.10 + 0.01 * n for n in range(number)]
    return pl.DataFrame(
        {"date": days(number), "realized_volatility_21d": values, "expected_volatility_21d": [0.2] * number}
    )


def test_a_forecast_is_compared_with_the_figure_21_sessions_later() -> None:
    compared = outcomes(volatilities(HORIZON + 2))
    assert compared["outcome"].to_list()[:3] == [
        pytest.approx(0.10 + 0.01 * HORIZON),
        pytest.approx(0.10 + 0.01 * (HORIZON + 1)),
        None,
    ]


def test_the_score_of_forecasts_is_hand_arithmetic() -> None:
    accuracy = score(outcomes(volatilities(HORIZON + 2)))
    # outcomes 0.31 and 0.32; forecasts 0.20; figures of the day 0.10 and 0.11
    assert accuracy == ForecastScore(2, pytest.approx(-0.115), pytest.approx(0.115), pytest.approx(0.21), 1.0)
    assert score(outcomes(volatilities(HORIZON))) is None


def test_symbols_that_move_together_stand_together() -> None:
    """Two shuffled groups: the order keeps each together, as SciPy's own clusters do."""
    generator = np.random.default_rng(11)
    common = generator.normal(size=(2, 400))
    block = generator.permutation(np.repeat([0, 1], 6))
    rho = np.corrcoef(common[block] + 0.7 * generator.normal(size=(12, 400)))
    order = cluster_order(rho)
    assert sorted(order) == list(range(12))
    tree = linkage(squareform(1 - rho, checks=False), "average")
    clusters = fcluster(tree, 2, "maxclust")[order]
    assert np.count_nonzero(np.diff(clusters)) == 1
    assert np.count_nonzero(np.diff(block[order])) == 1


def test_undefined_correlations_do_not_break_the_order() -> None:
    rho = np.array([[1.0, np.nan, 0.9], [np.nan, np.nan, np.nan], [0.9, np.nan, 1.0]])
    assert abs(cluster_order(rho).index(0) - cluster_order(rho).index(2)) == 1
    assert cluster_order(np.ones((2, 2))) == [0, 1]


def test_the_matrix_is_scattered_by_symbol() -> None:
    pairs = pl.DataFrame(
        {
            "symbol_1": ["B", "A", "A", "B"],
            "symbol_2": ["A", "B", "A", "B"],
            "correlation_value": [0.5, 0.5, 1.0, 1.0],
        }
    )
    symbols, square = correlation_matrix(pairs)
    assert symbols == ["A", "B"]
    assert square.tolist() == [[1.0, 0.5], [0.5, 1.0]]
