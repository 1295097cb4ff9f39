"""Sector exposure and concentration of the run date's snapshot (01 §4.8; 03 §3)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal

from .inputs import OPTIONS, PRIVATE, Position, Profile, Snapshot
from .numbers import stored
from .results import Row
from .returns import Prices
from .valuation import contract_size, stored_value

GICS = {
    "Financial Services": "Financials",
    "Consumer Cyclical": "Consumer Discretionary",
    "Consumer Defensive": "Consumer Staples",
    "Basic Materials": "Materials",
}
ETFS, UNCLASSIFIED = "ETFs", "Unclassified"


def bucket(position: Position, profiles: dict[str, Profile]) -> str | None:
    """Unclassified, ETFs, a sector, or None for a lot that falls in no bucket.

    Source: 01 §4.8 steps 2 to 4.
    """
    if position.investment_class in {PRIVATE, OPTIONS}:
        return UNCLASSIFIED
    profile = profiles.get(position.symbol.upper())
    if profile is None:
        return None
    if profile.is_etf:
        return ETFS
    sector = (profile.sector or "").strip()
    return GICS.get(sector, sector) if sector and sector != "Unknown" else None


def sector_weights(
    lots: Sequence[Position], equity: Decimal, profiles: dict[str, Profile]
) -> dict[str, float]:
    """Bucket value over unrounded equity: sectors as met, ETFs, Unclassified.

    Source: 01 §4.8.
    """
    values: dict[str, Decimal] = {}
    for lot in lots:
        name = bucket(lot, profiles)
        if name is not None:
            values[name] = values.get(name, Decimal(0)) + abs(stored_value(lot))
    last = [name for name in (ETFS, UNCLASSIFIED) if values.get(name)]
    order = [name for name in values if name not in {ETFS, UNCLASSIFIED}] + last
    return {name: float(values[name] / equity) for name in order}


def symbol_weights(lots: Sequence[Position]) -> list[float]:
    """Absolute value of each exact symbol over the gross value; [] when that is 0.

    Source: 01 §4.8.
    """
    values: dict[str, Decimal] = {}
    for lot in lots:
        values[lot.symbol] = values.get(lot.symbol, Decimal(0)) + abs(stored_value(lot))
    total = sum(values.values(), Decimal(0))
    return [float(value / total) for value in values.values()] if total else []


def concentration_columns(
    before_phase_4: Sequence[Position],
    equity: Decimal | None,
    profiles: dict[str, Profile],
    *,
    has_benchmark: bool,
) -> Row:
    """The five snapshot columns, all or none, from values that the last session left.

    Source: 01 §4.8.
    """
    lots = [p for p in before_phase_4 if p.is_active]
    shares = symbol_weights(lots)
    if not equity or not shares or not has_benchmark:
        return {}
    hhi = 10_000 * sum(w * w for w in shares)
    largest = sorted(shares, reverse=True)
    return {
        "sector_exposure": json.dumps(sector_weights(lots, equity, profiles)),
        "hhi": stored(hhi, 4),
        "effective_num_positions": stored(10_000 / hhi if hhi else 0.0, 2),
        "top_3_concentration": stored(sum(largest[:3]), 4),
        "top_10_concentration": stored(sum(largest[:10]), 4),
    }


def rolled_equity(
    previous: Snapshot | None,
    opening: Decimal,
    positions: Sequence[Position],
    prices: Prices,
    date: dt.date,
    cash_in: Decimal,
) -> Decimal:
    """Unrounded equity of the date: before + moves + (realized and flows).

    Source: 01 §3.2 to 3.6.
    """
    if previous is None:
        return opening + cash_in
    held = [p for p in positions if p.entry_date <= date and not p.is_deleted]
    moves = sum((day_move(p, prices, date) for p in held), Decimal(0))
    return (previous.equity or opening) + moves + cash_in


def day_move(position: Position, prices: Prices, date: dt.date) -> Decimal:
    """(close - latest close of the 10 days before) x quantity x multiplier.

    Source: 01 §3.3.
    """
    if (position.investment_class or "").upper() == PRIVATE:
        return Decimal(0)
    now = prices.closes.get(position.symbol, {}).get(date)
    rows = prices.closes.get(position.symbol.upper(), {})
    days = [date - dt.timedelta(days=n) for n in range(1, 11)]
    before = next((rows[day] for day in days if day in rows), None)
    if now is None or now <= 0 or before is None:
        return Decimal(0)
    return (now - before) * position.quantity * contract_size(position)
