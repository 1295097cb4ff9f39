"""Closes as they were quoted: before dividends, adjusted for splits to the quantity that is held today.

The closes that regressions use are adjusted for dividends, so that a return holds them. A value of the past
is that of the close on the statement of that day, and the dividend is income of its ex-date.
"""

from __future__ import annotations

import polars as pl

from engine.core.money import decimal, half_away, scaled

RAW_TO_TICKS = 10**4
"""A raw close has eight decimals, a tick is 1/10,000 USD."""
SPLIT_MOVE = 0.15
"""Largest own move, in logarithms, of a price over a split whose ratio its closes jump by."""
CASH = ("dividend", "gain")
"""Kinds of price actions that pay cash: a distributed gain leaves the price as a dividend does."""


def split_adjusted(closes: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return closes with the splits that they lack: a stored split by whose ratio the price jumps.

        C_t / ratio for t before the split,  where |ln(C_before / C_after) - ln ratio| < 0.15

    C_before and C_after are the newest close before the split and the first one from it on.

    Args:
        closes: symbol, date, close (Decimal), sorted by symbol and date; 0 is a placeholder.
        actions: symbol, date, kind, value (Decimal); of a split, new shares for an old one.

    Returns:
        The closes, in the same order.
    """
    splits = actions.filter((pl.col("kind") == "split") & (pl.col("value") > 0)).select(
        "symbol", "date", ratio=pl.col("value").cast(pl.Float64)
    )
    if splits.is_empty():
        return closes
    lacking = _lacking(splits.sort("date"), closes)
    return closes if lacking.is_empty() else _divided(closes, lacking)


def _lacking(splits: pl.DataFrame, closes: pl.DataFrame) -> pl.DataFrame:
    """Return the splits, sorted by date, that closes lack."""
    priced = closes.filter(pl.col("close") > 0).select("symbol", "date", pl.col("close").cast(pl.Float64))
    before, after = (
        splits.join_asof(
            priced.sort("date"),
            on="date",
            by="symbol",
            strategy=strategy,
            allow_exact_matches=strategy == "forward",
            check_sortedness=False,
        )["close"]
        for strategy in ("backward", "forward")
    )
    jump = (before / after).log() - splits["ratio"].log()
    return splits.filter((jump.abs() < SPLIT_MOVE) & (splits["ratio"].log().abs() > SPLIT_MOVE))


def _divided(closes: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Return closes divided by the product of the ratios of the splits after them."""
    factors = splits.sort("date", descending=True).with_columns(
        ratio=pl.col("ratio").cum_prod().over("symbol")
    )
    rows = closes.with_row_index("row").sort("date")
    joined = rows.join_asof(
        factors.sort("date"),
        on="date",
        by="symbol",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    ticks = (scaled("close").cast(pl.Float64) / pl.col("ratio")).round().cast(pl.Int128)
    adjusted = pl.when(pl.col("ratio").is_null()).then(scaled("close")).otherwise(ticks)
    return joined.with_columns(close=_as_close(adjusted, closes)).sort("row").select(closes.columns)


def quoted_closes(closes: pl.DataFrame, raw: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return closes as they were quoted, where the store has them.

    A close before a symbol's first raw close stays as it is. One without a raw close of its day is multiplied
    by the newest raw close over its adjusted one; it is no close if a dividend lies between. No close
    depends on a later raw one.

    Args:
        closes: symbol, date, close (Decimal), sorted by symbol and date, adjusted for dividends.
        raw: symbol, date, raw_close, adjusted_close (Decimal of scale 8).
        actions: symbol, date, kind, value: dividends, gains and splits.

    Returns:
        Columns of `closes`, in the same order.
    """
    known = raw.filter((pl.col("raw_close") > 0) & (pl.col("adjusted_close") > 0)).select(
        "symbol",
        "date",
        raw_date="date",
        raw=half_away(scaled("raw_close"), RAW_TO_TICKS),
        factor=pl.col("raw_close").cast(pl.Float64) / pl.col("adjusted_close").cast(pl.Float64),
    )
    if known.is_empty():
        return closes
    paid = actions.filter(pl.col("kind").is_in(CASH)).select("symbol", "date", paid_on="date")
    rows = closes.with_row_index("row").sort("date")
    for other in (known.sort("date"), paid.sort("date")):
        rows = rows.join_asof(other, on="date", by="symbol", check_sortedness=False)
    between = (pl.col("paid_on") > pl.col("raw_date")).fill_null(False)
    scaled_up = (scaled("close").cast(pl.Float64) * pl.col("factor")).round().cast(pl.Int128)
    price = (
        pl.when(pl.col("raw_date").is_null() | (pl.col("close") == 0))
        .then(scaled("close"))
        .when(pl.col("raw_date") == pl.col("date"))
        .then("raw")
        .when(~between)
        .then(scaled_up)
    )
    quoted = rows.with_columns(close=_as_close(price, closes)).sort("row").drop_nulls("close")
    return split_adjusted(quoted.select(closes.columns), actions)


def _as_close(ticks: pl.Expr, closes: pl.DataFrame) -> pl.Expr:
    kind = closes.schema["close"]
    assert isinstance(kind, pl.Decimal)
    return decimal(ticks, kind.precision or 38, kind.scale).cast(kind)
