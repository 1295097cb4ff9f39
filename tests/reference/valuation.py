"""Section 5.1: Phase 4, the market values of positions."""

import re
from datetime import date
from decimal import Decimal

from .pnl import multiplier
from .prices import (
    VALUATION_LOOKBACK_DAYS,
    Prices,
    Row,
    latest_before,
    positive_close,
)
from .rounding import to_money, to_price

#: 8.3: symbols that stand for something that has no market price.
SYNTHETIC_SYMBOLS = frozenset(
    {
        "HOME_EQUITY",
        "TREASURY_BILLS",
        "CRYPTO_BTC_ETH",
        "TWO_SIGMA_FUND",
        "A16Z_VC_FUND",
        "STARWOOD_REIT",
        "BX_PRIVATE_EQUITY",
        "RENTAL_SFH",
        "ART_COLLECTIBLES",
        "RENTAL_CONDO",
        "MONEY_MARKET",
    }
)
#: 8.3: the second one takes EQIX, EQR, EQT and other real tickers along (Q16).
SYNTHETIC_PREFIXES = ("FO_", "EQ")
#: 8.3: the last 15 characters of an OCC option symbol.
OCC_TAIL = re.compile(r"[0-9]{6}[CP][0-9]{8}")


def is_ignored(symbol: str) -> bool:
    """Empty, synthetic or OCC option symbols (8.3)."""
    known = symbol.strip().upper()
    return (
        not known
        or known in SYNTHETIC_SYMBOLS
        or known.startswith(SYNTHETIC_PREFIXES)
        or OCC_TAIL.fullmatch(known[-15:]) is not None
    )


def is_valued(position: Row) -> bool:
    """Open positions, whatever their entry date, class or portfolio (5.1, Q22).

    Not looked at: whether the *portfolio* is soft-deleted. In the golden set
    `edge` the positions of the soft-deleted E4 do get last_price, market_value
    and unrealized_pnl, although E4 has no snapshot and keeps its equity.
    """
    return (
        position["exit_date"] is None
        and position["deleted_at"] is None
        and not is_ignored(position["symbol"])
    )


def phase4_price(prices: Prices, symbol: str, day: date) -> Decimal | None:
    """The day's close, else the newest of the last 5 days if not 0 (5.1, Q23)."""
    close = positive_close(prices, symbol, day)
    if close is None:
        close = latest_before(prices, symbol, day, VALUATION_LOOKBACK_DAYS)
    return close or None


def value_position(position: Row, prices: Prices, day: date) -> None:
    """Overwrite the three stored values, or leave them as they are (5.1, Q24)."""
    price = phase4_price(prices, position["symbol"], day)
    if price is None:
        return
    units = position["quantity"] * multiplier(position)
    value = units * price
    position["last_price"] = to_price(price)
    position["market_value"] = to_money(value)
    position["unrealized_pnl"] = to_money(value - units * position["entry_price"])


def value_positions(positions: list[Row], prices: Prices, day: date) -> None:
    """Phase 4 of one day, over `positions` of any portfolio (5.1)."""
    for position in positions:
        if is_valued(position):
            value_position(position, prices, day)
