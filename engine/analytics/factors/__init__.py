"""Spread and ridge factors: betas of positions, exposures of portfolios."""
