"""Spread factors: each public stock on four differences between the returns of two funds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from engine.analytics.factors.lots import FundCoverage, Model
from engine.analytics.factors.portfolio import style_factors
from engine.analytics.job_result import Outcome
from engine.analytics.positions.lots import Lots, Portfolios
from engine.analytics.price_panel import Panel
from engine.core.funds import SPREAD_FUNDS
from engine.core.job_catalog import (
    NO_ETF_DATA,
    NO_SPREAD_DATA,
    SPREAD_FACTORS,
    SPREAD_NO_POSITION_BETAS,
    Reason,
)
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats
from engine.numerics.coefficients import rolling_slopes

FUNDS = tuple(dict.fromkeys(fund for pair in SPREAD_FUNDS.values() for fund in pair))


def spread_returns(funds: Floats) -> Floats:
    """Long less short: returns of FUNDS [T, 6] -> [T, 4]."""
    long, short = ([FUNDS.index(pair[side]) for pair in SPREAD_FUNDS.values()] for side in (0, 1))
    return np.asarray(funds[:, long] - funds[:, short])


SPREAD = Model(SPREAD_FACTORS, tuple(SPREAD_FUNDS), FUNDS, spread_returns, rolling_slopes)


def spread_factors(
    panel: Panel,
    lots: Lots,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Mapping[str, str],
    alignment: Alignment,
) -> Outcome:
    """Betas to four spreads, a regression with intercept each, over 210 calendar days.

        r_t = alpha + beta (long_t - short_t) + e_t

    r, long and short simple returns; at least 60 sessions common to the aligned frame of all six
    funds and the aligned frame of the stocks; beta capped to [-5, 5]. Without a price of some
    fund there is no spread at all, not even of the other funds. Source: document 02 §3.1, §4.4.

    Args, tables: see `engine.analytics.factors.portfolio.style_factors`.
    """
    arguments = panel, lots, portfolios, dates, factor_ids, alignment
    return style_factors(*arguments, SPREAD, _gates, SPREAD_NO_POSITION_BETAS)


def _gates(coverage: FundCoverage) -> dict[Reason, Bools]:
    return {NO_ETF_DATA: ~coverage.any_return, NO_SPREAD_DATA: ~coverage.every_fund}
