"""Holes: which sessions a symbol's stored series lacks, and what to ask the provider for.

Sessions are those of the New York exchange: a listing elsewhere cannot be asked for, as a dot in
a symbol marks a class of shares (document 04 §2.1), and of currencies or indices the analytics
look at New York's sessions only. A session on which a market stayed shut is asked for and then
remembered as a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.core.calendar import sessions
from engine.market_data.overlap import OVERLAP
from loaders.market import PriceRequest

CELLS: dict[str, pl.DataType] = {"symbol": pl.String(), "date": pl.Date()}


def due(symbols: Sequence[str], series: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """The cells that ought to be stored: each symbol's sessions in [start, end] since its listing.

    Args:
        series: rows of engine_price_series.
    Returns columns of `CELLS`, sorted.
    """
    names = pl.DataFrame({"symbol": pl.Series(symbols, dtype=pl.String)}).sort("symbol")
    days = pl.DataFrame({"date": pl.Series(sessions(start, end), dtype=pl.Date)})
    listed = names.join(series.select("symbol", "listed"), on="symbol", how="left", maintain_order="left")
    cells = listed.join(days, how="cross", maintain_order="left_right")
    known = pl.col("listed").is_null() | (pl.col("date") >= pl.col("listed"))
    return cells.filter(known).select("symbol", "date")


def askable(missing: pl.DataFrame, gaps: pl.DataFrame, series: pl.DataFrame, today: date) -> pl.DataFrame:
    """Those of the missing cells that are worth asking for now: whose retry day has come.

    Args:
        gaps, series: rows of engine_price_gaps and engine_price_series.
    """
    waiting = pl.col("retry_on") > today
    silent = series.filter(waiting).select("symbol")
    held_back = gaps.filter(waiting).select("symbol", "date")
    left = missing.join(silent, on="symbol", how="anti", maintain_order="left")
    return left.join(held_back, on=["symbol", "date"], how="anti", maintain_order="left")


def requests(wanted: pl.DataFrame, stored: pl.DataFrame, calendar: Sequence[date]) -> list[PriceRequest]:
    """One window for each symbol, from its first wanted session to its last, and some overlap.

    The overlap, `OVERLAP` sessions of the calendar, lies before the window, or after it where
    nothing older is stored: by it a change of basis is seen.

    Args:
        wanted: cells to ask for. stored: cells that are there.
        calendar: sessions, ascending, with `OVERLAP` more at both ends where there are.
    """
    place = {day: i for i, day in enumerate(calendar)}
    held = stored.group_by("symbol").agg(oldest=pl.col("date").min())
    spans = (
        wanted.group_by("symbol")
        .agg(first=pl.col("date").min(), last=pl.col("date").max())
        .join(held, on="symbol", how="left")
        .sort("symbol")
    )
    found = []
    for symbol, first, last, oldest in spans.iter_rows():
        start, end = first, last
        if oldest and oldest < first:
            start = calendar[max(0, place[first] - OVERLAP)]
        elif oldest:
            end = calendar[min(len(calendar) - 1, place[last] + OVERLAP)]
        found.append(PriceRequest(symbol, start, end))
    return found


def apart(asked: Sequence[PriceRequest], stored: pl.DataFrame, extents: pl.DataFrame) -> list[str]:
    """The symbols whose request overlaps nothing of what is stored of them, elsewhere in time.

    Nothing could tell whether such an answer stands on the stored closes' basis.

    Args:
        stored: cells that are there, around the days asked for.
        extents: symbol, oldest, newest of all that is stored.
    """
    rows = [(one.symbol, one.start, one.end) for one in asked]
    windows = pl.DataFrame(rows, schema={"symbol": pl.String, "start": pl.Date, "end": pl.Date}, orient="row")
    met = stored.join(windows, on="symbol").filter(pl.col("date").is_between("start", "end"))
    lost = windows.join(extents, on="symbol", how="semi").join(met, on="symbol", how="anti")
    return lost["symbol"].sort().to_list()
