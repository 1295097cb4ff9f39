"""Forecasts of risk, and how they turned out: value at risk and volatility."""

RULES = {
    "volatility_forecast": "mean_reverting",
    "volatility_weights": "equity",
    "percentile_window": "400_days",
    "closed_lots": "exact",
}
"""Rules by which these jobs have figures: a volatility over equity, its tails, and the P&L of lots."""
TABLES = ("engine_value_at_risk", "engine_var_tests", "engine_forecast_scores", "engine_forecast_tests")
"""Tables that these jobs fill by corrected rules."""
