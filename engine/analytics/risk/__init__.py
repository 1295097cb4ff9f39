"""Contributions of factors and positions to each portfolio's predicted volatility."""

RULES = {"factor_model": "joint", "factor_covariance": "session"}
"""Rules by which the job `risk` runs: exposures that add up, and a covariance of the session."""
