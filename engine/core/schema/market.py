"""Tables of market data: prices, companies, benchmarks, statements, scenarios, factors."""

from engine.core.funds import BENCHMARK
from engine.core.schema.kinds import (
    BIGINT,
    BOOLEAN,
    DATE,
    INTEGER,
    JSONB,
    TIMESTAMP,
    UUID,
    Column,
    Table,
    Type,
    numeric,
    row_id,
    stamp,
    stamps,
    varchar,
)

UNKNOWN = "not reported"
RATIO = numeric(8, 6)
PRICE = numeric(12, 4)

MARKET_DATA_CACHE = Table(
    name="market_data_cache",
    role="input",
    comment="Daily prices, adjusted for splits and dividends; analytics read symbol, date, close.",
    columns=(
        row_id(),
        Column("symbol", varchar(20)),
        Column("date", DATE),
        Column("open", PRICE, UNKNOWN, "USD a share"),
        Column("high", PRICE, UNKNOWN, "USD a share"),
        Column("low", PRICE, UNKNOWN, "USD a share"),
        Column("close", PRICE, unit="USD a share; 0 is a placeholder without a price"),
        Column("volume", BIGINT, UNKNOWN, "shares"),
        Column("sector", varchar(100), UNKNOWN),
        Column("industry", varchar(100), UNKNOWN),
        Column("exchange", varchar(20), UNKNOWN),
        Column("country", varchar(10), UNKNOWN),
        Column("market_cap", numeric(18, 2), UNKNOWN, "USD"),
        Column("data_source", varchar(50)),
        *stamps(),
    ),
    key=("symbol", "date"),
    date="date",
    unique={"uq_market_data_cache_symbol_date": ("symbol", "date")},
    indexes={
        "ix_market_data_cache_date": ("date",),
        "ix_market_data_cache_symbol": ("symbol",),
    },
)


def _figures(kind: Type, unit: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind, UNKNOWN, unit) for name in names)


def _year_estimates(year: str) -> tuple[Column, ...]:
    return (
        *_figures(numeric(18, 2), "USD", *(f"{year}_revenue_{x}" for x in ("avg", "low", "high"))),
        Column(f"{year}_revenue_growth", RATIO, UNKNOWN, "fraction"),
        *_figures(PRICE, "USD a share", *(f"{year}_earnings_{x}" for x in ("avg", "low", "high"))),
        Column(f"{year}_end_date", DATE, UNKNOWN),
    )


def _quarter_estimates(quarter: str) -> tuple[Column, ...]:
    return (
        Column(f"{quarter}_target_period_date", DATE, UNKNOWN),
        *_figures(numeric(20, 2), "USD", *(f"{quarter}_revenue_{x}" for x in ("avg", "low", "high"))),
        *_figures(PRICE, "USD a share", *(f"{quarter}_eps_{x}" for x in ("avg", "low", "high"))),
        Column(f"{quarter}_analyst_count", INTEGER, UNKNOWN, "analysts"),
    )


COMPANY_PROFILES = Table(
    name="company_profiles",
    role="input",
    comment="Company data of a provider; analytics read beta, sector and is_etf.",
    columns=(
        Column("symbol", varchar(20)),
        Column("company_name", varchar(200), UNKNOWN),
        Column("sector", varchar(100), UNKNOWN),
        Column("industry", varchar(100), UNKNOWN),
        Column("exchange", varchar(50), UNKNOWN),
        Column("country", varchar(50), UNKNOWN),
        Column("market_cap", numeric(18, 2), UNKNOWN, "USD"),
        Column("description", varchar(1000), UNKNOWN),
        Column("is_etf", BOOLEAN, "not a fund"),
        Column("is_fund", BOOLEAN, "not a fund"),
        Column("ceo", varchar(100), UNKNOWN),
        Column("employees", INTEGER, UNKNOWN, "people"),
        Column("website", varchar(200), UNKNOWN),
        *_figures(numeric(10, 2), "ratio", "pe_ratio", "forward_pe"),
        Column("dividend_yield", RATIO, UNKNOWN, "percent"),
        Column("beta", numeric(8, 4), UNKNOWN, "ratio"),
        *_figures(PRICE, "USD a share", "week_52_high", "week_52_low"),
        *_figures(PRICE, "USD a share", "target_mean_price", "target_high_price", "target_low_price"),
        Column("number_of_analyst_opinions", INTEGER, UNKNOWN, "analysts"),
        Column("recommendation_mean", numeric(3, 2), UNKNOWN, "1 buy to 5 sell"),
        Column("recommendation_key", varchar(20), UNKNOWN),
        Column("forward_eps", PRICE, UNKNOWN, "USD a share"),
        *_figures(
            RATIO,
            "fraction",
            "earnings_growth",
            "revenue_growth",
            "earnings_quarterly_growth",
            "profit_margins",
            "operating_margins",
            "gross_margins",
            "return_on_assets",
            "return_on_equity",
        ),
        Column("total_revenue", numeric(18, 2), UNKNOWN, "USD"),
        *_year_estimates("current_year"),
        *_year_estimates("next_year"),
        *_quarter_estimates("current_quarter"),
        *_quarter_estimates("next_quarter"),
        Column("fiscal_year_end", varchar(5), UNKNOWN, "MM-DD"),
        Column("fiscal_quarter_offset", INTEGER, UNKNOWN, "quarters"),
        Column("next_earnings_date", DATE, UNKNOWN),
        Column("next_earnings_expected_eps", PRICE, UNKNOWN, "USD a share"),
        Column("next_earnings_expected_revenue", numeric(20, 2), UNKNOWN, "USD"),
        Column("fundamentals_last_fetched", TIMESTAMP, "never"),
        Column("data_source", varchar(50)),
        stamp("last_updated"),
        *stamps(),
    ),
    key=("symbol",),
    primary_key="symbol",
    indexes={"ix_company_profiles_symbol": ("symbol",)},
)

BENCHMARKS_SECTOR_WEIGHTS = Table(
    name="benchmarks_sector_weights",
    role="input",
    comment=f"Sector weights of an index; without rows of {BENCHMARK} no sector figure is stored.",
    columns=(
        row_id(),
        Column("benchmark_code", varchar(32)),
        Column("asof_date", DATE),
        Column("sector", varchar(64)),
        Column("weight", numeric(12, 6), unit="fraction"),
        Column("market_cap", numeric(20, 2), UNKNOWN, "USD"),
        Column("num_constituents", INTEGER, UNKNOWN, "companies"),
        Column("data_source", varchar(32)),
        *stamps(),
    ),
    key=("benchmark_code", "asof_date", "sector"),
    unique={"uq_benchmark_sector_date": ("benchmark_code", "asof_date", "sector")},
    indexes={
        "idx_benchmark_lookup": ("benchmark_code", "asof_date"),
        "idx_benchmark_sector": ("benchmark_code", "sector", "asof_date"),
    },
)


def _dated_input(name: str, comment: str, *columns: Column, key: tuple[str, ...]) -> Table:
    """Return a table of an assumption by day, with the source of each row."""
    return Table(
        name=name,
        role="engine",
        legacy=False,
        since="2",
        comment=comment,
        columns=(row_id(), *columns, Column("data_source", varchar(200))),
        key=key,
        unique={f"uq_{name}": key},
    )


ENGINE_FUND_DURATIONS = _dated_input(
    "engine_fund_durations",
    "Durations of bond funds by day, for rate scenarios. An empty one stands for the shipped rows.",
    Column("symbol", varchar(20)),
    Column("asof_date", DATE),
    Column("duration", numeric(8, 4), unit="years"),
    key=("symbol", "asof_date"),
)

ENGINE_INTEREST_RATES = _dated_input(
    "engine_interest_rates",
    "Riskless rates by day, at which options are valued. Without a row up to a session it is 0.",
    Column("asof_date", DATE),
    Column("rate", numeric(8, 6), unit="fraction a year, with yearly compounding"),
    key=("asof_date",),
)

STRESS_TEST_SCENARIOS = Table(
    name="stress_test_scenarios",
    role="input",
    comment="Ids of the stress scenarios; a file says which of them run, and their shocks.",
    columns=(
        Column("id", UUID),
        Column("scenario_id", varchar(50)),
        Column("name", varchar(100)),
        Column("description", varchar(500), "none given"),
        Column("category", varchar(50)),
        Column("severity", varchar(20)),
        Column("shock_config", JSONB),
        Column("active", BOOLEAN),
        *stamps(),
    ),
    key=("scenario_id",),
    unique={"uq_stress_test_scenarios_scenario_id": ("scenario_id",)},
    indexes={
        "idx_stress_scenarios_active": ("active",),
        "idx_stress_scenarios_category": ("category",),
        "idx_stress_scenarios_severity": ("severity",),
    },
)

FACTOR_DEFINITIONS = Table(
    name="factor_definitions",
    role="state",
    comment="Factors by name. A new store has all of them; a run adds Provider Beta (1Y) and IR Beta only.",
    columns=(
        row_id(),
        Column("name", varchar(50)),
        Column("description", varchar(500), "none given"),
        Column("factor_type", varchar(20)),
        Column("calculation_method", varchar(50), "none given"),
        Column("etf_proxy", varchar(10), "no proxy"),
        Column("display_order", INTEGER),
        Column("is_active", BOOLEAN),
        *stamps(),
    ),
    key=("name",),
    made_ids=True,
    unique={"uq_factor_definitions_name": ("name",)},
)


def _statement(name: str, unique: str, comment: str, figures: tuple[Column, ...]) -> Table:
    return Table(
        name=name,
        role="input",
        comment=comment,
        columns=(
            row_id(),
            Column("symbol", varchar(10)),
            Column("period_date", DATE),
            Column("fiscal_year", INTEGER, UNKNOWN, "year"),
            Column("fiscal_quarter", INTEGER, "annual, or not reported", "1 to 4"),
            Column("frequency", varchar(1), unit="q quarterly, a annual"),
            Column("currency", varchar(3)),
            *figures,
            *stamps(),
        ),
        key=("symbol", "period_date", "frequency"),
        unique={unique: ("symbol", "period_date", "frequency")},
        indexes={
            f"ix_{name}_period_date": ("period_date",),
            f"ix_{name}_symbol": ("symbol",),
        },
    )


AMOUNT = numeric(20, 2)

INCOME_STATEMENTS = _statement(
    "income_statements",
    "uq_income_symbol_period_freq",
    "Income statements, quarterly and annual.",
    (
        *_figures(
            AMOUNT,
            "currency units",
            "total_revenue",
            "cost_of_revenue",
            "gross_profit",
            "research_and_development",
            "selling_general_and_administrative",
            "operating_income",
            "ebit",
            "ebitda",
            "net_income",
        ),
        *_figures(PRICE, "currency units a share", "diluted_eps", "basic_eps"),
        *_figures(BIGINT, "shares", "basic_average_shares", "diluted_average_shares"),
        *_figures(
            AMOUNT,
            "currency units",
            "tax_provision",
            "interest_expense",
            "depreciation_and_amortization",
        ),
        *_figures(RATIO, "fraction", "gross_margin", "operating_margin", "net_margin"),
    ),
)

BALANCE_SHEETS = _statement(
    "balance_sheets",
    "uq_balance_symbol_period_freq",
    "Balance sheets, quarterly and annual.",
    (
        *_figures(
            AMOUNT,
            "currency units",
            "total_assets",
            "current_assets",
            "cash_and_cash_equivalents",
            "short_term_investments",
            "accounts_receivable",
            "inventory",
            "property_plant_equipment",
            "intangible_assets",
            "total_liabilities",
            "current_liabilities",
            "accounts_payable",
            "short_term_debt",
            "long_term_debt",
            "total_debt",
            "total_stockholders_equity",
            "retained_earnings",
            "common_stock",
            "working_capital",
            "net_debt",
        ),
        *_figures(numeric(8, 4), "ratio", "current_ratio", "debt_to_equity"),
        Column("book_value_per_share", PRICE, UNKNOWN, "currency units a share"),
    ),
)

CASH_FLOWS = _statement(
    "cash_flows",
    "uq_cashflow_symbol_period_freq",
    "Cash flow statements, quarterly and annual.",
    (
        *_figures(
            AMOUNT,
            "currency units",
            "operating_cash_flow",
            "depreciation_and_amortization",
            "stock_based_compensation",
            "change_in_working_capital",
            "investing_cash_flow",
            "capital_expenditures",
            "acquisitions",
            "purchases_of_investments",
            "financing_cash_flow",
            "dividends_paid",
            "stock_repurchases",
            "debt_issuance_repayment",
            "net_change_in_cash",
            "beginning_cash_position",
            "free_cash_flow",
        ),
        *_figures(RATIO, "fraction", "fcf_margin"),
    ),
)

MARKET = (
    MARKET_DATA_CACHE,
    COMPANY_PROFILES,
    BENCHMARKS_SECTOR_WEIGHTS,
    ENGINE_FUND_DURATIONS,
    ENGINE_INTEREST_RATES,
    STRESS_TEST_SCENARIOS,
    FACTOR_DEFINITIONS,
    INCOME_STATEMENTS,
    BALANCE_SHEETS,
    CASH_FLOWS,
)
