"""The catalog: for every figure of every table that a run writes, how it is explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Figure:
    """How a column is explained, and the job whose status says why it may be absent."""

    family: Family
    job: str = ""


def _all(family: Family, job: str, *columns: str) -> dict[str, Figure]:
    return dict.fromkeys(columns, Figure(family, job))


def _rest(table: str, family: Family, known: Iterable[str] = ()) -> dict[str, Figure]:
    """Every other figure of a table."""
    return _all(family, "", *(name for name in figure_columns(table) if name not in known))


def figure_columns(table: str) -> list[str]:
    """The columns of a table that hold figures: neither keys, nor ids, nor moments of writing."""
    known = TABLES[table]
    return [
        column.name
        for column in known.columns
        if column.name not in known.key and column.type.kind not in ("uuid", "timestamp")
    ]


SNAPSHOTS = {
    **_all(
        equity.pnl,
        "pnl",
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
    **_all(exposures.cash, "snapshot", "cash_value"),
    **_all(exposures.sums, "snapshot", *exposures.SUMS),
    **_all(exposures.counts, "snapshot", *exposures.COUNTS),
    **_all(
        exposures.greeks,
        "snapshot",
        "portfolio_delta",
        "portfolio_gamma",
        "portfolio_theta",
        "portfolio_vega",
    ),
    **_all(volatilities.portfolio_volatility, "volatility", *volatilities.NAMES),
    **_all(
        portfolio_betas.snapshot_beta,
        "market_beta",
        "beta_calculated_90d",
        "beta_calculated_90d_r_squared",
        "beta_calculated_90d_observations",
    ),
    **_all(portfolio_betas.snapshot_beta, "provider_beta", "beta_provider_1y"),
    **_all(fixed.never, "", "beta_portfolio_regression"),
    **_all(
        concentrations.concentration,
        "sector",
        "sector_exposure",
        "hhi",
        "effective_num_positions",
        "top_3_concentration",
        "top_10_concentration",
    ),
    **_all(fixed.kept, "", *(column.name for column in TARGET_PRICES)),
    **_all(fixed.complete, "", "is_complete"),
}

CATALOG: dict[str, dict[str, Figure]] = {
    "portfolio_snapshots": SNAPSHOTS,
    "position_market_betas": {
        **_all(pairs.regression, "market_beta", *(name for name in pairs.FORMULAS)),
        **_all(pairs.constant, "market_beta", *pairs.CONSTANTS),
    },
    "position_interest_rate_betas": _all(pairs.regression, "rate_beta", "ir_beta", "r_squared"),
    "position_factor_exposures": {
        "exposure_value": Figure(styles.style_beta),
        "quality_flag": Figure(styles.quality),
    },
    "factor_exposures": _all(portfolio_betas.exposure, "", "exposure_value", "exposure_dollar"),
    "position_volatility": _rest("position_volatility", volatilities.position_volatility),
    "correlation_calculations": {
        **_rest("correlation_calculations", matrices.head),
        "duration_days": Figure(matrices.head),
    },
    "correlation_clusters": _rest("correlation_clusters", fixed.never),
    "correlation_cluster_positions": _rest("correlation_cluster_positions", fixed.never),
    "pairwise_correlations": _rest("pairwise_correlations", matrices.pair),
    "stress_test_results": _rest("stress_test_results", stresses.result),
    "position_greeks": _rest("position_greeks", fixed.never),
    "market_risk_scenarios": _rest("market_risk_scenarios", fixed.never),
    "factor_correlations": _rest("factor_correlations", fixed.never),
    "batch_run_tracking": _rest("batch_run_tracking", fixed.tracked),
    "analytics_status": _rest("analytics_status", jobs.status),
    "positions": _all(marks.position_mark, "market_values", "last_price", "market_value", "unrealized_pnl"),
    "tags_v2": _all(labels.usage, "", "usage_count"),
    "portfolios": _all(marks.portfolio_equity, "pnl", "equity_balance"),
}
"""By table and column."""

JOBS = {
    "position_volatility": "volatility",
    "correlation_calculations": "correlations",
    "pairwise_correlations": "correlations",
    "stress_test_results": "stress",
}
"""The job that fills a whole table."""


def job_of(ask: Ask) -> str:
    """The job whose status belongs to a figure; "" where none does."""
    known = CATALOG[ask.table][ask.column].job or JOBS.get(ask.table, "")
    if known or not ask.factor:
        return known or ask.job
    return portfolio_betas.job_of_factor(ask.factor)
