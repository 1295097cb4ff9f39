"""Exposures of a portfolio in each session, long and short, as snapshots count them."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.core.instruments import multiplier
from engine.core.money import CENT_SCALE, QUANTITY_SCALE, TICK_SCALE, decimal, half_even, scaled, usd
from engine.core.rules import Membership

SHORTEST_SCALE = 24
"""Decimals that hold every shortest text of a double between 1e-8 and 1e14, the least and the largest value
that a position's columns can multiply to."""
GRAIN = 10 ** (SHORTEST_SCALE - CENT_SCALE)
LARGEST = 10.0**14
"""USD that a sum must stay below: the limit of the money columns."""


def held() -> pl.Expr:
    """Return whether a position counts in a session's snapshot (document 01 §4.2)."""
    entered = pl.col("entry_date") <= pl.col("date")
    closed = pl.col("exit_date") <= pl.col("date")
    return entered & ~closed.fill_null(False) & pl.col("deleted_at").is_null()


def present(days: pl.DataFrame, membership: Membership) -> pl.DataFrame:
    """Return the days on which a position counts in a snapshot, with its quantity of the session.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`; for membership="session" with held.
        membership: see `engine.core.rules.Rules`.

    Returns:
        The rows with units (Int128, 1/10,000).
    """
    if membership == "today":
        return days.filter(held()).with_columns(units=scaled("quantity"))
    return days.filter(pl.col("held") != 0).with_columns(units=pl.col("held").cast(pl.Int128))


def exposure(held: pl.DataFrame) -> pl.Series:
    """Return each position's signed value in USD, a double: quantity x price x m from left to right.

    The price is the newest close of any age. Where there is none, or it is 0, a private asset has its last
    stored value over its quantity, or else its entry price; anything else has no exposure (null). Source:
    document 01 §4.3 and §4.4.

    Args:
        held: of `present`.
    """
    stored, units = pl.col("opening_value"), scaled("quantity")
    private = pl.col("investment_class") == "PRIVATE"
    # NumPy divides: Polars multiplies by the reciprocal of a divisor that is the same in all rows, which
    # misses the nearest double.
    cents = held.select((stored * 10 ** (TICK_SCALE - CENT_SCALE)).cast(pl.Float64)).to_series()
    quantity = held.select(units.cast(pl.Float64)).to_series()
    with np.errstate(divide="ignore", invalid="ignore"):
        per_unit = pl.Series(cents.to_numpy() / quantity.to_numpy())
    quoted = pl.col("newest_close")
    price = (
        pl.when(quoted != 0)
        .then(usd(quoted, TICK_SCALE))
        .when(private & (stored > 0) & (units != 0))
        .then(per_unit)
        .when(private & ((stored <= 0) | stored.is_null()))
        .then(pl.col("entry_price").cast(pl.Float64))
    )
    shares = decimal(pl.col("units"), 16, QUANTITY_SCALE).cast(pl.Float64)
    value = shares * price * multiplier().cast(pl.Float64)
    return held.select(value).to_series()


def exposures(present: pl.DataFrame) -> pl.DataFrame:
    """Return sums and counts of each portfolio's positions in each session.

        gross = sum |v_i|,  net = sum v_i,  long = sum of v_i > 0,  short = sum of v_i < 0

    v_i are the positions' exposures, `exposure`, each the shortest decimal text of its double. Sums of those
    are exact; each is rounded to cents half to even. Source: document 01 §4.5 and §4.6.

    Args:
        present: of `present`, with `portfolio`.

    Returns:
        portfolio, session; gross_exposure, net_exposure, long_value, short_value (Int128 cents);
        num_positions, num_long_positions, num_short_positions; valued, unvalued: positions with and
        without an exposure; valued_usd, held_usd: weight of the valued ones, and of all; too_large: whether
        a sum does not fit its column. A session without positions has no row.
    """
    value = pl.col("_value")
    counted = present.select(
        "portfolio", "session", _quantity="units", _usd=exposure(present), weight="weight"
    )
    counted = counted.with_columns(
        _fits=pl.col("_usd").abs() < LARGEST,
    ).with_columns(_value=_shortest(pl.when(pl.col("_fits")).then("_usd")))
    summed = counted.group_by("portfolio", "session").agg(
        gross_exposure=value.abs().sum(),
        net_exposure=value.sum(),
        long_value=value.filter(value > 0).sum(),
        short_value=value.filter(value < 0).sum(),
        num_positions=pl.len().cast(pl.Int32),
        num_long_positions=(pl.col("_quantity") > 0).sum().cast(pl.Int32),
        num_short_positions=(pl.col("_quantity") <= 0).sum().cast(pl.Int32),
        valued=pl.col("_usd").is_not_null().sum().cast(pl.Int32),
        unvalued=pl.col("_usd").is_null().sum().cast(pl.Int32),
        valued_usd=pl.col("weight").filter(pl.col("_usd").is_not_null()).sum(),
        held_usd=pl.col("weight").sum(),
        too_large=(~pl.col("_fits")).any() | (pl.col("_usd").abs().sum() >= LARGEST),
    )
    # Half to even, unlike all other money: the legacy batch quantizes only these (document 01 §0.3).
    money = ("gross_exposure", "net_exposure", "long_value", "short_value")
    return summed.with_columns(half_even(pl.col(name), GRAIN).alias(name) for name in money)


def _shortest(usd: pl.Expr) -> pl.Expr:
    """Return a double's shortest round-trip decimal, scaled by 10**24."""
    return usd.cast(pl.String).str.to_decimal(scale=SHORTEST_SCALE).to_physical()
