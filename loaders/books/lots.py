"""One row of positions as a lot: its contract, side, quantity and prices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from engine.core.instruments import CONTRACT_SIZE
from loaders.books.dates import parse_date
from loaders.books.numbers import EXACT, plain
from loaders.books.options import Contract, contract

SIDES = {
    **dict.fromkeys(("short", "sell", "sold", "s", "sell short", "sc", "sp", "-1"), -1),
    **dict.fromkeys(("long", "buy", "bought", "l", "b", "lc", "lp", "1"), 1),
}
PRIVATE = re.compile(r"private|real estate|real asset|venture|collectible|\bart\b|loan|alternative", re.I)
SYMBOL = re.compile(r"[A-Z0-9$^][A-Z0-9.\-=^/_: ]*")
LONGEST_SYMBOL, LONGEST_UNDERLYING = 20, 10
"""Characters that the columns of `positions` hold."""
SHARE_CLASS = re.compile(r"([A-Z]{1,5})[ /-]([A-Z])")
"""BRK B, BRK/B and BRK-B stand for BRK.B."""
STARS = re.compile(r"\*+$")

LOTS: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "symbol": pl.String(),
    "position_type": pl.String(),
    "quantity": EXACT,
    "entry_price": EXACT,
    "entry_date": pl.Date(),
    "exit_price": EXACT,
    "exit_date": pl.Date(),
    "price": EXACT,
    "underlying_symbol": pl.String(),
    "strike_price": EXACT,
    "expiration_date": pl.Date(),
    "investment_class": pl.String(),
    "investment_subtype": pl.String(),
}
"""Columns of lots: quantity signed, prices in USD a share; null where the file says nothing."""

Row = Mapping[str, Any]


class RowError(ValueError):
    """A row that cannot be used."""


def read_lot(row: Row) -> dict[str, object]:
    """Return a lot in the columns `LOTS`; a `RowError` is raised if the row contradicts itself.

    Args:
        row: `line`, the texts of a row of positions, and its numbers and dates.
    """
    option = _contract(row)
    symbol = symbol_of(row["symbol"], option)
    quantity = _quantity(row)
    size = CONTRACT_SIZE if option else 1
    _check_dates(row)
    return {
        "line": row["line"],
        "symbol": symbol,
        "position_type": position_type(quantity, option),
        "quantity": quantity,
        "entry_price": _cost(row, quantity, size),
        "entry_date": row["entry_date"],
        "exit_price": _price(row, "exit_price"),
        "exit_date": row["exit_date"],
        "price": _market_price(row, quantity, size),
        **contract_columns(option),
        "investment_class": "OPTIONS" if option else _investment_class(row),
        "investment_subtype": None,
    }


def contract_columns(option: Contract | None) -> dict[str, object]:
    """Return the columns of a lot that describe its option contract; nulls for None.

    Args:
        option: None for other symbols.
    """
    return {
        "underlying_symbol": option and option.underlying,
        "strike_price": option and option.strike,
        "expiration_date": option and option.expiration,
    }


def position_type(quantity: Decimal, option: Contract | None) -> str:
    """Return LONG or SHORT; of an option LC, LP, SC or SP.

    Args:
        quantity: Shares or contracts; a negative one is short.
        option: The contract; None for other symbols.
    """
    if option is None:
        return "SHORT" if quantity < 0 else "LONG"
    return f"{'S' if quantity < 0 else 'L'}{option.right}"


def symbol_of(text: str | None, option: Contract | None = None) -> str:
    """Return a symbol as market data is stored under it.

    Args:
        text: Symbol as the file has it; not read where there is an option.
        option: The contract that the row names, whose symbol it is.

    Raises:
        RowError: The text is empty, a formula, too long, or no symbol.
    """
    if option:
        return option.symbol
    name = STARS.sub("", (text or "").strip()).upper()
    if not name:
        raise RowError("there is no symbol")
    if name[0] in "=+@":
        raise RowError(f"'{text}' is a formula, not a symbol")
    if match := SHARE_CLASS.fullmatch(name):
        name = f"{match[1]}.{match[2]}"
    if not SYMBOL.fullmatch(name) or len(name) > LONGEST_SYMBOL:
        raise RowError(f"'{text}' is no symbol of at most {LONGEST_SYMBOL} letters, digits and .-=^/_:")
    return name


def _contract(row: Row) -> Contract | None:
    """Return the option contract of a row: of its symbol, its own columns, or its description."""
    option = contract(row["symbol"] or "") or _of_columns(row) or contract(row.get("description") or "")
    if option and len(option.underlying) > LONGEST_UNDERLYING:
        raise RowError(f"the underlying {option.underlying} has more than {LONGEST_UNDERLYING} characters")
    return option


def _of_columns(row: Row) -> Contract | None:
    """Return the contract that the columns strike, expiration and right describe."""
    right = (row.get("right") or "")[:1].upper()
    if right not in ("C", "P"):
        return None
    strike, expiration = _decimal(row.get("strike")), parse_date(row.get("expiration") or "", "mdy")
    if strike is None or expiration is None:
        return None
    underlying = row.get("underlying") or row["symbol"]
    return Contract(symbol_of(underlying), expiration, "C" if right == "C" else "P", strike)


def _decimal(text: str | None) -> Decimal | None:
    digits = (text or "").replace("$", "").replace(",", "").strip()
    return Decimal(digits) if re.fullmatch(r"\d+(\.\d+)?", digits) else None


def _quantity(row: Row) -> Decimal:
    """Return the signed quantity.

    Raises:
        RowError: There is none, it is 0, or it contradicts the side.
    """
    quantity: Decimal | None = row["quantity"]
    if not quantity:
        raise RowError("there is no quantity" if quantity is None else "the quantity is 0")
    side = _side(row)
    if side == 1 and quantity < 0:
        raise RowError(f"a long position of {plain(quantity)} contradicts itself")
    return -abs(quantity) if side == -1 else quantity


def _side(row: Row) -> int | None:
    """Return -1 for a short position, 1 for a long one, None where the row does not say.

    A column named Type may hold the kind of account or security instead.

    Raises:
        RowError: The side is stated in unknown words.
    """
    stated = (row.get("side") or "").strip().lower()
    if stated and stated not in SIDES:
        raise RowError(f"the side '{row['side']}' is neither long nor short")
    return SIDES.get(stated) or SIDES.get((row.get("kind") or "").strip().lower())


def _price(row: Row, column: str) -> Decimal | None:
    price: Decimal | None = row[column]
    if price is not None and price < 0:
        raise RowError(f"the {column.replace('_', ' ')} {plain(price)} is below 0")
    return price


def _cost(row: Row, quantity: Decimal, size: int) -> Decimal | None:
    """Return the entry price, from the total cost where the row has only that."""
    price = _price(row, "entry_price")
    if price is None and row["total_cost"] is not None:
        return abs(Decimal(row["total_cost"]) / quantity / size)
    return price


def _market_price(row: Row, quantity: Decimal, size: int) -> Decimal | None:
    """Return the price, from the value where the row has only that."""
    price = _price(row, "price")
    if price is None and row["value"] is not None:
        return abs(Decimal(row["value"]) / quantity / size)
    return price


def _check_dates(row: Row) -> None:
    entry, ended = row["entry_date"], row["exit_date"]
    if (ended is None) != (row["exit_price"] is None):
        raise RowError("a closed lot has both an exit price and an exit date")
    if entry and ended and ended < entry:
        raise RowError(f"the exit on {ended} precedes the entry on {entry}")


def _investment_class(row: Row) -> str:
    words = f"{row.get('asset_class') or ''} {row.get('kind') or ''}"
    return "PRIVATE" if PRIVATE.search(words) else "PUBLIC"
