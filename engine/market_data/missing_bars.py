"""Missing bars: which sessions a symbol's stored series lacks, and the requests that fetch them.

Sessions are those of the New York exchange. A listing elsewhere cannot be requested, because a dot
in a symbol marks a share class (document 04 §2.1); of currencies and indices the analytics read
only New York's sessions. A session on which another market was closed is requested once and then
stored as a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

import polars as pl

from engine.core.calendar import sessions
from engine.market_data.adjustment_basis import OVERLAP
from loaders.market import PriceRequest
from loaders.market.provider import DAY_ENDS

CELLS: dict[str, pl.DataType] = {"symbol": pl.String(), "date": pl.Date()}
"""One cell is one symbol's close of one session."""


CHECKED_SESSIONS = 5
"""A symbol's whole window is requested once in as many sessions."""


def newest_final_day(exchange: str, now: datetime) -> date:
    """Return the newest day whose bar is final, if its session is over in New York.

    Args:
        exchange: The provider's code.
        now: Aware.
    """
    zone = DAY_ENDS.get(exchange)
    return now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1) if zone else date.max


def due_cells(
    symbols: Sequence[str], series: pl.DataFrame, start: date, end: date, now: datetime
) -> pl.DataFrame:
    """Return the cells to be stored: each symbol's sessions in [start, end] since its listing.

    Args:
        symbols: canonical.
        series: rows of engine_price_series, with the first trading day where known.
        start: first day, inclusive.
        end: last day, inclusive.
        now: aware; a day of a market that never closes is due when it is over there.

    Returns:
        Columns of `CELLS`, sorted.
    """
    final = {exchange: newest_final_day(exchange, now) for exchange in DAY_ENDS}
    names = pl.DataFrame({"symbol": pl.Series(symbols, dtype=pl.String)}).sort("symbol")
    days = pl.DataFrame({"date": pl.Series(sessions(start, end), dtype=pl.Date)})
    listed = names.join(
        series.select("symbol", "listed", "exchange"), on="symbol", how="left", maintain_order="left"
    )
    cells = listed.join(days, how="cross", maintain_order="left_right")
    trading = pl.col("listed").is_null() | (pl.col("date") >= pl.col("listed"))
    over = pl.col("date") <= pl.col("exchange").replace_strict(final, default=date.max, return_dtype=pl.Date)
    return cells.filter(trading, over).select("symbol", "date")


def fetchable_cells(
    missing: pl.DataFrame, gaps: pl.DataFrame, series: pl.DataFrame, today: date
) -> pl.DataFrame:
    """Return the missing cells that may be requested today: not those that wait for a retry.

    Args:
        missing: columns of `CELLS`.
        gaps: rows of engine_price_gaps: sessions that wait for their retry_on.
        series: rows of engine_price_series: symbols that wait for their retry_on.
        today: the date in New York.

    Returns:
        Columns of `CELLS`, in the order of `missing`.
    """
    waiting = pl.col("retry_on") > today
    symbols = series.filter(waiting).select("symbol")
    cells = gaps.filter(waiting).select("symbol", "date")
    remaining = missing.join(symbols, on="symbol", how="anti", maintain_order="left")
    return remaining.join(cells, on=["symbol", "date"], how="anti", maintain_order="left")


def price_requests(cells: pl.DataFrame, stored: pl.DataFrame, calendar: Sequence[date]) -> list[PriceRequest]:
    """Return one request for each symbol: from its first cell to its last, and an overlap.

    The overlap, `OVERLAP` sessions with stored closes, shows whether the provider has adjusted
    them since. It lies before the cells, or after them where nothing older is stored.

    Args:
        cells: cells to request.
        stored: cells that are stored.
        calendar: sessions, ascending, with `OVERLAP` more at both ends where there are.

    Returns:
        Sorted by symbol.
    """
    # Sessions of the calendar, not stored rows, are counted: a symbol's stored rows have gaps, too.
    position = {day: i for i, day in enumerate(calendar)}
    oldest_stored = stored.group_by("symbol").agg(oldest=pl.col("date").min())
    spans = (
        cells.group_by("symbol")
        .agg(first=pl.col("date").min(), last=pl.col("date").max())
        .join(oldest_stored, on="symbol", how="left")
        .sort("symbol")
    )
    requests = []
    for symbol, first, last, oldest in spans.iter_rows():
        start, end = first, last
        if oldest and oldest < first:
            start = calendar[max(0, position[first] - OVERLAP)]
        elif oldest:
            end = calendar[min(len(calendar) - 1, position[last] + OVERLAP)]
        requests.append(PriceRequest(symbol, start, end))
    return requests


def with_checks(
    requests: Sequence[PriceRequest], cells: pl.DataFrame, stored: pl.DataFrame
) -> list[PriceRequest]:
    """Return the requests, some of them from the symbol's oldest stored close on.

    A split or dividend that the provider tells late changes closes before the overlap only. So each symbol
    is compared from end to end once in `CHECKED_SESSIONS` sessions, which the symbols share among them.

    Args:
        requests: one for each symbol.
        cells: cells that are requested.
        stored: cells that are stored.
    """
    turns = cells.with_columns(
        session=(pl.col("date").dt.epoch("d") - 4) // 7 * 5 + pl.col("date").dt.weekday(),  # day 4: a Monday
        turn=pl.col("symbol").map_elements(lambda symbol: crc32(symbol.encode()), pl.Int64),
    )
    due = turns.filter((pl.col("session") + pl.col("turn")) % CHECKED_SESSIONS == 0).select("symbol")
    oldest = stored.join(due, on="symbol", how="semi").group_by("symbol").agg(pl.col("date").min())
    starts = dict(oldest.iter_rows())
    return [replace(one, start=min(one.start, starts.get(one.symbol, one.start))) for one in requests]


def disjoint_symbols(
    requests: Sequence[PriceRequest], stored: pl.DataFrame, extents: pl.DataFrame
) -> list[str]:
    """Return the symbols with stored closes none of which lies within their request.

    Without a common session nothing shows whether the answer has the stored closes' basis.

    Args:
        requests: one for each symbol.
        stored: cells that are stored, around the days requested.
        extents: symbol, oldest, newest of all stored closes.

    Returns:
        Ascending.
    """
    rows = [(one.symbol, one.start, one.end) for one in requests]
    windows = pl.DataFrame(rows, schema={"symbol": pl.String, "start": pl.Date, "end": pl.Date}, orient="row")
    common = stored.join(windows, on="symbol").filter(pl.col("date").is_between("start", "end"))
    disjoint = windows.join(extents, on="symbol", how="semi").join(common, on="symbol", how="anti")
    return disjoint["symbol"].sort().to_list()
