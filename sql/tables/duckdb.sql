-- users

CREATE TABLE users (
    id UUID NOT NULL,
    email VARCHAR(255) NOT NULL,
    hashed_password VARCHAR(255) NOT NULL,
    full_name VARCHAR(255) NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- portfolios

CREATE TABLE portfolios (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    name VARCHAR(255) NOT NULL,
    account_name VARCHAR(100) NOT NULL,
    account_type VARCHAR(20) NOT NULL,
    is_active BOOLEAN NOT NULL,
    description VARCHAR(1000),
    currency VARCHAR(3) NOT NULL,
    equity_balance NUMERIC(16, 2),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE
);

-- positions

CREATE TYPE IF NOT EXISTS positiontype AS ENUM ('LC', 'LP', 'SC', 'SP', 'LONG', 'SHORT');

CREATE TABLE positions (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    position_type positiontype NOT NULL,
    quantity NUMERIC(16, 4) NOT NULL,
    entry_price NUMERIC(12, 4) NOT NULL,
    entry_date DATE NOT NULL,
    exit_price NUMERIC(12, 4),
    exit_date DATE,
    underlying_symbol VARCHAR(10),
    strike_price NUMERIC(12, 4),
    expiration_date DATE,
    investment_class VARCHAR(20),
    investment_subtype VARCHAR(30),
    last_price NUMERIC(12, 4),
    market_value NUMERIC(16, 2),
    unrealized_pnl NUMERIC(16, 2),
    realized_pnl NUMERIC(16, 2),
    notes TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE
);

-- position_realized_events

CREATE TABLE position_realized_events (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    trade_date DATE NOT NULL,
    quantity_closed NUMERIC(16, 4) NOT NULL,
    realized_pnl NUMERIC(16, 2) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- equity_changes

CREATE TYPE IF NOT EXISTS equity_change_type AS ENUM ('CONTRIBUTION', 'WITHDRAWAL');

CREATE TABLE equity_changes (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    change_type equity_change_type NOT NULL,
    amount NUMERIC(16, 2) NOT NULL,
    change_date DATE NOT NULL,
    notes VARCHAR(500),
    created_by_user_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE
);

-- tags_v2

CREATE TABLE tags_v2 (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    color VARCHAR(7),
    description TEXT,
    display_order INTEGER NOT NULL,
    usage_count INTEGER NOT NULL,
    is_archived BOOLEAN NOT NULL,
    archived_at TIMESTAMP WITH TIME ZONE,
    archived_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- position_tags

CREATE TABLE position_tags (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    tag_id UUID NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    assigned_by UUID
);

-- portfolio_target_prices

CREATE TABLE portfolio_target_prices (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    position_id UUID,
    symbol VARCHAR(20) NOT NULL,
    position_type VARCHAR(10),
    target_price_eoy NUMERIC(12, 4),
    target_price_next_year NUMERIC(12, 4),
    downside_target_price NUMERIC(12, 4),
    current_price NUMERIC(12, 4),
    current_implied_vol NUMERIC(8, 4),
    expected_return_eoy NUMERIC(8, 4),
    expected_return_next_year NUMERIC(8, 4),
    downside_return NUMERIC(8, 4),
    target_upside_eoy_value NUMERIC(16, 2),
    target_upside_next_year_value NUMERIC(16, 2),
    target_downside_value NUMERIC(16, 2),
    position_weight NUMERIC(8, 4),
    contribution_to_portfolio_return NUMERIC(8, 4),
    contribution_to_portfolio_risk NUMERIC(8, 4),
    price_updated_at TIMESTAMP WITH TIME ZONE,
    analyst_notes TEXT,
    data_source VARCHAR(50),
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- market_data_cache

CREATE TABLE market_data_cache (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    open NUMERIC(12, 4),
    high NUMERIC(12, 4),
    low NUMERIC(12, 4),
    close NUMERIC(12, 4) NOT NULL,
    volume BIGINT,
    sector VARCHAR(100),
    industry VARCHAR(100),
    exchange VARCHAR(20),
    country VARCHAR(10),
    market_cap NUMERIC(18, 2),
    data_source VARCHAR(50) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- company_profiles

CREATE TABLE company_profiles (
    symbol VARCHAR(20) NOT NULL,
    company_name VARCHAR(200),
    sector VARCHAR(100),
    industry VARCHAR(100),
    exchange VARCHAR(50),
    country VARCHAR(50),
    market_cap NUMERIC(18, 2),
    description VARCHAR(1000),
    is_etf BOOLEAN,
    is_fund BOOLEAN,
    ceo VARCHAR(100),
    employees INTEGER,
    website VARCHAR(200),
    pe_ratio NUMERIC(10, 2),
    forward_pe NUMERIC(10, 2),
    dividend_yield NUMERIC(8, 6),
    beta NUMERIC(8, 4),
    week_52_high NUMERIC(12, 4),
    week_52_low NUMERIC(12, 4),
    target_mean_price NUMERIC(12, 4),
    target_high_price NUMERIC(12, 4),
    target_low_price NUMERIC(12, 4),
    number_of_analyst_opinions INTEGER,
    recommendation_mean NUMERIC(3, 2),
    recommendation_key VARCHAR(20),
    forward_eps NUMERIC(12, 4),
    earnings_growth NUMERIC(8, 6),
    revenue_growth NUMERIC(8, 6),
    earnings_quarterly_growth NUMERIC(8, 6),
    profit_margins NUMERIC(8, 6),
    operating_margins NUMERIC(8, 6),
    gross_margins NUMERIC(8, 6),
    return_on_assets NUMERIC(8, 6),
    return_on_equity NUMERIC(8, 6),
    total_revenue NUMERIC(18, 2),
    current_year_revenue_avg NUMERIC(18, 2),
    current_year_revenue_low NUMERIC(18, 2),
    current_year_revenue_high NUMERIC(18, 2),
    current_year_revenue_growth NUMERIC(8, 6),
    current_year_earnings_avg NUMERIC(12, 4),
    current_year_earnings_low NUMERIC(12, 4),
    current_year_earnings_high NUMERIC(12, 4),
    current_year_end_date DATE,
    next_year_revenue_avg NUMERIC(18, 2),
    next_year_revenue_low NUMERIC(18, 2),
    next_year_revenue_high NUMERIC(18, 2),
    next_year_revenue_growth NUMERIC(8, 6),
    next_year_earnings_avg NUMERIC(12, 4),
    next_year_earnings_low NUMERIC(12, 4),
    next_year_earnings_high NUMERIC(12, 4),
    next_year_end_date DATE,
    current_quarter_target_period_date DATE,
    current_quarter_revenue_avg NUMERIC(20, 2),
    current_quarter_revenue_low NUMERIC(20, 2),
    current_quarter_revenue_high NUMERIC(20, 2),
    current_quarter_eps_avg NUMERIC(12, 4),
    current_quarter_eps_low NUMERIC(12, 4),
    current_quarter_eps_high NUMERIC(12, 4),
    current_quarter_analyst_count INTEGER,
    next_quarter_target_period_date DATE,
    next_quarter_revenue_avg NUMERIC(20, 2),
    next_quarter_revenue_low NUMERIC(20, 2),
    next_quarter_revenue_high NUMERIC(20, 2),
    next_quarter_eps_avg NUMERIC(12, 4),
    next_quarter_eps_low NUMERIC(12, 4),
    next_quarter_eps_high NUMERIC(12, 4),
    next_quarter_analyst_count INTEGER,
    fiscal_year_end VARCHAR(5),
    fiscal_quarter_offset INTEGER,
    next_earnings_date DATE,
    next_earnings_expected_eps NUMERIC(12, 4),
    next_earnings_expected_revenue NUMERIC(20, 2),
    fundamentals_last_fetched TIMESTAMP WITH TIME ZONE,
    data_source VARCHAR(50) NOT NULL,
    last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- benchmarks_sector_weights

CREATE TABLE benchmarks_sector_weights (
    id UUID NOT NULL,
    benchmark_code VARCHAR(32) NOT NULL,
    asof_date DATE NOT NULL,
    sector VARCHAR(64) NOT NULL,
    weight NUMERIC(12, 6) NOT NULL,
    market_cap NUMERIC(20, 2),
    num_constituents INTEGER,
    data_source VARCHAR(32) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- stress_test_scenarios

CREATE TABLE stress_test_scenarios (
    id UUID NOT NULL,
    scenario_id VARCHAR(50) NOT NULL,
    name VARCHAR(100) NOT NULL,
    description VARCHAR(500),
    category VARCHAR(50) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    shock_config JSON NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- factor_definitions

CREATE TABLE factor_definitions (
    id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    description VARCHAR(500),
    factor_type VARCHAR(20) NOT NULL,
    calculation_method VARCHAR(50),
    etf_proxy VARCHAR(10),
    display_order INTEGER NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- income_statements

CREATE TABLE income_statements (
    id UUID NOT NULL,
    symbol VARCHAR(10) NOT NULL,
    period_date DATE NOT NULL,
    fiscal_year INTEGER,
    fiscal_quarter INTEGER,
    frequency VARCHAR(1) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    total_revenue NUMERIC(20, 2),
    cost_of_revenue NUMERIC(20, 2),
    gross_profit NUMERIC(20, 2),
    research_and_development NUMERIC(20, 2),
    selling_general_and_administrative NUMERIC(20, 2),
    operating_income NUMERIC(20, 2),
    ebit NUMERIC(20, 2),
    ebitda NUMERIC(20, 2),
    net_income NUMERIC(20, 2),
    diluted_eps NUMERIC(12, 4),
    basic_eps NUMERIC(12, 4),
    basic_average_shares BIGINT,
    diluted_average_shares BIGINT,
    tax_provision NUMERIC(20, 2),
    interest_expense NUMERIC(20, 2),
    depreciation_and_amortization NUMERIC(20, 2),
    gross_margin NUMERIC(8, 6),
    operating_margin NUMERIC(8, 6),
    net_margin NUMERIC(8, 6),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- balance_sheets

CREATE TABLE balance_sheets (
    id UUID NOT NULL,
    symbol VARCHAR(10) NOT NULL,
    period_date DATE NOT NULL,
    fiscal_year INTEGER,
    fiscal_quarter INTEGER,
    frequency VARCHAR(1) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    total_assets NUMERIC(20, 2),
    current_assets NUMERIC(20, 2),
    cash_and_cash_equivalents NUMERIC(20, 2),
    short_term_investments NUMERIC(20, 2),
    accounts_receivable NUMERIC(20, 2),
    inventory NUMERIC(20, 2),
    property_plant_equipment NUMERIC(20, 2),
    intangible_assets NUMERIC(20, 2),
    total_liabilities NUMERIC(20, 2),
    current_liabilities NUMERIC(20, 2),
    accounts_payable NUMERIC(20, 2),
    short_term_debt NUMERIC(20, 2),
    long_term_debt NUMERIC(20, 2),
    total_debt NUMERIC(20, 2),
    total_stockholders_equity NUMERIC(20, 2),
    retained_earnings NUMERIC(20, 2),
    common_stock NUMERIC(20, 2),
    working_capital NUMERIC(20, 2),
    net_debt NUMERIC(20, 2),
    current_ratio NUMERIC(8, 4),
    debt_to_equity NUMERIC(8, 4),
    book_value_per_share NUMERIC(12, 4),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- cash_flows

CREATE TABLE cash_flows (
    id UUID NOT NULL,
    symbol VARCHAR(10) NOT NULL,
    period_date DATE NOT NULL,
    fiscal_year INTEGER,
    fiscal_quarter INTEGER,
    frequency VARCHAR(1) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    operating_cash_flow NUMERIC(20, 2),
    depreciation_and_amortization NUMERIC(20, 2),
    stock_based_compensation NUMERIC(20, 2),
    change_in_working_capital NUMERIC(20, 2),
    investing_cash_flow NUMERIC(20, 2),
    capital_expenditures NUMERIC(20, 2),
    acquisitions NUMERIC(20, 2),
    purchases_of_investments NUMERIC(20, 2),
    financing_cash_flow NUMERIC(20, 2),
    dividends_paid NUMERIC(20, 2),
    stock_repurchases NUMERIC(20, 2),
    debt_issuance_repayment NUMERIC(20, 2),
    net_change_in_cash NUMERIC(20, 2),
    beginning_cash_position NUMERIC(20, 2),
    free_cash_flow NUMERIC(20, 2),
    fcf_margin NUMERIC(8, 6),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- portfolio_snapshots

CREATE TABLE portfolio_snapshots (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    snapshot_date DATE NOT NULL,
    total_value NUMERIC(16, 2) NOT NULL,
    cash_value NUMERIC(16, 2) NOT NULL,
    long_value NUMERIC(16, 2) NOT NULL,
    short_value NUMERIC(16, 2) NOT NULL,
    gross_exposure NUMERIC(16, 2) NOT NULL,
    net_exposure NUMERIC(16, 2) NOT NULL,
    daily_pnl NUMERIC(16, 2),
    daily_return NUMERIC(8, 6),
    cumulative_pnl NUMERIC(16, 2),
    daily_realized_pnl NUMERIC(16, 2),
    cumulative_realized_pnl NUMERIC(16, 2),
    daily_capital_flow NUMERIC(16, 2),
    cumulative_capital_flow NUMERIC(16, 2),
    portfolio_delta NUMERIC(12, 2),
    portfolio_gamma NUMERIC(12, 2),
    portfolio_theta NUMERIC(12, 2),
    portfolio_vega NUMERIC(12, 2),
    num_positions INTEGER NOT NULL,
    num_long_positions INTEGER NOT NULL,
    num_short_positions INTEGER NOT NULL,
    equity_balance NUMERIC(16, 2),
    realized_volatility_21d NUMERIC(10, 4),
    realized_volatility_63d NUMERIC(10, 4),
    expected_volatility_21d NUMERIC(10, 4),
    volatility_trend VARCHAR(20),
    volatility_percentile NUMERIC(10, 4),
    beta_calculated_90d NUMERIC(10, 4),
    beta_calculated_90d_r_squared DOUBLE PRECISION,
    beta_calculated_90d_observations INTEGER,
    beta_provider_1y NUMERIC(10, 4),
    beta_portfolio_regression NUMERIC(10, 4),
    sector_exposure JSON,
    hhi NUMERIC(10, 4),
    effective_num_positions NUMERIC(10, 2),
    top_3_concentration NUMERIC(10, 4),
    top_10_concentration NUMERIC(10, 4),
    target_price_return_eoy NUMERIC(8, 4),
    target_price_return_next_year NUMERIC(8, 4),
    target_price_downside_return NUMERIC(8, 4),
    target_price_upside_eoy_dollars NUMERIC(16, 2),
    target_price_upside_next_year_dollars NUMERIC(16, 2),
    target_price_downside_dollars NUMERIC(16, 2),
    target_price_coverage_pct NUMERIC(8, 4),
    target_price_positions_count INTEGER,
    target_price_total_positions INTEGER,
    target_price_last_updated TIMESTAMP WITH TIME ZONE,
    is_complete BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- position_market_betas

CREATE TABLE position_market_betas (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    position_id UUID NOT NULL,
    calc_date DATE NOT NULL,
    beta NUMERIC(12, 6) NOT NULL,
    alpha NUMERIC(12, 6),
    r_squared DOUBLE PRECISION,
    std_error NUMERIC(12, 6),
    p_value DOUBLE PRECISION,
    observations INTEGER NOT NULL,
    window_days INTEGER NOT NULL,
    method VARCHAR(32) NOT NULL,
    market_index VARCHAR(16) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- position_interest_rate_betas

CREATE TABLE position_interest_rate_betas (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    position_id UUID NOT NULL,
    ir_beta NUMERIC(8, 6) NOT NULL,
    r_squared DOUBLE PRECISION,
    calculation_date DATE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- position_factor_exposures

CREATE TABLE position_factor_exposures (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    factor_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    exposure_value NUMERIC(12, 6) NOT NULL,
    quality_flag VARCHAR(20),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- factor_exposures

CREATE TABLE factor_exposures (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    factor_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    exposure_value NUMERIC(12, 6) NOT NULL,
    exposure_dollar NUMERIC(16, 2),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- position_volatility

CREATE TABLE position_volatility (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    realized_vol_21d NUMERIC(10, 4),
    realized_vol_63d NUMERIC(10, 4),
    vol_daily NUMERIC(10, 4),
    vol_weekly NUMERIC(10, 4),
    vol_monthly NUMERIC(10, 4),
    expected_vol_21d NUMERIC(10, 4),
    vol_trend VARCHAR(20),
    vol_trend_strength NUMERIC(10, 4),
    vol_percentile NUMERIC(10, 4),
    observations INTEGER,
    model_r_squared NUMERIC(10, 4),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- correlation_calculations

CREATE TABLE correlation_calculations (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    duration_days INTEGER NOT NULL,
    calculation_date TIMESTAMP WITH TIME ZONE NOT NULL,
    overall_correlation DOUBLE PRECISION NOT NULL,
    correlation_concentration_score NUMERIC(8, 6) NOT NULL,
    effective_positions NUMERIC(8, 2) NOT NULL,
    data_quality VARCHAR(20) NOT NULL,
    min_position_value NUMERIC(18, 4),
    min_portfolio_weight NUMERIC(8, 6),
    filter_mode VARCHAR(20),
    correlation_threshold NUMERIC(8, 6),
    positions_included INTEGER NOT NULL,
    positions_excluded INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- correlation_clusters

CREATE TABLE correlation_clusters (
    id UUID NOT NULL,
    correlation_calculation_id UUID NOT NULL,
    cluster_number INTEGER NOT NULL,
    nickname VARCHAR(100) NOT NULL,
    avg_correlation NUMERIC(8, 6) NOT NULL,
    total_value NUMERIC(18, 4) NOT NULL,
    portfolio_percentage NUMERIC(8, 6) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- correlation_cluster_positions

CREATE TABLE correlation_cluster_positions (
    id UUID NOT NULL,
    cluster_id UUID NOT NULL,
    position_id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    value NUMERIC(18, 4) NOT NULL,
    portfolio_percentage NUMERIC(8, 6) NOT NULL,
    correlation_to_cluster NUMERIC(8, 6) NOT NULL
);

-- pairwise_correlations

CREATE TABLE pairwise_correlations (
    id UUID NOT NULL,
    correlation_calculation_id UUID NOT NULL,
    symbol_1 VARCHAR(20) NOT NULL,
    symbol_2 VARCHAR(20) NOT NULL,
    correlation_value DOUBLE PRECISION NOT NULL,
    data_points INTEGER NOT NULL,
    statistical_significance DOUBLE PRECISION
);

-- stress_test_results

CREATE TABLE stress_test_results (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    scenario_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    direct_pnl NUMERIC(16, 2) NOT NULL,
    correlated_pnl NUMERIC(16, 2) NOT NULL,
    correlation_effect NUMERIC(16, 2) NOT NULL,
    factor_impacts JSON,
    calculation_metadata JSON,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- position_greeks

CREATE TABLE position_greeks (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    delta NUMERIC(12, 6),
    gamma NUMERIC(12, 6),
    theta NUMERIC(12, 4),
    vega NUMERIC(12, 4),
    rho NUMERIC(12, 4),
    delta_dollars NUMERIC(16, 2),
    gamma_dollars NUMERIC(16, 2),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- market_risk_scenarios

CREATE TABLE market_risk_scenarios (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    scenario_type VARCHAR(50) NOT NULL,
    scenario_value NUMERIC(8, 6) NOT NULL,
    predicted_pnl NUMERIC(16, 2) NOT NULL,
    calculation_date DATE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- factor_correlations

CREATE TABLE factor_correlations (
    id UUID NOT NULL,
    factor_1_id UUID NOT NULL,
    factor_2_id UUID NOT NULL,
    correlation NUMERIC(8, 6) NOT NULL,
    calculation_date DATE NOT NULL,
    lookback_days INTEGER NOT NULL,
    decay_factor NUMERIC(4, 3) NOT NULL,
    data_points INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- batch_run_tracking

CREATE TABLE batch_run_tracking (
    id UUID NOT NULL,
    run_date DATE NOT NULL,
    phase_1_status VARCHAR(20),
    phase_2_status VARCHAR(20),
    phase_3_status VARCHAR(20),
    phase_1_duration_seconds INTEGER,
    phase_2_duration_seconds INTEGER,
    phase_3_duration_seconds INTEGER,
    portfolios_processed INTEGER,
    symbols_fetched INTEGER,
    data_coverage_pct NUMERIC(5, 2),
    error_message TEXT,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- analytics_status

CREATE TABLE analytics_status (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    job VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    reason VARCHAR(255),
    positions_used INTEGER NOT NULL,
    positions_left_out INTEGER NOT NULL
);

-- engine_runs

CREATE TABLE engine_runs (
    id UUID NOT NULL,
    request VARCHAR(64) NOT NULL,
    status VARCHAR(12) NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE NOT NULL,
    run_date DATE NOT NULL,
    sessions INTEGER NOT NULL,
    holder VARCHAR(255) NOT NULL,
    error TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE
);

-- engine_shards

CREATE TABLE engine_shards (
    id UUID NOT NULL,
    run_id UUID NOT NULL,
    first_portfolio UUID NOT NULL,
    last_portfolio UUID NOT NULL,
    portfolios INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    rows_written BIGINT NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- engine_portfolio_openings

CREATE TABLE engine_portfolio_openings (
    portfolio_id UUID NOT NULL,
    first_session DATE NOT NULL,
    equity_balance NUMERIC(16, 2) NOT NULL
);

-- engine_position_openings

CREATE TABLE engine_position_openings (
    position_id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    last_price NUMERIC(12, 4),
    market_value NUMERIC(16, 2),
    unrealized_pnl NUMERIC(16, 2)
);

-- engine_raw_closes

CREATE TABLE engine_raw_closes (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    raw_close NUMERIC(18, 8) NOT NULL,
    adjusted_close NUMERIC(18, 8) NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- engine_price_actions

CREATE TABLE engine_price_actions (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    kind VARCHAR(10) NOT NULL,
    value NUMERIC(18, 8) NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- engine_price_gaps

CREATE TABLE engine_price_gaps (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL,
    retry_on DATE NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- engine_price_series

CREATE TABLE engine_price_series (
    symbol VARCHAR(20) NOT NULL,
    exchange VARCHAR(20),
    currency VARCHAR(10),
    listed DATE,
    outcome VARCHAR(12) NOT NULL,
    detail TEXT,
    failures INTEGER NOT NULL,
    retry_on DATE,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL
);

-- engine_collections

CREATE TABLE engine_collections (
    id UUID NOT NULL,
    kind VARCHAR(20) NOT NULL,
    target DATE NOT NULL,
    symbols INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    brought INTEGER NOT NULL,
    coverage NUMERIC(7, 6) NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL
);

