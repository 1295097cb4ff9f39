"""Quotes: what the market says of each symbol in each session, looked up once for all positions."""

from __future__ import annotations

from datetime import date

import polars as pl

PNL_LOOK_BACK = "10d"
MARK_LOOK_BACK = "5d"
"""Calendar days back to the previous price of a P&L, and to a price that can still mark a
position (document 01 §8.1)."""


def session_frame(sessions: list[date]) -> pl.DataFrame:
    """session (0, 1, ...), date."""
    days = pl.Series("date", sessions, dtype=pl.Date)
    return pl.DataFrame({"session": pl.arange(len(sessions), dtype=pl.Int32, eager=True), "date": days})


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
    wanted = pl.concat([symbols, symbols.str.to_uppercase()]).unique()
    ticks = closes.filter(pl.col("symbol").is_in(wanted.implode())).select(
        "symbol", "date", ticks=pl.col("close").to_physical().cast(pl.Int64)
    )
    grid = pl.DataFrame({"symbol": symbols}).join(session_frame(sessions), how="cross")
    grid = grid.with_columns(upper=pl.col("symbol").str.to_uppercase())
    exact = ticks.rename({"ticks": "exact"})
    that_day = ticks.rename({"symbol": "upper", "ticks": "that_day"})
    before = ticks.select(pl.col("symbol").alias("upper"), "date", before_date="date", before="ticks")
    looked_up = (
        grid.join(exact, on=["symbol", "date"], how="left", maintain_order="left")
        .join(that_day, on=["upper", "date"], how="left", maintain_order="left")
        .sort("upper", "date", maintain_order=True)
        .join_asof(
            before,
            on="date",
            by="upper",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    close = pl.when(pl.col("exact") > 0).then("exact")
    mark = pl.coalesce(close, _within("before", MARK_LOOK_BACK))
    return looked_up.select(
        "symbol",
        "session",
        close=close,
        previous_close=_within("before", PNL_LOOK_BACK),
        newest_close=pl.coalesce("that_day", "before"),
        mark=pl.when(mark > 0).then(mark),
    )


def _within(price: str, age: str) -> pl.Expr:
    oldest = pl.col("date").dt.offset_by(f"-{age}")
    return pl.when(pl.col("before_date") >= oldest).then(price)
