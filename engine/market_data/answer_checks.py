"""Checks of an answer with prices against itself and against what is stored of the symbol.

An answer that does not fit is not stored: a close on a wrong basis is worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from loaders.market import Prices

HUNDREDFOLD = 0.1
"""Tolerance of a move by 100, as a natural logarithm: pence and pounds differ by that factor."""
SMALLEST_SPLIT = math.log(1.4)
"""A smaller split cannot be told from a day's move."""
SPLIT_TOLERANCE = 0.3
"""Fraction of the split's logarithm."""
SMALLEST_DIVIDEND = 1e-3
"""Fraction of the close: the adjustment of a smaller one drowns in rounding."""
UNADJUSTED = 1e-5
"""Relative: closes whose adjustment changes by less are not adjusted at all."""


def contradiction(
    prices: Prices, rows: pl.DataFrame, closes: pl.DataFrame, series: Mapping[str, Any], refresh: bool = False
) -> str | None:
    """Return why an answer does not fit; None if it does.

    Args:
        prices: The answer.
        rows: Its valid bars, columns of `engine.market_data.price_bars.PRICE_ROWS`, ascending.
        closes: date, close: what is stored in the days of the request.
        series: The symbol's row of engine_price_series; empty before the first answer.
        refresh: Whether the user asked to replace what is stored, in another currency, too.
    """
    return (
        _other_security(prices, rows, closes)
        or (None if refresh else _other_currency(prices, series))
        or _not_adjusted(prices, rows)
        or _jump(rows, prices.actions)
        or (None if refresh else _rescaled(rows, closes, prices.actions))
    )


def _other_security(prices: Prices, rows: pl.DataFrame, closes: pl.DataFrame) -> str | None:
    """Return that the symbol belongs to another security now: none of its closes is in the answer."""
    if closes.is_empty() or rows.is_empty() or closes.join(rows, on="date", how="semi").height:
        return None
    newest: date = closes.select(pl.col("date").max()).item()
    if prices.listed and prices.listed > newest:
        return f"listed on {prices.listed}, after its newest stored close of {newest}: another security"
    return f"none of its stored closes up to {newest} is in the answer"


def _other_currency(prices: Prices, series: Mapping[str, Any]) -> str | None:
    old, new = series.get("currency"), prices.currency
    if not old or not new or old == new:
        return None
    return f"its currency was {old} and is {new} now; `collect prices --refresh` takes the new one"


def _not_adjusted(prices: Prices, rows: pl.DataFrame) -> str | None:
    """Return that adjusted closes are missing, or lack an event that the answer itself reports."""
    if not prices.adjusted:
        return "the answer has no adjusted closes"
    moves = _moves(rows).join(prices.actions, on="date")
    for day, kind, value, before, raw, adjusted in moves.select(
        "date", "kind", "value", "before", "raw", "adjusted"
    ).iter_rows():
        if kind == "split" and _unsplit(raw, value):
            return f"a split of {value:g} on {day} is not in the closes before it"
        dividend = kind == "dividend" and value > SMALLEST_DIVIDEND * before
        if dividend and abs(adjusted / raw - 1) < UNADJUSTED:
            return f"a dividend of {value:g} on {day} is not in the closes before it"
    return None


def _unsplit(move: float, ratio: float) -> bool:
    size = abs(math.log(ratio))
    return size >= SMALLEST_SPLIT and abs(math.log(move) + math.log(ratio)) < SPLIT_TOLERANCE * size


def _jump(rows: pl.DataFrame, actions: pl.DataFrame) -> str | None:
    """Return that the unit changes from one bar to the next."""
    moves = _moves(rows).join(actions.filter(pl.col("kind") == "split"), on="date", how="anti")
    jumps = moves.filter(_hundredfold(pl.col("raw")))
    if jumps.is_empty():
        return None
    day, before, raw = jumps.select("date", "before", "raw").row(0)
    return f"its close moves from {before:g} to {before * raw:g} on {day}: another unit"


def _rescaled(rows: pl.DataFrame, closes: pl.DataFrame, actions: pl.DataFrame) -> str | None:
    """Return that all closes are in another unit than the stored ones."""
    ratio = rows.join(closes, on="date", suffix="_stored").select(
        (pl.col("close") / pl.col("close_stored")).median().alias("ratio")
    )
    if (
        actions.filter(pl.col("kind") == "split").height
        or not ratio.select(_hundredfold(pl.col("ratio"))).item()
    ):
        return None
    return f"its closes are {ratio.item():g} times the stored ones without a split: another unit"


def _hundredfold(move: pl.Expr) -> pl.Expr:
    return (move.log().abs() - math.log(100)).abs() < HUNDREDFOLD


def _moves(rows: pl.DataFrame) -> pl.DataFrame:
    """Return date, close before it, and the factors of the raw and of the adjusted close."""
    before = rows.select("date", "raw_close", "adjusted_close").with_columns(
        before=pl.col("raw_close").shift(1),
        raw=pl.col("raw_close") / pl.col("raw_close").shift(1),
        adjusted=pl.col("adjusted_close") / pl.col("adjusted_close").shift(1),
    )
    return before.drop_nulls("before").select("date", "before", "raw", "adjusted")
