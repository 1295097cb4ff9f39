"""Value of a book before its first session: cash that trades leave, and lots at their first closes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from engine.core.calendar import last_session
from engine.core.instruments import multiplier
from loaders.books.numbers import EXACT

CENT = Decimal("0.01")
UNITS = pl.col("quantity") * multiplier()


def lots_held(lots: pl.DataFrame, start: date) -> pl.DataFrame:
    """Return the lots that are held after the first session.

    Args:
        lots: In columns `LOTS`, each with an entry date.
        start: First session.
    """
    still = pl.col("exit_date").is_null() | (pl.col("exit_date") > start)
    return lots.filter((pl.col("entry_date") <= start) & still)


def value_of_lots(held: pl.DataFrame, closes: pl.DataFrame, start: date) -> Decimal:
    """Return the market value of lots at their first closes, USD.

    The first close of a lot is its newest on or before the first session, else its first one after it; a
    lot without closes counts at the price of its row, else at its entry price.

    Args:
        held: Lots, in columns `LOTS`.
        closes: symbol, date, close (USD a share).
        start: First session.
    """
    price = pl.coalesce("close", "price", "entry_price")
    value = held.join(_first_closes(closes, start), on="symbol", how="left").select((UNITS * price).sum())
    return Decimal(value.item() or 0).quantize(CENT)


def cash_of_trades(
    lots: pl.DataFrame, income: pl.DataFrame, flows: pl.DataFrame, start: date
) -> Decimal | None:
    """Return the cash that deposits, buys, sales, dividends and fees up to the first session leave.

    Deposits and withdrawals after the session before are left out: the run books them in the first
    session. What was bought and sold by then counts, as that session has no P&L.

    Args:
        lots: All lots of the trades, in columns `LOTS`.
        income: In columns `INCOME`.
        flows: In columns `FLOWS`.
        start: First session.

    Returns:
        USD; None if there is no deposit or withdrawal up to the first session: the trades do not say then
        what they were paid from.
    """
    if flows.filter(pl.col("date") <= start).is_empty():
        return None
    before = last_session(start - timedelta(days=1))
    bought = lots.filter(pl.col("entry_date") <= start)
    sums = (
        flows.filter(pl.col("date") <= before).select(pl.col("amount").sum()),
        income.filter(pl.col("date") <= start).select(pl.col("amount").sum()),
        bought.filter(pl.col("exit_date") <= start).select((UNITS * pl.col("exit_price")).sum()),
        bought.select((-UNITS * pl.col("entry_price")).sum()),
    )
    return sum((Decimal(one.item() or 0) for one in sums), Decimal(0)).quantize(CENT)


def _first_closes(closes: pl.DataFrame, start: date) -> pl.DataFrame:
    """Return symbol, close: of each symbol the close at which it enters the opening equity."""
    ordered = closes.sort("symbol", "date")
    until = ordered.filter(pl.col("date") <= start).group_by("symbol").agg(close=pl.col("close").last())
    later = ordered.filter(pl.col("date") > start).group_by("symbol").agg(later=pl.col("close").first())
    both = until.join(later, on="symbol", how="full", coalesce=True)
    return both.select("symbol", close=pl.coalesce("close", "later").cast(EXACT))
