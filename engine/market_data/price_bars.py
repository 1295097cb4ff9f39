"""Conversion of a provider's bars to rows as they are stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np
import polars as pl

from engine.core.schema import TABLES
from engine.numerics.rounding import round_half_away

CACHE = TABLES["market_data_cache"]
DECIMALS = CACHE["close"].type.scale
UPPER_BOUND = 10.0 ** (CACHE["close"].type.precision - DECIMALS)
"""The column's width: a price must be below it."""
SMALLEST = 0.5 * 10.0**-DECIMALS
"""A lower price would be stored as 0, which means that there is none."""

PRICE_ROWS: dict[str, pl.DataType] = {
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


def split_valid(
    symbol: str, bars: pl.DataFrame, calendar: Collection[date]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split bars into those that can be stored and those that are refused.

    Both closes must be positive and fit their column. Open, high and low get the close's
    adjustment; one that is missing is null. Bars of days outside the calendar are ignored: the
    request was wider than needed.

    Args:
        symbol: canonical.
        bars: columns of `loaders.market.provider.BARS`.
        calendar: sessions up to the last finished one.

    Returns:
        The valid bars, columns of `PRICE_ROWS`; the refused ones, date and reason.
    """
    requested = bars.filter(pl.col("date").is_in(pl.Series(calendar, dtype=pl.Date).implode()))
    checked = requested.with_columns(reason=_defect("adjusted_close", "close"))
    # The provider adjusts the close alone; the bar's other prices get the same factor.
    adjustment = pl.col("adjusted_close") / pl.col("close")
    rows = checked.filter(pl.col("reason").is_null()).select(
        pl.lit(symbol).alias("symbol"),
        "date",
        *((pl.col(name) * adjustment).alias(name) for name in ("open", "high", "low")),
        pl.col("adjusted_close").alias("close"),
        "volume",
        pl.col("close").alias("raw_close"),
        "adjusted_close",
    )
    return round_prices(rows), checked.drop_nulls("reason").select("date", "reason")


def round_prices(rows: pl.DataFrame) -> pl.DataFrame:
    """Round open to close as market_data_cache stores them; a price that it cannot hold is null.

    Args:
        rows: columns of `PRICE_ROWS`.

    Returns:
        The same rows.
    """
    return rows.with_columns(_rounded(rows[name]) for name in ("open", "high", "low", "close"))


def _defect(*names: str) -> pl.Expr:
    """Return why a bar is refused, null if it is valid; the last column with a defect counts."""
    reason = pl.lit(None, pl.String)
    for name in names:
        value = pl.col(name)
        words = name.replace("_", " ")
        reason = (
            pl.when(value.is_null() | value.is_nan())
            .then(pl.lit(f"the {words} is missing"))
            .when((value < SMALLEST) | (value >= UPPER_BOUND))
            .then(pl.format("the {} is {}", pl.lit(words), value))
            .otherwise(reason)
        )
    return reason


def _rounded(prices: pl.Series) -> pl.Series:
    values = prices.fill_null(np.nan).to_numpy()
    fits = np.where((values >= SMALLEST) & (values < UPPER_BOUND), values, np.nan)
    return pl.Series(prices.name, round_half_away(fits, DECIMALS), nan_to_null=True)
