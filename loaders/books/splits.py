"""Splits of shares: the ratio that a trade states, and closes that are not adjusted for it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from math import log

import polars as pl

from loaders.books.lots import RowError
from loaders.books.numbers import EXACT, plain

Ratio = tuple[Decimal, Decimal]
"""New shares, and the old shares that they replace: 4 for 1."""

SPLITS = {"symbol": pl.String(), "date": pl.Date(), "new": EXACT, "old": EXACT}
"""Columns of splits: `new` shares replace `old` ones from the date on."""

NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
RATIO = rf"^\s*{NUMBER}\s*(?:[:/]|-?\s*[fF][oO][rR]\s*-?)\s*{NUMBER}\s*$"
"""A cell that is a ratio: `4:1`, `4/1`, `4 for 1`, `4-for-1`."""
IN_WORDS = re.compile(rf"\b{NUMBER}\s*(?::|-?\s*for\s*-?)\s*{NUMBER}\b", re.IGNORECASE)
"""A ratio within a description; a slash there is more often part of a date."""
WHOLE_SHARE = 1
"""Shares: the fraction of one is paid in cash."""


def stated_ratio(quantity: str | None, description: str | None) -> Ratio | None:
    """Return the ratio that a split states, None if it states none.

    Args:
        quantity: The cell of the quantity, where it is no number.
        description: Of the trade.

    Raises:
        RowError: A side of the ratio is 0.
    """
    match = re.match(RATIO, quantity or "") or IN_WORDS.search(description or "")
    if not match:
        return None
    new, old = Decimal(match[1]), Decimal(match[2])
    if not new or not old:
        raise RowError(f"a split of {match[0].strip()} leaves no shares")
    return new, old


def ratio_of_shares(symbol: str, before: Decimal, added: Decimal, stated: Ratio | None) -> Ratio:
    """Return the ratio of a split.

    Args:
        symbol: Whose shares are split.
        before: Shares that are held before it, above 0.
        added: Shares that it adds, below 0 where it takes some away; 0 if the trade does not say.
        stated: Ratio that the trade states, which is exact where the shares are rounded.

    Raises:
        RowError: There is neither, no share is left, or they contradict each other.
    """
    if stated is None and not added:
        raise RowError(f"a split of {symbol} without the shares that it adds or a ratio like 4:1")
    new, old = stated or (before + added, before)
    if new <= 0:
        raise RowError(f"a split that takes {plain(-added)} of {plain(before)} {symbol} away leaves none")
    expected = before * new / old - before
    if added and abs(expected - added) >= WHOLE_SHARE:
        words = f"a split of {plain(new)} for {plain(old)} adds {plain(expected)} to {plain(before)} {symbol}"
        raise RowError(f"{words}, not {plain(added)}")
    return new, old


def adjusted_closes(closes: pl.DataFrame, splits: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return closes on the footing after the last split, as the lots are.

    A provider's closes are adjusted for splits; a file of closes as they were quoted is not. Which of them
    it is shows in the day of the split: if the close falls by about the ratio (nearer to it than to no
    change), those before are divided by it.

    Args:
        closes: symbol, date, close, adjusted and others.
        splits: In columns `SPLITS`.

    Returns:
        The closes, and a sentence on each split.
    """
    notes = []
    for symbol, day, new, old in splits.select("symbol", "date", "new", "old").iter_rows():
        ratio = Decimal(new) / Decimal(old)
        before = (pl.col("symbol") == symbol) & (pl.col("date") < day)
        quoted = [name for name in ("close", "adjusted") if _falls(closes, name, symbol, day, float(ratio))]
        closes = closes.with_columns(
            pl.when(before).then((pl.col(name) * old / new).cast(EXACT)).otherwise(name).alias(name)
            for name in quoted
        )
        words = "are divided by it" if quoted else "are taken as adjusted for it"
        notes.append(f"split of {symbol} on {day}, {ratio:.6g} for 1: its closes before that day {words}")
    return closes, notes


def _falls(closes: pl.DataFrame, name: str, symbol: str, day: date, ratio: float) -> bool:
    """Return whether a price falls by about a ratio from the last close before a day to the first on it."""
    series = closes.filter(pl.col("symbol") == symbol).drop_nulls(name).sort("date")
    earlier, later = series.filter(pl.col("date") < day), series.filter(pl.col("date") >= day)
    if earlier.is_empty() or later.is_empty():
        return False
    move = float(earlier[name][-1]) / float(later[name][0])
    return abs(log(move / ratio)) < abs(log(move))
