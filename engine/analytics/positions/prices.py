"""Quotes: what the market says of each symbol in each session, looked up once for all positions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from engine.analytics.panels import day_numbers
from engine.core.job_catalog import MARKET_VALUES, PNL
from engine.numerics.arrays import Bools, Ints

SPAN = 1 << 20
"""Further apart than any two days: what lies between the keys of a symbol and of the next."""


def session_frame(sessions: list[date]) -> pl.DataFrame:
    """session (0, 1, ...), date."""
    days = pl.Series("date", sessions, dtype=pl.Date)
    return pl.DataFrame({"session": pl.arange(len(sessions), dtype=pl.Int32, eager=True), "date": days})


@dataclass(frozen=True)
class _Closes:
    """Closes in one ascending row of keys, a symbol's number times `SPAN` and the day; a last one ends it.

    names: [K] symbols, ascending. symbol, day, ticks, key: [R + 1].
    """

    names: pl.Series
    symbol: Ints
    day: Ints
    ticks: Ints
    key: Ints

    @classmethod
    def of(cls, closes: pl.DataFrame) -> _Closes:
        """Those of a frame: symbol, date, close, sorted by symbol and date."""
        names = closes["symbol"].unique(maintain_order=True)
        symbol = np.append(closes["symbol"].rle_id().to_numpy().astype(np.int64), len(names))
        day = np.append(closes["date"].to_physical().to_numpy().astype(np.int64), 0)
        ticks = np.append(closes["close"].to_physical().cast(pl.Int64).to_numpy(), 0)
        return cls(names, symbol, day, ticks, symbol * SPAN + day)

    def places(self, symbols: pl.Series, days: Ints) -> tuple[Ints, Bools, Bools]:
        """For each of S symbols on each of D days, [S D]: the row of its first close on that day or later,
        whether that is of the day itself, and whether the row before is of the symbol as well."""
        numbered = pl.DataFrame({"symbol": self.names}).with_row_index("number")
        asked = pl.DataFrame({"symbol": symbols})
        found = asked.join(numbered, on="symbol", how="left", maintain_order="left")["number"]
        number = np.repeat(found.cast(pl.Int64).fill_null(-1).to_numpy(), days.size)
        wanted = number * SPAN + np.tile(days, len(symbols))
        at = np.searchsorted(self.key, wanted)
        return at, self.key[at] == wanted, self.symbol[at - 1] == number


def quotes(symbols: pl.Series, closes: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """Four prices of each symbol in each session, each with the fall-back of its own reader.

    Args:
        symbols: distinct symbols as positions spell them, S of them.
        closes: symbol, date, close (Decimal), sorted by symbol and date; 0 is a placeholder.
        sessions: D dates, ascending.

    Returns:
        S x D rows: symbol, session, and Int64 prices in ticks (1/10,000 USD), null where none:
        close: of that very day, by the exact symbol, above 0;
        previous_close: the newest before the day, at most 10 calendar days old;
        newest_close: the newest up to the day, however old;
        mark: the close, else the newest before the day that is at most 5 calendar days old;
            null where that one is not above 0.
        All but the close look the symbol up in upper case, and take zeros for prices.
        Source: document 01 §3.3, §4.3, §5.1.
    """
    known = _Closes.of(closes)
    days = day_numbers(sessions)
    exact, there, _ = known.places(symbols, days)
    upper, that_day, before = known.places(symbols.str.to_uppercase(), days)
    priced = there & (known.ticks[exact] > 0)
    age = np.tile(days, len(symbols)) - known.day[upper - 1]
    older = known.ticks[upper - 1]
    newest = np.where(that_day, known.ticks[upper], older)
    mark = np.where(priced, known.ticks[exact], older)
    markable = (priced | (before & (age <= MARKET_VALUES.look_back))) & (mark > 0)
    prices = {
        "close": _known(known.ticks[exact], priced),
        "previous_close": _known(older, before & (age <= PNL.look_back)),
        "newest_close": _known(newest, that_day | before),
        "mark": _known(mark, markable),
    }
    looked_up = pl.DataFrame({"symbol": symbols}).join(
        session_frame(sessions), how="cross", maintain_order="left_right"
    )
    return looked_up.select("symbol", "session").with_columns(**prices)


def _known(ticks: Ints, where: Bools) -> pl.Expr:
    """The values that are known, null elsewhere."""
    return pl.when(pl.lit(pl.Series(where))).then(pl.lit(pl.Series(ticks)))
