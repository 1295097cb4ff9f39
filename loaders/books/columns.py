"""The columns of a book by the names that brokers and trackers give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.core.errors import either, nearest
from loaders.books.refusals import BookError

POSITION_NAMES: dict[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ticker", "ticker symbol", "instrument", "security symbol", "symbol cusip"),
    "quantity": ("quantity", "qty", "shares", "units", "position", "number of shares", "contracts"),
    "side": ("side", "long short", "ls", "direction", "position side", "position type"),
    "entry_price": (
        "entry price", "avg price", "average price", "average cost", "avg cost", "average cost basis",
        "purchase price", "price paid", "cost price", "cost share", "cost per share", "unit cost", "cost",
        "cost basis price", "open price", "average cost share", "avg unit cost", "buy price",
    ),
    "total_cost": (
        "cost basis", "cost basis total", "total cost", "cost basis money", "purchase value", "book cost",
        "book value",
    ),
    "entry_date": (
        "entry date", "trade date", "purchase date", "date acquired", "acquired", "open date",
        "opened", "open date time", "opening date", "acquisition date", "buy date", "date purchased",
    ),
    "exit_price": ("exit price", "sell price", "sale price", "close out price", "closing trade price"),
    "exit_date": ("exit date", "sell date", "sale date", "date sold", "closed", "closed date", "date closed"),
    "price": (
        "price", "last price", "current price", "mark price", "close price", "share price", "last",
        "market price", "quote", "closing price", "mark", "price market",
    ),
    "value": (
        "value", "market value", "mkt val", "mkt value", "current value", "total value", "position value",
    ),
    "kind": ("type",),
    "asset_class": (
        "asset class", "asset category", "security type", "asset type", "investment class",
        "instrument type", "sec type",
    ),
    "description": (
        "description", "name", "security name", "investment name", "security", "security description",
        "company name", "fund name",
    ),
    "currency": ("currency", "currency primary", "transaction currency", "ccy"),
    "underlying": ("underlying", "underlying symbol"),
    "strike": ("strike", "strike price"),
    "expiration": ("expiration", "expiry", "expiration date", "exp date"),
    "right": ("put call", "call put", "right", "option type"),
}  # fmt: skip
"""Names of a column of positions, in lower case without signs: {ours: theirs}."""

TRADE_NAMES: dict[str, tuple[str, ...]] = {
    "date": (
        "date", "trade date", "activity date", "transaction date", "run date", "date time",
        "execution date", "tradedate", "date of trade",
    ),
    "action": (
        "action", "type", "activity type", "transaction type", "trans code", "buy sell", "side",
        "transaction", "trade type", "activity",
    ),
    "symbol": ("symbol", "ticker", "ticker symbol", "instrument", "security symbol"),
    "quantity": ("quantity", "qty", "shares", "units", "number of shares"),
    "price": ("price", "unit price", "share price", "quote", "trade price", "tprice", "t price"),
    "amount": (
        "amount", "net amount", "value", "total", "proceeds", "net cash", "total amount",
        "net transaction value",
    ),
    "fee": ("fee", "fees", "commission", "commission fees", "fees comm", "comm fee", "ib commission"),
    "description": ("description", "security name", "name", "note", "comment", "security"),
    "lot_date": (
        "lot date", "open date", "opened", "opened date", "date opened", "opening date", "date acquired",
        "acquired", "acquired date", "acquisition date", "purchase date",
    ),
    "currency": POSITION_NAMES["currency"],
}  # fmt: skip
"""Names of a column of trades."""

PRICE_NAMES: dict[str, tuple[str, ...]] = {
    "date": ("date", "day", "price date", "trade date", "datetime", "timestamp", "index", "unnamed 0"),
    "symbol": ("symbol", "ticker", "instrument", "act symbol"),
    "close": ("close", "price", "close price", "closing price", "last", "last price", "close last", "value"),
    "adjusted": ("adj close", "adjusted close", "adjclose", "adj closing price"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "volume": ("volume",),
    "currency": POSITION_NAMES["currency"],
}
"""Names of a column of prices in long form."""

FLOW_NAMES: dict[str, tuple[str, ...]] = {
    "date": ("date", "change date", "flow date", "transaction date", "trade date", "activity date", "day"),
    "amount": ("amount", "value", "cash", "net amount", "usd", "cash flow", "flow"),
    "kind": ("type", "kind", "change type", "action", "direction", "transaction type", "flow type"),
    "notes": ("notes", "note", "description", "comment", "memo"),
    "currency": POSITION_NAMES["currency"],
}
"""Names of a column of cash movements."""

IN_BRACKETS = re.compile(r"\(.*?\)")
NO_LETTER = re.compile(r"[^a-z0-9]+")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def normal(name: str) -> str:
    """Return a column's name in lower case, words separated by one space.

    Args:
        name: A header as the file has it.
    """
    return NO_LETTER.sub(" ", CAMEL.sub(" ", name.strip()).lower()).strip()


def rank(name: str, theirs: Sequence[str]) -> int | None:
    """Return the place of a header among a column's names, None if it is none of them.

    `Qty (Quantity)` is tried whole, then without the part in brackets.

    Args:
        name: A header of the file.
        theirs: Names of a column, the best first, in lower case.
    """
    squeezed = [one.replace(" ", "") for one in theirs]
    for form in (name, IN_BRACKETS.sub("", name)):
        plain = normal(form).replace(" ", "")
        if plain in squeezed:
            return squeezed.index(plain)
    return None


def column_of(name: str, names: Mapping[str, Sequence[str]]) -> tuple[str, int] | None:
    """Return the column that a header names, and the header's rank among the column's names.

    Args:
        name: A header of the file.
        names: For each column the names that others give it, the best first.
    """
    for column, theirs in names.items():
        place = rank(name, theirs)
        if place is not None:
            return column, place
    return None


@dataclass(frozen=True)
class Header:
    """Which header stands for which column.

    Attributes:
        columns: {ours: index in the header}.
        ignored: Headers that stand for no column.
    """

    columns: dict[str, int]
    ignored: list[str]


def read_header(
    header: Sequence[str], names: Mapping[str, Sequence[str]], stated: Mapping[str, str], place: str
) -> Header:
    """Find the columns of a header. Of two names of one column the more usual one counts.

    Args:
        header: Names as the file has them.
        names: Synonyms by column, the most certain first.
        stated: {theirs: ours}, as the user says; it precedes the synonyms.
        place: File and line, for errors.

    Returns:
        The columns, and the headers that are none.

    Raises:
        BookError: The same name is there twice, or a stated name is unknown.
    """
    titles = [name.strip() for name in header]
    _check_stated(titles, names, stated, place)
    free = {column: theirs for column, theirs in names.items() if column not in stated.values()}
    best: dict[str, tuple[int, int]] = {}
    for index, title in enumerate(titles):
        match = (stated[title], -1) if title in stated else column_of(title, free)
        if match is None:
            continue
        column, place_of_name = match
        if column in best and best[column][0] == place_of_name:
            both = f"'{titles[best[column][1]]}' and '{title}'"
            raise BookError(f"{place}: {both} both stand for {column}", hint="Rename one of them")
        if column not in best or place_of_name < best[column][0]:
            best[column] = (place_of_name, index)
    columns = {column: index for column, (_, index) in best.items()}
    used = set(columns.values())
    return Header(columns, [title for index, title in enumerate(titles) if title and index not in used])


def _check_stated(titles: Sequence[str], names: Iterable[str], stated: Mapping[str, str], place: str) -> None:
    known = list(names)
    for theirs, column in stated.items():
        if column not in known:
            raise BookError(
                f"--map {theirs}={column}: there is no column {column}", hint=f"Use {either(known)}"
            )
        if theirs not in titles:
            raise BookError(f"{place}: there is no column '{theirs}'{nearest(theirs, titles)}")
