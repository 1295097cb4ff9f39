"""Prices as the jobs see them on Path A, and returns.

Source: 02 §2.1 to 2.3; 03 §0.2, §0.3.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Sequence
from functools import cache, cached_property

import numpy as np
import pandas as pd

from .inputs import OPTIONS, PUBLIC, Position
from .valuation import Closes

FACTOR_ETFS = ("VUG", "VTV", "MTUM", "QUAL", "IWM", "SPY", "USMV", "TLT")


@cache
def nyse_sessions(start: dt.date, end: dt.date) -> tuple[dt.date, ...]:
    """NYSE sessions in [start, end] (01 §2.4)."""
    import exchange_calendars as xcals  # half a second to import

    margin = dt.timedelta(days=7)  # a calendar of one day is an error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exchange_calendars 4.13 under pandas 3
        calendar = xcals.get_calendar("XNYS", start=start - margin, end=end + margin)
    days = (stamp.date() for stamp in calendar.sessions)
    return tuple(day for day in days if start <= day <= end)


def visible_symbols(positions: Iterable[Position]) -> frozenset[str]:
    """Path A's universe: symbols of undeleted PUBLIC and OPTIONS lots, and eight ETFs.

    Source: 02 §2.1.
    """
    held = {p.symbol for p in positions if not p.is_deleted and p.investment_class in {PUBLIC, OPTIONS}}
    return frozenset(held - {""}) | frozenset(FACTOR_ETFS)


class Prices:
    """Closes as float series by symbol: `cached` is Path A, `database` is every row.

    Source: 03 §0.2.
    """

    def __init__(self, closes: Closes, visible: frozenset[str]) -> None:
        """Keep the rows; `visible` names the symbols that Path A serves."""
        self.closes = closes
        self.visible = visible
        self._series: dict[str, pd.Series] = {}

    @cached_property
    def sessions(self) -> frozenset[dt.date]:
        """The sessions that the price rows span."""
        dates = {date for rows in self.closes.values() for date in rows}
        return frozenset(nyse_sessions(min(dates), max(dates))) if dates else frozenset()

    def _all(self, symbol: str) -> pd.Series:
        if symbol not in self._series:
            rows = sorted(self.closes.get(symbol, {}).items())
            index = pd.DatetimeIndex([date for date, _ in rows])
            self._series[symbol] = pd.Series([float(close) for _, close in rows], index=index, dtype=float)
        return self._series[symbol]

    def database(self, symbol: str, start: dt.date, end: dt.date) -> pd.Series:
        """Every stored close in [start, end]."""
        return self._all(symbol).loc[pd.Timestamp(start) : pd.Timestamp(end)]

    def cached(self, symbol: str, start: dt.date, end: dt.date) -> pd.Series:
        """Path A: positive closes of visible symbols on NYSE sessions only.

        Source: 02 §2.1.
        """
        rows = self.database(symbol, start, end)
        if symbol not in self.visible:
            return rows.iloc[:0]
        on_session = [stamp.date() in self.sessions for stamp in rows.index]
        return rows[np.array(on_session, dtype=bool) & (rows.to_numpy() > 0)]

    def table(self, symbols: Sequence[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Dates x symbols on Path A; a symbol without a row has no column.

        Source: 02 §2.2 step 1.
        """
        columns = {s: self.cached(s, start, end) for s in sorted(set(symbols))}
        return as_table(columns)


def as_table(columns: dict[str, pd.Series]) -> pd.DataFrame:
    """Series side by side on the union of their dates, those without rows left out."""
    present = {name: rows for name, rows in columns.items() if len(rows)}
    return pd.DataFrame(present).sort_index()


def simple_returns(prices: pd.DataFrame) -> pd.DataFrame:
    """R_t = P_t / P_{t-1} - 1 over consecutive rows, no fill (03 §0.3)."""
    return prices / prices.shift(1) - 1


def aligned_returns(prices: pd.DataFrame) -> pd.DataFrame:
    """Complete rows first, then differences, then drop the first row and those with a NaN (02 §2.2)."""
    return simple_returns(prices.dropna()).iloc[1:].dropna()


def unaligned_returns(prices: pd.DataFrame) -> pd.DataFrame:
    """Differences first, then drop rows with a gap: one missing cell costs two rows.

    Source: 03 §0.3.
    """
    return simple_returns(prices).dropna()


def log_returns(prices: pd.DataFrame) -> pd.DataFrame:
    """ln(P_t / P_{t-1}) over the dates that all symbols have (03 §2.4)."""
    complete = prices.dropna()
    returns: pd.DataFrame = np.log(complete / complete.shift(1))
    return returns.replace([np.inf, -np.inf], np.nan).dropna()
