"""IR Beta: public lots on TLT, the price of long bonds."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.betas.symbol_on_fund import PairBetas, pair_betas
from engine.analytics.job_result import Outcome
from engine.analytics.job_status import judge
from engine.analytics.portfolio_sums import PUBLIC, exposure_rows, group_lots
from engine.analytics.positions.lots import LIVE, Lots, Portfolios
from engine.analytics.price_panel import Panel
from engine.core.funds import RATE_FUND
from engine.core.job_catalog import RATE_BETA, RATE_NO_BETAS, RATE_NO_PUBLIC_POSITIONS
from engine.core.rules import RateWeights
from engine.numerics.arrays import Bools

FACTOR = "IR Beta"


def rate_beta(
    panel: Panel,
    lots: Lots,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_id: str,
    weights: RateWeights,
) -> Outcome:
    """Betas to TLT of the open lots of class PUBLIC, of whatever type.

        beta_p = sum_i beta_i (|V_i| / E)

    over the lots i that have a beta; V_i = quantity x last price x m', recomputed and unrounded,
    and E the equity as stored, in USD. With `weights` "signed" V_i keeps its sign, so that a
    short lot lessens the sensitivity. Source: document 02 §2.4, §4.3; lots by
    `engine.analytics.betas.symbol_on_fund`.

    Args:
        dates: [D] the window's sessions.
        factor_id: of the definition `IR Beta`, made or to be made.

    Returns:
        position_interest_rate_betas (an R2 of exactly 0 is null), factor_exposures. Reasons:
        equity_not_positive, no_betas (failures); no_public_positions (skip).
    """
    lots = lots.where(LIVE & PUBLIC)
    groups = group_lots(lots, portfolios)
    betas = pair_betas(panel, lots, RATE_FUND, RATE_BETA)
    verdict = judge(
        RATE_BETA,
        groups,
        portfolios,
        betas.fitted,
        no_lots=RATE_NO_PUBLIC_POSITIONS,
        no_betas=RATE_NO_BETAS,
    )
    done = verdict.done
    written = betas.fitted & done[:, groups.owner]
    value = (np.abs(lots.recomputed) if weights == "absolute" else lots.recomputed).T
    equity = portfolios.equity.T[:, groups.owner]
    weight = np.divide(value, equity, out=np.zeros(value.shape), where=written)
    beta = groups.sum(np.where(written, betas.of_lots("slope") * weight, 0.0))
    return Outcome(
        tables={
            "position_interest_rate_betas": _position_rows(betas, lots, dates, written),
            "factor_exposures": exposure_rows(portfolios, dates, [factor_id], beta[:, None], done[:, None]),
        },
        status=verdict.status(portfolios, dates),
    )


def _position_rows(betas: PairBetas, lots: Lots, dates: pl.Series, written: Bools) -> pl.DataFrame:
    session, lot = np.nonzero(written)
    r_squared = betas.rows("r_squared", session, lot)
    return pl.DataFrame(
        [
            lots.frame["portfolio_id"][lot],
            lots.frame["position_id"][lot],
            dates[session].alias("calculation_date"),
            betas.rows("slope", session, lot).alias("ir_beta"),
            r_squared.set(r_squared == 0.0, None),
        ]
    )
