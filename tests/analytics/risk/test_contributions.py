"""Risk contributions against the whole covariance of positions, finite differences and regressions."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from engine.analytics.risk.contributions import Contributions, RiskModel, beside_market, contributions
from engine.numerics.arrays import Floats

RNG = np.random.default_rng(21)
D, K, N, P = 3, 4, 9, 3
OWNER = np.array([0, 0, 0, 0, 2, 2, 2, 2, 2])
SYMBOL = np.array([5, 1, 5, 3, 1, 2, 2, 4, 0])
WEIGHT = RNG.normal(0.3, 0.5, (D, N))
SPECIFIC = RNG.uniform(1e-5, 4e-4, (D, 6))[:, SYMBOL]
ROOT = RNG.normal(0, 0.01, (D, K, K))
MODEL = RiskModel(RNG.normal(0, 1, (D, K, N)), ROOT @ np.swapaxes(ROOT, 1, 2), SPECIFIC, SYMBOL)
FOUND = contributions(WEIGHT, MODEL, OWNER, P)


def covariance(day: int) -> Floats:
    """Of all positions a year, written out: lots of a symbol share their specific move."""
    shared = np.where(SYMBOL[:, None] == SYMBOL, SPECIFIC[day], 0.0)
    return np.asarray(252 * (MODEL.betas[day].T @ MODEL.covariance[day] @ MODEL.betas[day] + shared))


def own(found: Contributions, day: int, portfolio: int) -> Floats:
    """Contributions of the positions of a portfolio."""
    mine = portfolio == OWNER
    return np.asarray(WEIGHT[day, mine] * (found.by_betas + found.by_specific)[day, mine])


@pytest.mark.parametrize("day", range(D))
@pytest.mark.parametrize("portfolio", [0, 2])
def test_positions_contribute_as_their_whole_covariance_says(day: int, portfolio: int) -> None:
    mine = portfolio == OWNER
    w, omega = WEIGHT[day, mine], covariance(day)[np.ix_(mine, mine)]
    total = np.sqrt(w @ omega @ w)
    assert FOUND.total[day, portfolio] == pytest.approx(total, rel=1e-13)
    assert own(FOUND, day, portfolio) == pytest.approx(w * (omega @ w) / total, rel=1e-10)


def test_contributions_add_up() -> None:
    factors = (FOUND.exposure * FOUND.factor).sum(axis=1) + FOUND.specific
    assert np.abs(factors - FOUND.total).max() < 1e-12
    for day in range(D):
        for portfolio in (0, 2):
            assert own(FOUND, day, portfolio).sum() == pytest.approx(FOUND.total[day, portfolio], abs=1e-12)


@pytest.mark.parametrize("portfolio", [0, 2])
def test_a_portfolio_alone_has_the_bits_that_it_has_among_others(portfolio: int) -> None:
    # Eight factors: NumPy adds so many in another order where there is one portfolio.
    rng = np.random.default_rng(22)
    root = rng.normal(0, 0.01, (D, 8, 8))
    model = RiskModel(rng.normal(0, 1, (D, 8, N)), root @ np.swapaxes(root, 1, 2), SPECIFIC, SYMBOL)
    together, mine = contributions(WEIGHT, model, OWNER, P), portfolio == OWNER
    own_model = RiskModel(model.betas[..., mine], model.covariance, SPECIFIC[:, mine], SYMBOL[mine])
    alone = contributions(WEIGHT[:, mine], own_model, np.zeros(mine.sum(), dtype=np.int64), 1)
    assert np.array_equal(alone.total[:, 0], together.total[:, portfolio])
    assert np.array_equal(alone.factor[..., 0], together.factor[..., portfolio])
    assert np.array_equal(alone.by_betas, together.by_betas[:, mine])


def test_a_change_of_weight_or_exposure_changes_the_volatility_by_as_much() -> None:
    step = 1e-6
    for position in (0, 7):
        nudged = WEIGHT.copy()
        nudged[:, position] += step
        moved = contributions(nudged, MODEL, OWNER, P).total - FOUND.total
        marginal = (FOUND.by_betas + FOUND.by_specific)[:, position]
        assert moved[:, OWNER[position]] / step == pytest.approx(marginal, rel=1e-4)
    b, c = FOUND.exposure[0, :, 2], MODEL.covariance[0]
    rest = FOUND.total[0, 2] ** 2 - 252 * b @ c @ b
    nudge = b + step * np.eye(K)[0]
    moved = np.sqrt(252 * nudge @ c @ nudge + rest) - FOUND.total[0, 2]
    assert moved / step == pytest.approx(FOUND.factor[0, 0, 2], rel=1e-4)


def test_a_portfolio_and_a_session_do_not_depend_on_the_others() -> None:
    mine = OWNER == 2
    alone = RiskModel(MODEL.betas[1:2, :, mine], MODEL.covariance[1:2], SPECIFIC[1:2, mine], SYMBOL[mine])
    found = contributions(WEIGHT[1:2, mine], alone, np.zeros(5, dtype=np.int64), 1)
    assert found.total[0, 0] == FOUND.total[1, 2]
    assert np.array_equal(found.factor[0, :, 0], FOUND.factor[1, :, 2])
    assert np.array_equal(found.by_betas[0], FOUND.by_betas[1, mine])


def test_nothing_moves_without_weights() -> None:
    still = contributions(np.zeros((D, N)), MODEL, OWNER, P)
    assert not still.total.any()
    assert not still.factor.any()


def test_residuals_of_the_market_have_the_covariance_that_is_left() -> None:
    returns = RNG.normal(0, 0.01, (200, 4)) @ RNG.normal(0, 1, (4, 4))
    left = sm.OLS(returns[:, 1:], sm.add_constant(returns[:, 0])).fit().resid
    moves = np.column_stack((returns[:, 0], left))
    found = beside_market(np.cov(returns.T, bias=True)[None])
    assert found[0] == pytest.approx(np.cov(moves.T, bias=True), abs=1e-17)
    assert not found[0, 0, 1:].any()


def test_without_a_market_that_moves_there_is_no_covariance() -> None:
    assert not beside_market(np.diag([0.0, 1.0])[None]).any()
