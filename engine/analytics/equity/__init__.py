"""P&L, equity and exposures of each portfolio and session."""
