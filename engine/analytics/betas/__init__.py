"""Betas of positions and portfolios on the market and on rates."""
