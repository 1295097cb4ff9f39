"""Prices of each symbol in each session, looked up once for all positions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from engine.core.calendar import last_session
from engine.core.job_catalog import MARKET_VALUES, PNL
from engine.core.money import scaled
from engine.core.rules import PreviousClose, PriceGaps, Rules, ZeroCloses

ONE_DAY = timedelta(days=1)


class QuoteRules(NamedTuple):
    """The rules by which closes are looked up; see `engine.core.rules.Rules`."""

    zero_closes: ZeroCloses = "prices"
    previous_close: PreviousClose = "any_day"
    price_gaps: PriceGaps = "ten_days"

    @classmethod
    def of(cls, rules: Rules) -> QuoteRules:
        """Return those of a set of rules."""
        return cls(rules.zero_closes, rules.previous_close, rules.price_gaps)


LEGACY = QuoteRules()


def session_frame(sessions: list[date]) -> pl.DataFrame:
    """Return the columns session (0, 1, ...) and date."""
    days = pl.Series("date", sessions, dtype=pl.Date)
    return pl.DataFrame({"session": pl.arange(len(sessions), dtype=pl.Int32, eager=True), "date": days})


def quotes(
    symbols: pl.Series, closes: pl.DataFrame, sessions: list[date], rules: QuoteRules = LEGACY
) -> pl.DataFrame:
    """Look up four prices of each symbol in each session, each with the fall-back of its own reader.

    All but the close look the symbol up in upper case. Source: document 01 §3.3, §4.3, §5.1.

    Args:
        symbols: distinct symbols as positions spell them, S of them.
        closes: symbol, date, close (Decimal), sorted by symbol and date; 0 is a placeholder.
        sessions: D dates, ascending.
        rules: of zeros, previous closes and gaps.

    Returns:
        S x D rows: symbol, session, and Int64 prices in ticks (1/10,000 USD), null where none:
        close: of that very day, by the exact symbol, above 0; with previous_close="session" the newest since
            the previous session, by the symbol in upper case;
        previous_close: the newest before the day, or up to the previous session, at most 10 calendar days
            old unless gaps are booked whole; previous_date: its date, however old;
        newest_close: the newest up to the day, however old;
        mark: the close, else the newest before the day that is at most 5 calendar days old;
            null where that one is not above 0.
    """
    stored = closes.select("symbol", "date", ticks=scaled("close").cast(pl.Int64))
    if rules.zero_closes == "missing":
        stored = stored.filter(pl.col("ticks") > 0)
    of_day = stored.filter(pl.col("date").is_in(sessions))
    asked = pl.DataFrame({"symbol": symbols}).join(
        session_frame(sessions), how="cross", maintain_order="left_right"
    )
    asked = asked.with_columns(upper=pl.col("symbol").str.to_uppercase()).with_row_index("row").sort("date")
    newest, before = newest_closes(asked, stored), newest_closes(asked, stored, allow_exact=False)
    rows = asked.join(of_day, on=["symbol", "date"], how="left", maintain_order="left").with_columns(
        close=pl.when(pl.col("ticks") > 0).then("ticks"),
        newest_close=newest["ticks"],
        newest_date=newest["close_date"],
        older=before["ticks"],
        previous_date=before["close_date"],
    )
    older = pl.when(_age("date") <= MARKET_VALUES.look_back, pl.col("older") > 0).then("older")
    rows = rows.with_columns(mark=pl.coalesce("close", older))
    if rules.previous_close == "session":
        starts = {day: _previous_session(day) for day in sessions}
        rows = with_base(rows.with_columns(since=pl.col("date").replace_strict(starts)), stored)
    rows = rows.with_columns(previous_close=booked_base(rules.price_gaps))
    columns = ("close", "previous_close", "previous_date", "newest_close", "newest_date", "mark")
    return rows.sort("row").select("symbol", "session", *columns)


def newest_closes(
    asked: pl.DataFrame, stored: pl.DataFrame, on: str = "date", allow_exact: bool = True
) -> pl.DataFrame:
    """Return ticks and close_date of the newest close up to a day, or before it, in the rows' order.

    Args:
        asked: upper (symbol in upper case) and the column `on`, sorted by it.
        stored: symbol, date, ticks.
        on: name of the column with the day.
        allow_exact: whether a close of the day itself counts.
    """
    by_upper = stored.select("ticks", close_date="date", upper="symbol", **{on: "date"})
    # Both sides are in order of dates within a symbol, which Polars cannot check for groups.
    return asked.select("upper", on).join_asof(
        by_upper, on=on, by="upper", allow_exact_matches=allow_exact, check_sortedness=False
    )


def with_base(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the close and the previous close of a session that starts after `since`.

    Args:
        rows: upper, date, newest_close, newest_date, and `since`: the day whose close the session starts
            from.
        stored: symbol, date, ticks.

    Returns:
        The rows sorted by `since`, with close, older and previous_date.
    """
    rows = rows.sort("since", maintain_order=True)
    base = newest_closes(rows, stored, "since")
    fresh = (pl.col("newest_date") > pl.col("since")) & (pl.col("newest_close") > 0)
    return rows.with_columns(
        close=pl.when(fresh).then("newest_close"), older=base["ticks"], previous_date=base["close_date"]
    )


def booked_base(price_gaps: PriceGaps) -> pl.Expr:
    """Return the previous close, null where the gap behind it is too long to be booked."""
    if price_gaps == "whole":
        return pl.col("older")
    return pl.when(_age("date") <= PNL.look_back).then("older")


def _age(day: str) -> pl.Expr:
    return (pl.col(day) - pl.col("previous_date")).dt.total_days()


def since_previous_snapshot(
    days: pl.DataFrame, closes: pl.DataFrame, starts: pl.DataFrame, rules: QuoteRules
) -> pl.DataFrame:
    """Return position days whose P&L starts from the close of the portfolio's previous snapshot.

    Only sessions after sessions that were left out change.

    Args:
        days: position-major, with the quotes, portfolio_id, session and date.
        closes: as of `quotes`.
        starts: portfolio_id, session, since: the day of the snapshot before each session.
        rules: of zeros, previous closes and gaps.
    """
    late = starts.join(days.select("session", "date").unique(), on="session").filter(
        pl.col("since") != pl.col("date").map_elements(_previous_session, return_dtype=pl.Date)
    )
    if late.is_empty():
        return days
    stored = closes.select("symbol", "date", ticks=scaled("close").cast(pl.Int64))
    if rules.zero_closes == "missing":
        stored = stored.filter(pl.col("ticks") > 0)
    keys = ["portfolio_id", "session"]
    rows = days.with_row_index("row").with_columns(upper=pl.col("symbol").str.to_uppercase())
    moved = with_base(rows.join(late.select(*keys, "since"), on=keys), stored)
    if rules.previous_close == "any_day":
        moved = moved.drop("close").join(rows.select("row", "close"), on="row")
    moved = moved.with_columns(previous_close=booked_base(rules.price_gaps)).select(rows.columns)
    others = rows.join(moved, on="row", how="anti")
    return pl.concat([others, moved]).sort("row").drop("row", "upper")


def _previous_session(day: date) -> date:
    return last_session(day - ONE_DAY)
