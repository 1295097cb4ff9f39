"""The joint factor model of a window: betas of each session, and of the session before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from engine.analytics.betas.market import symbol_betas
from engine.analytics.factors.attribution import ExAnteBetas, attribution
from engine.analytics.factors.joint import JointBetas, joint_betas
from engine.analytics.job_result import JobResult
from engine.analytics.panels import OpenPositions, Portfolios, PricePanel
from engine.analytics.risk.risk import risk
from engine.analytics.stress.factor_correlations import FactorCorrelations
from engine.core.funds import MARKET_FUND
from engine.core.job_catalog import MARKET_BETA
from engine.core.rules import Rules, StaleFigures
from engine.numerics.arrays import Floats
from engine.pipeline.inputs import Inputs


def joint_figures(
    inputs: Inputs,
    rules: Rules,
    panel: PricePanel,
    positions: OpenPositions,
    portfolios: Portfolios,
    dates: pl.Series,
    exact: Mapping[str, pl.DataFrame],
    snapshots: pl.DataFrame,
    correlations: FactorCorrelations,
) -> tuple[JointBetas, list[JobResult], dict[str, pl.DataFrame]]:
    """Return the betas of the joint model, the result of the job risk, and the tables of attribution.

    Args:
        inputs: positions with their symbols.
        rules: those of risk and attribution.
        panel: closes.
        positions: N lots.
        portfolios: P of them.
        dates: [D] the window's sessions.
        exact: of `engine.pipeline.equity.roll_equity`.
        snapshots: of the same.
        correlations: of the factors.
    """
    lots = attributed_lots(inputs, portfolios, exact)
    joint, own, before = joint_model(panel, positions, lots["symbol"], rules.stale_figures)
    risks, attributed = [], {}
    if rules.factor_covariance != "run_date":
        risks = [risk(positions, portfolios, dates, own, joint, correlations)]
    if rules.closed_lots == "exact":
        attributed = attribution(lots, before, snapshots)
    return joint, risks, attributed


def attributed_lots(
    inputs: Inputs, portfolios: Portfolios, exact: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Return the lots with P&L of the computed portfolios, with their symbols; none by other rules.

    Args:
        inputs: positions with their symbols.
        portfolios: those that are computed.
        exact: of `engine.pipeline.equity.roll_equity`.
    """
    symbols = inputs.positions.select("symbol", position_id="id")
    if not exact:
        return symbols.clear()
    lots = exact["engine_lot_pnl"].rename({"calculation_date": "date"})
    own = lots.filter(pl.col("portfolio_id").is_in(portfolios.ids.implode()))
    return own.join(symbols, on="position_id", maintain_order="left")


def joint_model(
    panel: PricePanel, positions: OpenPositions, moved: pl.Series, stale: StaleFigures
) -> tuple[JointBetas, Floats, ExAnteBetas]:
    """Return the betas of each session, those to the market, and all of them of the session before it.

    Args:
        panel: closes.
        positions: whose symbols have betas of the session.
        moved: symbols that have betas of the session before, too: also those of lots that ended since.
        stale: see `engine.core.rules.Rules`.

    Returns:
        Betas of the D sessions, those to the market [D, S + 1], and both of the sessions before.
    """
    rows = np.searchsorted(panel.days, panel.targets)
    before = np.concatenate((rows[:1] - 1, rows[:-1]))
    longer = replace(panel, targets=panel.days[[before[0], *rows]])
    symbols = pl.concat([positions.frame["symbol"], moved]).unique().sort()
    every = joint_betas(longer, symbols, stale)
    fit = symbol_betas(longer, symbols, MARKET_FUND, MARKET_BETA, stale)
    column = panel.columns(symbols)
    market = np.full((len(rows) + 1, len(panel.symbols) + 1), np.nan)
    market[:, column] = np.where(fit.fitted & (column >= 0), fit.slope, np.nan)
    ex_ante = np.concatenate((market[:-1, None], every.betas[:-1]), axis=1)
    own = JointBetas(every.betas[1:], every.specific[1:], panel)
    return own, market[1:], ExAnteBetas(ex_ante, panel, before)
