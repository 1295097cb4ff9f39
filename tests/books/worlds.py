"""A book of 25 lots with all that a book can have, and what a spreadsheet says of its equity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from engine.core.calendar import sessions
from engine.core.funds import FACTOR_FUNDS

START, END = date(2025, 1, 2), date(2025, 12, 31)
SESSIONS = sessions(START, END)
COMPANIES = tuple(f"C{letter}{number}" for letter in "ABC" for number in range(7))
DELISTED, CLOSED = "CC6", "CB6"
LAST_DAY_OF_DELISTED, EXIT_DAY = date(2025, 6, 30), date(2025, 9, 15)
CASH = Decimal("25000.50")
FLOWS = (
    (date(2025, 3, 3), Decimal("1500.25")),
    (date(2025, 5, 17), Decimal("-800.10")),  # a Saturday: booked on Monday
    (date(2025, 8, 1), Decimal("2500.00")),
    (date(2025, 11, 28), Decimal("-1000.00")),
)
OPTIONS = (("AAPL  260116C00250000", 3, Decimal("12.40")), ("AAPL  260116P00200000", -2, Decimal("4.15")))


@dataclass(frozen=True)
class Lot:
    symbol: str
    quantity: int
    entry_price: Decimal


@cache
def lots() -> list[Lot]:
    """23 lots of shares: every fourth is short, two are of one symbol, and one more of a fund."""
    listed = [
        Lot(symbol, (10 + number) * (-1 if number % 4 == 3 else 1), closes()[symbol][START])
        for number, symbol in enumerate(COMPANIES)
    ]
    return [*listed, Lot(COMPANIES[0], 5, Decimal("51.25")), Lot("SPY", 4, Decimal("101.00"))]


def all_closes() -> Iterator[tuple[date, str, Decimal]]:
    """Closes of companies and factor funds; the delisted company's end."""
    for symbol in (*COMPANIES, *FACTOR_FUNDS):
        seed = sum(ord(letter) * 31**place for place, letter in enumerate(symbol))
        cents = 4000 + seed % 9000
        for number, day in enumerate(SESSIONS):
            if number:
                seed = (seed * 1103515245 + 12345) % 2**31
                cents += (seed >> 8) % (cents // 50 + 1) - cents // 100
            if symbol != DELISTED or day <= LAST_DAY_OF_DELISTED:
                yield day, symbol, Decimal(cents) / 100


def positions(closed: bool) -> str:
    """The book as a broker's export; with or without the closed lot's exit."""
    exit_price = closes()[CLOSED][EXIT_DAY] + Decimal("0.75")
    lines = ["Symbol,Quantity,Side,Avg Price,Trade Date,Last Price,Exit Price,Exit Date,Market Value"]
    for lot in lots():
        gone = f"{exit_price},{EXIT_DAY:%m/%d/%Y}" if closed and lot.symbol == CLOSED else ","
        side = "Short" if lot.quantity < 0 else "Long"
        lines.append(f'{lot.symbol},{abs(lot.quantity)},{side},"${lot.entry_price}",01/02/2025,,{gone},')
    lines += [f"{name},{quantity},,{price},12/16/2024,{price},,," for name, quantity, price in OPTIONS]
    lines += ["", f'Cash,,,,,,,,"${CASH:,}"', "Account Total,,,,,,,,123456.78", ""]
    return "\n".join(lines)


@cache
def closes() -> dict[str, dict[date, Decimal]]:
    """Closes by symbol and day."""
    table: dict[str, dict[date, Decimal]] = {}
    for day, symbol, price in all_closes():
        table.setdefault(symbol, {})[day] = price
    return table


def prices() -> str:
    """A table of dates x symbols."""
    table = closes()
    names = list(table)
    rows = [",".join([str(day), *(str(table[name].get(day, "")) for name in names)]) for day in SESSIONS]
    return "\n".join([",".join(["Date", *names]), *rows, ""])


def flows() -> str:
    """Four cash movements, dates with the month first."""
    return "\n".join(["Date,Amount,Note", *(f"{day:%m/%d/%Y},{amount}," for day, amount in FLOWS), ""])


def equity_by_hand(closed: bool, until: date = END) -> list[Decimal]:
    """Equity of each session: cash and flows so far, and each lot at its newest close.

    A closed lot stays at its exit price from the exit day on: what it brought is cash.
    """
    table = closes()
    options = sum((100 * quantity * price for _, quantity, price in OPTIONS), Decimal(0))
    equity = []
    for day in SESSIONS:
        if day > until:
            break
        total = CASH + options + sum(amount for when, amount in FLOWS if when <= day)
        for lot in lots():
            price = table[lot.symbol][max(known for known in table[lot.symbol] if known <= day)]
            if closed and lot.symbol == CLOSED and day >= EXIT_DAY:
                price = table[CLOSED][EXIT_DAY] + Decimal("0.75")
            total += lot.quantity * price
        equity.append(total)
    return equity
