"""Equity of a book before its first session."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from engine.core.calendar import last_session
from engine.core.instruments import multiplier
from loaders.books.numbers import EXACT

if TYPE_CHECKING:
    from loaders.books.book import Book

CENT = Decimal("0.01")


def opening_equity(book: Book) -> tuple[Decimal, str]:
    """Return the equity before the first session, and how it was found, in words.

    The stated equity; else cash plus the market value, at the first close, of the lots that are held at the
    first session. Cash is that of the cash rows, or of trades alone: see `cash_of_trades`. The first close
    of a lot is its newest on or before that session, else its first one after it; a lot without closes
    counts at the price of its row, else at its entry price.

    Args:
        book: With its first session.

    Returns:
        USD, and a sentence.
    """
    if book.choices.equity is not None:
        return (
            book.choices.equity,
            f"equity before the first session, as stated: {book.choices.equity:,.2f} USD",
        )
    held = book.lots.filter(
        (pl.col("entry_date") <= book.start)
        & (pl.col("exit_date").is_null() | (pl.col("exit_date") > book.start))
    )
    value = held.join(first_closes(book), on="symbol", how="left").select(
        (pl.col("quantity") * multiplier() * pl.coalesce("close", "price", "entry_price")).sum()
    )
    total = Decimal(value.item() or 0).quantize(CENT)
    cash, source = _cash(book)
    words = f"{source} {cash:,.2f} + {held.height:,} lots at their first close {total:,.2f}"
    return cash + total, f"equity before the first session, {book.start}: {cash + total:,.2f} USD = {words}"


def _cash(book: Book) -> tuple[Decimal, str]:
    """Return the cash before the first session, USD, and its source in words."""
    if book.cash is not None or not book.only_trades:
        return book.cash or Decimal(0), "cash rows"
    cash = cash_of_trades(book)
    if cash is None:
        return Decimal(0), "no deposit up to then, so no cash (say --equity):"
    return cash, "cash left by the trades up to then"


def cash_of_trades(book: Book) -> Decimal | None:
    """Return the cash that deposits, buys, sales, dividends and fees up to the first session leave.

    Deposits and withdrawals after the session before are left out: the run books them in the first
    session. What was bought and sold by then is in the equity before it, as that session has no P&L.

    Args:
        book: Of trades alone, with its first session.

    Returns:
        USD; None if there is no deposit or withdrawal up to the first session: the trades do not say then
        what they were paid from.
    """
    if book.flows.filter(pl.col("date") <= book.start).is_empty():
        return None
    before = last_session(book.start - timedelta(days=1))
    units = pl.col("quantity") * multiplier()
    bought = book.lots.filter(pl.col("entry_date") <= book.start)
    sold = bought.filter(pl.col("exit_date") <= book.start)
    sums = (
        book.flows.filter(pl.col("date") <= before).select(pl.col("amount").sum()),
        book.income.filter(pl.col("date") <= book.start).select(pl.col("amount").sum()),
        sold.select((units * pl.col("exit_price")).sum()),
        bought.select((-units * pl.col("entry_price")).sum()),
    )
    return sum((Decimal(one.item() or 0) for one in sums), Decimal(0)).quantize(CENT)


def first_closes(book: Book) -> pl.DataFrame:
    """Return symbol, close: of each symbol the close at which it enters the opening equity."""
    closes = book.closes.sort("symbol", "date")
    until = closes.filter(pl.col("date") <= book.start).group_by("symbol").agg(close=pl.col("close").last())
    later = closes.filter(pl.col("date") > book.start).group_by("symbol").agg(later=pl.col("close").first())
    both = until.join(later, on="symbol", how="full", coalesce=True)
    return both.select("symbol", close=pl.coalesce("close", "later").cast(EXACT))
