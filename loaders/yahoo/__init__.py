"""Yahoo Finance, through yfinance, as a provider of market data.

yfinance, pandas and curl are imported by the first request.
"""

from __future__ import annotations

from loaders.market import RequestPolicy
from loaders.yahoo.client import Yahoo

Patience = RequestPolicy
"""The policy's name when Yahoo was the only provider; scripts import it from here."""

__all__ = ["Patience", "Yahoo"]
