"""Spread factors: each public stock regressed on four differences between the returns of two funds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from engine.analytics.factors.style_factors import FactorModel, FundCoverage, style_factors
from engine.analytics.job_result import JobResult
from engine.analytics.panels import OpenPositions, Portfolios, PricePanel
from engine.core.funds import SPREAD_FUNDS
from engine.core.job_catalog import (
    NO_ETF_DATA,
    NO_SPREAD_DATA,
    SPREAD_FACTORS,
    SPREAD_NO_POSITION_BETAS,
    Reason,
)
from engine.core.rules import Alignment, StaleFigures
from engine.numerics.arrays import Bools, Floats
from engine.numerics.coefficients import rolling_slopes

FUNDS = tuple(dict.fromkeys(fund for pair in SPREAD_FUNDS.values() for fund in pair))


def spread_factors(
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_ids: Mapping[str, str],
    alignment: Alignment,
    stale: StaleFigures,
) -> JobResult:
    """Compute betas to four spreads, by a regression with intercept for each, over 210 calendar days.

        r_t = alpha + beta (long_t - short_t) + e_t

    r, long and short are simple returns, over at least 60 sessions that the aligned sessions of all six
    funds and those of the stocks have in common; beta is capped to [-5, 5]. Without a price of some fund
    there is no spread at all, not even of the other funds. Source: document 02 §3.1, §4.4.

    Args:
        panel: closes of T sessions, with those of the six funds.
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        factor_ids: by name, of the active definitions; others have no rows.
        alignment: see `engine.core.rules.Rules`.
        stale: see `engine.core.rules.Rules`.

    Returns:
        position_factor_exposures, factor_exposures.
    """
    return style_factors(panel, positions, portfolios, dates, factor_ids, alignment, SPREAD, stale)


def spread_returns(funds: Floats) -> Floats:
    """Return long less short: returns of FUNDS [T, 6] -> [T, 4].

    Args:
        funds: [T, 6] simple returns, in the order of FUNDS.

    Returns:
        [T, 4], in the order of SPREAD_FUNDS.
    """
    long, short = ([FUNDS.index(pair[side]) for pair in SPREAD_FUNDS.values()] for side in (0, 1))
    return np.asarray(funds[:, long] - funds[:, short])


def _missing(coverage: FundCoverage) -> dict[Reason, Bools]:
    """Return the sessions in which the funds have no common return, or some fund has no price."""
    return {NO_ETF_DATA: ~coverage.any_return, NO_SPREAD_DATA: ~coverage.every_fund}


SPREAD = FactorModel(
    job=SPREAD_FACTORS,
    factors=tuple(SPREAD_FUNDS),
    funds=FUNDS,
    factor_returns=spread_returns,
    fit=rolling_slopes,
    missing=_missing,
    no_betas=SPREAD_NO_POSITION_BETAS,
)
