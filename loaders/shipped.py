"""Rows that come with the engine: factors, scenarios, sector weights of the benchmark, bond durations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from engine.core.frames import dtype
from engine.core.funds import BENCHMARK, MARKET_FUND, RATE_FUND, SPREAD_FUNDS, STYLE_FUNDS
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from loaders.schema_rows import schema_rows

FACTOR_DEFINITIONS = (
    ("Market Beta (90D)", "market", "rolling_regression", MARKET_FUND),
    ("Provider Beta (1Y)", "market", "provider_data", MARKET_FUND),
    ("IR Beta", "macro", "rolling_regression", RATE_FUND),
    *(
        (name, "style", "ridge_regression", STYLE_FUNDS[name])
        for name in ("Momentum", "Value", "Growth", "Size", "Quality", "Low Volatility")
    ),
    *((name, "style", "spread_regression", long) for name, (long, _) in SPREAD_FUNDS.items()),
)
"""name, factor_type, calculation_method, etf_proxy, by display_order (document 02 §5)."""

STRESS_SCENARIOS = (
    ("market_up_5", "Market Rally 5%", "market", "base", '{"Market": 0.05}', True),
    ("market_down_5", "Market Decline 5%", "market", "base", '{"Market": -0.05}', True),
    ("rates_up_50bp", "Rates Up 50bp", "rates", "base", '{"Interest_Rate": 0.005}', True),
    ("rates_down_50bp", "Rates Down 50bp", "rates", "base", '{"Interest_Rate": -0.005}', True),
    ("market_up_10", "Market Rally 10%", "market", "moderate", '{"Market": 0.1}', True),
    ("market_down_10", "Market Decline 10%", "market", "moderate", '{"Market": -0.1}', True),
    ("market_crash_35", "Market Crash 35%", "market", "severe", '{"Market": -0.35}', True),
    ("market_rally_25", "Market Rally 25%", "market", "severe", '{"Market": 0.25}', True),
    ("rates_up_25bp", "Rates Up 25bp", "rates", "mild", '{"Interest_Rate": 0.0025}', True),
    ("rates_down_25bp", "Rates Down 25bp", "rates", "mild", '{"Interest_Rate": -0.0025}', True),
    ("rates_up_100bp", "Rates Up 100bp", "rates", "moderate", '{"Interest_Rate": 0.01}', True),
    ("rates_down_100bp", "Rates Down 100bp", "rates", "moderate", '{"Interest_Rate": -0.01}', True),
    ("rate_spike_300bp", "Rate Spike 300bp", "rates", "severe", '{"Interest_Rate": 0.03}', True),
    (
        "value_rotation_20",
        "Value Rotation 20%",
        "rotation",
        "moderate",
        '{"Value": 0.2, "Growth": -0.1}',
        True,
    ),
    (
        "growth_rally_15",
        "Growth Rally 15%",
        "rotation",
        "moderate",
        '{"Growth": 0.15, "Momentum": 0.1}',
        True,
    ),
    (
        "small_cap_outperformance_10",
        "Small Cap Outperformance 10%",
        "rotation",
        "mild",
        '{"Size": 0.1}',
        True,
    ),
    (
        "quality_flight_12",
        "Flight to Quality 12%",
        "rotation",
        "mild",
        '{"Quality": 0.12, "Market": -0.05}',
        True,
    ),
    (
        "vix_spike_150",
        "VIX Spike 150%",
        "volatility",
        "severe",
        '{"Low Volatility": -0.25, "Market": -0.15}',
        True,
    ),
    (
        "liquidity_crisis",
        "Liquidity Crisis",
        "volatility",
        "severe",
        '{"Market": -0.2, "Low Volatility": -0.3, "Quality": 0.15, "Size": -0.1}',
        True,
    ),
    (
        "financial_crisis_2008",
        "2008 Financial Crisis Replay",
        "historical",
        "extreme",
        '{"Market": -0.45, "Value": -0.3, "Size": -0.25, "Quality": 0.2, "Low Volatility": -0.35}',
        False,
    ),
    (
        "covid_crash_2020",
        "COVID-19 Crash Replay (March 2020)",
        "historical",
        "extreme",
        '{"Market": -0.35, "Growth": 0.15, "Value": -0.4, "Size": -0.3, "Quality": 0.1}',
        False,
    ),
    (
        "dotcom_crash_2000",
        "Dot-Com Crash Replay (2000-2002)",
        "historical",
        "extreme",
        '{"Market": -0.45, "Growth": -0.6, "Value": 0.2, "Momentum": -0.5, "Quality": 0.15}',
        False,
    ),
)
"""scenario_id, name, category, severity, shock_config, active (document 03 §4.1)."""

SHIPPED = "Shipped with the engine."
"""The description of shipped factors and scenarios, by which a user tells them from their own."""

SECTOR_WEIGHTS_ON = date(2024, 12, 31)
SECTOR_WEIGHTS_SOURCE = "shipped: S&P fact sheet, rounded"
SECTOR_WEIGHTS = (
    ("Technology", 0.325),
    ("Financial Services", 0.136),
    ("Consumer Cyclical", 0.113),
    ("Healthcare", 0.101),
    ("Communication Services", 0.094),
    ("Industrials", 0.082),
    ("Consumer Defensive", 0.055),
    ("Energy", 0.032),
    ("Utilities", 0.023),
    ("Real Estate", 0.021),
    ("Basic Materials", 0.019),
)
"""Sectors of the S&P 500 as company_profiles names them, fractions of the index.

Source: S&P Dow Jones Indices, fact sheet of the S&P 500 of 2024-12-31; to a tenth of a percent, so that
their sum is 1.001.
"""

AGGREGATE = (
    "shipped: average duration of the Bloomberg U.S. Aggregate Float Adjusted Index, Vanguard prospectus"
)
FUND_DURATIONS = (
    ("TLT", date(2024, 11, 21), 16.19, "shipped: average duration, iShares, as findbillion.com showed it"),
    *((fund, date(2024, 12, 31), 6.0, AGGREGATE) for fund in ("BND", "VBTLX", "AGG", "FXNAX")),
    (
        "BSV",
        date(2023, 12, 31),
        3.0,
        "shipped: average duration of its index, Vanguard, as iowa529save.com showed it",
    ),
)
"""symbol, day, years, source: published figures, as precise as they were published. AGG and FXNAX track
the index without the adjustment for what the Federal Reserve holds."""


def shipped_rows(tables: Collection[str] | None = None) -> dict[str, pl.DataFrame]:
    """Return the rows that new tables begin with, by table.

    Ids and stamps are fixed: the same version of the engine ships the same bytes.

    Args:
        tables: Names; those that ship no rows are passed over. Default all.
    """
    makers = {
        "benchmarks_sector_weights": _sector_weights,
        "engine_fund_durations": fund_durations,
        "stress_test_scenarios": scenario_rows,
        "factor_definitions": factor_rows,
    }
    return {name: rows() for name, rows in makers.items() if tables is None or name in tables}


def scenario_rows() -> pl.DataFrame:
    """Return the rows of stress_test_scenarios."""
    columns = ["scenario_id", "name", "category", "severity", "shock_config", "active"]
    frame = pl.DataFrame(STRESS_SCENARIOS, schema=columns, orient="row")
    key = row_ids("stress_test_scenarios", frame["scenario_id"])
    return schema_rows("stress_test_scenarios", frame.with_columns(id=key), description=SHIPPED)


def factor_rows() -> pl.DataFrame:
    """Return the rows of factor_definitions."""
    columns = ["name", "factor_type", "calculation_method", "etf_proxy"]
    frame = pl.DataFrame(FACTOR_DEFINITIONS, schema=columns, orient="row")
    key = row_ids("factor_definitions", frame["name"])
    numbered = frame.with_row_index("display_order").with_columns(id=key)
    return schema_rows("factor_definitions", numbered, is_active=True, description=SHIPPED)


def published_durations() -> pl.DataFrame:
    """Return symbol, asof_date, duration, data_source of bond funds, typed as they are stored."""
    table = TABLES["engine_fund_durations"]
    columns = {name: dtype(table[name]) for name in ("symbol", "asof_date", "duration", "data_source")}
    return pl.DataFrame(FUND_DURATIONS, schema=columns, orient="row")


def fund_durations() -> pl.DataFrame:
    """Return the rows of engine_fund_durations."""
    frame = published_durations()
    key = row_ids("engine_fund_durations", frame["symbol"], frame["asof_date"])
    return schema_rows("engine_fund_durations", frame.with_columns(id=key))


def _sector_weights() -> pl.DataFrame:
    weights = pl.DataFrame(SECTOR_WEIGHTS, schema=["sector", "weight"], orient="row")
    frame = weights.with_columns(benchmark_code=pl.lit(BENCHMARK), asof_date=SECTOR_WEIGHTS_ON)
    key = row_ids("benchmarks_sector_weights", frame["benchmark_code"], frame["asof_date"], frame["sector"])
    return schema_rows(
        "benchmarks_sector_weights", frame.with_columns(id=key), data_source=SECTOR_WEIGHTS_SOURCE
    )
