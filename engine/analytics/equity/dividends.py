"""Dividends of lots: income of the ex-date, where closes are as quoted."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.positions.lot_life import LotLives
from engine.analytics.positions.prices import session_frame
from engine.analytics.positions.quoted import CASH
from engine.core.instruments import is_option, is_private
from engine.core.money import CENT_SCALE, GRAINS_A_CENT, decimal, half_away, integer, scaled

VALUE_UNITS = 10**4
"""A quantity of four decimals times a dividend of eight has twelve, four more than a grain."""


def dividends(
    lives: LotLives,
    positions: pl.DataFrame,
    actions: pl.DataFrame,
    raw: pl.DataFrame,
    sessions: list[date],
    since: pl.DataFrame,
) -> pl.DataFrame:
    """Return the dividends of each lot: the quantity held before the ex-date times the cash of a share.

    A lot bought on the ex-date has none, one sold on it has; a short lot pays. An ex-date without a session
    is of the next one. A symbol whose closes hold its dividends, because the store has no raw close of it
    before the ex-date, is not paid.

    Args:
        lives: of the N lots in the D sessions.
        positions: the N lots in the same order.
        actions: symbol (in upper case), date, kind, value (Decimal of scale 8, USD a share).
        raw: symbol, date of the raw closes.
        sessions: D dates, ascending.
        since: portfolio_id, since: the day up to which income has been booked.

    Returns:
        position, position_id, portfolio_id, session, trade_date, amount (Int128 grains), paid.
    """
    lots = pl.concat([positions, lives.end.select("end_date")], how="horizontal").with_row_index("position")
    lots = lots.filter(~is_private() & ~is_option()).select(
        "position",
        "portfolio_id",
        "entry_date",
        "end_date",
        position_id="id",
        name=pl.col("symbol").str.to_uppercase(),
    )
    cash = actions.filter(pl.col("kind").is_in(CASH)).group_by(name="symbol", trade_date="date")
    first = raw.group_by(name="symbol").agg(first=pl.col("date").min())
    rows = lots.join(cash.agg(value=scaled("value").sum()), on="name").join(since, on="portfolio_id")
    day = pl.col("trade_date")
    due = (day > pl.col("since")) & (day > pl.col("entry_date")) & (day <= pl.col("end_date")).fill_null(True)
    calendar = session_frame(sessions).rename({"date": "booked_on"})
    rows = (
        rows.filter(due)
        .sort("trade_date")
        .join_asof(calendar, left_on="trade_date", right_on="booked_on", strategy="forward")
        .drop_nulls("session")
        .join(first, on="name", how="left")
    )
    amount = half_away(pl.lit(_held_before(rows, lives)) * pl.col("value"), VALUE_UNITS)
    return (
        rows.with_columns(amount=amount, paid=(pl.col("first") < day).fill_null(False))
        .filter(pl.col("amount") != 0)
        .select("position", "position_id", "portfolio_id", "session", "trade_date", "amount", "paid")
        .sort("position", "trade_date")
    )


def _held_before(rows: pl.DataFrame, lives: LotLives) -> pl.Series:
    """Return the quantity of each row's lot on the eve of its trade_date, Int128 of 1/10,000."""
    opening = lives.opening[rows["position"].to_numpy(), rows["session"].to_numpy()]
    sold = lives.events.select("position", "session", sold_on="trade_date", sold="quantity")
    held = rows.select("position", "session", "trade_date", opening=pl.Series(opening).cast(pl.Int128))
    held = held.with_row_index("row").join(sold, on=["position", "session"], how="left")
    earlier = pl.when(pl.col("sold_on") < pl.col("trade_date")).then("sold").fill_null(integer(0))
    summed = held.group_by("row").agg(left=pl.col("opening").first() - earlier.sum())
    return summed.sort("row")["left"]


def booked_twice(events: pl.DataFrame, due: pl.DataFrame) -> pl.DataFrame:
    """Return the realized events of quantity 0 that equal a dividend of their lot on that date, to the cent.

    Args:
        events: id, position_id, trade_date, quantity_closed, realized_pnl.
        due: of `dividends`, paid or held in the closes.

    Returns:
        id of the event, position and session of the dividend.
    """
    cents = due.select("position", "session", "position_id", "trade_date", cents=_cents())
    income = events.filter(pl.col("quantity_closed") == 0).with_columns(cents=scaled("realized_pnl"))
    both = income.join(cents, on=["position_id", "trade_date", "cents"])
    return both.select("id", "position", "session")


def with_dividends(income: pl.DataFrame, due: pl.DataFrame, twice: pl.DataFrame) -> pl.DataFrame:
    """Return the income of lots with their paid dividends, and a notice where one was booked twice.

    Args:
        income: position, session, income (Int128 grains), income_notice.
        due: of `dividends`.
        twice: of `booked_twice`.

    Returns:
        Columns of `income`.
    """
    at, no_notice = ["position", "session"], pl.lit(None, pl.String)
    paid = due.filter("paid").select(*at, income="amount", income_notice=no_notice)
    left_out = twice.select(*at, income=integer(0), income_notice=pl.lit("dividend_booked_twice"))
    notice = pl.col("income_notice").drop_nulls().first()
    return (
        pl.concat([income, paid, left_out])
        .group_by(at, maintain_order=True)
        .agg(pl.col("income").sum(), notice)
    )


def cash(due: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the paid dividends as realized events of quantity 0, rounded to the cent.

    Args:
        due: of `dividends`.
        events: realized events, whose types the columns have.
    """
    kind, quantity = events.schema["realized_pnl"], events.schema["quantity_closed"]
    return due.filter("paid").select(
        "portfolio_id",
        "position_id",
        "trade_date",
        quantity_closed=pl.lit(0).cast(quantity),
        realized_pnl=decimal(_cents(), 38, CENT_SCALE).cast(kind),
    )


def _cents() -> pl.Expr:
    return half_away(pl.col("amount"), GRAINS_A_CENT)
