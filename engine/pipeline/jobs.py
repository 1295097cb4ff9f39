"""The analytics, in the order in which one needs another's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from engine.analytics.betas.market import market_beta
from engine.analytics.betas.provider import opening_provider_beta, provider_beta, with_openings
from engine.analytics.betas.rate import rate_beta
from engine.analytics.concentration.sector import sector
from engine.analytics.correlations.correlation_rows import correlations
from engine.analytics.factors.definitions import factor_ids, updated_definitions
from engine.analytics.factors.ridge import ridge_factors
from engine.analytics.factors.spreads import spread_factors
from engine.analytics.job_result import JobResult
from engine.analytics.panels import (
    OpenPositions,
    Portfolios,
    build_price_panel,
    open_positions,
    portfolio_arrays,
)
from engine.analytics.stress.factor_correlations import factor_correlations
from engine.analytics.stress.scenarios import Scenarios
from engine.analytics.stress.stress import stress
from engine.analytics.volatility.position_volatility import volatility
from engine.core.frames import UTC_MICROSECONDS
from engine.core.money import GRAIN_SCALE, usd
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_columns
from engine.core.window import Window
from engine.pipeline.column_limits import misfits
from engine.pipeline.inputs import Inputs

RATE_BETAS = "position_interest_rate_betas"


def analyse(
    inputs: Inputs,
    window: Window,
    rules: Rules,
    scenarios: Scenarios,
    days: pl.DataFrame,
    book: pl.DataFrame,
) -> list[JobResult]:
    """Phase 6 for every portfolio and session, job by job.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`.
        book: of `engine.analytics.equity.snapshots.figures`.
    """
    panel = build_price_panel(inputs.closes, inputs.visible, window)
    portfolios = portfolio_arrays(book, len(window.sessions))
    positions = open_positions(days, portfolios)
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    ids = factor_ids(inputs.factor_definitions)
    market = market_beta(panel, positions, portfolios, dates, ids.market)
    rate = rate_beta(panel, positions, portfolios, dates, ids.rate, rules.rate_weights)
    betas = [
        market,
        _provider(inputs, window, days, book, positions, portfolios, market, ids.provider),
        rate,
        spread_factors(panel, positions, portfolios, dates, ids.active, rules.alignment),
        ridge_factors(panel, positions, portfolios, dates, ids.active, rules.alignment),
    ]
    return [
        *betas,
        sector(
            book,
            days,
            inputs.positions,
            inputs.profiles,
            inputs.has_benchmark,
            portfolios,
            window.run_date,
        ),
        volatility(positions, portfolios, panel, dates, rules.synthetic_prefix),
        correlations(days, portfolios, panel, inputs.closes, dates),
        _stress(inputs, window, rules, scenarios, positions, portfolios, betas),
    ]


def _stress(
    inputs: Inputs,
    window: Window,
    rules: Rules,
    scenarios: Scenarios,
    positions: OpenPositions,
    portfolios: Portfolios,
    betas: Sequence[JobResult],
) -> JobResult:
    """Stress reads exposures and rate betas back from their tables, rounded, older ones too."""
    exposures = _storable("factor_exposures", betas)
    rate_betas = _storable(RATE_BETAS, betas)
    return stress(
        portfolios,
        positions,
        pl.Series("date", window.sessions, dtype=pl.Date),
        _read_back("factor_exposures", exposures, inputs.previous_exposures, window.stamp),
        _read_back(RATE_BETAS, rate_betas, inputs.previous_rate_betas, window.stamp),
        updated_definitions(inputs.factor_definitions, exposures, window.stamp),
        scenarios.active,
        dict(inputs.scenarios.select("scenario_id", "id").iter_rows()),
        factor_correlations(inputs.fund_closes, window.run_date, scenarios.bounds, scenarios.half_life),
        rules.rate_weights,
    )


def _storable(table: str, outcomes: Sequence[JobResult]) -> pl.DataFrame:
    """The jobs' rows of a table, less those of portfolios that are about to be left out.

    A figure that its column cannot hold fails its whole portfolio (`engine.pipeline.assemble`): nothing of
    it will stand in the table that others read.
    """
    rows = pl.concat([outcome.tables[table] for outcome in outcomes if table in outcome.tables])
    return rows.join(misfits(TABLES[table], rows), on="portfolio_id", how="anti", maintain_order="left")


def _read_back(table: str, rows: pl.DataFrame, earlier: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """This run's figures as their table stores them, after those of earlier runs."""
    stamped = rows.with_columns(created_at=pl.lit(stamp, UTC_MICROSECONDS))
    fresh = stored_columns(TABLES[table], stamped, earlier.columns)
    return pl.concat([earlier, fresh])


def _provider(
    inputs: Inputs,
    window: Window,
    days: pl.DataFrame,
    book: pl.DataFrame,
    positions: OpenPositions,
    portfolios: Portfolios,
    market: JobResult,
    factor_id: str,
) -> JobResult:
    """Provider beta; from the run date on a snapshot is made with one before the job comes."""
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    known = (inputs.profiles, market.tables["position_market_betas"], inputs.previous_market_betas)
    found = provider_beta(positions, portfolios, dates, *known, factor_id)
    if window.sessions[-1] < window.run_date or found.snapshot is None:
        return found
    made = book.select(
        equity=usd(pl.col("equity_grains"), GRAIN_SCALE),
        populated=(pl.col("date") >= window.run_date) & pl.col("holds"),
    )
    shape = portfolios.equity.shape
    equity, populated = (made[name].to_numpy().reshape(shape) for name in made.columns)
    opening = opening_provider_beta(positions, portfolios, dates, *known, days, equity, populated)
    return replace(found, snapshot=with_openings(found.snapshot, opening))
