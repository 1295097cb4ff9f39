"""The price look-ups of the legacy batch. They differ on purpose (Q7)."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Prices: TypeAlias = dict[str, dict[date, Decimal]]

#: 8.1: calendar days that the previous price of P&L may be old.
PNL_LOOKBACK_DAYS = 10
#: 8.1: calendar days that a fallback price of Phase 4 may be old.
VALUATION_LOOKBACK_DAYS = 5


def index_closes(market_data_cache: Iterable[Row]) -> Prices:
    """Closes by symbol as it is spelled in the table, then by date (1.4)."""
    prices: Prices = {}
    for row in market_data_cache:
        prices.setdefault(row["symbol"], {})[row["date"]] = row["close"]
    return prices


def positive_close(prices: Prices, symbol: str, day: date) -> Decimal | None:
    """Close of exactly this symbol on exactly this day, if above 0 (3.3, 5.1).

    The price cache of 2.5 and the table behind it give the same answer (Q43).
    """
    close = prices.get(symbol, {}).get(day)
    return close if close is not None and close > 0 else None


def latest_before(prices: Prices, symbol: str, day: date, lookback: int) -> Decimal | None:
    """Newest close of SYMBOL in [day - lookback, day), be it 0 (8.5, Q8).

    Calendar days, sessions or not.
    """
    closes = prices.get(symbol.upper(), {})
    for age in range(1, lookback + 1):
        earlier = day - timedelta(days=age)
        if earlier in closes:
            return closes[earlier]
    return None


def latest_ever(prices: Prices, symbol: str, day: date) -> Decimal | None:
    """Newest close of SYMBOL up to and including day, of any age (4.3, Q9)."""
    closes = prices.get(symbol.upper(), {})
    newest = max((known for known in closes if known <= day), default=None)
    return None if newest is None else closes[newest]
