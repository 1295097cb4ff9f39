"""The job of risk contributions on closes of a few symbols, against NumPy and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.covariance import LedoitWolf

from engine.analytics.factors.attribution import FACTORS
from engine.analytics.factors.joint import FUNDS, joint_betas
from engine.analytics.job_result import JobResult
from engine.analytics.risk.risk import BY_FACTOR, BY_POSITION, TABLE, risk
from engine.analytics.stress.factor_correlations import session_correlations
from tests.analytics.factors.test_joint import CLOSES
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates

NAMES = ("AAA", "VTV")


def run(
    *lots: dict[str, Any], closes: dict[str, Any] = CLOSES, equity: float = 1_000.0, market: float = 1.2
) -> JobResult:
    """Risk in the last session, with the same beta to the market for every symbol that has closes."""
    panel, dates = price_panel(closes), window_dates(1)
    positions = open_lots(*lots)
    joint = joint_betas(panel, positions.frame["symbol"], "used")
    slopes = np.where(np.isfinite(joint.specific), market, np.nan)
    correlations = session_correlations(panel, dates.to_list(), (-1.0, 1.0))
    return risk(positions, portfolios([[equity]]), dates, slopes, joint, correlations)


def test_the_volatility_is_that_of_betas_and_residuals() -> None:
    found = run(lot("AAA", [600.0]), lot("VTV", [-200.0]))
    returns = np.column_stack([np.diff(CLOSES[fund]) / CLOSES[fund][:-1] for fund in FUNDS])
    funds = LedoitWolf().fit(returns).covariance_
    slope = funds[1:, 0] / funds[0, 0]
    beside = np.eye(8)
    beside[1:, 0] = -slope
    cov = beside @ funds @ beside.T
    panel = price_panel(CLOSES)
    joint = joint_betas(panel, pl.Series(NAMES), "used")
    at = [panel.index[name] for name in NAMES]
    betas = np.vstack((np.full(2, 1.2), joint.betas[0][:, at]))
    w = np.array([0.6, -0.2])
    variance = w @ betas.T @ cov @ betas @ w + w**2 @ joint.specific[0, at]
    assert found.tables[TABLE]["volatility"].item() == pytest.approx(np.sqrt(252 * variance), rel=1e-9)
    factors = found.tables[BY_FACTOR]
    assert factors["factor"].to_list() == [*FACTORS, "specific"]
    assert factors["exposure"].to_list()[:-1] == pytest.approx(betas @ w, rel=1e-9)
    assert factors["volatility"].to_list()[:-1] == pytest.approx(np.sqrt(252 * np.diag(cov)), rel=1e-9)
    positions = found.tables[BY_POSITION]
    for parts in (factors, positions):
        assert parts["contribution"].sum() == pytest.approx(np.sqrt(252 * variance), abs=1e-12)
    assert positions["weight"].to_list() == [0.6, -0.2]


def test_lots_of_a_symbol_share_their_specific_move() -> None:
    whole = run(lot("AAA", [600.0])).tables[TABLE]
    halves = run(lot("AAA", [250.0], name="a"), lot("AAA", [350.0], name="b")).tables[TABLE]
    assert halves["volatility"].item() == pytest.approx(whole["volatility"].item(), rel=1e-14)


def test_a_lot_without_betas_has_no_part_and_lowers_the_coverage() -> None:
    found = run(lot("AAA", [600.0]), lot("NONE", [600.0]))
    assert found.tables[BY_POSITION].height == 1
    assert found.tables[TABLE].equals(run(lot("AAA", [600.0])).tables[TABLE])
    assert found.status.select("status", "reason", "coverage").row(0) == ("partial", "low_coverage", 0.5)


def test_a_fund_without_closes_is_no_factor() -> None:
    fewer = {symbol: closes for symbol, closes in CLOSES.items() if symbol != "IWM"}
    factors = run(lot("AAA", [600.0]), closes=fewer).tables[BY_FACTOR]
    assert "size" not in factors["factor"]
    assert factors.height == 8


SHORT = {symbol: closes[-20:] for symbol, closes in CLOSES.items()}
FLAT = CLOSES | {"SPY": np.full(91, 100.0)}
NO_MARKET = {symbol: closes for symbol, closes in CLOSES.items() if symbol != "SPY"}


@pytest.mark.parametrize(
    ("lots", "settings", "reason"),
    [
        ([lot("AAA", [600.0])], {"equity": 0.0}, "equity_not_positive"),
        ([lot("AAA", [600.0], deleted=True)], {}, "no_active_positions"),
        ([lot("AAA", [600.0])], {"closes": FLAT}, "no_risk_model"),
        ([lot("AAA", [600.0])], {"closes": NO_MARKET}, "no_factor_covariance"),
        ([lot("AAA", [600.0])], {"closes": SHORT}, "no_factor_covariance"),
        ([lot("NONE", [600.0])], {}, "no_risk_model"),
        ([lot("AAA", [0.0])], {}, "no_predicted_risk"),
    ],
)
def test_a_portfolio_without_figures_says_why(
    lots: list[dict[str, Any]], settings: dict[str, Any], reason: str
) -> None:
    found = run(*lots, **settings)
    assert found.status["reason"].to_list() == [reason]
    assert all(found.tables[name].is_empty() for name in (TABLE, BY_FACTOR, BY_POSITION))
