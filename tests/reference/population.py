"""Section 4.1-4.6: exposures, cash and counts of a snapshot."""

from datetime import date
from decimal import Decimal, InvalidOperation

from .pnl import multiplier
from .prices import Prices, Row, latest_ever
from .rounding import ZERO, from_float, half_even_cents, to_greek, to_money

GREEKS = ("portfolio_delta", "portfolio_gamma", "portfolio_theta", "portfolio_vega")


def active_positions(positions: list[Row], portfolio_id: str, day: date) -> list[Row]:
    """Positions of the snapshot: here exit_date counts (4.2)."""
    return [
        position
        for position in positions
        if position["portfolio_id"] == portfolio_id
        and position["entry_date"] <= day
        and (position["exit_date"] is None or position["exit_date"] > day)
        and position["deleted_at"] is None
    ]


def private_price(position: Row) -> float | None:
    """Stored market value per unit if above 0, else the entry price (4.3).

    A division by a quantity of 0 drops the position.
    """
    stored = position["market_value"]
    if stored is None or stored <= 0:
        return float(position["entry_price"])
    try:
        return float(stored / position["quantity"])
    except (ZeroDivisionError, InvalidOperation):
        return None


def valuation_price(position: Row, prices: Prices, day: date) -> float | None:
    """Newest close of any age, unless that is 0; then only PRIVATE is valued (4.3).

    PRIVATE is spelled exactly so here, unlike in 3.3.
    """
    close = latest_ever(prices, position["symbol"], day)
    if close:
        return float(close)
    if position["investment_class"] == "PRIVATE":
        return private_price(position)
    return None


def exposure(position: Row, prices: Prices, day: date) -> Decimal | None:
    """Quantity x price x m in binary floats, left to right (4.4, Q13)."""
    price = valuation_price(position, prices, day)
    if price is None:
        return None
    return from_float(float(position["quantity"]) * price * multiplier(position))


def exposure_columns(exposures: list[Decimal]) -> Row:
    """Decimal sums, each quantized half-even on its own (4.5)."""
    return {
        "gross_exposure": half_even_cents(sum(map(abs, exposures), ZERO)),
        "net_exposure": half_even_cents(sum(exposures, ZERO)),
        "long_value": half_even_cents(sum((e for e in exposures if e > 0), ZERO)),
        "short_value": half_even_cents(sum((e for e in exposures if e < 0), ZERO)),
    }


def count_columns(active: list[Row]) -> Row:
    """Counts of 4.2 positions, priced or not; zero counts as short (4.6, Q12)."""
    longs = sum(position["quantity"] > 0 for position in active)
    return {
        "num_positions": len(active),
        "num_long_positions": longs,
        "num_short_positions": len(active) - longs,
    }


def cash(equity: Decimal, long_value: Decimal, short_value: Decimal) -> Decimal:
    """Unrounded equity - long + |short|, not below 0 (4.6, Q46)."""
    return max(equity - long_value + abs(short_value), ZERO)


def empty_columns() -> Row:
    """No active position: zeros, and Greeks that stay null (4.2, Q11)."""
    money = ("total_value", "cash_value", *exposure_columns([]))
    return (
        dict.fromkeys(money, to_money(ZERO))
        | dict.fromkeys(GREEKS)
        | count_columns([])
        | {"is_complete": True}
    )


def population_columns(active: list[Row], prices: Prices, equity: Decimal, day: date) -> Row:
    """Columns of 4.6; `equity` is the unrounded E of 3.6 (0.5)."""
    if not active:
        return empty_columns()
    values = [exposure(position, prices, day) for position in active]
    sums = exposure_columns([value for value in values if value is not None])
    free = cash(equity, sums["long_value"], sums["short_value"])
    return (
        {column: to_money(value) for column, value in sums.items()}
        | {"total_value": to_money(equity), "cash_value": to_money(free)}
        | dict.fromkeys(GREEKS, to_greek(ZERO))
        | count_columns(active)
        | {"is_complete": True}
    )
