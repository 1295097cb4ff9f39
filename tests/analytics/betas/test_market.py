"""Market beta: positions against statsmodels, portfolios by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from engine.analytics.betas.market import fund_betas, market_beta
from engine.core.job_catalog import MARKET_BETA
from engine.core.rules import StaleFigures
from engine.numerics.arrays import Floats
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates
from tests.builders import uid

MARKET, NOISE = np.random.default_rng(5).normal(0, 0.01, (2, 40))
MOVES = {"SPY": MARKET, "TWO": 2 * MARKET, "ONE": MARKET, "STEEP": -7 * MARKET, "OWN": 0.5 * MARKET + NOISE}


def levels(moves: Floats) -> list[float]:
    return [50.0, *(50 * np.cumprod(1 + moves))]


CLOSES = {symbol: levels(moves) for symbol, moves in MOVES.items()} | {"FLAT": [9.0] * 41}


def run(
    *lots: dict[str, Any],
    equity: float = 100.0,
    factor: str | None = "F",
    closes: dict[str, list[float]] = CLOSES,
    stale: StaleFigures = "used",
) -> Any:
    panel = price_panel(closes)
    return market_beta(panel, open_lots(*lots), portfolios([[equity]]), window_dates(1), factor, stale)


def snapshot(*lots: dict[str, Any]) -> tuple[float, float, int]:
    row = run(*lots).snapshot.row(0, named=True)
    figures = ("", "_r_squared", "_observations")
    beta, r_squared, observations = (row[f"beta_calculated_90d{name}"] for name in figures)
    return beta, r_squared, observations


def test_a_positions_figures_are_those_of_a_regression_on_spy() -> None:
    row = run(lot("OWN", [10.0])).tables["position_market_betas"].row(0, named=True)
    fit = sm.OLS(MOVES["OWN"], sm.add_constant(MARKET)).fit()
    assert row["beta"] == pytest.approx(fit.params[1], rel=1e-9)
    assert row["alpha"] == pytest.approx(fit.params[0], rel=1e-9)
    assert row["r_squared"] == pytest.approx(fit.rsquared, rel=1e-9)
    assert row["std_error"] == pytest.approx(fit.bse[1], rel=1e-9)
    assert row["p_value"] == pytest.approx(fit.pvalues[1], rel=1e-6)
    assert (row["observations"], row["window_days"], row["market_index"]) == (40, 90, "SPY")


def test_betas_are_capped_and_missing_without_a_price() -> None:
    fit = fund_betas(
        price_panel(CLOSES), open_lots(lot("STEEP", [1.0]), lot("NONE", [1.0])), "SPY", MARKET_BETA, "used"
    )
    assert fit.slope[0, 0] == -5.0
    assert fit.fitted.tolist() == [[True, False]]


def test_a_symbol_without_a_close_in_the_session_has_a_beta_or_none() -> None:
    gone = CLOSES | {"OWN": [*CLOSES["OWN"][:-1], np.nan]}
    lots = lot("OWN", [10.0]), lot("TWO", [10.0])
    assert run(*lots, closes=gone).tables["position_market_betas"].height == 2
    refused = run(*lots, closes=gone, stale="refused")
    assert refused.tables["position_market_betas"].height == 1
    assert refused.tables["factor_exposures"]["exposure_value"].item() == pytest.approx(10 * 2 / 100)
    assert refused.status.select("positions_used", "positions_left_out").rows() == [(1, 1)]


def test_without_a_close_of_spy_in_the_session_every_beta_is_stale() -> None:
    gone = CLOSES | {"SPY": [*CLOSES["SPY"][:-1], np.nan]}
    assert run(lot("TWO", [10.0]), closes=gone).status["status"].to_list() == ["ok"]
    assert run(lot("TWO", [10.0]), closes=gone, stale="refused").status["reason"].to_list() == ["no_betas"]


@pytest.mark.parametrize(("returns", "fitted"), [(30, True), (29, False)])
def test_a_beta_needs_30_returns(returns: int, fitted: bool) -> None:
    panel = price_panel({name: CLOSES[name][-returns - 1 :] for name in ("SPY", "OWN")})
    assert fund_betas(panel, open_lots(lot("OWN", [1.0])), "SPY", MARKET_BETA, "used").fitted.item() is fitted


def test_a_portfolios_beta_is_weighted_by_signed_values_over_equity() -> None:
    beta, r_squared, observations = snapshot(lot("TWO", [80.0]), lot("ONE", [-30.0]), lot("NONE", [50.0]))
    assert beta == pytest.approx(0.8 * 2 - 0.3 * 1, rel=1e-9)  # NONE counts as 0
    assert r_squared == pytest.approx(1.0, rel=1e-9)
    assert observations == 40


def test_its_r_squared_is_weighted_by_absolute_values() -> None:
    own = sm.OLS(MOVES["OWN"], sm.add_constant(MARKET)).fit().rsquared
    assert snapshot(lot("OWN", [-30.0]), lot("TWO", [10.0]))[1] == pytest.approx(
        (30 * own + 10) / 40, rel=1e-9
    )
    assert snapshot(lot("TWO", [0.0]))[:2] == (0.0, 0.0)


def test_a_price_that_never_moves_has_a_beta_of_0_and_no_r_squared() -> None:
    beta, r_squared, _ = snapshot(lot("FLAT", [50.0]), lot("TWO", [50.0]))
    assert beta == pytest.approx(0.5 * 2, rel=1e-9)
    assert np.isnan(r_squared)


@pytest.mark.parametrize(
    ("one", "equity", "reason"),
    [
        (lot("TWO", [1.0]), 0.0, "equity_not_positive"),
        (lot("TWO", [1.0]), np.nan, "equity_not_positive"),
        (lot("TWO", [1.0], deleted=True), 1.0, "no_active_positions"),
        (lot("NONE", [1.0]), 1.0, "no_betas"),
    ],
)
def test_the_job_says_why_it_has_no_beta(one: dict[str, Any], equity: float, reason: str) -> None:
    found = run(one, equity=equity)
    assert found.status["reason"].to_list() == [reason]
    assert found.snapshot.is_empty()
    assert found.tables["position_market_betas"].is_empty()


def test_the_exposure_is_beta_times_equity_if_the_factor_has_a_definition() -> None:
    rows = run(lot("TWO", [80.0]), factor=uid("F")).tables["factor_exposures"]
    assert rows["exposure_dollar"].to_list() == [160.0]
    assert run(lot("TWO", [80.0]), factor=None).tables["factor_exposures"].is_empty()
