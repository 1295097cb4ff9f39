-- users

CREATE TABLE users (
    id UUID NOT NULL,
    email VARCHAR(255) NOT NULL,
    hashed_password VARCHAR(255) NOT NULL,
    full_name VARCHAR(255) NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT ix_users_email UNIQUE (email)
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
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_portfolios PRIMARY KEY (id),
    CONSTRAINT uq_portfolio_user_account_name UNIQUE (user_id, account_name),
    CONSTRAINT fk_portfolios_user_id_users FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_portfolios_deleted_at ON portfolios (deleted_at);

CREATE INDEX ix_portfolios_user_id ON portfolios (user_id);

-- positions

DO $$ BEGIN CREATE TYPE positiontype AS ENUM ('LC', 'LP', 'SC', 'SP', 'LONG', 'SHORT'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;

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
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_positions PRIMARY KEY (id),
    CONSTRAINT fk_positions_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id)
);

CREATE INDEX idx_position_portfolio_active ON positions (portfolio_id, deleted_at);

CREATE INDEX ix_positions_deleted_at ON positions (deleted_at);

CREATE INDEX ix_positions_exit_date ON positions (exit_date);

CREATE INDEX ix_positions_inv_class_subtype ON positions (investment_class, investment_subtype);

CREATE INDEX ix_positions_investment_class ON positions (investment_class);

CREATE INDEX ix_positions_portfolio_id ON positions (portfolio_id);

CREATE INDEX ix_positions_symbol ON positions (symbol);

-- position_realized_events

CREATE TABLE position_realized_events (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    trade_date DATE NOT NULL,
    quantity_closed NUMERIC(16, 4) NOT NULL,
    realized_pnl NUMERIC(16, 2) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_position_realized_events PRIMARY KEY (id),
    CONSTRAINT fk_position_realized_events_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id) ON DELETE CASCADE,
    CONSTRAINT fk_position_realized_events_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id) ON DELETE CASCADE
);

CREATE INDEX ix_position_realized_events_portfolio_date ON position_realized_events (portfolio_id, trade_date);

CREATE INDEX ix_position_realized_events_portfolio_id ON position_realized_events (portfolio_id);

CREATE INDEX ix_position_realized_events_position_id ON position_realized_events (position_id);

-- equity_changes

DO $$ BEGIN CREATE TYPE equity_change_type AS ENUM ('CONTRIBUTION', 'WITHDRAWAL'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;

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
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_equity_changes PRIMARY KEY (id),
    CONSTRAINT fk_equity_changes_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_equity_changes_created_by_user_id_users FOREIGN KEY(created_by_user_id) REFERENCES users (id)
);

CREATE INDEX ix_equity_changes_created_by_user_id ON equity_changes (created_by_user_id);

CREATE INDEX ix_equity_changes_deleted_at ON equity_changes (deleted_at);

CREATE INDEX ix_equity_changes_portfolio_date ON equity_changes (portfolio_id, change_date);

CREATE INDEX ix_equity_changes_portfolio_id ON equity_changes (portfolio_id);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_tags_v2 PRIMARY KEY (id),
    CONSTRAINT unique_active_tag_name_v2 UNIQUE (user_id, name, is_archived),
    CONSTRAINT fk_tags_v2_archived_by_users FOREIGN KEY(archived_by) REFERENCES users (id),
    CONSTRAINT fk_tags_v2_user_id_users FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ck_tags_v2_valid_hex_color CHECK (color ~ '^#[0-9A-Fa-f]{6}$')
);

-- position_tags

CREATE TABLE position_tags (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    tag_id UUID NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    assigned_by UUID,
    CONSTRAINT pk_position_tags PRIMARY KEY (id),
    CONSTRAINT unique_position_tag UNIQUE (position_id, tag_id),
    CONSTRAINT fk_position_tags_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id) ON DELETE CASCADE,
    CONSTRAINT fk_position_tags_tag_id_tags_v2 FOREIGN KEY(tag_id) REFERENCES tags_v2 (id) ON DELETE CASCADE,
    CONSTRAINT fk_position_tags_assigned_by_users FOREIGN KEY(assigned_by) REFERENCES users (id)
);

CREATE INDEX ix_position_tags_assigned_at ON position_tags (assigned_at);

CREATE INDEX ix_position_tags_position_id ON position_tags (position_id);

CREATE INDEX ix_position_tags_tag_id ON position_tags (tag_id);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_portfolio_target_prices PRIMARY KEY (id)
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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_market_data_cache PRIMARY KEY (id),
    CONSTRAINT uq_market_data_cache_symbol_date UNIQUE (symbol, date)
);

CREATE INDEX ix_market_data_cache_date ON market_data_cache (date);

CREATE INDEX ix_market_data_cache_symbol ON market_data_cache (symbol);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_company_profiles PRIMARY KEY (symbol)
);

CREATE INDEX ix_company_profiles_symbol ON company_profiles (symbol);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_benchmarks_sector_weights PRIMARY KEY (id),
    CONSTRAINT uq_benchmark_sector_date UNIQUE (benchmark_code, asof_date, sector)
);

CREATE INDEX idx_benchmark_lookup ON benchmarks_sector_weights (benchmark_code, asof_date);

CREATE INDEX idx_benchmark_sector ON benchmarks_sector_weights (benchmark_code, sector, asof_date);

-- stress_test_scenarios

CREATE TABLE stress_test_scenarios (
    id UUID NOT NULL,
    scenario_id VARCHAR(50) NOT NULL,
    name VARCHAR(100) NOT NULL,
    description VARCHAR(500),
    category VARCHAR(50) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    shock_config JSONB NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stress_test_scenarios PRIMARY KEY (id),
    CONSTRAINT uq_stress_test_scenarios_scenario_id UNIQUE (scenario_id)
);

CREATE INDEX idx_stress_scenarios_active ON stress_test_scenarios (active);

CREATE INDEX idx_stress_scenarios_category ON stress_test_scenarios (category);

CREATE INDEX idx_stress_scenarios_severity ON stress_test_scenarios (severity);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_factor_definitions PRIMARY KEY (id),
    CONSTRAINT uq_factor_definitions_name UNIQUE (name)
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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_income_statements PRIMARY KEY (id),
    CONSTRAINT uq_income_symbol_period_freq UNIQUE (symbol, period_date, frequency)
);

CREATE INDEX ix_income_statements_period_date ON income_statements (period_date);

CREATE INDEX ix_income_statements_symbol ON income_statements (symbol);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_balance_sheets PRIMARY KEY (id),
    CONSTRAINT uq_balance_symbol_period_freq UNIQUE (symbol, period_date, frequency)
);

CREATE INDEX ix_balance_sheets_period_date ON balance_sheets (period_date);

CREATE INDEX ix_balance_sheets_symbol ON balance_sheets (symbol);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cash_flows PRIMARY KEY (id),
    CONSTRAINT uq_cashflow_symbol_period_freq UNIQUE (symbol, period_date, frequency)
);

CREATE INDEX ix_cash_flows_period_date ON cash_flows (period_date);

CREATE INDEX ix_cash_flows_symbol ON cash_flows (symbol);

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
    beta_calculated_90d_r_squared NUMERIC(10, 4),
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
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_portfolio_snapshots PRIMARY KEY (id),
    CONSTRAINT uq_portfolio_snapshots_portfolio_date UNIQUE (portfolio_id, snapshot_date),
    CONSTRAINT fk_portfolio_snapshots_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id)
);

CREATE INDEX ix_portfolio_snapshots_portfolio_id ON portfolio_snapshots (portfolio_id);

CREATE INDEX ix_portfolio_snapshots_snapshot_date ON portfolio_snapshots (snapshot_date);

-- position_market_betas

CREATE TABLE position_market_betas (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    position_id UUID NOT NULL,
    calc_date DATE NOT NULL,
    beta NUMERIC(12, 6) NOT NULL,
    alpha NUMERIC(12, 6),
    r_squared NUMERIC(12, 6),
    std_error NUMERIC(12, 6),
    p_value NUMERIC(12, 6),
    observations INTEGER NOT NULL,
    window_days INTEGER NOT NULL,
    method VARCHAR(32) NOT NULL,
    market_index VARCHAR(16) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_position_market_betas PRIMARY KEY (id),
    CONSTRAINT uq_position_beta_calc UNIQUE (portfolio_id, position_id, calc_date, method, window_days),
    CONSTRAINT fk_position_market_betas_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_position_market_betas_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id)
);

CREATE INDEX idx_pos_beta_created ON position_market_betas (created_at);

CREATE INDEX idx_pos_beta_lookup ON position_market_betas (portfolio_id, calc_date);

CREATE INDEX idx_pos_beta_position ON position_market_betas (position_id, calc_date);

-- position_interest_rate_betas

CREATE TABLE position_interest_rate_betas (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    position_id UUID NOT NULL,
    ir_beta NUMERIC(8, 6) NOT NULL,
    r_squared NUMERIC(6, 4),
    calculation_date DATE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_position_interest_rate_betas PRIMARY KEY (id),
    CONSTRAINT fk_position_interest_rate_betas_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_position_interest_rate_betas_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id)
);

CREATE INDEX idx_ir_betas_portfolio_date ON position_interest_rate_betas (portfolio_id, calculation_date);

CREATE INDEX idx_ir_betas_position_date ON position_interest_rate_betas (position_id, calculation_date);

-- position_factor_exposures

CREATE TABLE position_factor_exposures (
    id UUID NOT NULL,
    position_id UUID NOT NULL,
    factor_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    exposure_value NUMERIC(12, 6) NOT NULL,
    quality_flag VARCHAR(20),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_position_factor_exposures PRIMARY KEY (id),
    CONSTRAINT uq_position_factor_date UNIQUE (position_id, factor_id, calculation_date),
    CONSTRAINT fk_position_factor_exposures_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id),
    CONSTRAINT fk_position_factor_exposures_factor_id_factor_definitions FOREIGN KEY(factor_id) REFERENCES factor_definitions (id)
);

CREATE INDEX idx_pfe_calculation_date ON position_factor_exposures (calculation_date);

CREATE INDEX idx_pfe_factor_date ON position_factor_exposures (factor_id, calculation_date);

CREATE INDEX idx_pfe_position_date ON position_factor_exposures (position_id, calculation_date);

-- factor_exposures

CREATE TABLE factor_exposures (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    factor_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    exposure_value NUMERIC(12, 6) NOT NULL,
    exposure_dollar NUMERIC(16, 2),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_factor_exposures PRIMARY KEY (id),
    CONSTRAINT uq_factor_exposures_portfolio_factor_date UNIQUE (portfolio_id, factor_id, calculation_date),
    CONSTRAINT fk_factor_exposures_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_factor_exposures_factor_id_factor_definitions FOREIGN KEY(factor_id) REFERENCES factor_definitions (id)
);

CREATE INDEX ix_factor_exposures_calculation_date ON factor_exposures (calculation_date);

CREATE INDEX ix_factor_exposures_portfolio_id_factor_id ON factor_exposures (portfolio_id, factor_id);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_position_volatility PRIMARY KEY (id),
    CONSTRAINT uq_position_volatility_date UNIQUE (position_id, calculation_date),
    CONSTRAINT fk_position_volatility_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id)
);

CREATE INDEX ix_position_volatility_calculation_date ON position_volatility (calculation_date);

CREATE INDEX ix_position_volatility_lookup ON position_volatility (position_id, calculation_date);

CREATE INDEX ix_position_volatility_position_id ON position_volatility (position_id);

-- correlation_calculations

CREATE TABLE correlation_calculations (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    duration_days INTEGER NOT NULL,
    calculation_date TIMESTAMP WITH TIME ZONE NOT NULL,
    overall_correlation NUMERIC(8, 6) NOT NULL,
    correlation_concentration_score NUMERIC(8, 6) NOT NULL,
    effective_positions NUMERIC(8, 2) NOT NULL,
    data_quality VARCHAR(20) NOT NULL,
    min_position_value NUMERIC(18, 4),
    min_portfolio_weight NUMERIC(8, 6),
    filter_mode VARCHAR(20),
    correlation_threshold NUMERIC(8, 6),
    positions_included INTEGER NOT NULL,
    positions_excluded INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_correlation_calculations PRIMARY KEY (id),
    CONSTRAINT uq_correlation_calculations_portfolio_id UNIQUE (portfolio_id, duration_days, calculation_date),
    CONSTRAINT fk_correlation_calculations_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id)
);

CREATE INDEX idx_correlation_calculations_portfolio_date ON correlation_calculations (portfolio_id, calculation_date);

-- correlation_clusters

CREATE TABLE correlation_clusters (
    id UUID NOT NULL,
    correlation_calculation_id UUID NOT NULL,
    cluster_number INTEGER NOT NULL,
    nickname VARCHAR(100) NOT NULL,
    avg_correlation NUMERIC(8, 6) NOT NULL,
    total_value NUMERIC(18, 4) NOT NULL,
    portfolio_percentage NUMERIC(8, 6) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_correlation_clusters PRIMARY KEY (id),
    CONSTRAINT fk_correlation_clusters_correlation_calculation_id_corr_40a6 FOREIGN KEY(correlation_calculation_id) REFERENCES correlation_calculations (id)
);

CREATE INDEX idx_correlation_clusters_calculation ON correlation_clusters (correlation_calculation_id);

-- correlation_cluster_positions

CREATE TABLE correlation_cluster_positions (
    id UUID NOT NULL,
    cluster_id UUID NOT NULL,
    position_id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    value NUMERIC(18, 4) NOT NULL,
    portfolio_percentage NUMERIC(8, 6) NOT NULL,
    correlation_to_cluster NUMERIC(8, 6) NOT NULL,
    CONSTRAINT pk_correlation_cluster_positions PRIMARY KEY (id),
    CONSTRAINT fk_correlation_cluster_positions_cluster_id_correlation_1482 FOREIGN KEY(cluster_id) REFERENCES correlation_clusters (id),
    CONSTRAINT fk_correlation_cluster_positions_position_id_positions FOREIGN KEY(position_id) REFERENCES positions (id)
);

CREATE INDEX idx_cluster_positions_cluster ON correlation_cluster_positions (cluster_id);

CREATE INDEX idx_cluster_positions_position ON correlation_cluster_positions (position_id);

-- pairwise_correlations

CREATE TABLE pairwise_correlations (
    id UUID NOT NULL,
    correlation_calculation_id UUID NOT NULL,
    symbol_1 VARCHAR(20) NOT NULL,
    symbol_2 VARCHAR(20) NOT NULL,
    correlation_value NUMERIC(8, 6) NOT NULL,
    data_points INTEGER NOT NULL,
    statistical_significance NUMERIC(8, 6),
    CONSTRAINT pk_pairwise_correlations PRIMARY KEY (id),
    CONSTRAINT fk_pairwise_correlations_correlation_calculation_id_cor_fe6e FOREIGN KEY(correlation_calculation_id) REFERENCES correlation_calculations (id)
);

CREATE INDEX idx_pairwise_correlations_calculation ON pairwise_correlations (correlation_calculation_id);

CREATE INDEX idx_pairwise_correlations_calculation_symbols ON pairwise_correlations (correlation_calculation_id, symbol_1, symbol_2);

-- stress_test_results

CREATE TABLE stress_test_results (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    scenario_id UUID NOT NULL,
    calculation_date DATE NOT NULL,
    direct_pnl NUMERIC(16, 2) NOT NULL,
    correlated_pnl NUMERIC(16, 2) NOT NULL,
    correlation_effect NUMERIC(16, 2) NOT NULL,
    factor_impacts JSONB,
    calculation_metadata JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_stress_test_results PRIMARY KEY (id),
    CONSTRAINT fk_stress_test_results_portfolio_id_portfolios FOREIGN KEY(portfolio_id) REFERENCES portfolios (id),
    CONSTRAINT fk_stress_test_results_scenario_id_stress_test_scenarios FOREIGN KEY(scenario_id) REFERENCES stress_test_scenarios (id)
);

CREATE INDEX idx_stress_results_calculation_date ON stress_test_results (calculation_date);

CREATE INDEX idx_stress_results_portfolio_date ON stress_test_results (portfolio_id, calculation_date);

CREATE INDEX idx_stress_results_scenario ON stress_test_results (scenario_id);

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
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_position_greeks PRIMARY KEY (id)
);

-- market_risk_scenarios

CREATE TABLE market_risk_scenarios (
    id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    scenario_type VARCHAR(50) NOT NULL,
    scenario_value NUMERIC(8, 6) NOT NULL,
    predicted_pnl NUMERIC(16, 2) NOT NULL,
    calculation_date DATE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_market_risk_scenarios PRIMARY KEY (id)
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
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_factor_correlations PRIMARY KEY (id)
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
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_batch_run_tracking PRIMARY KEY (id),
    CONSTRAINT ix_batch_run_tracking_run_date UNIQUE (run_date)
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
    positions_left_out INTEGER NOT NULL,
    CONSTRAINT pk_analytics_status PRIMARY KEY (id),
    CONSTRAINT uq_analytics_status UNIQUE (portfolio_id, calculation_date, job)
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
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_engine_runs PRIMARY KEY (id)
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
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_engine_shards PRIMARY KEY (id),
    CONSTRAINT uq_engine_shards UNIQUE (run_id, first_portfolio)
);

-- engine_portfolio_openings

CREATE TABLE engine_portfolio_openings (
    portfolio_id UUID NOT NULL,
    first_session DATE NOT NULL,
    equity_balance NUMERIC(16, 2) NOT NULL,
    CONSTRAINT pk_engine_portfolio_openings PRIMARY KEY (portfolio_id)
);

-- engine_position_openings

CREATE TABLE engine_position_openings (
    position_id UUID NOT NULL,
    portfolio_id UUID NOT NULL,
    last_price NUMERIC(12, 4),
    market_value NUMERIC(16, 2),
    unrealized_pnl NUMERIC(16, 2),
    CONSTRAINT pk_engine_position_openings PRIMARY KEY (position_id)
);

-- engine_raw_closes

CREATE TABLE engine_raw_closes (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    raw_close NUMERIC(18, 8) NOT NULL,
    adjusted_close NUMERIC(18, 8) NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_engine_raw_closes PRIMARY KEY (id),
    CONSTRAINT uq_engine_raw_closes UNIQUE (symbol, date)
);

-- engine_price_actions

CREATE TABLE engine_price_actions (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    kind VARCHAR(10) NOT NULL,
    value NUMERIC(18, 8) NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_engine_price_actions PRIMARY KEY (id),
    CONSTRAINT uq_engine_price_actions UNIQUE (symbol, date, kind)
);

-- engine_price_gaps

CREATE TABLE engine_price_gaps (
    id UUID NOT NULL,
    symbol VARCHAR(20) NOT NULL,
    date DATE NOT NULL,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL,
    retry_on DATE NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_engine_price_gaps PRIMARY KEY (id),
    CONSTRAINT uq_engine_price_gaps UNIQUE (symbol, date)
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
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_engine_price_series PRIMARY KEY (symbol)
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
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_engine_collections PRIMARY KEY (id)
);

