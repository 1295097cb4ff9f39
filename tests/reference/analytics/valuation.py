"""Phase 4 values and the position value helper.

Source: 01 §5.1, §8.3, §8.4; 02 §2.4; 03 §0.4, §0.5.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from .inputs import OPTION_TYPES, PRIVATE, Position

Closes = Mapping[str, Mapping[dt.date, Decimal]]
"""market_data_cache: closes by symbol and date, zero closes included."""

FALLBACK_DAYS = 5
CENT, TICK = Decimal("0.01"), Decimal("0.0001")
SYNTHETIC = frozenset(
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
OCC_TAIL = re.compile(r"\d{6}[CP]\d{8}$")


def is_skipped_symbol(symbol: str) -> bool:
    """Never valued and never in volatility: empty, synthetic, or an OCC contract.

    Source: 01 §8.3.
    """
    name = symbol.strip().upper()
    is_synthetic = name in SYNTHETIC or name.startswith(("FO_", "EQ"))
    return not name or is_synthetic or (len(name) >= 15 and OCC_TAIL.search(name) is not None)


def phase4_price(symbol: str, closes: Closes, date: dt.date) -> Decimal | None:
    """Close on the date if > 0, else the latest of five days before unless it is 0.

    Source: 01 §5.1.
    """
    today = closes.get(symbol, {}).get(date)
    if today is not None and today > 0:
        return today
    before = closes.get(symbol.upper(), {})
    for days in range(1, FALLBACK_DAYS + 1):
        close = before.get(date - dt.timedelta(days=days))
        if close is not None:
            return close if close > 0 else None
    return None


def contract_size(position: Position) -> int:
    """100 for option types, PRIVATE or not (01 §5.1)."""
    return 100 if position.position_type in OPTION_TYPES else 1


def marked(position: Position, closes: Closes, date: dt.date) -> Position:
    """The position after phase 4 of the date: revalued, or carried as it was.

    Source: 01 §5.1.
    """
    if not position.is_active or is_skipped_symbol(position.symbol):
        return position
    price = phase4_price(position.symbol, closes, date)
    if price is None:
        return position
    value = position.quantity * price * contract_size(position)
    return replace(
        position,
        last_price=price.quantize(TICK, ROUND_HALF_UP),
        market_value=value.quantize(CENT, ROUND_HALF_UP),
    )


def mark_over_window(
    positions: Sequence[Position], closes: Closes, sessions: Sequence[dt.date]
) -> Iterator[tuple[dt.date, tuple[Position, ...]]]:
    """Positions after phase 4 of each session; unpriced lots carry their last value.

    Source: 01 §5.1.
    """
    current = tuple(positions)
    for session in sessions:
        current = tuple(marked(p, closes, session) for p in current)
        yield session, current


def computed_value(position: Position) -> Decimal:
    """Quantity x (last price, else entry price) x multiplier; 1 for PRIVATE options.

    Source: 02 §2.4.
    """
    price = position.last_price if position.last_price is not None else position.entry_price
    is_private = (position.investment_class or "").upper() == PRIVATE
    return position.quantity * price * (1 if is_private else contract_size(position))


def stored_value(position: Position) -> Decimal:
    """The stored 2-dp market value (zero counts), else the computed value (02 §2.4)."""
    return position.market_value if position.market_value is not None else computed_value(position)
