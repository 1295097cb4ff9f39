"""Rate beta: positions against scipy, portfolios by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from engine.analytics.betas.rate import rate_beta
from engine.core.rules import RateWeights
from engine.numerics.arrays import Floats
from tests.analytics.small import lot, open_lots, portfolios, price_panel, window_dates
from tests.builders import uid

BONDS, NOISE = np.random.default_rng(6).normal(0, 0.01, (2, 40))
OWN = 0.5 * BONDS + NOISE


def levels(moves: Floats) -> list[float]:
    return [50.0, *(50 * np.cumprod(1 + moves))]


CLOSES = {"TLT": levels(BONDS), "TWO": levels(2 * BONDS), "OWN": levels(OWN), "FLAT": [9.0] * 41}


def run(*lots: dict[str, Any], equity: float = 100.0, weights: RateWeights = "absolute") -> Any:
    panel = price_panel(CLOSES)
    return rate_beta(
        panel, open_lots(*lots), portfolios([[equity]]), window_dates(1), uid("F"), weights, "used"
    )


def exposure(*lots: dict[str, Any], weights: RateWeights = "absolute") -> float:
    return float(run(*lots, weights=weights).tables["factor_exposures"]["exposure_value"].item())


def test_a_positions_beta_is_the_slope_on_tlt() -> None:
    row = run(lot("OWN", [1.0])).tables["position_interest_rate_betas"].row(0, named=True)
    fit = stats.linregress(BONDS, OWN)
    assert row["ir_beta"] == pytest.approx(fit.slope, rel=1e-9)
    assert row["r_squared"] == pytest.approx(fit.rvalue**2, rel=1e-9)


@pytest.mark.parametrize(
    ("weights", "beta"), [("absolute", 2 * 0.8 + 1 * 0.3), ("signed", 2 * 0.8 - 1 * 0.3)]
)
def test_a_short_adds_to_the_sensitivity_or_lessens_it(weights: RateWeights, beta: float) -> None:
    lots = lot("TWO", [80.0]), lot("TLT", [-30.0])
    assert exposure(*lots, weights=weights) == pytest.approx(beta, rel=1e-9)


def test_weights_are_the_recomputed_values_not_the_stored_ones() -> None:
    assert exposure(lot("TWO", [1.0], recomputed=[25.0])) == pytest.approx(2 * 0.25, rel=1e-9)


def test_a_position_without_a_beta_counts_as_0_and_only_public_ones_are_used() -> None:
    lots = lot("TWO", [50.0]), lot("NONE", [50.0]), lot("TLT", [50.0], investment_class="OPTIONS")
    found = run(*lots)
    assert found.tables["factor_exposures"]["exposure_value"].item() == pytest.approx(2 * 0.5, rel=1e-9)
    assert found.status.select("positions_used", "positions_left_out").rows() == [(1, 1)]


@pytest.mark.parametrize(
    ("one", "equity", "reason", "status"),
    [
        (lot("TWO", [1.0]), -1.0, "equity_not_positive", "failed"),
        (lot("TWO", [1.0], investment_class=None), 1.0, "no_public_positions", "skipped"),
        (lot("TWO", [1.0], deleted=True), 1.0, "no_public_positions", "skipped"),
        (lot("NONE", [1.0]), 1.0, "no_betas", "failed"),
    ],
)
def test_the_job_says_why_it_has_no_beta(
    one: dict[str, Any], equity: float, reason: str, status: str
) -> None:
    found = run(one, equity=equity)
    assert found.status.select("reason", "status").rows() == [(reason, status)]
    assert all(rows.is_empty() for rows in found.tables.values())
