"""The market panel: closes as a matrix of sessions by symbols, built once for the window."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from engine.core.calendar import sessions
from engine.core.window import Window
from engine.numerics.arrays import Floats, Ints
from engine.numerics.windows import window_bounds


@dataclass(frozen=True)
class Panel:
    """Closes above 0 of the visible symbols on NYSE sessions.

    days: [T] sessions as day numbers since 1970-01-01, ascending: the window's own and its
        look-back's.
    symbols: [S] names, ascending; each has at least one close.
    close: [T, S] USD a share, NaN where there is none.
    targets: [D] day numbers of the window's sessions, a subset of `days`.
    """

    days: Ints
    symbols: tuple[str, ...]
    close: Floats
    targets: Ints

    @cached_property
    def index(self) -> dict[str, int]:
        """The column of each symbol."""
        return {symbol: column for column, symbol in enumerate(self.symbols)}

    def columns(self, symbols: pl.Series) -> Ints:
        """The column of each of `symbols`, -1 where the panel has none."""
        return np.array([self.index.get(symbol, -1) for symbol in symbols.to_list()], dtype=np.int64)

    def bounds(self, look_back: int) -> tuple[Ints, Ints]:
        """Rows [first, stop) of the look-back of each session: calendar days, ends inclusive."""
        return window_bounds(self.days, self.targets, look_back)


def build_panel(closes: pl.DataFrame, visible: Collection[str], window: Window) -> Panel:
    """Scatter long closes into a panel: ranks of sessions and symbols are rows and columns.

    Args:
        closes: symbol, date, close (Decimal); any rows beside those wanted.
        visible: symbols that regressions may see, spelled as they are stored.
        window: its look-back says how far the rows reach.
    """
    calendar = sessions(window.first_price, window.last)
    rows = pl.DataFrame({"date": pl.Series(calendar, dtype=pl.Date)}).with_row_index("row")
    wanted = pl.Series("symbol", sorted(visible), dtype=pl.String)
    kept = closes.filter((pl.col("close") > 0) & pl.col("symbol").is_in(wanted.implode()))
    kept = kept.join(rows, on="date", how="inner", maintain_order="left")
    names = kept["symbol"].unique().sort()
    columns = pl.DataFrame({"symbol": names}).with_row_index("column")
    placed = kept.join(columns, on="symbol", how="inner", maintain_order="left")
    close = np.full((len(calendar), names.len()), np.nan)
    at = placed["row"].to_numpy(), placed["column"].to_numpy()
    close[at] = placed["close"].cast(pl.Float64).to_numpy()
    return Panel(day_numbers(calendar), tuple(names), close, day_numbers(window.sessions))


def day_numbers(days: list[date]) -> Ints:
    """Days since 1970, as Polars counts them."""
    return np.array(days, dtype="datetime64[D]").astype(np.int64)
