"""Market Beta (90D): every open position regressed on SPY, and the beta of each portfolio."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.job_result import JobResult, exposure_rows, job_status, portfolio_rows
from engine.analytics.panels import LIVE, OpenPositions, Portfolios, PortfolioSums, PricePanel
from engine.core.funds import MARKET_FUND
from engine.core.job_catalog import (
    MARKET_BETA,
    MARKET_NO_ACTIVE_POSITIONS,
    MARKET_NO_BETAS,
    NO_DEFINITION,
    AnalyticsJob,
    Reason,
)
from engine.core.rules import StaleFigures
from engine.numerics.arrays import Bools
from engine.numerics.ols import OlsFit, aligned_returns, rolling_ols

FACTOR = "Market Beta (90D)"
CAP = 5.0
"""Largest size of a position's beta; its other figures stay those of the uncapped one."""
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
"""Columns of position_market_betas, and the figure of the regression that each one holds."""


def market_beta(
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    factor_id: str | None,
    stale: StaleFigures,
) -> JobResult:
    """Compute betas to SPY of every open position that is not deleted, of whatever class and type.

        beta_p = (sum_i V_i beta_i) / E
        R2_p   = (sum_i |V_i| R2_i) / (sum_i |V_i|),  0 where that sum is 0
        n_p    = min_i n_i

    over the positions i that have a beta, `fund_betas`; V_i are their signed values and E the equity, both
    in USD as stored. A position without a beta counts as 0, and nothing is renormalised. One undefined
    R2_i (a price that never moves) makes R2_p NaN. A portfolio of which no position has a beta fails, also
    one of private assets alone. Source: document 02 §3.1, §4.1, §6, §9.

    Args:
        panel: closes of T sessions.
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] the window's sessions.
        factor_id: of the definition `Market Beta (90D)`. Without one no exposure is written, and the job is
            partial.
        stale: see `engine.core.rules.Rules`.

    Returns:
        position_market_betas; factor_exposures; beta_calculated_90d, its R2 and its observations in the
        snapshot.
    """
    positions = positions.where(LIVE)
    sums = PortfolioSums(positions.owner, len(portfolios.ids))
    fit = fund_betas(panel, positions, MARKET_FUND, MARKET_BETA, stale)
    status = job_status(
        MARKET_BETA,
        sums,
        portfolios,
        positions,
        fit.fitted,
        no_positions=MARKET_NO_ACTIVE_POSITIONS,
        no_betas=MARKET_NO_BETAS,
    )
    done = status.done
    # Masked before the sums: figures of a position without a fit are NaN, and NaN x 0 is NaN.
    value = np.where(fit.fitted, positions.value.T, 0.0)
    weighted = sums.sum(np.where(fit.fitted, value * fit.slope, 0.0))
    beta = np.divide(weighted, portfolios.equity.T, out=np.zeros_like(weighted), where=done)
    gross = sums.sum(np.abs(value))
    explained = sums.sum(np.where(fit.fitted, np.abs(value) * fit.r_squared, 0.0))
    r_squared = np.divide(explained, gross, out=np.zeros_like(gross), where=gross > 0)
    observations = sums.minimum(np.where(fit.fitted, fit.observations, np.inf))
    snapshot = portfolio_rows(portfolios, dates, done, "snapshot_date").with_columns(
        pl.Series("beta_calculated_90d", beta[done]),
        pl.Series("beta_calculated_90d_r_squared", r_squared[done]),
        pl.Series("beta_calculated_90d_observations", observations[done]).cast(pl.Int32),
    )
    tables = {
        "position_market_betas": _position_rows(fit, positions, dates, fit.fitted & done[:, sums.owner]),
        "factor_exposures": exposure_rows(portfolios, dates, [factor_id], beta[:, None], done[:, None]),
    }
    doubts: dict[Reason, Bools | bool] = {NO_DEFINITION: factor_id is None}
    return JobResult(tables, status.rows(portfolios, dates, doubts), snapshot)


def fund_betas(
    panel: PricePanel, positions: OpenPositions, fund: str, job: AnalyticsJob, stale: StaleFigures
) -> OlsFit:
    """Regress each position's own symbol on a fund; see `symbol_betas`.

    Args:
        panel: closes of T sessions.
        positions: N of them.
        fund: the regressor's symbol.
        job: of its look-back in calendar days and its minimum of returns.
        stale: see `symbol_betas`.

    Returns:
        Figures [D, N]; not fitted where a position has too few returns, or is not held.
    """
    fit = symbol_betas(panel, positions.frame["symbol"], fund, job, stale)
    np.logical_and(fit.fitted, positions.valued, out=fit.fitted)
    return fit


def symbol_betas(
    panel: PricePanel, names: pl.Series, fund: str, job: AnalyticsJob, stale: StaleFigures
) -> OlsFit:
    """Regress symbols on a fund, over the look-back of each session.

        r_t = alpha + beta x_t + e_t,    r_t = close_t / close_p - 1
        beta = Sxy / Sxx, capped to [-5, 5];  other figures: see `engine.numerics.ols`

    r are the symbol's and x the fund's simple returns over the sessions in which both have a close, p the
    one before t of these; over 120 calendar days, at least 30 returns. The symbol is the position's own,
    never its underlying. Source: document 02 §2.2, §3.1, §4.1.

    Args:
        panel: closes of T sessions.
        names: N symbols.
        fund: the regressor's symbol.
        job: of its look-back in calendar days and its minimum of returns.
        stale: "refused": a symbol without a close in the session has no figures, nor has any without one of
            the fund.

    Returns:
        Figures [D, N]; not fitted where a symbol has too few returns.
    """
    columns = panel.columns(names)
    symbols = np.unique(columns[columns >= 0])
    first, stop = panel.bounds(job.look_back)
    # The last column is that of symbols without any close: it is never fitted.
    fit = OlsFit.blank((len(first), symbols.size + 1))
    if symbols.size and fund in panel.index:
        returns = aligned_returns(panel.close[:, symbols], panel.close[:, panel.index[fund]])
        fit.put(np.s_[:, :-1], rolling_ols(returns, first, stop, job.minimum))
    np.clip(fit.slope, -CAP, CAP, out=fit.slope)
    fit = fit.take(np.s_[:, np.where(columns >= 0, np.searchsorted(symbols, columns), symbols.size)])
    if stale == "refused" and fund in panel.index:
        fit.reject(~(panel.quoted[:, columns] & panel.quoted[:, [panel.index[fund]]]))
    return fit


def _position_rows(fit: OlsFit, positions: OpenPositions, dates: pl.Series, written: Bools) -> pl.DataFrame:
    """Return rows of position_market_betas for the cells [D, N] that are written."""
    at = session, position = np.nonzero(written)
    owners = positions.frame.select("portfolio_id", "position_id")[position].get_columns()
    figures = [pl.Series(column, getattr(fit, name)[at]) for column, name in FIGURES.items()]
    return pl.DataFrame([*owners, dates[session].alias("calc_date"), *figures]).with_columns(
        window_days=pl.lit(WINDOW_DAYS, pl.Int32), method=pl.lit(METHOD), market_index=pl.lit(MARKET_FUND)
    )
