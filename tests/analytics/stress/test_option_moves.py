"""Options in scenarios: full revaluation against prices written out."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analytics.stress.option_moves import OptionCells
from engine.analytics.stress.scenarios import scenario
from engine.analytics.stress.stress_pnl import StressExposures, correlated_pnl, direct_pnl
from engine.core.rules import Rules
from tests.analytics.positions.test_option_greeks import price
from tests.analytics.stress.matrices import one_matrix

MARKET = "Market Beta (90D)"
SHARES, SPOT, STRIKE, YEARS, VOLATILITY = -300.0, 100.0, 95.0, 0.25, 0.4


def worth(spot: float) -> float:
    """A put, by the formula."""
    return price(spot, STRIKE, YEARS, VOLATILITY, 0.0, False)


DELTA = (worth(SPOT + 1e-4) - worth(SPOT - 1e-4)) / 2e-4


def one(value: float) -> np.ndarray:
    return np.array([value])


def cells(beta: float, options: bool = True, base: float = 1e9) -> StressExposures:
    """A portfolio of one short put whose underlying has a beta; the exposure is the delta's."""
    terms = (one(SHARES), one(SPOT), one(STRIKE), one(YEARS), one(VOLATILITY), one(0.0), np.array([False]))
    now = one(worth(SPOT)), one(DELTA)
    own = OptionCells(np.array([0]), *terms, {MARKET: one(beta)}, one(np.nan), *now)
    held = {MARKET: one(SHARES * DELTA * SPOT * beta)}
    number = np.array([0])
    return StressExposures(held, number[:, None], one(np.nan), one(base), number, own if options else None)


def test_the_pnl_is_that_of_full_revaluation() -> None:
    found = direct_pnl({"Market": -0.1}, cells(1.2))
    assert found.item() == pytest.approx(SHARES * (worth(SPOT * 0.88) - worth(SPOT)), rel=1e-8)
    linear = direct_pnl({"Market": -0.1}, cells(1.2, options=False))
    assert linear.item() == pytest.approx(-0.12 * SHARES * DELTA * SPOT)
    assert found < linear  # a short option loses more than its delta


def test_an_underlying_falls_to_0_at_most() -> None:
    found = direct_pnl({"Market": -0.9}, cells(1.5))
    linear = -1.35 * SHARES * DELTA * SPOT
    beyond = SHARES * (STRIKE - worth(SPOT) - DELTA * SPOT * -1.35)
    assert found.item() == pytest.approx(linear + beyond)


def test_the_loss_is_limited_after_the_revaluation() -> None:
    assert direct_pnl({"Market": -0.1}, cells(1.2, base=100.0)).item() == -99.0


def test_a_correlated_pnl_moves_the_underlying_by_all_its_factors() -> None:
    matrix = one_matrix(("Market", "Value"), np.array([[1.0, 0.5], [0.5, 1.0]]) * 1e-4)
    rules = Rules.parse("legacy,factor_model=joint,unshocked_factors=conditional,options=greeks")
    # Given Value +20 % the market rises by 10 %, the underlying with its beta of 1.2 by 12 %.
    found = correlated_pnl(scenario("S", {"Value": 0.2}), cells(1.2), matrix, rules)
    assert found.item() == pytest.approx(SHARES * (worth(SPOT * 1.12) - worth(SPOT)), rel=1e-8)


def test_rates_move_an_underlying_too() -> None:
    held = cells(0.0)
    bond = held.options._replace(rates=one(-16.0))
    rates = one(SHARES * DELTA * SPOT * -16.0)
    exposures = StressExposures(held.factors, held.order, rates, held.base, held.matrix, bond)
    found = direct_pnl({"Interest_Rate": 0.005}, exposures)
    assert found.item() == pytest.approx(SHARES * (worth(SPOT * 0.92) - worth(SPOT)), rel=1e-8)
