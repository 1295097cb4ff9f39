"""Correlations of factors against NumPy's weighted covariance, and by arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.covariance import OAS, LedoitWolf

from engine.analytics.stress.factor_correlations import (
    FactorCorrelations,
    factor_correlations,
    session_correlations,
)
from engine.numerics.arrays import Floats
from tests.analytics.small import price_panel, window_dates

RUN_DATE = date(2025, 6, 30)
WIDE = (-1.0, 1.0)
MOVES = np.random.default_rng(9).normal(0, 0.01, (3, 40))
MOVES[1] += MOVES[0]


def closes(moves: Floats) -> list[float]:
    return [100.0, *(100 * np.cumprod(1 + moves))]


FUNDS = {"SPY": closes(MOVES[0]), "VTV": closes(MOVES[1]), "TLT": closes(MOVES[2])}


def run(funds: Mapping[str, Sequence[float | None]], bounds: Any = WIDE, **other: Any) -> FactorCorrelations:
    """Closes of funds on consecutive days; None is a day without one."""
    rows = [
        (fund, RUN_DATE - timedelta(len(prices) - number), price)
        for fund, prices in funds.items()
        for number, price in enumerate(prices)
        if price is not None
    ]
    schema = {"symbol": pl.String(), "date": pl.Date(), "close": pl.Float64()}
    return factor_correlations(pl.DataFrame(rows, schema=schema, orient="row"), RUN_DATE, bounds, **other)


def weighted(moves: Floats, decay: float) -> Floats:
    """Correlations with weights that fall by `decay` a day into the past."""
    weights = decay ** np.arange(moves.shape[1])[::-1]
    cov = np.cov(moves, aweights=weights)
    size = np.sqrt(np.diag(cov))
    return np.asarray(cov / np.outer(size, size))


def test_correlations_are_weighted_with_a_decay_of_094() -> None:
    found = run(FUNDS)
    assert (found.names, found.returns, found.as_of) == (
        ("Market", "Value", "Interest Rate"),
        [40],
        (RUN_DATE,),
    )
    assert found.rho[0] == pytest.approx(weighted(MOVES, 0.94), abs=1e-12)
    assert np.diag(found.rho[0]).tolist() == [1.0] * 3


def test_after_a_half_life_a_weight_has_halved() -> None:
    assert run(FUNDS, half_life=10.0).rho[0] == pytest.approx(weighted(MOVES, 0.5**0.1), abs=1e-12)


def test_a_day_on_which_one_fund_has_no_close_is_skipped_for_all() -> None:
    gappy = dict(FUNDS, TLT=[None if day == 20 else price for day, price in enumerate(FUNDS["TLT"])])
    joined = np.array([np.delete(prices, 20) for prices in FUNDS.values()])
    found = run(gappy)
    assert found.returns == 39
    assert found.rho[0] == pytest.approx(weighted(joined[:, 1:] / joined[:, :-1] - 1, 0.94), abs=1e-12)


def test_correlations_off_the_diagonal_are_limited() -> None:
    twin = dict(FUNDS, VTV=FUNDS["SPY"])
    found = run(twin, (-0.95, 0.95))
    assert (found.rho[0, 0, 1], found.rho[0, 0, 0]) == (0.95, 1.0)


def test_under_30_returns_and_for_a_flat_fund_they_are_0() -> None:
    assert run({fund: prices[:31] for fund, prices in FUNDS.items()}).rho[0, 0, 1] != 0
    short = run({fund: prices[:30] for fund, prices in FUNDS.items()})
    assert short.returns == 29
    assert np.array_equal(short.rho[0], np.eye(3))
    assert run(dict(FUNDS, VTV=[7.0] * 41)).rho[0, 1].tolist() == [0.0, 1.0, 0.0]


def test_factors_without_a_fund_correlate_with_themselves_alone() -> None:
    found = run(FUNDS)
    assert found.between("Market", "Value") == found.rho[0, 0, 1]
    assert (found.between("Size", "Size"), found.between("Size", "Value")) == (1.0, 0.0)


def test_without_any_close_there_is_no_factor() -> None:
    none = pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "close": pl.Decimal(12, 4)})
    found = factor_correlations(none, RUN_DATE, (-0.95, 0.95))
    assert (found.names, found.rho.shape, found.returns) == ((), (1, 0, 0), [0])


def test_a_day_without_a_return_of_some_fund_counts_for_none() -> None:
    """Two closes of 0 in a row: that day's return is NaN; the day before lost all, the next is infinite."""
    move = np.random.default_rng(2).normal(0, 0.01, (40, 2)).cumsum(axis=0)
    close = np.column_stack([np.exp(move), np.exp(move.sum(axis=1))])
    close[20:22, 2] = 0.0
    found = run(dict(zip(("SPY", "IWM", "TLT"), close.T.tolist(), strict=True)), (-0.95, 0.95))
    expected = weighted(np.delete(close[1:, :2] / close[:-1, :2] - 1.0, 20, axis=0).T, 0.94)[0, 1]
    assert found.returns == 38
    assert found.between("Market", "Size") == pytest.approx(expected, abs=1e-12)
    assert found.between("Market", "Interest Rate") == 0.0


def test_bounds_of_the_scenario_file_cut_correlations() -> None:
    price = 100 * np.exp(np.random.default_rng(1).normal(0, 0.01, 60).cumsum())
    found = run({"SPY": price.tolist(), "IWM": price.tolist(), "TLT": (1 / price).tolist()}, (-0.2, 0.4))
    assert found.names == ("Market", "Size", "Interest Rate")
    assert found.rho[0].tolist() == [[1.0, 0.4, -0.2], [0.4, 1.0, -0.2], [-0.2, -0.2, 1.0]]


def of_sessions(funds: Mapping[str, Sequence[float]], sessions: int, **other: Any) -> FactorCorrelations:
    panel = price_panel({**funds, "ABC": funds["SPY"]}, sessions)
    return session_correlations(panel, window_dates(sessions).to_list(), WIDE, **other)


@pytest.mark.parametrize(("estimate", "estimator"), [("session", LedoitWolf), ("session_oas", OAS)])
def test_covariances_of_a_session_are_those_of_scikit_learn_up_to_it(estimate: Any, estimator: Any) -> None:
    found = of_sessions(FUNDS, 3, estimate=estimate)
    assert found.names == ("Market", "Value", "Interest Rate")
    assert found.returns.tolist() == [38, 39, 40]
    for number, covariance in enumerate(found.covariance):
        expected = estimator().fit(MOVES[:, : 38 + number].T).covariance_
        assert covariance == pytest.approx(expected, rel=1e-10)
        size = np.sqrt(np.diag(expected))
        assert found.rho[number] == pytest.approx(expected / np.outer(size, size), rel=1e-10)


def test_with_a_half_life_they_are_weighted() -> None:
    found = of_sessions(FUNDS, 2, half_life=10.0)
    for number in (0, 1):
        assert found.rho[number] == pytest.approx(weighted(MOVES[:, : 39 + number], 0.5**0.1), abs=1e-12)


def test_later_closes_change_no_session() -> None:
    later = {fund: [*prices[:-1], 2 * prices[-1]] for fund, prices in FUNDS.items()}
    one, other = of_sessions(FUNDS, 3), of_sessions(later, 3)
    assert np.array_equal(one.covariance[:2], other.covariance[:2])
    assert not np.array_equal(one.covariance[2], other.covariance[2])


def test_a_fund_without_closes_in_a_look_back_has_no_covariance_there() -> None:
    young = dict(FUNDS, TLT=[*[np.nan] * 40, 100.0])
    found = of_sessions(young, 2)
    assert found.factors.tolist() == [2, 3]
    assert found.returns.tolist() == [39, 0]
    assert found.covariance[0, 2].tolist() == [0.0, 0.0, 0.0]
    assert found.covariance[0, 0, 0] > 0
    assert not found.covariance[1].any()
    assert np.array_equal(found.rho[1], np.eye(3))
