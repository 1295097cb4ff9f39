"""A book: the lots, cash, flows and closes of one portfolio, and where it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from engine.core.calendar import sessions
from engine.core.money import TICK_SCALE
from loaders.books.body import Body
from loaders.books.dates import DateOrder
from loaders.books.flows import FLOWS, read_flows
from loaders.books.ledger import INCOME
from loaders.books.opening import cash_of_trades, lots_held, value_of_lots
from loaders.books.positions import read_positions
from loaders.books.prices import CLOSES, read_prices
from loaders.books.refusals import BookError, Refusal
from loaders.books.sheet import Sheet
from loaders.books.splits import SPLITS, adjusted_closes
from loaders.books.trades import read_trades

DEFAULT_NAME = "My book"
LONGEST_CLOSURE = timedelta(days=10)
"""Longer than any closure of the exchange."""


@dataclass(frozen=True)
class Sources:
    """The tables that a book is read from; None for those that are not given."""

    positions: Sheet | None = None
    prices: Sheet | None = None
    flows: Sheet | None = None
    trades: Sheet | None = None


@dataclass(frozen=True)
class Choices:
    """Statements of the user about a book.

    Attributes:
        name: Of the portfolio.
        equity: Before the first session, USD; None: see `opening_equity`.
        start: First day; None: see `first_session`.
        order: Order of day and month in dates; None to detect it.
        mapping: {their column: ours}.
    """

    name: str = DEFAULT_NAME
    equity: Decimal | None = None
    start: date | None = None
    order: DateOrder | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Book:
    """One portfolio as read.

    Attributes:
        choices: What the user states.
        lots: In columns `LOTS`, and `stated_entry`: the entry date that the file states.
        income: Dividends and fees of lots, in columns `INCOME`.
        flows: In columns `FLOWS`.
        closes: In columns `CLOSES`.
        cash: Of the rows of cash, USD; None if there are none.
        splits: In columns `SPLITS`; lots and closes are on the footing after the last one.
        others: source, line, what: rows that are no lot, such as totals.
        start: First session.
        equity: Before the first session, USD.
        only_trades: Whether all lots come from trades, so that these tell the cash, too.
        readings: The rows of each source.
        notes: What was assumed, in words.
        refusals: Rows that cannot be used. A book with any is not computed or written.
    """

    choices: Choices
    lots: pl.DataFrame
    income: pl.DataFrame
    flows: pl.DataFrame
    closes: pl.DataFrame
    cash: Decimal | None
    splits: pl.DataFrame
    others: pl.DataFrame
    readings: tuple[Body, ...]
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    start: date = date.min
    equity: Decimal = Decimal(0)
    only_trades: bool = False


def read_book(sources: Sources, choices: Choices) -> Book:
    """Read a book.

    Args:
        sources: Its tables.
        choices: What the user states.

    Returns:
        The book. Rows that cannot be used are among its refusals.

    Raises:
        BookError: A file has not the form that is wanted, or nothing says when the book begins.
    """
    if sources.positions is None and sources.trades is None:
        raise BookError("there are neither positions nor trades")
    book = _read(sources, choices)
    refusals = tuple(refusal for rows in book.readings for refusal in rows.refusals)
    notes = tuple(f"{rows.sheet.source}: {guess}" for rows in book.readings for guess in rows.guesses)
    book = replace(book, refusals=refusals, notes=notes)
    if book.lots.is_empty() and not refusals:
        raise BookError(f"{book.readings[0].sheet.source} has no lot")
    return book if refusals else _completed(book)


def _read(sources: Sources, choices: Choices) -> Book:
    readings: list[Body] = []
    lots, income, flows = [], [pl.DataFrame(schema=INCOME)], [pl.DataFrame(schema=FLOWS)]
    closes, cash, splits = pl.DataFrame(schema=CLOSES), None, pl.DataFrame(schema=SPLITS)
    others = pl.DataFrame(schema={"line": pl.Int64, "what": pl.String})
    mapping, order = choices.mapping, choices.order
    if sources.positions:
        positions = read_positions(sources.positions, mapping, order)
        readings.append(positions.rows)
        lots.append(positions.lots)
        cash, others = positions.cash_total, positions.others
    if sources.trades:
        trades = read_trades(sources.trades, {} if sources.positions else mapping, order)
        readings.append(trades.rows)
        lots.append(trades.lots)
        income.append(trades.income)
        flows.append(trades.flows)
        splits = trades.splits
    if sources.flows:
        rows, some = read_flows(sources.flows, {}, order)
        readings.append(rows)
        flows.append(some)
    if sources.prices:
        rows, closes = read_prices(sources.prices, {}, order)
        readings.append(rows)
    return Book(
        choices,
        pl.concat(lots),
        pl.concat(income),
        pl.concat(flows),
        closes,
        cash,
        splits,
        others,
        tuple(readings),
        only_trades=sources.positions is None,
    )


def _completed(book: Book) -> Book:
    """Adjust closes for splits; fill in first session, entry dates, entry prices, and opening equity."""
    closes, said = adjusted_closes(book.closes, book.splits)
    book = replace(book, closes=closes)
    start = first_session(book)
    undated = book.lots["entry_date"].null_count()
    finer = book.lots.filter(pl.col("quantity").round(TICK_SCALE) != pl.col("quantity")).height
    lots = book.lots.with_columns(stated_entry="entry_date", entry_date=pl.col("entry_date").fill_null(start))
    lots, notes = _with_costs(lots, book)
    if undated:
        notes = [f"{undated:,} lots without an entry date are held from the first session, {start}", *notes]
    if finer:
        notes.append(f"{finer:,} quantities are rounded to four decimals")
    book = replace(book, lots=lots, start=start)
    equity, words = opening_equity(book)
    return replace(book, equity=equity, notes=(*book.notes, *said, *notes, words))


def first_session(book: Book) -> date:
    """Return the first session of a book.

    It is the one on or after the stated start; else the first with both a close of a held symbol and a lot.

    Args:
        book: With its lots and closes.

    Raises:
        BookError: There is no start, no close of a held symbol, and a lot without an entry date.
    """
    entries = book.lots["entry_date"]
    held = book.closes.filter(pl.col("symbol").is_in(book.lots["symbol"].unique().implode()))
    first_entry = None if entries.null_count() else entries.min()
    days = [day for day in (held["date"].min(), first_entry) if isinstance(day, date)]
    first = book.choices.start or (max(days) if days else None)
    if first is None:
        raise BookError(
            "lots have no entry date, and there are no prices that show when the book begins",
            hint="Say it: --start D, in Python start=",
        )
    return sessions(first, first + LONGEST_CLOSURE)[0]


def _with_costs(lots: pl.DataFrame, book: Book) -> tuple[pl.DataFrame, list[str]]:
    """Fill in entry prices: the first close from the entry on, else the price of the row."""
    if not lots["entry_price"].null_count():
        return lots, []
    numbered = lots.with_row_index("lot").sort("entry_date")
    closes = book.closes.select("symbol", "date", first_close="close").sort("date")
    joined = numbered.join_asof(
        closes, left_on="entry_date", right_on="date", by="symbol", strategy="forward", check_sortedness=False
    ).sort("lot")
    guess = pl.coalesce("entry_price", "first_close", "price")
    filled = joined.with_columns(guess.alias("entry_price"))
    if filled["entry_price"].null_count():
        row = filled.filter(pl.col("entry_price").is_null()).row(0, named=True)
        raise BookError(
            f"{book.readings[0].sheet.source}, line {row['line']}: {row['symbol']} has no cost or price"
        )
    count = lots["entry_price"].null_count()
    return filled.select(lots.columns), [f"{count:,} lots without a cost enter at their first close or price"]


def opening_equity(book: Book) -> tuple[Decimal, str]:
    """Return the equity before the first session, and how it was found, in words.

    The stated equity; else cash plus the market value of the lots held at the first session.

    Args:
        book: With its first session.
    """
    stated = book.choices.equity
    if stated is not None:
        return stated, f"equity before the first session, as stated: {stated:,.2f} USD"
    held = lots_held(book.lots, book.start)
    value = value_of_lots(held, book.closes, book.start)
    cash, source = _opening_cash(book)
    words = f"{source} {cash:,.2f} + {held.height:,} lots at their first close {value:,.2f}"
    return cash + value, f"equity before the first session, {book.start}: {cash + value:,.2f} USD = {words}"


def _opening_cash(book: Book) -> tuple[Decimal, str]:
    """Return the cash before the first session, USD, and its source in words."""
    if book.cash is not None or not book.only_trades:
        return book.cash or Decimal(0), "cash rows"
    cash = cash_of_trades(book.lots, book.income, book.flows, book.start)
    if cash is None:
        return Decimal(0), "no deposit up to then, so no cash (say --equity):"
    return cash, "cash left by the trades up to then"
