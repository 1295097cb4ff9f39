"""Fixed rows: the thirteen factors of a run, and the stress scenarios."""

from engine.core.funds import MARKET_FUND, RATE_FUND, SPREAD_FUNDS, STYLE_FUNDS

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
