"""Inputs from frames in memory, without a store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from engine.core.errors import UsageError
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders.books.book import DEFAULT_NAME, Book, Choices, Sources, read_book
from loaders.books.dates import DateOrder
from loaders.books.refusals import BookError
from loaders.books.sheet import of_frame
from loaders.books.tables import book_tables
from loaders.duckdb.memory import MemoryReader
from loaders.shipped import shipped_rows
from loaders.window import load_window

Amount = int | float | str | Decimal


def book(
    positions: object = None,
    prices: object = None,
    flows: object = None,
    *,
    trades: object = None,
    name: str = DEFAULT_NAME,
    equity: Amount | None = None,
    start: date | None = None,
    end: date | None = None,
    run_date: date | None = None,
    date_order: DateOrder | None = None,
    columns: Mapping[str, str] | None = None,
) -> Inputs:
    """Return the inputs of a portfolio from frames, without a store.

    Each frame is a Polars or pandas frame or a dictionary of columns, with the column names that brokers
    use (Symbol or Ticker, Quantity or Shares, Side, Avg Price, Trade Date and others). The shipped factors,
    scenarios and benchmark weights come along.

    Args:
        positions: Lots: symbol and quantity (shares, below 0 or with the side "short" for short lots); if
            known entry price (USD a share) and entry date, exit price and exit date of a closed lot, price.
        prices: Closes in USD: date, symbol and close; or dates x symbols; or a frame of yfinance. Closes of
            the factor funds belong to them.
        flows: date and amount (USD, below 0 for a withdrawal).
        trades: date, action, symbol, quantity, price; instead of positions or in addition to them.
        name: Of the portfolio.
        equity: USD before the first session; default the cash rows plus the lots at their first closes.
        start: First day; default the first with a close of a held symbol and a lot.
        end: Last day; default that of the newest close.
        run_date: What counts as today; default `end`.
        date_order: "mdy" or "dmy", for dates as texts whose order is not certain.
        columns: {their name: ours}, for columns of the positions that are not recognised.

    Returns:
        Inputs of the window from `start` to `end`, for `compute`.

    Raises:
        BookError: A row cannot be used, or a frame lacks a column; the message names the rows.

    >>> import engine
    >>> positions = {"Symbol": ["AAA"], "Quantity": [10], "Avg Price": [100.0]}
    >>> prices = {"Date": ["2025-03-03", "2025-03-04", "2025-03-05"], "AAA": [100.0, 101.0, 103.0]}
    >>> results = engine.compute(engine.book(positions, prices, equity=5000), rules=engine.Rules.corrected())
    >>> [float(equity) for equity in results["portfolio_snapshots"]["equity_balance"]]
    [5000.0, 5010.0, 5030.0]
    """
    frames = {"positions": positions, "prices": prices, "flows": flows, "trades": trades}
    sheets = {source: of_frame(frame, source) for source, frame in frames.items() if frame is not None}
    amount = None if equity is None else Decimal(str(equity))
    read = read_book(Sources(**sheets), Choices(name, amount, start, date_order, columns or {}))
    if read.refusals:
        raise BookError("", read.refusals)
    return _inputs(read, end, run_date)


def _inputs(read: Book, end: date | None, run_date: date | None) -> Inputs:
    last = end or read.closes["date"].max()
    if not isinstance(last, date):
        raise UsageError("a book in memory needs prices")
    window = Window(read.start, last, run_date or last)
    with MemoryReader({**shipped_rows(), **book_tables(read)}) as reader:
        return load_window(reader, window)
