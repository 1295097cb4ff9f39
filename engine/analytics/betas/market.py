"""Market Beta (90D): every open lot on SPY, and what that makes of each portfolio."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.betas.symbol_on_fund import PairBetas, pair_betas
from engine.analytics.job_result import Outcome
from engine.analytics.job_status import judge
from engine.analytics.portfolio_sums import Groups, exposure_rows, group_lots, portfolio_rows
from engine.analytics.positions.lots import LIVE, Lots, Portfolios
from engine.analytics.price_panel import Panel
from engine.core.funds import MARKET_FUND
from engine.core.job_catalog import MARKET_BETA, MARKET_NO_ACTIVE_POSITIONS, MARKET_NO_BETAS
from engine.numerics.arrays import Bools, Floats

FACTOR = "Market Beta (90D)"
WINDOW_DAYS = 90
METHOD = "OLS_SIMPLE"
FIGURES = {
    "beta": "slope",
    "alpha": "intercept",
    "r_squared": "r_squared",
    "std_error": "std_error",
    "p_value": "p_value",
    "observations": "observations",
}


def market_beta(
    panel: Panel, lots: Lots, portfolios: Portfolios, dates: pl.Series, factor_id: str | None
) -> Outcome:
    """Betas to SPY of every open lot that is not deleted, of whatever class and type.

        beta_p = (sum_i V_i beta_i) / E
        R2_p   = (sum_i |V_i| R2_i) / (sum_i |V_i|),  0 where that sum is 0
        n_p    = min_i n_i

    over the lots i that have a beta; V_i their signed values and E the equity, both in USD as
    stored. Lots without a beta count as 0, nothing is renormalised. One undefined R2_i (a flat
    price) makes R2_p NaN. A portfolio whose lots all fail fails, private ones too. Source:
    document 02 §3.1, §4.1, §6, §9; lots by `engine.analytics.betas.symbol_on_fund`.

    Args:
        dates: [D] the window's sessions.
        factor_id: of the definition `Market Beta (90D)`; None if there is none: then no exposure
            is written, and the job succeeds all the same.

    Returns:
        position_market_betas, factor_exposures; beta_calculated_90d and its two companions in
        the snapshot. Reasons: equity_not_positive, no_active_positions, no_betas, all failures.
    """
    lots = lots.where(LIVE)
    groups = group_lots(lots, portfolios)
    betas = pair_betas(panel, lots, MARKET_FUND, MARKET_BETA)
    verdict = judge(
        MARKET_BETA,
        groups,
        portfolios,
        betas.fitted,
        no_lots=MARKET_NO_ACTIVE_POSITIONS,
        no_betas=MARKET_NO_BETAS,
    )
    done = verdict.done
    beta, snapshot = _portfolio_figures(betas, lots, groups, portfolios, done)
    written = betas.fitted & done[:, groups.owner]
    return Outcome(
        tables={
            "position_market_betas": _position_rows(betas, lots, dates, written),
            "factor_exposures": exposure_rows(portfolios, dates, [factor_id], beta[:, None], done[:, None]),
        },
        snapshot=portfolio_rows(portfolios, dates, done, "snapshot_date").with_columns(snapshot),
        status=verdict.status(portfolios, dates),
    )


def _portfolio_figures(
    betas: PairBetas, lots: Lots, groups: Groups, portfolios: Portfolios, done: Bools
) -> tuple[Floats, list[pl.Series]]:
    """beta_p [D, P], 0 where not done, and the snapshot's columns of the cells that are done."""
    fitted = betas.fitted
    value = np.where(fitted, lots.value.T, 0.0)
    size = np.abs(value)
    weighted = groups.sum(np.where(fitted, value * betas.of_lots("slope"), 0.0))
    beta = np.divide(weighted, portfolios.equity.T, out=np.zeros_like(weighted), where=done)
    gross = groups.sum(size)
    explained = groups.sum(np.where(fitted, size * betas.of_lots("r_squared"), 0.0))
    r_squared = np.divide(explained, gross, out=np.zeros_like(gross), where=gross > 0)
    least = groups.least(np.where(fitted, betas.of_lots("observations"), np.inf))
    return beta, [
        pl.Series("beta_calculated_90d", beta[done]),
        pl.Series("beta_calculated_90d_r_squared", r_squared[done]),
        pl.Series("beta_calculated_90d_observations", least[done]).cast(pl.Int32),
    ]


def _position_rows(betas: PairBetas, lots: Lots, dates: pl.Series, written: Bools) -> pl.DataFrame:
    session, lot = np.nonzero(written)
    figures = [betas.rows(name, session, lot).alias(column) for column, name in FIGURES.items()]
    owners = lots.frame["portfolio_id"][lot], lots.frame["position_id"][lot]
    return pl.DataFrame([*owners, dates[session].alias("calc_date"), *figures]).with_columns(
        window_days=pl.lit(WINDOW_DAYS, pl.Int32), method=pl.lit(METHOD), market_index=pl.lit(MARKET_FUND)
    )
