"""Contributions of factors and positions to each portfolio's predicted volatility."""

RULES = {"factor_model": ("joint",), "factor_covariance": ("session", "session_oas")}
"""Rules by which the job `risk` runs, any of the values: exposures that add up, a session's covariance."""
