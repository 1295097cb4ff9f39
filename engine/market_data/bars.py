"""Bars: from a provider's answer to rows as they are stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np
import polars as pl

from engine.core.schema import TABLES
from engine.numerics.rounding import round_half_away

CACHE = TABLES["market_data_cache"]
DECIMALS = CACHE["close"].type.scale
WIDEST = 10.0 ** (CACHE["close"].type.precision - DECIMALS)
SMALLEST = 0.5 * 10.0**-DECIMALS
"""Below it a price would be stored as 0, which stands for none."""

ROWS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "date": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Int64(),
    "raw_close": pl.Float64(),
    "adjusted_close": pl.Float64(),
}
"""open to close are adjusted for splits and dividends, and rounded as they are stored."""


def usable(symbol: str, bars: pl.DataFrame, calendar: Collection[date]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The bars that can be stored, and those that cannot with the reason.

    A bar needs a session of the calendar, which ends with the last finished one, and closes
    above 0 that their column holds. Open, high and low share the close's adjustment; where one is
    missing it is null. Other days' bars are passed over without a word: nobody asked for them.

    Args:
        bars: columns of `loaders.market.provider.BARS`.

    Returns:
        Columns of `ROWS`; and date, reason.
    """
    asked = bars.filter(pl.col("date").is_in(pl.Series(calendar, dtype=pl.Date).implode()))
    checked = asked.with_columns(reason=_fault("adjusted_close", "close"))
    good = checked.filter(pl.col("reason").is_null())
    adjustment = pl.col("adjusted_close") / pl.col("close")
    rows = good.select(
        pl.lit(symbol).alias("symbol"),
        "date",
        *((pl.col(name) * adjustment).alias(name) for name in ("open", "high", "low")),
        pl.col("adjusted_close").alias("close"),
        "volume",
        pl.col("close").alias("raw_close"),
        "adjusted_close",
    )
    return as_stored(rows), checked.drop_nulls("reason").select("date", "reason")


def as_stored(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `ROWS` with their prices as the columns of market_data_cache take them."""
    return rows.with_columns(_rounded(rows[name]) for name in ("open", "high", "low", "close"))


def _fault(*names: str) -> pl.Expr:
    """What is wrong with a bar's closes, null where nothing is."""
    found = pl.lit(None, pl.String)
    for name in names:
        value = pl.col(name)
        words = name.replace("_", " ")
        found = (
            pl.when(value.is_null() | value.is_nan())
            .then(pl.lit(f"the {words} is missing"))
            .when((value < SMALLEST) | (value >= WIDEST))
            .then(pl.format("the {} is {}", pl.lit(words), value))
            .otherwise(found)
        )
    return found


def _rounded(prices: pl.Series) -> pl.Series:
    """At the column's 4 decimals; what is no price there, or too wide for it, is null."""
    values = prices.fill_null(np.nan).to_numpy()
    fits = np.where((values >= SMALLEST) & (values < WIDEST), values, np.nan)
    return pl.Series(prices.name, round_half_away(fits, DECIMALS), nan_to_null=True)
