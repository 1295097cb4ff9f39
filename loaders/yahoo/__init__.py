"""Yahoo through yfinance: the first provider of market data.

yfinance, pandas and curl are imported when something is fetched.
"""

from __future__ import annotations

from loaders.yahoo.gate import Patience
from loaders.yahoo.provider import Yahoo

__all__ = ["Patience", "Yahoo"]
