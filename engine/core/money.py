"""Exact money: decimals as scaled integers of 128 bits, rounded as the legacy database rounds.

Polars rounds the product of two decimals to the wider of their scales; products of integers are
exact. A price in ticks is an integer of 1/10,000 USD, a quantity in lots one of 1/10,000 share,
an amount in cents one of 1/100 USD, and price times quantity one of 10**-8 USD ("grains").
"""

from __future__ import annotations

import polars as pl

TICK_SCALE = 4
QUANTITY_SCALE = 4
CENT_SCALE = 2
GRAIN_SCALE = 8
GRAINS_A_CENT = 10 ** (GRAIN_SCALE - CENT_SCALE)


def integer(value: int) -> pl.Expr:
    """Return a 128-bit literal."""
    return pl.lit(value, dtype=pl.Int128)


def scaled(column: str | pl.Expr) -> pl.Expr:
    """Return a decimal as its scaled integer: 1.2345 of scale 4 is 12345.

    Args:
        column: name or expression of a decimal column; a null stays null.

    Returns:
        Int128, in units of the last place.
    """
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.to_physical().cast(pl.Int128)


def decimal(units: pl.Expr, precision: int, scale: int) -> pl.Expr:
    """Return the decimal of a scaled integer; the inverse of `scaled`.

    Args:
        units: whole multiples of 10**-scale.
        precision: digits in all, at most 38.
        scale: digits after the point.
    """
    return units.cast(pl.Int128).reinterpret(dtype=pl.Decimal(precision, scale))


def usd(units: pl.Expr, scale: int) -> pl.Expr:
    """Return a scaled integer as the nearest double.

    Not `units / 10**scale`: Polars multiplies by the reciprocal of a literal, which misses the
    nearest double for a third of all prices.

    Args:
        units: amounts in 10**-scale USD.
        scale: decimals.

    Returns:
        Float64, USD.
    """
    return decimal(units, 38, scale).cast(pl.Float64)


def half_away(value: pl.Expr, unit: int | pl.Expr) -> pl.Expr:
    """Return value / unit as the nearest integer, ties away from zero (document 01 §0.1).

    Args:
        value: Int128; a null stays null.
        unit: divisor above 0, in the unit of `value`.

    Returns:
        Int128, in multiples of `unit`.
    """
    divisor = integer(unit) if isinstance(unit, int) else unit
    magnitude = (value.abs() * 2 + divisor) // (divisor * 2)
    return magnitude * value.sign()


def half_even(value: pl.Expr, unit: int) -> pl.Expr:
    """Return value / unit as the nearest integer, ties to the even one (document 01 §0.3).

    Args:
        value: Int128; a null stays null.
        unit: divisor above 0, in the unit of `value`.

    Returns:
        Int128, in multiples of `unit`.
    """
    quotient = value // integer(unit)
    rest = (value - quotient * integer(unit)) * 2
    odd = (quotient % 2) != 0
    up = (rest > unit) | ((rest == unit) & odd)
    return quotient + up.cast(pl.Int128)


def running_balance(frame: pl.DataFrame, opening: str, increment: str, over: str) -> pl.Series:
    """Return balances that are rounded once a session, as the legacy batch stores them.

        balance[d] = half_away(balance[d-1] + increment[d]),  balance[-1] = opening

    The previous balance is a whole number of cents, so rounding the sum is rounding the
    increment, and the recurrence is a cumulative sum. Only a tie depends on the balance: it goes
    up above zero and down below.

    Args:
        frame: rows of each group in session order.
        opening: column of cents (Int128), the same in every row of a group.
        increment: column of grains (Int128).
        over: column that tells the groups apart.

    Returns:
        Int128 cents, a row for each row of `frame`.
    """
    up = (pl.col(increment) * 2 + integer(GRAINS_A_CENT)) // integer(2 * GRAINS_A_CENT)
    tie = (pl.col(increment) % integer(GRAINS_A_CENT)) == GRAINS_A_CENT // 2
    steps = frame.select(over, opening, up=up, tie=tie, lowered=pl.lit(0, pl.Int128))
    # All ties are rounded up at first; those that end at or below zero are then lowered until no
    # balance changes. Each pass settles at least the next tie of a group, so the loop ends.
    while True:
        running = (pl.col("up") - pl.col("lowered")).cum_sum().over(over)
        steps = steps.with_columns(balance=pl.col(opening) + running)
        below = pl.col("tie") & (pl.col("balance") + pl.col("lowered") <= 0)
        lowered = steps.select(below.cast(pl.Int128).alias("lowered")).to_series()
        if lowered.equals(steps["lowered"]):
            return steps["balance"]
        steps = steps.with_columns(lowered)
