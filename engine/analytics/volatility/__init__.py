"""Volatility of positions and portfolios."""
