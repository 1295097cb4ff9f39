"""The universe: the symbols whose prices the portfolios, and their analytics, need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.core.errors import UsageError
from engine.core.funds import FACTOR_FUNDS
from engine.core.instruments import unquoted
from loaders.reader import Reader

FUNDS = (*FACTOR_FUNDS, "QQQ", "VTI", "IEF", "SHY", "HYG", "LQD", "DJP", "VNQ", "GLD")
"""Always collected: the factor funds, and those that the legacy batch collected with them."""
HELD = ("symbol", "investment_class", "exit_date", "expiration_date", "deleted_at")
LONGEST = 20
"""Characters of a symbol, in all tables."""
NOT_MARKET = ("PRIVATE", "OPTIONS")


def universe(reader: Reader, since: date) -> list[str]:
    """The symbols to collect prices of, canonical and ascending.

    Those of positions that are not deleted, were not closed and did not expire before `since`,
    and are neither private nor options; a position without a class counts. Synthetic symbols and
    option contracts are no market's. The funds are always among them.
    Source: document 04 §2.2 and §2.3; real tickers that begin with EQ are collected (§9, D9).
    """
    held = reader.read("positions", HELD).filter(
        pl.col("deleted_at").is_null(),
        pl.col("investment_class").is_in(NOT_MARKET).not_().fill_null(True),
        _reaches("exit_date", since),
        _reaches("expiration_date", since),
    )
    symbols = held.select(pl.col("symbol").str.strip_chars().str.to_uppercase()).unique()
    quoted = symbols.filter(~unquoted("symbol", "none"))
    return sorted({*quoted["symbol"].to_list(), *FUNDS})


def _reaches(column: str, since: date) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column) >= since)


def require_quoted(symbols: Sequence[str]) -> list[str]:
    """The symbols, if a market quotes each of them.

    Raises:
        UsageError: one is empty, synthetic, an option contract, or longer than its column.
    """
    names = pl.DataFrame({"symbol": pl.Series(symbols, dtype=pl.String)})
    too_long = pl.col("symbol").str.len_chars() > LONGEST
    for symbol in names.filter(unquoted("symbol", "none") | too_long)["symbol"]:
        raise UsageError(f"'{symbol}' is no symbol that a market quotes")
    return list(symbols)
