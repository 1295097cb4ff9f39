"""The joint factor model of a window: betas of each session, and of the session before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from engine.analytics.betas.market import symbol_betas
from engine.analytics.factors.attribution import ExAnteBetas
from engine.analytics.factors.joint import JointBetas, joint_betas
from engine.analytics.panels import OpenPositions, Portfolios, PricePanel
from engine.core.funds import MARKET_FUND
from engine.core.job_catalog import MARKET_BETA
from engine.core.rules import StaleFigures
from engine.numerics.arrays import Floats
from engine.pipeline.inputs import Inputs


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
