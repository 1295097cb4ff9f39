"""IR Beta: every public position regressed on TLT, the price of long bonds, and portfolios' betas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from engine.analytics.betas.market import fund_betas
from engine.analytics.job_result import JobResult, exposure_rows, job_status
from engine.analytics.panels import (
    CLASSLESS,
    LIVE,
    PUBLIC,
    OpenPositions,
    Portfolios,
    PortfolioSums,
    PricePanel,
)
from engine.core.funds import RATE_FUND
from engine.core.job_catalog import RATE_BETA, RATE_NO_BETAS, RATE_NO_PUBLIC_POSITIONS
from engine.core.rules import RateWeights, StaleFigures
from engine.numerics.arrays import Bools, Floats
from engine.numerics.ols import OlsFit

FACTOR = "IR Beta"


def rate_beta(
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_id: str,
    weights: RateWeights,
    stale: StaleFigures,
    joint: Callable[[OpenPositions], Floats] | None = None,
) -> JobResult:
    """Compute betas to TLT of the open positions of class PUBLIC, of whatever type.

        beta_p = sum_i beta_i (|V_i| / E)

    over the positions i that have a beta, `fund_betas`; V_i = quantity x last price x m', recomputed and
    unrounded, and E the equity as stored, in USD. With `weights` "signed" V_i keeps its sign, so that a
    short position lessens the sensitivity. Source: document 02 §2.4, §4.3.

    Args:
        panel: closes of T sessions.
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        factor_id: of the definition `IR Beta`, existing or to be created.
        weights: see `engine.core.rules.Rules`.
        stale: see `engine.core.rules.Rules`.
        joint: positions -> betas [D, N] of the joint model, which stand for the regressions'.

    Returns:
        position_interest_rate_betas (an R2 of exactly 0 is null, and of the joint model each);
        factor_exposures.
    """
    classless = positions.where(LIVE & CLASSLESS)
    positions = positions.where(LIVE & PUBLIC)
    sums = PortfolioSums(positions.owner, len(portfolios.ids))
    fit = (
        fund_betas(panel, positions, RATE_FUND, RATE_BETA, stale)
        if joint is None
        else _joint(np.where(positions.valued, joint(positions), np.nan))
    )
    status = job_status(
        RATE_BETA,
        sums,
        portfolios,
        positions,
        fit.fitted,
        no_positions=RATE_NO_PUBLIC_POSITIONS,
        no_betas=RATE_NO_BETAS,
        classless=classless,
    )
    done = status.done
    written = fit.fitted & done[:, sums.owner]
    value = (np.abs(positions.recomputed) if weights == "absolute" else positions.recomputed).T
    # Each value is divided before the sum, unlike the market beta's: the last bit depends on it.
    equity = portfolios.equity.T[:, sums.owner]
    weight = np.divide(value, equity, out=np.zeros(value.shape), where=written)
    beta = sums.sum(np.where(written, fit.slope * weight, 0.0))
    tables = {
        "position_interest_rate_betas": _position_rows(fit, positions, dates, written, joint is not None),
        "factor_exposures": exposure_rows(portfolios, dates, [factor_id], beta[:, None], done[:, None]),
    }
    return JobResult(tables, status.rows(portfolios, dates))


def _joint(slope: Floats) -> OlsFit:
    """Return the joint model's betas to rates [D, N], without other figures."""
    fit = OlsFit.blank(slope.shape)
    fit.slope[...], fit.fitted[...] = slope, np.isfinite(slope)
    return fit


def _position_rows(
    fit: OlsFit, positions: OpenPositions, dates: pl.Series, written: Bools, joint: bool
) -> pl.DataFrame:
    """Return rows of position_interest_rate_betas for the cells [D, N] that are written."""
    at = session, position = np.nonzero(written)
    # The legacy table has null for an R2 of exactly 0; NaN stays NaN (document 02 §4.3).
    r_squared = pl.Series("r_squared", fit.r_squared[at])
    return pl.DataFrame(
        [
            positions.frame["portfolio_id"][position],
            positions.frame["position_id"][position],
            dates[session].alias("calculation_date"),
            pl.Series("ir_beta", fit.slope[at]),
            r_squared.fill_nan(None) if joint else r_squared.set(r_squared == 0.0, None),
        ]
    )
