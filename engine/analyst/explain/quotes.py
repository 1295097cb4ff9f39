"""Closes as they were quoted, one symbol and day after the other."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from engine.analyst.explain.rounding import WIDE, rounded

Closes = Mapping[str, Mapping[date, Decimal]]
MOVE = 0.15
"""Largest own move of a price, in logarithms, over a split whose ratio its closes jump by."""


def cash_of_shares(actions: pl.DataFrame) -> dict[str, dict[date, Decimal]]:
    """Return dividends and distributed gains by symbol and ex-date, USD a share.

    Args:
        actions: Rows of engine_price_actions.
    """
    cash: dict[str, dict[date, Decimal]] = {}
    for symbol, day, kind, value in actions.select("symbol", "date", "kind", "value").iter_rows():
        if kind in ("dividend", "gain"):
            days = cash.setdefault(symbol, {})
            days[day] = days.get(day, Decimal(0)) + value
    return cash


def split_adjusted(closes: Closes, actions: pl.DataFrame) -> dict[str, dict[date, Decimal]]:
    """Return closes of which those before a split that they jump by are divided by its ratio.

    Args:
        closes: By symbol and day, ascending.
        actions: Rows of engine_price_actions.
    """
    lacking: dict[str, dict[date, float]] = {}
    for symbol, day, kind, value in actions.select("symbol", "date", "kind", "value").iter_rows():
        if kind == "split" and value > 0 and _lacks(closes.get(symbol, {}), day, float(value)):
            lacking.setdefault(symbol, {})[day] = float(value)
    adjusted = {symbol: dict(days) for symbol, days in closes.items()}
    for symbol, splits in lacking.items():
        for day, close in closes[symbol].items():
            ratio = math.prod(splits[split] for split in sorted(splits, reverse=True) if split > day)
            if any(split > day for split in splits):
                adjusted[symbol][day] = rounded(float(close) / ratio, 4)
    return adjusted


def _lacks(days: Mapping[date, Decimal], split: date, ratio: float) -> bool:
    """Return whether closes jump by the ratio of a split, which is larger than what a price moves by."""
    before = [close for day, close in days.items() if day < split and close > 0]
    after = [close for day, close in days.items() if day >= split and close > 0]
    if not before or not after:
        return False
    jump = math.log(float(before[-1]) / float(after[0]))
    return abs(jump - math.log(ratio)) < MOVE < abs(math.log(ratio))


def quoted(closes: Closes, raw: pl.DataFrame, actions: pl.DataFrame) -> dict[str, dict[date, Decimal]]:
    """Return closes as they were quoted, where the store has them.

    A close before a symbol's first raw close stays; one without a raw close of its day is scaled by the
    newest raw close over its adjusted one, and is none if a dividend lies between.

    Args:
        closes: By symbol and day, adjusted for dividends.
        raw: Rows of engine_raw_closes.
        actions: Rows of engine_price_actions.
    """
    both: dict[str, dict[date, tuple[Decimal, Decimal]]] = {}
    rows = raw.sort("symbol", "date").select("symbol", "date", "raw_close", "adjusted_close")
    for symbol, day, price, adjusted in rows.iter_rows():
        if price > 0 and adjusted > 0:
            both.setdefault(symbol, {})[day] = (price, adjusted)
    cash, prices = cash_of_shares(actions), dict[str, dict[date, Decimal]]()
    for symbol, days in closes.items():
        known, paid = both.get(symbol, {}), cash.get(symbol, {})
        ordered = list(known)
        for day, close in days.items():
            place = bisect_right(ordered, day)
            newest = ordered[place - 1] if place else None
            if newest is not None and close > 0:
                if any(newest < ex_date <= day for ex_date in paid):
                    continue
                price, adjusted = known[newest]
                scaled = WIDE.divide(close * price, adjusted)
                prices.setdefault(symbol, {})[day] = rounded(price if newest == day else scaled, 4)
            else:
                prices.setdefault(symbol, {})[day] = close
    return split_adjusted(prices, actions)
