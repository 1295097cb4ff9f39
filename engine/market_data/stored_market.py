"""What a store holds of the market, read once for a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from engine.core.calendar import sessions
from engine.core.frames import conform
from engine.core.schema import TABLES
from engine.market_data.holes import due
from engine.market_data.order import Order
from engine.market_data.universe import require_quoted, universe
from loaders.reader import Reader
from sql import statement

OVERLAP_DAYS = timedelta(days=21)
"""Calendar days that hold the sessions of an overlap, whatever holidays fall into them."""
CLOSES = ("symbol", "date", "close")
EXTENTS = pl.Schema({"symbol": pl.String(), "oldest": pl.Date(), "newest": pl.Date()})


@dataclass(frozen=True)
class Market:
    """What is wanted, and what is there. Frames are sorted by symbol, then date, but the closes.

    symbols: canonical, ascending. calendar: sessions from before the first wanted day to the
        target. closes: symbol, date, close (Float64) of those days; only what is a price.
    extents: symbol, oldest, newest: the days that all its stored closes span.
    due: the cells that ought to be stored (`holes.CELLS`). series, gaps: rows of
        engine_price_series and engine_price_gaps. actions: symbol, date, kind.
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


def read_market(reader: Reader, order: Order) -> Market:
    """Read what an order needs to know.

    Raises:
        EngineError: the store lacks a table, or a symbol asked for is no market's.
    """
    symbols = universe(reader, order.since) if order.symbols is None else require_quoted(order.symbols)
    series = reader.select("read/of_symbols", "engine_price_series", symbols=symbols)
    calendar = sessions(order.start - OVERLAP_DAYS, order.target)
    return Market(
        symbols=symbols,
        calendar=calendar,
        closes=_closes(reader, symbols, order.start - OVERLAP_DAYS, order.target),
        extents=reader.query(statement("read/price_extents", symbols=symbols)).cast(EXTENTS),
        due=due(symbols, series, order.start, order.target),
        series=series.sort("symbol"),
        gaps=_of(reader, "engine_price_gaps", symbols, order),
        actions=_of(reader, "engine_price_actions", symbols, order).select("symbol", "date", "kind"),
    )


def _of(reader: Reader, table: str, symbols: Sequence[str], order: Order) -> pl.DataFrame:
    start = order.start - OVERLAP_DAYS
    found = reader.select("read/bars", table, start=start, end=order.target, symbols=symbols)
    return found.sort("symbol", "date")


def _closes(reader: Reader, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
    """What counts as a price: above 0, and not NaN, which a database may hold for one."""
    found = reader.select("read/bars", "market_data_cache", CLOSES, start=start, end=end, symbols=symbols)
    return _priced(found)


def _priced(rows: pl.DataFrame) -> pl.DataFrame:
    values = rows.with_columns(pl.col("close").cast(pl.Float64))
    return values.filter(pl.col("close") > 0, pl.col("close").is_finite())


def whole_rows(reader: Reader, symbols: Sequence[str]) -> pl.DataFrame:
    """Everything that is stored of some symbols' prices: columns of `engine.market_data.bars.ROWS`."""
    bars = ("symbol", "date", "open", "high", "low", "close", "volume")
    raw = ("symbol", "date", "raw_close", "adjusted_close")
    cache = reader.select("read/of_symbols", "market_data_cache", bars, symbols=symbols)
    more = reader.select("read/of_symbols", "engine_raw_closes", raw, symbols=symbols)
    numbers = pl.col("open", "high", "low", "close", "raw_close", "adjusted_close").cast(pl.Float64)
    both = _priced(cache).join(more, on=["symbol", "date"], how="left").with_columns(numbers)
    known = conform(both.select("volume"), TABLES["market_data_cache"], reader.url)
    return both.with_columns(known["volume"]).sort("symbol", "date")
