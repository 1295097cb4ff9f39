"""Ridge factors: each public stock on six style funds jointly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import polars as pl

from engine.analytics.factors.lots import FundCoverage, Model
from engine.analytics.factors.portfolio import style_factors
from engine.analytics.job_result import Outcome
from engine.analytics.positions.lots import Lots, Portfolios
from engine.analytics.price_panel import Panel
from engine.core.funds import STYLE_FUNDS
from engine.core.job_catalog import NO_FACTOR_DATA, RIDGE_FACTORS, RIDGE_NO_POSITION_BETAS, Reason
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats
from engine.numerics.coefficients import rolling_ridge

PENALTY = 1.0
"""On the sum of squares of standardised returns, so a light shrinkage."""


def style_returns(funds: Floats) -> Floats:
    """The funds' own returns."""
    return funds


RIDGE = Model(
    RIDGE_FACTORS,
    tuple(STYLE_FUNDS),
    tuple(STYLE_FUNDS.values()),
    style_returns,
    partial(rolling_ridge, penalty=PENALTY),
)


def ridge_factors(
    panel: Panel,
    lots: Lots,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Mapping[str, str],
    alignment: Alignment,
) -> Outcome:
    """Betas to six styles jointly, by ridge regression with intercept over 120 calendar days.

        b = (Z'Z + I)^-1 Z'(r - mean r),  beta_f = b_f / sigma_f

    r [n] the stock's simple returns, Z [n, 6] the funds' returns standardised over the n common
    sessions, n >= 30, sigma their population standard deviations; beta capped to [-5, 5].
    Without a price of some fund the regression has the other ones alone, and their betas change
    too. Source: document 02 §3.2, §4.5.

    Args, tables: see `engine.analytics.factors.portfolio.style_factors`.
    """
    arguments = panel, lots, portfolios, dates, factor_ids, alignment
    return style_factors(*arguments, RIDGE, _gates, RIDGE_NO_POSITION_BETAS)


def _gates(coverage: FundCoverage) -> dict[Reason, Bools]:
    return {NO_FACTOR_DATA: ~coverage.any_return}
