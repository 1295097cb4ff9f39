"""Exact money: decimals as scaled integers of 128 bits, rounded as the legacy database rounds.

Polars' own product of two decimals is rounded to the wider of their scales; integers are not.
A price in ticks is an integer of 1/10,000 USD, a quantity in lots one of 1/10,000 share, an
amount in cents one of 1/100 USD, and their product one of 10**-8 USD ("grains").
"""

from __future__ import annotations

import polars as pl

TICK_SCALE = 4
CENT_SCALE = 2
GRAIN_SCALE = 8
GRAINS_A_CENT = 10 ** (GRAIN_SCALE - CENT_SCALE)


def integer(value: int) -> pl.Expr:
    """A 128-bit literal."""
    return pl.lit(value, dtype=pl.Int128)


def scaled(column: str | pl.Expr) -> pl.Expr:
    """A decimal as the integer it is stored as: 1.2345 of scale 4 is 12345."""
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.to_physical().cast(pl.Int128)


def decimal(units: pl.Expr, precision: int, scale: int) -> pl.Expr:
    """The decimal that an integer stands for; the inverse of `scaled`."""
    return units.cast(pl.Int128).reinterpret(dtype=pl.Decimal(precision, scale))


def usd(units: pl.Expr, scale: int) -> pl.Expr:
    """The double nearest to an integer's decimal.

    Never `units / 10**scale`: Polars multiplies by the reciprocal of a literal, which misses the
    nearest double for a third of all prices.
    """
    return decimal(units, 38, scale).cast(pl.Float64)


def half_away(value: pl.Expr, unit: int | pl.Expr) -> pl.Expr:
    """value / unit to the nearest integer, ties away from zero (document 01 §0.1)."""
    divisor = integer(unit) if isinstance(unit, int) else unit
    magnitude = (value.abs() * 2 + divisor) // (divisor * 2)
    return magnitude * value.sign()


def half_even(value: pl.Expr, unit: int) -> pl.Expr:
    """value / unit to the nearest integer, ties to the even one (document 01 §0.3)."""
    quotient = value // integer(unit)
    rest = (value - quotient * integer(unit)) * 2
    odd = (quotient % 2) != 0
    up = (rest > unit) | ((rest == unit) & odd)
    return quotient + up.cast(pl.Int128)


def roll(frame: pl.DataFrame, opening: str, increment: str, over: str) -> pl.Series:
    """Running balances that are rounded once a session, as the legacy batch stores them.

        balance[d] = half_away(balance[d-1] + increment[d]),  balance[-1] = opening

    The previous balance is a whole number of cents, so rounding the sum is rounding the
    increment, and the recurrence is a cumulative sum. Only a tie depends on the balance: it goes
    up above zero and down below. All ties are first taken up, then those that end at or below
    zero are lowered, until no balance changes; each round settles at least the next tie.

    Args:
        frame: rows of each group `over` in session order.
        opening: column of cents, the same in every row of a group.
        increment: column of grains.

    Returns:
        Cents, a row for each row of `frame`.
    """
    up = (pl.col(increment) * 2 + integer(GRAINS_A_CENT)) // integer(2 * GRAINS_A_CENT)
    tie = (pl.col(increment) % integer(GRAINS_A_CENT)) == GRAINS_A_CENT // 2
    steps = frame.select(over, opening, up=up, tie=tie, lowered=pl.lit(0, pl.Int128))
    while True:
        running = (pl.col("up") - pl.col("lowered")).cum_sum().over(over)
        steps = steps.with_columns(balance=pl.col(opening) + running)
        below = pl.col("tie") & (pl.col("balance") + pl.col("lowered") <= 0)
        lowered = steps.select(below.cast(pl.Int128).alias("lowered")).to_series()
        if lowered.equals(steps["lowered"]):
            return steps["balance"]
        steps = steps.with_columns(lowered)
