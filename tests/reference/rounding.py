"""Section 0: how a number is rounded on its way into a column."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

ZERO = Decimal(0)
CENT = Decimal("0.01")

#: 0.2: the context that Python's Decimal arithmetic had in the legacy batch.
LEGACY_CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN)

#: Postgres rounds a numeric of any length, so its rounding needs room.
_DATABASE_CONTEXT = Context(prec=200, rounding=ROUND_HALF_UP)


def to_numeric(value: Decimal, precision: int, scale: int) -> Decimal:
    """Store `value` in a numeric(precision, scale) column (0.1).

    Half away from zero, which Python calls ROUND_HALF_UP. The rounded value
    must fit, as in Postgres: 99.9999995 doesn't fit numeric(8, 6).
    """
    step = Decimal(1).scaleb(-scale)
    rounded = value.quantize(step, context=_DATABASE_CONTEXT)
    if abs(rounded) >= Decimal(10) ** (precision - scale):
        message = f"{value} does not fit numeric({precision}, {scale})"
        raise OverflowError(message)
    return rounded or abs(rounded)  # Postgres has no -0.00


def to_money(value: Decimal) -> Decimal:
    """Store an amount: numeric(16, 2)."""
    return to_numeric(value, 16, 2)


def to_greek(value: Decimal) -> Decimal:
    """Store a Greek of a portfolio: numeric(12, 2)."""
    return to_numeric(value, 12, 2)


def to_price(value: Decimal) -> Decimal:
    """Store a price: numeric(12, 4)."""
    return to_numeric(value, 12, 4)


def to_return(value: Decimal) -> Decimal:
    """Store a daily return: numeric(8, 6), so |value| < 100 (Q40)."""
    return to_numeric(value, 8, 6)


def half_even_cents(value: Decimal) -> Decimal:
    """Quantize an exposure aggregate in Python, before the database (0.3)."""
    return value.quantize(CENT, rounding=ROUND_HALF_EVEN)


def from_float(value: float) -> Decimal:
    """Turn a float into the Decimal of its shortest repr (0.4)."""
    return Decimal(repr(value))
