"""The job `risk`: where the predicted volatility of each portfolio comes from."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.factors.attribution import FACTORS
from engine.analytics.factors.joint import FUNDS, JointBetas
from engine.analytics.job_result import JobResult, JobStatus, job_status, portfolio_rows
from engine.analytics.panels import LIVE, OpenPositions, Portfolios, PortfolioSums
from engine.analytics.risk.contributions import (
    DAYS_A_YEAR,
    Contributions,
    RiskModel,
    beside_market,
    contributions,
)
from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.core.funds import FUND_FACTORS
from engine.core.job_catalog import (
    NO_FACTOR_COVARIANCE,
    NO_PREDICTED_RISK,
    NO_RISK_MODEL,
    RISK,
    RISK_NO_ACTIVE_POSITIONS,
)
from engine.numerics.arrays import Bools, Floats, added

TABLE, BY_FACTOR, BY_POSITION = "engine_risk", "engine_factor_risk", "engine_position_risk"
SPECIFIC = "specific"


def risk(
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    market: Floats,
    joint: JointBetas,
    correlations: FactorCorrelations,
) -> JobResult:
    """Split each portfolio's predicted volatility into contributions of factors and positions.

    Factors are those of the joint model: the market, and what it leaves of the styles and of rates. Their
    covariance is that of the funds as of the session, which stress reads too; the specific variance of a
    symbol is that of its joint regression's residuals. A position's weight is its value over equity. One
    without betas has no part; one without a beta to some factor has 0. See `contributions`.

    Args:
        positions: N of them; values [N, D].
        portfolios: P of them; equity [P, D].
        dates: [D] sessions.
        market: [D, S + 1] the symbols' betas to the market, NaN where there is none.
        joint: their other betas and specific variances.
        correlations: of the factors' funds, as of each session.

    Returns:
        Rows of engine_risk, engine_factor_risk and engine_position_risk.
    """
    positions = positions.where(LIVE)
    column = joint.panel.columns(positions.frame["symbol"])
    betas = np.concatenate((market[:, None], joint.betas), axis=1)[:, :, column]
    counted = np.asarray(positions.valued & np.isfinite(betas[:, 0]) & np.isfinite(joint.specific[:, column]))
    covariance = beside_market(_covariance(correlations))
    model = RiskModel(
        np.where(counted[:, None], np.nan_to_num(betas), 0.0),
        covariance,
        np.where(counted, joint.specific[:, column], 0.0),
        column,
    )
    equity = portfolios.equity.T[:, positions.owner]
    weight = np.divide(positions.value.T, equity, out=np.zeros(equity.shape), where=counted & (equity > 0))
    parts = contributions(weight, model, positions.owner, len(portfolios.ids))
    status = _status(positions, portfolios, counted, covariance, parts)
    tables = {
        TABLE: _portfolio_rows(portfolios, dates, parts, status),
        BY_FACTOR: _factor_rows(portfolios, dates, parts, covariance, status),
        BY_POSITION: _position_rows(positions, dates, parts, weight, counted, status),
    }
    return JobResult(tables, status.rows(portfolios, dates))


def _status(
    positions: OpenPositions, portfolios: Portfolios, counted: Bools, covariance: Floats, parts: Contributions
) -> JobStatus:
    return job_status(
        RISK,
        PortfolioSums(positions.owner, len(portfolios.ids)),
        portfolios,
        positions,
        counted,
        no_positions=RISK_NO_ACTIVE_POSITIONS,
        no_betas=NO_RISK_MODEL,
        further={
            NO_FACTOR_COVARIANCE: covariance[:, 0, :1] <= 0,
            NO_PREDICTED_RISK: parts.total <= 0,
        },
    )


def _covariance(correlations: FactorCorrelations) -> Floats:
    """Return the covariance of the joint model's funds as of each session, [D, K, K]; 0 without a fund."""
    names = [FUND_FACTORS[fund] for fund in FUNDS]
    size = len(correlations.names)
    padded = np.pad(correlations.covariance, ((0, 0), (0, 1), (0, 1)))
    at = [correlations.names.index(name) if name in correlations.names else size for name in names]
    return np.asarray(padded[:, at][:, :, at])


def _portfolio_rows(
    portfolios: Portfolios, dates: pl.Series, parts: Contributions, status: JobStatus
) -> pl.DataFrame:
    done = status.done
    total, specific = parts.total[done], parts.specific[done]
    of_factors = added(parts.exposure * parts.factor, axis=1)[done]
    return portfolio_rows(portfolios, dates, done, "calculation_date").with_columns(
        pl.Series("volatility", total),
        pl.Series("factor_volatility", np.sqrt(np.maximum(of_factors * total, 0.0))),
        pl.Series("specific_volatility", np.sqrt(specific * total)),
        pl.Series("factor_share", of_factors / total),
    )


def _factor_rows(
    portfolios: Portfolios, dates: pl.Series, parts: Contributions, covariance: Floats, status: JobStatus
) -> pl.DataFrame:
    """Return a row for each factor whose fund moves, and one for the specific part."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)[..., None] * np.ones(len(portfolios.ids))
    none, specific, total = np.full_like(parts.specific, np.nan), parts.specific, parts.total
    own = {
        "exposure": (parts.exposure, none),
        "volatility": (np.sqrt(variance * DAYS_A_YEAR), np.sqrt(specific * total)),
        "marginal": (parts.factor, none),
        "contribution": (parts.exposure * parts.factor, specific),
    }
    stacked = {
        name: np.concatenate((factors, rest[:, None]), axis=1) for name, (factors, rest) in own.items()
    }
    moves = np.pad(variance > 0, ((0, 0), (0, 1), (0, 0)), constant_values=True)
    session, factor, portfolio = at = np.nonzero(moves & status.done[:, None])
    contribution = stacked["contribution"][at]
    figures = {name: values[at] for name, values in stacked.items()}
    figures["share"] = contribution / total[session, portfolio]
    return pl.DataFrame(
        [
            portfolios.ids[portfolio].alias("portfolio_id"),
            dates[session].alias("calculation_date"),
            pl.Series("factor", [*FACTORS, SPECIFIC])[factor],
            *(pl.Series(name, values, nan_to_null=True) for name, values in figures.items()),
        ]
    )


def _position_rows(
    positions: OpenPositions,
    dates: pl.Series,
    parts: Contributions,
    weight: Floats,
    counted: Bools,
    status: JobStatus,
) -> pl.DataFrame:
    """Return a row for each position with betas."""
    owner = positions.owner
    session, position = at = np.nonzero(counted & status.done[:, owner])
    size, by_betas, by_specific = weight[at], parts.by_betas[at], parts.by_specific[at]
    contribution = size * (by_betas + by_specific)
    return pl.DataFrame(
        [
            *positions.frame.select("portfolio_id", "position_id")[position].get_columns(),
            dates[session].alias("calculation_date"),
            pl.Series("weight", size),
            pl.Series("marginal", by_betas + by_specific),
            pl.Series("contribution", contribution),
            pl.Series("factor_contribution", size * by_betas),
            pl.Series("specific_contribution", size * by_specific),
            pl.Series("share", contribution / parts.total[:, owner][at]),
        ]
    )
