"""Tables of figures that the legacy batch computes, and what a run says of them."""

from __future__ import annotations

from engine.core.schema.kinds import (
    BOOLEAN,
    DATE,
    INTEGER,
    JSON,
    JSONB,
    LEVEL,
    MONEY,
    TEXT,
    TIMESTAMP,
    UUID,
    Column,
    ForeignKey,
    Table,
    Type,
    columns_alike,
    numeric,
    row_id,
    stamp,
    stamps,
    varchar,
)

CORRELATION = numeric(8, 6)
NO_POSITIONS = "no position open that session"
NO_ROW = "its job skipped or failed: see analytics_status"
RUN_DATE_ONLY = "a session before the run date, or no sector figure: see analytics_status"
BY_OTHERS = "set by the target-price service, never by a run"

UNDEFINED = "undefined: too few returns, or a price that did not move"


def _undefined(name: str, kind: Type, unit: str, nan: bool = False) -> Column:
    """Return a column that is null where its figure is undefined; the legacy schema's takes no null."""
    return Column(name, kind, UNDEFINED, unit, nan=nan, legacy_null=False)


def _portfolio_key(table: str) -> ForeignKey:
    return ForeignKey(f"fk_{table}_portfolio_id_portfolios", "portfolio_id", "portfolios")


def _position_key(table: str) -> ForeignKey:
    return ForeignKey(f"fk_{table}_position_id_positions", "position_id", "positions")


def _factor_key(table: str) -> ForeignKey:
    return ForeignKey(f"fk_{table}_factor_id_factor_definitions", "factor_id", "factor_definitions")


TARGET_PRICES = (
    *columns_alike(
        numeric(8, 4),
        BY_OTHERS,
        "percent",
        "target_price_return_eoy",
        "target_price_return_next_year",
        "target_price_downside_return",
    ),
    *columns_alike(
        MONEY,
        BY_OTHERS,
        "USD",
        "target_price_upside_eoy_dollars",
        "target_price_upside_next_year_dollars",
        "target_price_downside_dollars",
    ),
    Column("target_price_coverage_pct", numeric(8, 4), BY_OTHERS, "percent"),
    *columns_alike(
        INTEGER,
        BY_OTHERS,
        "positions",
        "target_price_positions_count",
        "target_price_total_positions",
    ),
    Column("target_price_last_updated", TIMESTAMP, BY_OTHERS),
)
"""Columns of a snapshot that another service fills; a run that replaces the row keeps them."""

PORTFOLIO_SNAPSHOTS = Table(
    name="portfolio_snapshots",
    role="output",
    comment="One row for each portfolio and session: equity, P&L, exposures, risk.",
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("snapshot_date", DATE),
        Column("total_value", MONEY, unit="USD; equity, or 0 without positions", job="snapshot"),
        Column("cash_value", MONEY, unit="USD, not below 0", job="snapshot"),
        Column("long_value", MONEY, unit="USD", job="snapshot"),
        Column("short_value", MONEY, unit="USD, not above 0", job="snapshot"),
        Column("gross_exposure", MONEY, unit="USD", job="snapshot"),
        Column("net_exposure", MONEY, unit="USD", job="snapshot"),
        Column("daily_pnl", MONEY, "not computed", "USD", job="pnl"),
        Column("daily_return", numeric(8, 6), "not computed", "fraction", job="pnl"),
        Column("cumulative_pnl", MONEY, "not computed", "USD", job="pnl"),
        Column("daily_realized_pnl", MONEY, "not computed", "USD", job="pnl"),
        Column("cumulative_realized_pnl", MONEY, "not computed", "USD", job="pnl"),
        Column("daily_capital_flow", MONEY, "not computed", "USD", job="pnl"),
        Column("cumulative_capital_flow", MONEY, "not computed", "USD", job="pnl"),
        *columns_alike(
            numeric(12, 2),
            NO_POSITIONS,
            "always 0 otherwise",
            "portfolio_delta",
            "portfolio_gamma",
            "portfolio_theta",
            "portfolio_vega",
            job="snapshot",
        ),
        *columns_alike(
            INTEGER,
            None,
            "positions",
            "num_positions",
            "num_long_positions",
            "num_short_positions",
            job="snapshot",
        ),
        Column("equity_balance", MONEY, "not computed", "USD", job="pnl"),
        *columns_alike(
            LEVEL,
            NO_ROW,
            "fraction a year",
            "realized_volatility_21d",
            "realized_volatility_63d",
            "expected_volatility_21d",
            job="volatility",
        ),
        Column("volatility_trend", varchar(20), NO_ROW, job="volatility"),
        Column(
            "volatility_percentile",
            LEVEL,
            f"fewer than 252 returns, or {NO_ROW}",
            "fraction",
            job="volatility",
        ),
        Column("beta_calculated_90d", LEVEL, NO_ROW, "ratio", job="market_beta"),
        Column("beta_calculated_90d_r_squared", LEVEL, NO_ROW, "fraction", nan=True, job="market_beta"),
        Column("beta_calculated_90d_observations", INTEGER, NO_ROW, "returns", job="market_beta"),
        Column("beta_provider_1y", LEVEL, NO_ROW, "ratio", job="provider_beta"),
        Column("beta_portfolio_regression", LEVEL, "never computed", "ratio"),
        Column(
            "sector_exposure",
            JSON,
            f"{NO_POSITIONS}; as a document that is null: {RUN_DATE_ONLY}",
            "fraction of equity by sector",
            job="sector",
        ),
        Column("hhi", LEVEL, RUN_DATE_ONLY, "0 to 10000", job="sector"),
        Column("effective_num_positions", numeric(10, 2), RUN_DATE_ONLY, "positions", job="sector"),
        *columns_alike(
            LEVEL, RUN_DATE_ONLY, "fraction", "top_3_concentration", "top_10_concentration", job="sector"
        ),
        *TARGET_PRICES,
        Column("is_complete", BOOLEAN),
        stamp("created_at"),
    ),
    key=("portfolio_id", "snapshot_date"),
    date="snapshot_date",
    owner="portfolio_id",
    unique={"uq_portfolio_snapshots_portfolio_date": ("portfolio_id", "snapshot_date")},
    indexes={
        "ix_portfolio_snapshots_portfolio_id": ("portfolio_id",),
        "ix_portfolio_snapshots_snapshot_date": ("snapshot_date",),
    },
    foreign_keys=(_portfolio_key("portfolio_snapshots"),),
)

POSITION_MARKET_BETAS = Table(
    name="position_market_betas",
    role="output",
    comment="Each position's regression on SPY; no row where it could not be fitted.",
    jobs=("market_beta",),
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("position_id", UUID),
        Column("calc_date", DATE),
        Column("beta", numeric(12, 6), unit="ratio, at most 5 either way"),
        Column("alpha", numeric(12, 6), "not computed", "fraction a day"),
        Column("r_squared", numeric(12, 6), "not computed", "fraction", nan=True),
        Column("std_error", numeric(12, 6), "not computed", "ratio"),
        Column("p_value", numeric(12, 6), "not computed", "fraction", nan=True),
        Column("observations", INTEGER, unit="returns"),
        Column("window_days", INTEGER, unit="calendar days"),
        Column("method", varchar(32)),
        Column("market_index", varchar(16)),
        *stamps(),
    ),
    key=("portfolio_id", "position_id", "calc_date", "method", "window_days"),
    date="calc_date",
    owner="portfolio_id",
    unique={
        "uq_position_beta_calc": (
            "portfolio_id",
            "position_id",
            "calc_date",
            "method",
            "window_days",
        )
    },
    indexes={
        "idx_pos_beta_created": ("created_at",),
        "idx_pos_beta_lookup": ("portfolio_id", "calc_date"),
        "idx_pos_beta_position": ("position_id", "calc_date"),
    },
    foreign_keys=(
        _portfolio_key("position_market_betas"),
        _position_key("position_market_betas"),
    ),
)

POSITION_INTEREST_RATE_BETAS = Table(
    name="position_interest_rate_betas",
    role="output",
    comment="Each public position's regression on TLT; no row where it could not be fitted.",
    jobs=("rate_beta",),
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("position_id", UUID),
        Column("ir_beta", numeric(8, 6), unit="ratio, at most 5 either way"),
        Column("r_squared", numeric(6, 4), "exactly 0", "fraction", nan=True),
        Column("calculation_date", DATE),
        stamp("created_at"),
    ),
    key=("position_id", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
    indexes={
        "idx_ir_betas_portfolio_date": ("portfolio_id", "calculation_date"),
        "idx_ir_betas_position_date": ("position_id", "calculation_date"),
    },
    foreign_keys=(
        _portfolio_key("position_interest_rate_betas"),
        _position_key("position_interest_rate_betas"),
    ),
)

POSITION_FACTOR_EXPOSURES = Table(
    name="position_factor_exposures",
    role="output",
    comment="Each position's coefficients on the four spread and six ridge factors.",
    jobs=("spread_factors", "ridge_factors"),
    columns=(
        row_id(),
        Column("position_id", UUID),
        Column("factor_id", UUID),
        Column("calculation_date", DATE),
        Column("exposure_value", numeric(12, 6), unit="ratio, at most 5 either way"),
        Column("quality_flag", varchar(20), "not judged"),
        stamp("created_at"),
    ),
    key=("position_id", "factor_id", "calculation_date"),
    date="calculation_date",
    owner="position_id",
    unique={"uq_position_factor_date": ("position_id", "factor_id", "calculation_date")},
    indexes={
        "idx_pfe_calculation_date": ("calculation_date",),
        "idx_pfe_factor_date": ("factor_id", "calculation_date"),
        "idx_pfe_position_date": ("position_id", "calculation_date"),
    },
    foreign_keys=(
        _position_key("position_factor_exposures"),
        _factor_key("position_factor_exposures"),
    ),
)

FACTOR_EXPOSURES = Table(
    name="factor_exposures",
    role="output",
    comment="Each portfolio's exposure to each factor, as a ratio and in dollars.",
    jobs=("market_beta", "provider_beta", "rate_beta", "spread_factors", "ridge_factors"),
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("factor_id", UUID),
        Column("calculation_date", DATE),
        Column("exposure_value", numeric(12, 6), unit="ratio"),
        Column("exposure_dollar", MONEY, "not computed", "USD"),
        *stamps(),
    ),
    key=("portfolio_id", "factor_id", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
    unique={
        "uq_factor_exposures_portfolio_factor_date": (
            "portfolio_id",
            "factor_id",
            "calculation_date",
        )
    },
    indexes={
        "ix_factor_exposures_calculation_date": ("calculation_date",),
        "ix_factor_exposures_portfolio_id_factor_id": ("portfolio_id", "factor_id"),
    },
    foreign_keys=(_portfolio_key("factor_exposures"), _factor_key("factor_exposures")),
)

POSITION_VOLATILITY = Table(
    name="position_volatility",
    role="output",
    comment="Each position's volatility; no row under 63 returns.",
    jobs=("volatility",),
    columns=(
        row_id(),
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        *columns_alike(
            LEVEL,
            "not computed",
            "fraction a year",
            "realized_vol_21d",
            "realized_vol_63d",
            "vol_daily",
            "vol_weekly",
            "vol_monthly",
            "expected_vol_21d",
        ),
        Column("vol_trend", varchar(20), "not computed"),
        Column("vol_trend_strength", LEVEL, "not computed", "fraction"),
        Column("vol_percentile", LEVEL, "fewer than 252 returns", "fraction"),
        Column("observations", INTEGER, "not computed", "returns"),
        Column("model_r_squared", LEVEL, "not computed", "fraction"),
        *stamps(),
    ),
    key=("position_id", "calculation_date"),
    date="calculation_date",
    owner="position_id",
    unique={"uq_position_volatility_date": ("position_id", "calculation_date")},
    indexes={
        "ix_position_volatility_calculation_date": ("calculation_date",),
        "ix_position_volatility_lookup": ("position_id", "calculation_date"),
        "ix_position_volatility_position_id": ("position_id",),
    },
    foreign_keys=(_position_key("position_volatility"),),
)

CORRELATION_CALCULATIONS = Table(
    name="correlation_calculations",
    role="output",
    comment="The head of each portfolio's correlation matrix of a session.",
    jobs=("correlations",),
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("duration_days", INTEGER, unit="calendar days"),
        Column("calculation_date", TIMESTAMP),
        _undefined("overall_correlation", CORRELATION, "mean of absolute values", nan=True),
        Column(
            "correlation_concentration_score",
            CORRELATION,
            unit="value of lots in clusters as a fraction; 0 by clusters=none",
        ),
        _undefined("effective_positions", numeric(8, 2), "positions"),
        Column("data_quality", varchar(20)),
        Column("min_position_value", numeric(18, 4), "no threshold", "USD"),
        Column("min_portfolio_weight", CORRELATION, "no threshold", "fraction"),
        Column("filter_mode", varchar(20), "none"),
        Column("correlation_threshold", CORRELATION, "none", "correlation"),
        Column("positions_included", INTEGER, unit="symbols"),
        Column("positions_excluded", INTEGER, unit="lots less symbols"),
        stamp("created_at"),
    ),
    key=("portfolio_id", "duration_days", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
    made_ids=True,
    unique={
        "uq_correlation_calculations_portfolio_id": (
            "portfolio_id",
            "duration_days",
            "calculation_date",
        )
    },
    indexes={
        "idx_correlation_calculations_portfolio_date": ("portfolio_id", "calculation_date"),
    },
    foreign_keys=(_portfolio_key("correlation_calculations"),),
)

CORRELATION_CLUSTERS = Table(
    name="correlation_clusters",
    role="output",
    comment="Clusters of correlated symbols, by clusters=hierarchical; the legacy batch stores none.",
    jobs=("correlations",),
    columns=(
        row_id(),
        Column("correlation_calculation_id", UUID),
        Column("cluster_number", INTEGER, unit="rank"),
        Column("nickname", varchar(100)),
        Column("avg_correlation", CORRELATION, unit="correlation"),
        Column("total_value", numeric(18, 4), unit="USD"),
        Column("portfolio_percentage", CORRELATION, unit="fraction"),
        stamp("created_at"),
    ),
    key=("correlation_calculation_id", "cluster_number"),
    owner="correlation_calculation_id",
    made_ids=True,
    indexes={"idx_correlation_clusters_calculation": ("correlation_calculation_id",)},
    foreign_keys=(
        ForeignKey(
            "fk_correlation_clusters_correlation_calculation_id_corr_40a6",
            "correlation_calculation_id",
            "correlation_calculations",
        ),
    ),
)

CORRELATION_CLUSTER_POSITIONS = Table(
    name="correlation_cluster_positions",
    role="output",
    comment="Lots of the clusters' symbols, by clusters=hierarchical; the legacy batch stores none.",
    jobs=("correlations",),
    columns=(
        row_id(),
        Column("cluster_id", UUID),
        Column("position_id", UUID),
        Column("symbol", varchar(20)),
        Column("value", numeric(18, 4), unit="USD"),
        Column("portfolio_percentage", CORRELATION, unit="fraction"),
        Column("correlation_to_cluster", CORRELATION, unit="correlation"),
    ),
    key=("cluster_id", "position_id"),
    owner="cluster_id",
    indexes={
        "idx_cluster_positions_cluster": ("cluster_id",),
        "idx_cluster_positions_position": ("position_id",),
    },
    foreign_keys=(
        ForeignKey(
            "fk_correlation_cluster_positions_cluster_id_correlation_1482",
            "cluster_id",
            "correlation_clusters",
        ),
        _position_key("correlation_cluster_positions"),
    ),
)

PAIRWISE_CORRELATIONS = Table(
    name="pairwise_correlations",
    role="output",
    comment="Every pair of a correlation matrix, both ways and with itself.",
    jobs=("correlations",),
    columns=(
        row_id(),
        Column("correlation_calculation_id", UUID),
        Column("symbol_1", varchar(20)),
        Column("symbol_2", varchar(20)),
        _undefined("correlation_value", CORRELATION, "correlation", nan=True),
        Column("data_points", INTEGER, unit="returns"),
        Column("statistical_significance", CORRELATION, "not computed", "1 less the p-value", nan=True),
    ),
    key=("correlation_calculation_id", "symbol_1", "symbol_2"),
    owner="correlation_calculation_id",
    indexes={
        "idx_pairwise_correlations_calculation": ("correlation_calculation_id",),
        "idx_pairwise_correlations_calculation_symbols": (
            "correlation_calculation_id",
            "symbol_1",
            "symbol_2",
        ),
    },
    foreign_keys=(
        ForeignKey(
            "fk_pairwise_correlations_correlation_calculation_id_cor_fe6e",
            "correlation_calculation_id",
            "correlation_calculations",
        ),
    ),
)

STRESS_TEST_RESULTS = Table(
    name="stress_test_results",
    role="output",
    comment="P&L of each portfolio under each scenario, by session.",
    jobs=("stress",),
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("scenario_id", UUID),
        Column("calculation_date", DATE),
        Column("direct_pnl", MONEY, unit="USD"),
        Column("correlated_pnl", MONEY, unit="USD"),
        Column("correlation_effect", MONEY, unit="USD"),
        Column("factor_impacts", JSONB, "none", "by shocked factor: percent, USD, USD"),
        Column("calculation_metadata", JSONB, "none"),
        stamp("created_at"),
    ),
    key=("portfolio_id", "scenario_id", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
    indexes={
        "idx_stress_results_calculation_date": ("calculation_date",),
        "idx_stress_results_portfolio_date": ("portfolio_id", "calculation_date"),
        "idx_stress_results_scenario": ("scenario_id",),
    },
    foreign_keys=(
        _portfolio_key("stress_test_results"),
        ForeignKey(
            "fk_stress_test_results_scenario_id_stress_test_scenarios",
            "scenario_id",
            "stress_test_scenarios",
        ),
    ),
)

STRESS_TEST_GAPS = Table(
    name="stress_test_gaps",
    role="output",
    comment="Scenarios without a result for a portfolio and session, with the reason.",
    jobs=("stress",),
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("scenario_id", UUID),
        Column("calculation_date", DATE),
        Column("reason", varchar(64), unit="code"),
        Column("factors", TEXT, unit="shocked factors without an exposure or a close"),
        stamp("created_at"),
    ),
    key=("portfolio_id", "scenario_id", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
    foreign_keys=(_portfolio_key("stress_test_gaps"),),
    since="2",
    legacy=False,
)

POSITION_GREEKS = Table(
    name="position_greeks",
    role="output",
    comment="Option sensitivities; the batch stores none.",
    columns=(
        row_id(),
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        *columns_alike(numeric(12, 6), "not computed", "shares", "delta", "gamma"),
        *columns_alike(numeric(12, 4), "not computed", "USD", "theta", "vega", "rho"),
        *columns_alike(MONEY, "not computed", "USD", "delta_dollars", "gamma_dollars"),
        *stamps(),
    ),
    key=("position_id",),
    date="calculation_date",
    owner="position_id",
)

MARKET_RISK_SCENARIOS = Table(
    name="market_risk_scenarios",
    role="output",
    comment="An older kind of scenario; the batch stores none.",
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("scenario_type", varchar(50)),
        Column("scenario_value", numeric(8, 6), unit="fraction"),
        Column("predicted_pnl", MONEY, unit="USD"),
        Column("calculation_date", DATE),
        stamp("created_at"),
    ),
    key=("portfolio_id", "scenario_type", "scenario_value", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
)

FACTOR_CORRELATIONS = Table(
    name="factor_correlations",
    role="output",
    comment="Correlations between factors; the batch stores none.",
    columns=(
        row_id(),
        Column("factor_1_id", UUID),
        Column("factor_2_id", UUID),
        Column("correlation", CORRELATION, unit="correlation"),
        Column("calculation_date", DATE),
        Column("lookback_days", INTEGER, unit="calendar days"),
        Column("decay_factor", numeric(4, 3), unit="a day"),
        Column("data_points", INTEGER, unit="returns"),
        stamp("created_at"),
    ),
    key=("factor_1_id", "factor_2_id", "calculation_date"),
    date="calculation_date",
)

BATCH_RUN_TRACKING = Table(
    name="batch_run_tracking",
    role="output",
    comment="One row for each session in which no portfolio failed.",
    columns=(
        row_id(),
        Column("run_date", DATE),
        *columns_alike(varchar(20), "not run", "", "phase_1_status", "phase_2_status", "phase_3_status"),
        *(
            Column(f"phase_{n}_duration_seconds", INTEGER, "not measured", "s", compared=False)
            for n in (1, 2, 3)
        ),
        Column("portfolios_processed", INTEGER, "never counted", "portfolios"),
        Column("symbols_fetched", INTEGER, "never counted", "symbols"),
        Column("data_coverage_pct", numeric(5, 2), "never measured", "percent"),
        Column("error_message", TEXT, "no error"),
        stamp("completed_at", "not completed"),
        stamp("created_at"),
    ),
    key=("run_date",),
    date="run_date",
    unique={"ix_batch_run_tracking_run_date": ("run_date",)},
)

ANALYTICS_STATUS = Table(
    name="analytics_status",
    role="engine",
    legacy=False,
    comment="Status of each job for each portfolio and session, with the reason.",
    columns=(
        row_id(),
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("job", varchar(32)),
        Column("status", varchar(16), unit="ok, partial, held_back, skipped or failed"),
        Column("reason", varchar(255), "the status is ok"),
        Column("positions_used", INTEGER, unit="positions"),
        Column("positions_left_out", INTEGER, unit="positions"),
        Column(
            "coverage",
            numeric(7, 6),
            "no lot is due, or a run of schema version 1",
            "fraction of the value of the lots due that entered the figure",
            since="2",
            legacy=False,
        ),
    ),
    key=("portfolio_id", "calculation_date", "job"),
    date="calculation_date",
    owner="portfolio_id",
    unique={"uq_analytics_status": ("portfolio_id", "calculation_date", "job")},
    foreign_keys=(_portfolio_key("analytics_status"),),
)

FIGURES = (
    PORTFOLIO_SNAPSHOTS,
    POSITION_MARKET_BETAS,
    POSITION_INTEREST_RATE_BETAS,
    POSITION_FACTOR_EXPOSURES,
    FACTOR_EXPOSURES,
    POSITION_VOLATILITY,
    CORRELATION_CALCULATIONS,
    CORRELATION_CLUSTERS,
    CORRELATION_CLUSTER_POSITIONS,
    PAIRWISE_CORRELATIONS,
    STRESS_TEST_RESULTS,
    STRESS_TEST_GAPS,
    POSITION_GREEKS,
    MARKET_RISK_SCENARIOS,
    FACTOR_CORRELATIONS,
    BATCH_RUN_TRACKING,
    ANALYTICS_STATUS,
)
