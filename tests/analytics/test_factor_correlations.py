"""Correlations of the factor funds, on closes whose outcome NumPy or arithmetic gives."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import polars as pl

from engine.analytics.stress.factor_correlations import factor_correlations

RUN_DATE = date(2025, 5, 9)
RHO_TOLERANCE = 1e-12
"""The same sums in another order."""


def test_without_any_close_there_is_no_factor() -> None:
    none = pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "close": pl.Decimal(12, 4)})
    found = factor_correlations(none, RUN_DATE, (-0.95, 0.95))
    assert (found.names, found.rho.shape, found.returns) == ((), (0, 0), 0)


def test_a_day_without_a_return_of_some_fund_counts_for_none() -> None:
    """Two closes of 0 in a row: that day's return is NaN; the day before lost all, the next is infinite."""
    days = [RUN_DATE - timedelta(days=n) for n in range(40, 0, -1)]
    move = np.random.default_rng(2).normal(0, 0.01, (40, 2)).cumsum(axis=0)
    close = np.column_stack([np.exp(move), np.exp(move.sum(axis=1))])
    close[20:22, 2] = 0.0
    funds = ("SPY", "IWM", "TLT")
    rows = [pl.DataFrame({"symbol": f, "date": days, "close": close[:, n]}) for n, f in enumerate(funds)]
    found = factor_correlations(pl.concat(rows), RUN_DATE, (-0.95, 0.95))
    kept = np.delete(close[1:, :2] / close[:-1, :2] - 1.0, 20, axis=0)
    covariance = np.cov(kept.T, aweights=0.94 ** np.arange(38, 0, -1), ddof=0)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.returns == 38
    assert math.isclose(found.between("Market", "Size"), expected, abs_tol=RHO_TOLERANCE)
    assert found.between("Market", "Interest Rate") == 0.0


def test_bounds_of_the_scenario_file_cut_correlations() -> None:
    days = [RUN_DATE - timedelta(days=n) for n in range(60)]
    price = 100 * np.exp(np.random.default_rng(1).normal(0, 0.01, 60).cumsum())
    rows = [
        pl.DataFrame({"symbol": [fund] * 60, "date": days, "close": close})
        for fund, close in (("SPY", price), ("IWM", price), ("TLT", 1 / price))
    ]
    found = factor_correlations(pl.concat(rows), RUN_DATE, (-0.2, 0.4))
    assert found.names == ("Market", "Size", "Interest Rate")
    assert found.rho.tolist() == [[1.0, 0.4, -0.2], [0.4, 1.0, -0.2], [-0.2, -0.2, 1.0]]
