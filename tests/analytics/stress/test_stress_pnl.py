"""Direct and correlated P&L of exposures, by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from engine.analytics.stress.scenarios import scenario
from engine.analytics.stress.stress_pnl import StressExposures, correlated_pnl, direct_pnl
from engine.core.rules import Rules
from tests.analytics.stress.matrices import one_matrix

CORRELATIONS = one_matrix(("Market", "Value"), np.array([[1.0, 0.5], [0.5, 1.0]]))
LEGACY = Rules.legacy()


def cell(factors: Mapping[str, float], rates: float = np.nan, base: float = 1e6) -> StressExposures:
    """The exposures of one portfolio and session, summed in the given order."""
    order = np.arange(len(factors))[:, None]
    usd = {name: np.array([value]) for name, value in factors.items()}
    return StressExposures(usd, order, np.array([rates]), np.array([base]), np.array([0]))


def pnl(shocks: dict[str, float], exposures: StressExposures) -> tuple[float, float]:
    shocked = scenario("Shock", shocks)
    correlated = correlated_pnl(shocked, exposures, CORRELATIONS, LEGACY)
    direct = direct_pnl(shocks, exposures)
    return direct.item(), correlated.item()


def test_the_direct_pnl_is_the_sum_of_exposures_times_shocks() -> None:
    held = cell({"Market Beta (90D)": 1000.0, "Value": -200.0}, rates=3000.0)
    shocks = {"Market": -0.1, "Value": 0.2, "Size": 0.3, "Interest_Rate": 0.01}
    assert pnl(shocks, held)[0] == pytest.approx(-100 - 40 + 0 + 30)


def test_the_correlated_pnl_moves_every_factor_held_but_the_market_beta() -> None:
    held = cell({"Market Beta (90D)": 1000.0, "Value": -200.0}, rates=3000.0)
    # Value moves by half of the market's shock; the exposure "Market Beta (90D)" correlates with nothing.
    assert pnl({"Market": -0.1, "Interest_Rate": 0.01}, held)[1] == pytest.approx(-200 * -0.05 + 30)
    assert pnl({"Market": -0.1, "Value": 0.2}, held)[1] == pytest.approx(-200 * (-0.05 + 0.2))


def test_a_spread_moves_with_its_own_shock_alone() -> None:
    held = cell({"Size Spread": 100.0, "Value": 50.0})
    assert pnl({"Size Spread": 0.1}, held)[1] == pytest.approx(10.0)


def test_without_rate_exposure_a_rate_shock_costs_nothing() -> None:
    assert pnl({"Interest_Rate": 0.01}, cell({"Value": 50.0})) == (0.0, 0.0)


def test_a_loss_is_limited_to_99_percent_of_the_base_and_a_gain_is_not() -> None:
    held = cell({"Value": 1000.0}, base=100.0)
    assert pnl({"Value": -0.5}, held) == (-99.0, -99.0)
    assert pnl({"Value": 0.5}, held) == (500.0, 500.0)
