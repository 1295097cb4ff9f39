"""The analytics jobs, in the order in which they need each other's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import polars as pl

from engine.analytics.betas.market import market_beta
from engine.analytics.betas.provider import opening_provider_beta, provider_beta, with_openings
from engine.analytics.betas.rate import rate_beta
from engine.analytics.concentration.sector import sector
from engine.analytics.concentration.session_sectors import session_sectors
from engine.analytics.correlations.clusters import Names
from engine.analytics.correlations.correlation_rows import correlations
from engine.analytics.equity.exposures import present
from engine.analytics.factors.definitions import factor_ids, updated_definitions
from engine.analytics.factors.ridge import ridge_factors
from engine.analytics.factors.spreads import spread_factors
from engine.analytics.job_result import JobResult
from engine.analytics.panels import (
    OpenPositions,
    Portfolios,
    PricePanel,
    build_price_panel,
    open_positions,
    portfolio_arrays,
)
from engine.analytics.positions.option_greeks import OptionBook
from engine.analytics.stress.factor_correlations import (
    FactorCorrelations,
    factor_correlations,
    session_correlations,
)
from engine.analytics.stress.scenarios import Scenarios
from engine.analytics.stress.stress import stress
from engine.analytics.volatility.position_volatility import volatility
from engine.core.frames import UTC_MICROSECONDS
from engine.core.job_catalog import PERCENTILE_LOOK_BACK, VOLATILITY
from engine.core.money import GRAIN_SCALE, usd
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_columns
from engine.core.window import Window
from engine.pipeline.beside import beside
from engine.pipeline.column_limits import misfits
from engine.pipeline.corrected_jobs import forecast_tables, option_stress, options
from engine.pipeline.inputs import Inputs
from engine.pipeline.joint_model import joint_figures

RATE_BETAS = "position_interest_rate_betas"
LARGE = 2_000
"""Sessions of portfolios from which on correlations have a thread of their own: see docs/benchmarks.md."""


def run_jobs(
    inputs: Inputs,
    prices: pl.DataFrame,
    window: Window,
    rules: Rules,
    scenarios: Scenarios,
    marks: pl.DataFrame,
    snapshots: pl.DataFrame,
    exact: Mapping[str, pl.DataFrame],
    threads: int = 1,
) -> list[JobResult]:
    """Run every job for every portfolio and session: phase 6.

    Args:
        inputs: validated frames.
        prices: symbol, date, close: those that values come from, where these are not the ones of returns.
        window: sessions to compute.
        rules: choices between legacy and corrected behaviour.
        scenarios: stress scenarios.
        marks: of `engine.pipeline.compute.mark_positions`.
        snapshots: of `engine.pipeline.equity.roll_equity`.
        exact: of the same; of portfolios without snapshots, too.
        threads: see `engine.pipeline.compute.compute`.

    Returns:
        The result of each job.
    """
    visible = inputs.visible if rules.membership == "today" else inputs.once_visible
    visible = visible | inputs.underlyings if rules.options == "greeks" else visible
    year = VOLATILITY.look_back if rules.percentile_window == "365_days" else PERCENTILE_LOOK_BACK
    panel = build_price_panel(inputs.closes, visible, window, timedelta(days=1 + year))
    portfolios = portfolio_arrays(snapshots, len(window.sessions))
    positions = open_positions(marks, portfolios, rules.membership)
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    ids = factor_ids(inputs.factor_definitions)
    stale = rules.stale_figures
    priced, book, joint = positions, None, None
    greeks: dict[str, pl.DataFrame] = {}
    attributed: dict[str, pl.DataFrame] = {}
    risks: list[JobResult] = []
    if rules.options == "greeks":
        quotes = build_price_panel(prices, visible, window, timedelta(0))
        book, positions, greeks = options(inputs, rules, marks, panel, quotes, positions, dates)
    correlate = partial(_correlations, inputs, rules, marks, portfolios, panel, dates)
    with beside(correlate, threads > 1 and len(portfolios.ids) * len(dates) >= LARGE) as correlated:
        market = market_beta(panel, positions, portfolios, dates, ids.market, stale).with_tables(greeks)
        correlations = _factor_correlations(inputs, window, rules, scenarios, panel)
        if rules.factor_model == "joint":
            joint, risks, attributed = joint_figures(
                inputs, rules, panel, positions, portfolios, dates, exact, snapshots, correlations
            )
        rates = joint.rates if joint else None
        rate = rate_beta(panel, positions, portfolios, dates, ids.rate, rules.rate_weights, stale, rates)
        ridge = ridge_factors(panel, positions, portfolios, dates, ids.active, rules.alignment, stale, joint)
        betas = [
            market,
            _provider_beta(inputs, window, marks, snapshots, priced, portfolios, market, ids.provider),
            rate,
            spread_factors(panel, positions, portfolios, dates, ids.active, rules.alignment, stale),
            ridge.with_tables(attributed),
        ]
        volatilities = volatility(positions, portfolios, panel, dates, rules)
        forecasts = forecast_tables(
            inputs, window, rules, panel, positions, portfolios, snapshots, volatilities
        )
        return [
            *betas,
            _sector(inputs, window, rules, marks, snapshots, portfolios),
            volatilities.with_tables(forecasts),
            correlated(),
            _stress(inputs, window, rules, scenarios, positions, portfolios, correlations, betas, book),
            *risks,
        ]


def _correlations(
    inputs: Inputs,
    rules: Rules,
    marks: pl.DataFrame,
    portfolios: Portfolios,
    panel: PricePanel,
    dates: pl.Series,
) -> JobResult:
    """Run the correlations; see `engine.analytics.correlations.correlation_rows.correlations`."""
    names = Names(inputs.tags, inputs.position_tags, inputs.profiles)
    return correlations(
        marks,
        portfolios,
        panel,
        inputs.closes,
        dates,
        rules.stale_figures,
        rules.membership,
        rules.undefined_figures,
        rules.effective_positions,
        names if rules.clusters == "hierarchical" else None,
        rules.alignment,
    )


def _stress(
    inputs: Inputs,
    window: Window,
    rules: Rules,
    scenarios: Scenarios,
    positions: OpenPositions,
    portfolios: Portfolios,
    correlations: FactorCorrelations,
    betas: Sequence[JobResult],
    book: OptionBook | None,
) -> JobResult:
    """Run stress on rounded exposures and rate betas, those of earlier runs too: legacy reads its tables."""
    exposures = _storable("factor_exposures", betas)
    rate_betas = _storable(RATE_BETAS, betas)
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    definitions = updated_definitions(inputs.factor_definitions, exposures, window.written)
    return stress(
        portfolios,
        positions,
        dates,
        _read_back("factor_exposures", exposures, inputs.previous_exposures, window.stamp),
        _read_back(RATE_BETAS, rate_betas, inputs.previous_rate_betas, window.stamp),
        definitions,
        scenarios.active,
        dict(inputs.scenarios.select("scenario_id", "id").iter_rows()),
        correlations,
        rules,
        inputs.durations,
        option_stress(book, rules, inputs.durations, positions, dates, betas, definitions) if book else None,
        inputs.replay_closes,
    )


def _factor_correlations(
    inputs: Inputs, window: Window, rules: Rules, scenarios: Scenarios, panel: PricePanel
) -> FactorCorrelations:
    """Return the correlations of the factor funds as of the run date, or of each session."""
    assumptions = scenarios.bounds, scenarios.half_life
    if rules.factor_covariance == "run_date":
        return factor_correlations(inputs.fund_closes, window.run_date, *assumptions)
    return session_correlations(panel, window.sessions, *assumptions, rules.factor_covariance)


def _storable(table: str, results: Sequence[JobResult]) -> pl.DataFrame:
    """Return the jobs' rows of a table, without the portfolios that a figure of these rows will fail.

    A figure that its column cannot hold fails its whole portfolio (`engine.pipeline.assemble`), so that
    stress would not read its rows from the table.
    """
    rows = pl.concat(_tables(table, results))
    return rows.join(misfits(TABLES[table], rows), on="portfolio_id", how="anti", maintain_order="left")


def _tables(name: str, results: Sequence[JobResult]) -> list[pl.DataFrame]:
    return [result.tables[name] for result in results if name in result.tables]


def _read_back(table: str, rows: pl.DataFrame, earlier: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Return the rows of earlier runs, then this run's rows as their table stores them."""
    stamped = rows.with_columns(created_at=pl.lit(stamp, UTC_MICROSECONDS))
    fresh = stored_columns(TABLES[table], stamped, earlier.columns)
    return pl.concat([earlier, fresh])


def _sector(
    inputs: Inputs,
    window: Window,
    rules: Rules,
    marks: pl.DataFrame,
    snapshots: pl.DataFrame,
    portfolios: Portfolios,
) -> JobResult:
    """Run the sectors of every session, or those of sessions from the run date on."""
    if rules.sectors == "every_session":
        held = present(marks, rules.membership)
        return session_sectors(snapshots, held, inputs.profiles, inputs.benchmark, portfolios)
    return sector(
        snapshots,
        marks,
        inputs.positions,
        inputs.profiles,
        inputs.has_benchmark,
        portfolios,
        window.run_date,
        rules.membership,
    )


def _provider_beta(
    inputs: Inputs,
    window: Window,
    marks: pl.DataFrame,
    snapshots: pl.DataFrame,
    positions: OpenPositions,
    portfolios: Portfolios,
    market: JobResult,
    factor_id: str,
) -> JobResult:
    """Run the provider beta, and from the run date on also the beta that a snapshot is created with."""
    dates = pl.Series("date", window.sessions, dtype=pl.Date)
    sources = (inputs.profiles, market.tables["position_market_betas"], inputs.previous_market_betas)
    result = provider_beta(positions, portfolios, dates, *sources, factor_id)
    if window.sessions[-1] < window.run_date or result.snapshot is None:
        return result
    created = snapshots.select(
        equity=usd(pl.col("equity_grains"), GRAIN_SCALE),
        populated=(pl.col("date") >= window.run_date) & pl.col("holds"),
    )
    shape = portfolios.equity.shape
    equity, populated = (created[name].to_numpy().reshape(shape) for name in created.columns)
    opening = opening_provider_beta(positions, portfolios, dates, *sources, marks, equity, populated)
    return replace(result, snapshot=with_openings(result.snapshot, opening))
