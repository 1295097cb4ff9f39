"""The catalog: for every figure of every table that a run writes, how it is explained."""

from __future__ import annotations

from collections.abc import Callable

from engine.analyst.explain import (
    concentrations,
    equity,
    exposures,
    fixed,
    jobs,
    labels,
    marks,
    matrices,
    pairs,
    portfolio_betas,
    stresses,
    styles,
    volatilities,
)
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.working import Working
from engine.core.schema import TABLES, TARGET_PRICES

Family = Callable[[Case, Ask], Working]


def _all(family: Family, *columns: str) -> dict[str, Family]:
    return dict.fromkeys(columns, family)


def figure_columns(table: str) -> list[str]:
    """Return the columns of a table that hold figures: no keys, ids, or moments of writing."""
    known = TABLES[table]
    return [
        column.name
        for column in known.columns
        if column.name not in known.key and column.type.kind not in ("uuid", "timestamp")
    ]


def _job_columns(table: str) -> list[str]:
    """Return the figures of a table that an analytics job fills."""
    known = TABLES[table]
    return [name for name in figure_columns(table) if known.jobs or known[name].job]


SNAPSHOTS = {
    **_all(
        equity.pnl,
        "total_value",
        "daily_pnl",
        "daily_return",
        "cumulative_pnl",
        "daily_realized_pnl",
        "cumulative_realized_pnl",
        "daily_capital_flow",
        "cumulative_capital_flow",
        "equity_balance",
    ),
    **_all(exposures.cash, "cash_value"),
    **_all(exposures.sums, *exposures.SUMS),
    **_all(exposures.counts, *exposures.COUNTS),
    **_all(
        exposures.greeks,
        "portfolio_delta",
        "portfolio_gamma",
        "portfolio_theta",
        "portfolio_vega",
    ),
    **_all(volatilities.portfolio_volatility, *volatilities.NAMES),
    **_all(
        portfolio_betas.snapshot_beta,
        "beta_calculated_90d",
        "beta_calculated_90d_r_squared",
        "beta_calculated_90d_observations",
    ),
    **_all(portfolio_betas.snapshot_beta, "beta_provider_1y"),
    **_all(fixed.never, "beta_portfolio_regression"),
    **_all(
        concentrations.concentration,
        "sector_exposure",
        "hhi",
        "effective_num_positions",
        "top_3_concentration",
        "top_10_concentration",
    ),
    **_all(fixed.kept, *(column.name for column in TARGET_PRICES)),
    **_all(fixed.complete, "is_complete"),
}

FAMILIES: dict[str, dict[str, Family]] = {
    "portfolio_snapshots": SNAPSHOTS,
    "position_market_betas": {
        **_all(pairs.regression, *(name for name in pairs.FORMULAS)),
        **_all(pairs.constant, *pairs.CONSTANTS),
    },
    "position_interest_rate_betas": _all(pairs.regression, "ir_beta", "r_squared"),
    "position_factor_exposures": {
        "exposure_value": styles.style_beta,
        "quality_flag": styles.quality,
    },
    "factor_exposures": _all(portfolio_betas.exposure, "exposure_value", "exposure_dollar"),
    "position_volatility": _all(volatilities.position_volatility, *volatilities.POSITION_NAMES),
    "correlation_calculations": {
        **_all(matrices.head, "overall_correlation", "effective_positions"),
        **_all(matrices.head, "positions_included", "positions_excluded", *matrices.CONSTANTS),
    },
    "correlation_clusters": _all(fixed.never, *figure_columns("correlation_clusters")),
    "correlation_cluster_positions": _all(fixed.never, *figure_columns("correlation_cluster_positions")),
    "pairwise_correlations": _all(
        matrices.pair, "correlation_value", "data_points", "statistical_significance"
    ),
    "stress_test_results": _all(
        stresses.result,
        "direct_pnl",
        "correlated_pnl",
        "correlation_effect",
        "factor_impacts",
        "calculation_metadata",
    ),
    "position_greeks": _all(fixed.never, *figure_columns("position_greeks")),
    "market_risk_scenarios": _all(fixed.never, *figure_columns("market_risk_scenarios")),
    "factor_correlations": _all(fixed.never, *figure_columns("factor_correlations")),
    "batch_run_tracking": _all(fixed.tracked, *figure_columns("batch_run_tracking")),
    "analytics_status": _all(jobs.status, *figure_columns("analytics_status")),
    "positions": _all(marks.position_mark, "last_price", "market_value", "unrealized_pnl"),
    "tags_v2": _all(labels.usage, "usage_count"),
    "portfolios": _all(marks.portfolio_equity, "equity_balance"),
}
"""By table and column: the function that explains the figure."""

CATALOG: dict[str, dict[str, Family]] = {
    table: {**_all(jobs.documented, *_job_columns(table)), **FAMILIES.get(table, {})}
    for table in dict.fromkeys((*FAMILIES, *TABLES))
    if table in FAMILIES or _job_columns(table)
}
"""The same for every figure of a job: one without a function of its own names its page."""
