"""Prices of each symbol in each session, looked up once for all positions."""

from __future__ import annotations

from datetime import date
from functools import partial

import polars as pl

from engine.core.job_catalog import MARKET_VALUES, PNL
from engine.core.money import scaled


def session_frame(sessions: list[date]) -> pl.DataFrame:
    """Return the columns session (0, 1, ...) and date."""
    days = pl.Series("date", sessions, dtype=pl.Date)
    return pl.DataFrame({"session": pl.arange(len(sessions), dtype=pl.Int32, eager=True), "date": days})


def quotes(symbols: pl.Series, closes: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """Look up four prices of each symbol in each session, each with the fall-back of its own reader.

    All but the close look the symbol up in upper case, and count zeros as prices. Source: document 01 §3.3,
    §4.3, §5.1.

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
    """
    stored = closes.select("symbol", "date", ticks=scaled("close").cast(pl.Int64))
    of_day = stored.filter(pl.col("date").is_in(sessions))
    by_upper = stored.select("date", "ticks", close_date="date", upper="symbol")
    # Both sides are in order of dates within a symbol, which Polars cannot check for groups.
    as_of = partial(pl.DataFrame.join_asof, other=by_upper, on="date", by="upper", check_sortedness=False)
    asked = pl.DataFrame({"symbol": symbols}).join(
        session_frame(sessions), how="cross", maintain_order="left_right"
    )
    asked = asked.with_columns(upper=pl.col("symbol").str.to_uppercase()).with_row_index("row").sort("date")
    before = as_of(asked, allow_exact_matches=False)
    older = pl.when(pl.col("age") <= MARKET_VALUES.look_back, pl.col("older") > 0).then("older")
    return (
        asked.join(of_day, on=["symbol", "date"], how="left", maintain_order="left")
        .with_columns(
            close=pl.when(pl.col("ticks") > 0).then("ticks"),
            newest_close=as_of(asked)["ticks"],
            older=before["ticks"],
            age=(before["date"] - before["close_date"]).dt.total_days(),
        )
        .with_columns(
            previous_close=pl.when(pl.col("age") <= PNL.look_back).then("older"),
            mark=pl.coalesce("close", older),
        )
        .sort("row")
        .select("symbol", "session", "close", "previous_close", "newest_close", "mark")
    )
