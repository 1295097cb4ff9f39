"""Market data that a store holds, read once for a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import polars as pl

from engine.core.calendar import sessions
from engine.market_data.missing_bars import due_cells
from engine.market_data.task import CollectionTask
from engine.market_data.universe import require_quoted, universe
from loaders.reader import Reader
from sql import statement

OVERLAP_DAYS = timedelta(days=21)
"""Calendar days that contain the sessions of an overlap, with any holidays."""
CLOSES = ("symbol", "date", "close")
EXTENTS = pl.Schema({"symbol": pl.String(), "oldest": pl.Date(), "newest": pl.Date()})


@dataclass(frozen=True)
class StoredMarket:
    """Market data of a task's symbols. Frames are sorted by symbol and date, except the closes.

    Attributes:
        symbols: canonical, ascending.
        calendar: sessions from `OVERLAP_DAYS` before the task's start to its target.
        closes: symbol, date, close (Float64) of these sessions; valid prices only.
        extents: symbol, oldest, newest date of all its stored closes.
        due: the cells to be stored, columns of `missing_bars.CELLS`.
        series: rows of engine_price_series.
        gaps: rows of engine_price_gaps.
        actions: symbol, date, kind.
    """

    symbols: Sequence[str]
    calendar: Sequence[date]
    closes: pl.DataFrame
    extents: pl.DataFrame
    due: pl.DataFrame
    series: pl.DataFrame
    gaps: pl.DataFrame
    actions: pl.DataFrame

    @property
    def missing(self) -> pl.DataFrame:
        """The cells that are due and not stored."""
        return self.due.join(self.closes, on=["symbol", "date"], how="anti", maintain_order="left")


def read_market(reader: Reader, task: CollectionTask) -> StoredMarket:
    """Read the market data that a task needs.

    Args:
        reader: of the task's store.
        task: its symbols must be quoted by a market.

    Returns:
        Closes, gaps and actions from `OVERLAP_DAYS` before the task's start.
    """
    symbols = universe(reader, task.since) if task.symbols is None else require_quoted(task.symbols)
    series = reader.select("read/of_symbols", "engine_price_series", symbols=symbols)
    # Requests overlap sessions before the first due one; their closes are needed for comparison.
    start = task.start - OVERLAP_DAYS
    read = partial(reader.select, "read/bars", start=start, end=task.target, symbols=symbols)
    return StoredMarket(
        symbols=symbols,
        calendar=sessions(start, task.target),
        closes=_valid(read("market_data_cache", CLOSES)),
        extents=reader.query(statement("read/price_extents", symbols=symbols)).cast(EXTENTS),
        due=due_cells(symbols, series, task.start, task.target, task.now),
        series=series.sort("symbol"),
        gaps=read("engine_price_gaps").sort("symbol", "date"),
        actions=read("engine_price_actions").sort("symbol", "date").select("symbol", "date", "kind"),
    )


def _valid(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop rows whose close is no price: 0, or a NaN, which Postgres can store."""
    values = rows.with_columns(pl.col("close").cast(pl.Float64))
    return values.filter(pl.col("close") > 0, pl.col("close").is_finite())


def read_full_history(reader: Reader, symbols: Sequence[str]) -> pl.DataFrame:
    """Read all stored prices of some symbols.

    Args:
        reader: of the store.
        symbols: canonical.

    Returns:
        Columns of `engine.market_data.price_bars.PRICE_ROWS`, sorted by symbol and date.
    """
    bars = ("symbol", "date", "open", "high", "low", "close", "volume")
    raw = ("symbol", "date", "raw_close", "adjusted_close")
    cache = reader.select("read/of_symbols", "market_data_cache", bars, symbols=symbols)
    raw_closes = reader.select("read/of_symbols", "engine_raw_closes", raw, symbols=symbols)
    numbers = pl.col("open", "high", "low", "close", "raw_close", "adjusted_close").cast(pl.Float64)
    # A row of the legacy batch has no raw close.
    rows = _valid(cache).join(raw_closes, on=["symbol", "date"], how="left")
    return rows.with_columns(numbers).sort("symbol", "date")
