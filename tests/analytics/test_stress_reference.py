"""The stress job against the slow reference, portfolio by portfolio, on random worlds.

Invariants: the same rows, each stored cell equal, JSON numbers to 1e-12; the same ends; a
portfolio alone equals itself among others.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.stress.factor_correlations import factor_correlations
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows
from tests.marks import first
from tests.reference.analytics import FactorExposure, stress
from tests.reference.analytics.comparison import json_equal

from .stress_worlds import DATES, RUN_DATE, StressWorld, draw_stress_world

SEEDS = range(40)
TABLE = TABLES["stress_test_results"]
FIGURES = ("direct_pnl", "correlated_pnl", "correlation_effect")
RHO_TOLERANCE = 1e-12
"""The same sums in another order."""
RUN_DATE_STAMP = datetime(2025, 5, 9, tzinfo=UTC)


def expected(world: StressWorld) -> tuple[dict[tuple[Any, ...], dict[str, Any]], dict[tuple[str, date], str]]:
    rows, ends = {}, {}
    for portfolio in world.ids:
        betas = tuple(world.betas)
        for session, day in enumerate(DATES):
            book = world.book(portfolio, session)
            result = stress(book, tuple(world.exposures[portfolio]), betas, world.scenarios, world.matrix)
            ends[portfolio, day] = result.outcome.reason or ""
            for row in result.rows.get(TABLE.name, []):
                rows[portfolio, row["scenario_id"], day] = row
    return rows, ends


@pytest.mark.parametrize("seed", first(8, SEEDS))
def test_random_worlds_equal_the_reference(seed: int) -> None:
    world = draw_stress_world(seed)
    rows, ends = expected(world)
    outcome = world.case().run()
    ours = stored_rows(TABLE, outcome.tables[TABLE.name], RUN_DATE_STAMP)
    assert ours.height == len(rows)
    for row in ours.to_dicts():
        theirs = rows[row["portfolio_id"], row["scenario_id"], row["calculation_date"]]
        assert {name: row[name] for name in FIGURES} == {name: theirs[name] for name in FIGURES}
        assert json_equal(json.loads(row["factor_impacts"]), theirs["factor_impacts"])
        assert json.loads(row["calculation_metadata"]) == theirs["calculation_metadata"]
    told = {(r["portfolio_id"], r["calculation_date"]): r["reason"] or "" for r in outcome.status.to_dicts()}
    assert told == ends


@pytest.mark.parametrize("seed", first(8, SEEDS))
def test_factor_correlations_equal_the_reference(seed: int) -> None:
    world = draw_stress_world(seed)
    ours, theirs = world.case().correlations, world.matrix
    assert set(ours.names) == set(theirs.rho.columns)
    assert (ours.returns, ours.as_of) == (theirs.days, theirs.date)
    for a in ours.names:
        for b in ours.names:
            assert math.isclose(ours.between(a, b), theirs.rho.loc[a, b], abs_tol=RHO_TOLERANCE)


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


@pytest.mark.parametrize("seed", first(8, SEEDS))
def test_a_portfolio_alone_has_the_bits_that_it_has_among_others(seed: int) -> None:
    case = draw_stress_world(seed).case()
    among = case.rows()
    for number, portfolio in enumerate(case.portfolios.ids):
        assert among.filter(pl.col("portfolio_id") == portfolio).equals(case.alone(number).rows())


def ends_inside(exposures: list[FactorExposure], day: date) -> bool:
    """Whether the newest fifty end inside a date that holds the newest row of some factor."""
    past = sorted((e for e in exposures if e.date <= day), key=lambda e: e.date, reverse=True)
    if len(past) <= 50 or past[49].date != past[50].date:
        return False
    newer = {e.factor for e in past if e.date > past[49].date}
    return any(e.factor not in newer for e in past if e.date == past[49].date)


def test_worlds_hold_what_goes_wrong() -> None:
    """The draws reach each branch: else the tests above would prove less than they say."""
    worlds = [draw_stress_world(seed) for seed in SEEDS]
    days = [sorted({e.date for e in rows}) for w in worlds for rows in w.exposures.values()]
    assert any(not found for found in days)
    assert any(len(rows) > 100 for w in worlds for rows in w.exposures.values())
    assert sum(ends_inside(rows, day) for w in worlds for rows in w.exposures.values() for day in DATES) > 20
    exposures = [e for w in worlds for rows in w.exposures.values() for e in rows]
    assert {None, Decimal(0)} <= {e.dollars for e in exposures}
    assert {len(w.closes) for w in worlds} == {8, 7, 2}
    assert {w.matrix.days < 30 for w in worlds} == {True, False}
    ages = {(d - b.date).days for w in worlds for b in w.betas for d in DATES}
    assert {7, 8} <= ages
