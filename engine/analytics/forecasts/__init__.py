"""Forecasts of risk, and how they turned out: value at risk and volatility."""

TABLES = ("engine_value_at_risk", "engine_var_tests", "engine_forecast_scores", "engine_forecast_tests")
"""Tables that these jobs fill by corrected rules."""
