"""Ridge factors against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from engine.analytics.factors.ridge import ridge_factors, style_returns
from engine.numerics.arrays import Floats
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates

STYLES = {
    "Size": "IWM",
    "Momentum": "MTUM",
    "Quality": "QUAL",
    "Low Volatility": "USMV",
    "Value": "VTV",
    "Growth": "VUG",
}
MOVES = dict(zip(("AAA", *STYLES.values()), np.random.default_rng(8).normal(0, 0.01, (7, 40)), strict=True))


def run(moves: dict[str, Floats]) -> Any:
    panel = price_panel({symbol: [50.0, *(50 * np.cumprod(1 + r))] for symbol, r in moves.items()})
    ids = {name: name for name in STYLES}
    lots = open_lots(lot("AAA", [50.0]))
    return ridge_factors(panel, lots, portfolios([[100.0]]), window_dates(1), ids, "portfolio", "used")


def betas(moves: dict[str, Floats]) -> dict[str, float]:
    rows = run(moves).tables["position_factor_exposures"]
    return dict(rows.select("factor_id", "exposure_value").iter_rows())


def reference(funds: tuple[str, ...]) -> dict[str, float]:
    """scikit-learn's coefficients of standardised returns, per unit of return."""
    scaler = StandardScaler()
    z = scaler.fit_transform(np.column_stack([MOVES[fund] for fund in funds]))
    fit = Ridge(alpha=1.0).fit(z, MOVES["AAA"])
    names = {fund: style for style, fund in STYLES.items()}
    return {names[fund]: beta for fund, beta in zip(funds, fit.coef_ / scaler.scale_, strict=True)}


def test_betas_are_those_of_a_ridge_regression_on_six_standardised_funds() -> None:
    assert betas(MOVES) == pytest.approx(reference(tuple(STYLES.values())), rel=1e-9)


def test_without_a_fund_the_regression_has_the_others_alone() -> None:
    less = {symbol: moves for symbol, moves in MOVES.items() if symbol != "QUAL"}
    expected = reference(tuple(fund for fund in STYLES.values() if fund != "QUAL"))
    assert len(expected) == 5
    assert betas(less) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("returns", "status"), [(30, "ok"), (29, "skipped")])
def test_a_beta_needs_30_returns(returns: int, status: str) -> None:
    found = run({symbol: moves[:returns] for symbol, moves in MOVES.items()})
    assert found.status["status"].to_list() == [status]


def test_without_any_fund_the_job_is_skipped() -> None:
    assert run({"AAA": MOVES["AAA"]}).status["reason"].to_list() == ["no_factor_data"]


def test_a_styles_returns_are_its_funds() -> None:
    assert style_returns(np.array([[0.5, -0.25]])).tolist() == [[0.5, -0.25]]
