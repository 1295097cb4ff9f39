"""Ridge factors: each public stock regressed on six style funds jointly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import polars as pl

from engine.analytics.factors.joint import JointBetas
from engine.analytics.factors.style_factors import FactorModel, FundCoverage, style_factors
from engine.analytics.job_result import JobResult
from engine.analytics.panels import OpenPositions, Portfolios, PricePanel
from engine.core.funds import STYLE_FUNDS
from engine.core.job_catalog import NO_FACTOR_DATA, RIDGE_FACTORS, RIDGE_NO_POSITION_BETAS, Reason
from engine.core.rules import Alignment, StaleFigures
from engine.numerics.arrays import Bools, Floats
from engine.numerics.coefficients import rolling_ridge

PENALTY = 1.0
"""On the sum of squares of standardised returns, so a light shrinkage."""


def ridge_factors(
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Mapping[str, str],
    alignment: Alignment,
    stale: StaleFigures,
    joint: JointBetas | None = None,
) -> JobResult:
    """Compute betas to six styles jointly, by ridge regression with intercept over 120 calendar days.

        b = (Z'Z + I)^-1 Z'(r - mean r),  beta_f = b_f / sigma_f

    r [n] are the stock's simple returns, Z [n, 6] the funds' returns standardised over the n common
    sessions, n >= 30, sigma their population standard deviations; beta is capped to [-5, 5]. Without a
    price of some fund the regression has the other ones alone, and their betas change too. Source:
    document 02 §3.2, §4.5.

    Args:
        panel: closes of T sessions, with those of the six funds.
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        factor_ids: by name, of the active definitions; others have no rows.
        alignment: see `engine.core.rules.Rules`.
        stale: see `engine.core.rules.Rules`.
        joint: betas of the joint model, which stand for the ridge regression's.

    Returns:
        position_factor_exposures, factor_exposures.
    """
    return style_factors(panel, positions, portfolios, dates, factor_ids, alignment, RIDGE, stale, joint)


def style_returns(funds: Floats) -> Floats:
    """Return the funds' own returns: a style's returns are those of its fund.

    Args:
        funds: [T, 6] simple returns, in the order of the styles.
    """
    return funds


def _missing(coverage: FundCoverage) -> dict[Reason, Bools]:
    """Return the sessions in which the funds have no common return."""
    return {NO_FACTOR_DATA: ~coverage.any_return}


RIDGE = FactorModel(
    job=RIDGE_FACTORS,
    factors=tuple(STYLE_FUNDS),
    funds=tuple(STYLE_FUNDS.values()),
    factor_returns=style_returns,
    fit=partial(rolling_ridge, penalty=PENALTY),
    missing=_missing,
    no_betas=RIDGE_NO_POSITION_BETAS,
)
