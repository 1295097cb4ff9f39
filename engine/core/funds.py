"""The funds whose returns stand for the market, rates and styles."""

from __future__ import annotations

MARKET_FUND = "SPY"
RATE_FUND = "TLT"
FACTOR_FUNDS = ("VUG", "VTV", "MTUM", "QUAL", "IWM", "SPY", "USMV", "TLT")
"""The funds whose returns stand for the market, rates and styles (document 01 §2.5)."""
