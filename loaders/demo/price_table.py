"""Rows of market_data_cache: a bar around each quoted close."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.core.row_ids import row_ids
from loaders.demo.instrument_list import Instruments
from loaders.demo.listings import Floats
from loaders.demo.price_model import stream
from loaders.schema_rows import schema_rows

DAY_SPREAD = 0.006
"""Scale of the distance of open, high and low from the closes, a fraction."""


def market_data_cache(instruments: Instruments, seed: int) -> pl.DataFrame:
    """Return the rows of all quoted closes, by symbol, then date.

    Args:
        instruments: closes [N, T] in USD, and the days on which each was quoted.
        seed: of the whole demo.
    """
    symbol, day = np.nonzero(instruments.quoted)
    closes = instruments.closes
    close, before = closes[symbol, day], closes[symbol, np.maximum(day - 1, 0)]
    bars = _bars(close, before, stream(seed, "bars"))
    bars["symbol"] = instruments.table["symbol"].gather(symbol)
    bars["date"] = pl.Series(instruments.market.days[day])
    bars["id"] = row_ids("market_data_cache", bars["symbol"], bars["date"])
    return schema_rows("market_data_cache", pl.DataFrame(bars), data_source="yfinance")


def _bars(close: Floats, before: Floats, draws: np.random.Generator) -> dict[str, pl.Series]:
    """Draw open near the previous close, high and low outside both, volume by the size of the move."""
    ends = draws.random((3, len(close)))
    opened = before * (1 + DAY_SPREAD * (ends[0] - 0.5))
    high = np.maximum(opened, close) * (1 + DAY_SPREAD * ends[1])
    low = np.minimum(opened, close) * (1 - DAY_SPREAD * ends[2])
    move = np.abs(close / before - 1)
    volume = 2e8 / close**0.8 * (0.5 + ends[0] + 20 * move)
    return {
        "open": pl.Series(np.maximum(opened.round(4), 0.01)),
        "high": pl.Series(high.round(4)),
        "low": pl.Series(np.maximum(low.round(4), 0.0001)),
        "close": pl.Series(close),
        "volume": pl.Series(volume.astype(np.int64)),
    }
