"""Symbols whose prices the portfolios and their analytics need."""

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
POSITION_COLUMNS = ("symbol", "investment_class", "exit_date", "expiration_date", "deleted_at")
LONGEST_SYMBOL = 20
"""Characters, in all tables."""
UNQUOTED_CLASSES = ("PRIVATE", "OPTIONS")


def universe(reader: Reader, since: date) -> list[str]:
    """Return the symbols to collect prices of, canonical and ascending.

    They are the symbols of positions that are not deleted, were not closed and did not expire
    before `since`, and are neither private nor options; a position without a class counts.
    Synthetic symbols and option contracts are left out, and `FUNDS` are always included.
    Source: document 04 §2.2 and §2.3; real tickers that begin with EQ are collected (§9, D9).

    Args:
        reader: of the store with the positions.
        since: first session to be computed.

    Returns:
        Each symbol once.
    """
    positions = reader.read("positions", POSITION_COLUMNS).filter(
        pl.col("deleted_at").is_null(),
        pl.col("investment_class").is_in(UNQUOTED_CLASSES).not_().fill_null(True),
        _reaches("exit_date", since),
        _reaches("expiration_date", since),
    )
    return sorted({*quoted_symbols(positions), *FUNDS})


def _reaches(column: str, since: date) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column) >= since)


def quoted_symbols(positions: pl.DataFrame) -> pl.Series:
    """Return the canonical symbols of positions that a market quotes, ascending, each once.

    Args:
        positions: symbol, as the positions spell it.

    Returns:
        Without synthetic symbols and option contracts (document 04 §2.2).
    """
    symbols = positions.select(pl.col("symbol").str.strip_chars().str.to_uppercase()).unique().sort("symbol")
    return symbols.filter(~unquoted("symbol", "none"))["symbol"]


def require_quoted(symbols: Sequence[str]) -> list[str]:
    """Return the symbols if a market quotes all of them.

    Args:
        symbols: canonical.

    Returns:
        The same symbols.

    Raises:
        UsageError: one is empty, synthetic, an option contract, or longer than its column.
    """
    names = pl.DataFrame({"symbol": pl.Series(symbols, dtype=pl.String)})
    too_long = pl.col("symbol").str.len_chars() > LONGEST_SYMBOL
    for symbol in names.filter(unquoted("symbol", "none") | too_long)["symbol"]:
        raise UsageError(f"'{symbol}' is no symbol that a market quotes")
    return list(symbols)
