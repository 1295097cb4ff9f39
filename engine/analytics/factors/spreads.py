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
from engine.core.rules import Alignment
from engine.numerics.arrays import Bools, Floats
from engine.numerics.rolling_slopes import rolling_slopes

SPREADS = {
    "Growth-Value Spread": ("VUG", "VTV"),
    "Momentum Spread": ("MTUM", "SPY"),
    "Size Spread": ("IWM", "SPY"),
    "Quality Spread": ("QUAL", "SPY"),
}
"""Long and short fund of each factor."""
FUNDS = ("VUG", "VTV", "MTUM", "IWM", "QUAL", "SPY")
LOOK_BACK = 210
"""Calendar days, both ends inclusive: 180 and a buffer of 30 (document 02 §2.3)."""
LEAST = 60


def spread_returns(funds: Floats) -> Floats:
    """Long less short: returns of FUNDS [T, 6] -> [T, 4]."""
    long, short = ([FUNDS.index(pair[side]) for pair in SPREADS.values()] for side in (0, 1))
    return np.asarray(funds[:, long] - funds[:, short])


SPREAD = Model("spread_factors", tuple(SPREADS), FUNDS, spread_returns, rolling_slopes, LOOK_BACK, LEAST)


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

    Args, tables and further reasons: see `engine.analytics.factors.portfolio.style_factors`; failed:
    no_etf_data, skipped: no_spread_data.
    """
    return style_factors(panel, lots, portfolios, dates, factor_ids, alignment, SPREAD, _gates)


def _gates(coverage: FundCoverage) -> dict[str, Bools]:
    return {
        "failed: no_etf_data": ~coverage.any_return,
        "skipped: no_spread_data": ~coverage.every_fund,
    }
