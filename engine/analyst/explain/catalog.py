"""Functions that explain each figure of each table that a run writes."""

from __future__ import annotations

from collections.abc import Callable

from engine.analyst.explain import (
    attributed,
    books,
    clustered,
    concentrations,
    contracts,
    equity,
    exposures,
    fixed,
    horizons,
    jobs,
    joint,
    labels,
    losses,
    marks,
    matrices,
    pairs,
    portfolio_betas,
    risk,
    scored,
    sector_values,
    stresses,
    styles,
    volatilities,
)
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.by_delta import of_risk
from engine.analyst.explain.case import Case
from engine.analyst.explain.rounding import undefined
from engine.analyst.explain.working import Working, absent
from engine.core.schema import TABLES, TARGET_PRICES

Explainer = Callable[[Case, Ask], Working]
UNDEFINED = "undefined: a price did not move"


def _each(explainer: Explainer, *columns: str) -> dict[str, Explainer]:
    return dict.fromkeys(columns, explainer)


def _defined(explainer: Explainer) -> Explainer:
    """Return the function with no value for an undefined one, by rules under which that is absent."""

    def explain(case: Case, ask: Ask) -> Working:
        working = explainer(case, ask)
        if case.rules.undefined_figures == "nan" or not undefined(working.value):
            return working
        return absent(working.formula, UNDEFINED, frames=working.frames, sample=working.sample)

    return explain


def figure_columns(table: str) -> list[str]:
    """Return the columns of a table that hold figures: all but keys, ids and write times."""
    schema = TABLES[table]
    return [
        column.name
        for column in schema.columns
        if column.name not in schema.key and column.type.kind not in ("uuid", "timestamp")
    ]


def _job_columns(table: str) -> list[str]:
    """Return the figures of a table that an analytics job fills."""
    schema = TABLES[table]
    return [name for name in figure_columns(table) if schema.jobs or schema[name].job]


SNAPSHOTS = {
    **_each(
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
    **_each(exposures.cash, "cash_value"),
    **_each(exposures.sums, *exposures.SUMS),
    **_each(exposures.counts, *exposures.COUNTS),
    **_each(
        exposures.greeks,
        "portfolio_delta",
        "portfolio_gamma",
        "portfolio_theta",
        "portfolio_vega",
    ),
    **_each(of_risk(volatilities.portfolio_volatility), *volatilities.NAMES),
    **_each(
        of_risk(_defined(portfolio_betas.snapshot_beta)),
        "beta_calculated_90d",
        "beta_calculated_90d_r_squared",
        "beta_calculated_90d_observations",
    ),
    **_each(portfolio_betas.snapshot_beta, "beta_provider_1y"),
    **_each(fixed.never, "beta_portfolio_regression"),
    **_each(
        concentrations.concentration,
        "sector_exposure",
        "hhi",
        "effective_num_positions",
        "top_3_concentration",
        "top_10_concentration",
    ),
    **_each(fixed.kept, *(column.name for column in TARGET_PRICES)),
    **_each(fixed.complete, "is_complete"),
}

EXPLAINERS: dict[str, dict[str, Explainer]] = {
    "portfolio_snapshots": SNAPSHOTS,
    "position_market_betas": {
        **_each(of_risk(_defined(pairs.regression)), *pairs.FORMULAS),
        **_each(pairs.constant, *pairs.CONSTANTS),
    },
    "position_interest_rate_betas": _each(of_risk(_defined(joint.rate_figure)), "ir_beta", "r_squared"),
    "position_factor_exposures": {
        "exposure_value": of_risk(styles.style_beta),
        "quality_flag": of_risk(styles.quality),
    },
    "factor_exposures": _each(of_risk(portfolio_betas.exposure), "exposure_value", "exposure_dollar"),
    "position_volatility": _each(of_risk(volatilities.position_volatility), *volatilities.POSITION_NAMES),
    "engine_option_greeks": _each(contracts.greeks, *figure_columns("engine_option_greeks")),
    "correlation_calculations": {
        **_each(matrices.head, "overall_correlation", "effective_positions"),
        **_each(matrices.head, "positions_included", "positions_excluded", *matrices.CONSTANTS),
        "correlation_concentration_score": clustered.score,
    },
    "correlation_clusters": _each(clustered.cluster, *figure_columns("correlation_clusters")),
    "correlation_cluster_positions": _each(
        clustered.position, *figure_columns("correlation_cluster_positions")
    ),
    "pairwise_correlations": _each(
        matrices.pair, "correlation_value", "data_points", "statistical_significance"
    ),
    "stress_test_results": _each(
        of_risk(stresses.result),
        "direct_pnl",
        "correlated_pnl",
        "correlation_effect",
        "factor_impacts",
        "calculation_metadata",
    ),
    "stress_test_gaps": _each(of_risk(stresses.gap), "reason", "factors"),
    "engine_lot_pnl": _each(books.lot, "life", "quantity", "pnl", "income"),
    "engine_portfolio_pnl": {
        "pnl": equity.unrounded("daily_pnl"),
        "cumulative_pnl": equity.unrounded("cumulative_pnl"),
        "equity": equity.unrounded("equity_balance"),
    },
    "engine_value_at_risk": _each(losses.value_at_risk, *figure_columns("engine_value_at_risk")),
    "engine_var_tests": _each(losses.backtest, *figure_columns("engine_var_tests")),
    "engine_forecast_scores": _each(scored.score, *figure_columns("engine_forecast_scores")),
    "engine_forecast_tests": _each(scored.regression, *figure_columns("engine_forecast_tests")),
    "engine_returns": _each(horizons.horizon_return, *figure_columns("engine_returns")),
    "engine_sector_exposures": _each(sector_values.sector_value, *figure_columns("engine_sector_exposures")),
    "engine_pnl_attribution": _each(attributed.of_portfolio, "amount"),
    "engine_position_attribution": _each(attributed.of_position, *attributed.PARTS),
    **{name: _each(of_risk(risk.figure), *figure_columns(name)) for name in risk.TABLES},
    "position_greeks": _each(fixed.never, *figure_columns("position_greeks")),
    "market_risk_scenarios": _each(fixed.never, *figure_columns("market_risk_scenarios")),
    "factor_correlations": _each(fixed.never, *figure_columns("factor_correlations")),
    "batch_run_tracking": _each(fixed.tracked, *figure_columns("batch_run_tracking")),
    "analytics_status": _each(jobs.status, *figure_columns("analytics_status")),
    "positions": _each(marks.position_mark, "last_price", "market_value", "unrealized_pnl"),
    "tags_v2": _each(labels.usage, "usage_count"),
    "portfolios": _each(marks.portfolio_equity, "equity_balance"),
}
"""{table: {column: function that explains the figure}}."""

CATALOG: dict[str, dict[str, Explainer]] = {
    table: {**_each(jobs.documented, *_job_columns(table)), **EXPLAINERS.get(table, {})}
    for table in dict.fromkeys((*EXPLAINERS, *TABLES))
    if table in EXPLAINERS or _job_columns(table)
}
"""`EXPLAINERS` with the remaining figures of jobs; these refer to the page of their job."""
