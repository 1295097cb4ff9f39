"""Spread factors: differences of two funds' returns, one regression each, against statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from engine.analytics.factors.spreads import FUNDS, spread_factors, spread_returns
from engine.numerics.arrays import Floats
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates

SPREADS = {
    "Growth-Value Spread": ("VUG", "VTV"),
    "Momentum Spread": ("MTUM", "SPY"),
    "Size Spread": ("IWM", "SPY"),
    "Quality Spread": ("QUAL", "SPY"),
}
SYMBOLS = ("AAA", "IWM", "MTUM", "QUAL", "SPY", "VTV", "VUG")
MOVES = dict(zip(SYMBOLS, np.random.default_rng(4).normal(0, 0.01, (7, 64)), strict=True))


def run(moves: dict[str, Floats]) -> Any:
    panel = price_panel({symbol: [50.0, *(50 * np.cumprod(1 + r))] for symbol, r in moves.items()})
    ids = {name: name for name in SPREADS}
    lots = open_lots(lot("AAA", [50.0]))
    return spread_factors(panel, lots, portfolios([[100.0]]), window_dates(1), ids, "portfolio", "used")


def test_a_spread_is_the_long_fund_less_the_short_one() -> None:
    returns = {"VUG": 0.05, "VTV": 0.02, "MTUM": 0.01, "SPY": 0.03, "IWM": -0.02, "QUAL": 0.04}
    found = spread_returns(np.array([[returns[fund] for fund in FUNDS]]))
    assert found[0] == pytest.approx([0.05 - 0.02, 0.01 - 0.03, -0.02 - 0.03, 0.04 - 0.03])


def test_each_beta_is_a_regression_on_its_own_spread() -> None:
    found = run(MOVES).tables["position_factor_exposures"]
    betas = dict(found.select("factor_id", "exposure_value").iter_rows())
    for name, (long, short) in SPREADS.items():
        fit = sm.OLS(MOVES["AAA"], sm.add_constant(MOVES[long] - MOVES[short])).fit()
        assert betas[name] == pytest.approx(fit.params[1], rel=1e-9)


def test_one_fund_without_prices_leaves_no_spread_at_all() -> None:
    found = run({symbol: moves for symbol, moves in MOVES.items() if symbol != "QUAL"})
    assert found.status["reason"].to_list() == ["no_spread_data"]
    assert found.tables["factor_exposures"].is_empty()


@pytest.mark.parametrize(("returns", "status"), [(60, "ok"), (59, "skipped")])
def test_a_spread_needs_60_returns(returns: int, status: str) -> None:
    found = run({symbol: moves[:returns] for symbol, moves in MOVES.items()})
    assert found.status["status"].to_list() == [status]


def test_without_any_fund_the_job_fails() -> None:
    assert run({"AAA": MOVES["AAA"]}).status["reason"].to_list() == ["no_etf_data"]
