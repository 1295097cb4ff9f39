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
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats
from engine.numerics.ridge import rolling_ridge

STYLES = {
    "Size": "IWM",
    "Momentum": "MTUM",
    "Quality": "QUAL",
    "Low Volatility": "USMV",
    "Value": "VTV",
    "Growth": "VUG",
}
"""The fund of each style, whose raw returns are the factor's."""
LOOK_BACK = 120
"""Calendar days, both ends inclusive: 90 and a buffer of 30 (document 02 §2.3)."""
LEAST = 30
PENALTY = 1.0
"""On the sum of squares of standardised returns, so a light shrinkage."""


def style_returns(funds: Floats) -> Floats:
    """The funds' own returns."""
    return funds


RIDGE = Model(
    "ridge_factors",
    tuple(STYLES),
    tuple(STYLES.values()),
    style_returns,
    partial(rolling_ridge, penalty=PENALTY),
    LOOK_BACK,
    LEAST,
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

    Args, tables and further reasons: see `engine.analytics.factors.portfolio.style_factors`;
    skipped: no_factor_data.
    """
    return style_factors(panel, lots, portfolios, dates, factor_ids, alignment, RIDGE, _gates)


def _gates(coverage: FundCoverage) -> dict[str, Bools]:
    return {"skipped: no_factor_data": ~coverage.any_return}
