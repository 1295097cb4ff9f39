"""The analytics, in the order in which one needs another's figures."""

from __future__ import annotations

import polars as pl

from engine.analytics.factors import factor_ids
from engine.analytics.lots import Lots, Portfolios, lot_arrays, portfolio_arrays
from engine.analytics.market_beta import market_beta
from engine.analytics.outcome import Outcome
from engine.analytics.provider_beta import provider_beta
from engine.analytics.rate_beta import rate_beta
from engine.analytics.ridge_factors import ridge_factors
from engine.analytics.spread_factors import spread_factors
from engine.inputs import Inputs
from engine.panel import Panel, build_panel
from engine.rules import Rules
from engine.window import Window

JOBS = (
    "pnl",
    "snapshot",
    "market_values",
    "market_beta",
    "provider_beta",
    "rate_beta",
    "spread_factors",
    "ridge_factors",
)
"""The jobs that analytics_status knows, in order."""


def analyse(
    inputs: Inputs, window: Window, rules: Rules, days: pl.DataFrame, book: pl.DataFrame
) -> list[Outcome]:
    """Phase 6 for every portfolio and session, job by job.

    Args:
        days: of `engine.analytics.valuation.mark_to_market`.
        book: of `engine.analytics.snapshots.figures`.
    """
    panel = build_panel(inputs.closes, inputs.visible, window)
    portfolios = portfolio_arrays(book, len(window.sessions))
    lots = lot_arrays(days, portfolios)
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    return _regressions(inputs, rules, panel, lots, portfolios, dates)


def _regressions(
    inputs: Inputs, rules: Rules, panel: Panel, lots: Lots, portfolios: Portfolios, dates: pl.Series
) -> list[Outcome]:
    ids = factor_ids(inputs.factor_definitions)
    market = market_beta(panel, lots, portfolios, dates, ids.market)
    betas = market.tables["position_market_betas"]
    return [
        market,
        provider_beta(
            lots, portfolios, dates, inputs.profiles, betas, inputs.previous_market_betas, ids.provider
        ),
        rate_beta(panel, lots, portfolios, dates, ids.rate, rules.rate_weights),
        spread_factors(panel, lots, portfolios, dates, ids.active, rules.alignment),
        ridge_factors(panel, lots, portfolios, dates, ids.active, rules.alignment),
    ]


