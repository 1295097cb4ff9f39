"""The right books of a portfolio: a plain loop over lots and sessions, in exact decimals.

Written from the definition of the right figures alone, without a look at the engine: a lot is cut into
tranches, one for each event that closed a part of it and one for the rest. The price of a tranche on a day is
its entry price, then its newest close, then the price at which it ended; its P&L is the change of that price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = Mapping[str, Any]
ZERO, CENT, TICK = Decimal(0), Decimal("0.01"), Decimal("0.0001")
OPTIONS = ("LC", "LP", "SC", "SP")


@dataclass(frozen=True)
class Tranche:
    """A part of a lot that ends in one piece; `end` is None for a part that is still held.

    price: at which it ended; None for the newest close up to that day. why: closed, deleted or expired.
    """

    quantity: Decimal
    end: date | None = None
    price: Decimal | None = None
    why: str = ""


@dataclass
class Book:
    """A portfolio's rows, and the closes of all symbols by day; closes of 0 are none.

    founded: its first session ever. sessions: those to compute; before: the snapshot before the first, None
    at the founding. dividends: by symbol and ex-date, USD a share. quoted_from: the first day whose close is
    as it was quoted, by symbol.
    """

    positions: Sequence[Row]
    events: Sequence[Row]
    flows: Sequence[Row]
    closes: Mapping[str, Mapping[date, Decimal]]
    sessions: Sequence[date]
    before: date | None
    founded: date
    calendar: Sequence[date]
    dividends: Mapping[str, Mapping[date, Decimal]] = field(default_factory=dict)
    quoted_from: Mapping[str, date] = field(default_factory=dict)
    quotes: dict[tuple[str, date], tuple[date, Decimal] | None] = field(default_factory=dict)

    def close(self, symbol: str | None, day: date) -> tuple[date, Decimal] | None:
        """The newest close above 0 up to a day."""
        name = (symbol or "").upper()
        if (name, day) not in self.quotes:
            known = [(d, p) for d, p in self.closes.get(name, {}).items() if d <= day and p > 0]
            self.quotes[name, day] = max(known, default=None)
        return self.quotes[name, day]

    def tranches(self, lot: Row) -> list[Tranche]:
        """The parts of a lot."""
        side = self.side(lot)
        end, why = self.end(lot)
        if lot["exit_date"] is not None and lot["exit_date"] < lot["entry_date"]:
            return []
        kept, parts = abs(lot["quantity"]), []
        dates = {lot["exit_date"], deleted(lot), lot["expiration_date"] if option(lot) else None} - {None}
        mine = [e for e in self.events if e["position_id"] == lot["id"] and e["quantity_closed"] != 0]
        mine = [e for e in mine if e["trade_date"] >= lot["entry_date"]]
        if end is not None:
            mine = [e for e in mine if e["trade_date"] <= end]
        closing = kept != 0
        mine = [
            e for e in mine if not (closing and e["trade_date"] in dates and abs(e["quantity_closed"]) > kept)
        ]
        rest = kept
        for event in mine:
            size, day = abs(event["quantity_closed"]), event["trade_date"]
            price = lot["entry_price"] + event["realized_pnl"] / (side * size * units(lot))
            if day == lot["exit_date"] and lot["exit_price"] is not None:
                price = lot["exit_price"]
            why_closed = why if day == end else "closed"
            parts.append(Tranche(side * size, day, price, why_closed))
            on_day = sum(abs(e["quantity_closed"]) for e in mine if e["trade_date"] == day)
            if closing and day in dates and on_day == kept:
                rest -= size
        if rest:
            parts.append(Tranche(side * rest, end, self.end_price(lot, end, why), why))
        return parts

    def side(self, lot: Row) -> int:
        if lot["quantity"]:
            return 1 if lot["quantity"] > 0 else -1
        return -1 if lot["position_type"] in ("SHORT", "SC", "SP") else 1

    def end(self, lot: Row) -> tuple[date | None, str]:
        """The day on which the whole lot ends."""
        ends = [(lot["exit_date"], "closed"), (deleted(lot), "deleted")]
        if option(lot):
            ends.append((lot["expiration_date"], "expired"))
        known = [(day, number, why) for number, (day, why) in enumerate(ends) if day is not None]
        if not known:
            return None, ""
        day, _, why = min(known)
        return day, why

    def end_price(self, lot: Row, end: date | None, why: str) -> Decimal | None:
        if why == "closed":
            price: Decimal | None = lot["exit_price"]
            return price
        if why != "expired" or end is None or lot["strike_price"] is None:
            return None
        traded = max(day for day in self.calendar if day <= end)
        under = self.close(lot["underlying_symbol"], end)
        if under is None or under[0] < traded:
            return None
        inside = under[1] - lot["strike_price"]
        return max(ZERO, inside if lot["position_type"] in ("LC", "SC") else -inside)

    def price(self, lot: Row, part: Tranche, day: date) -> Decimal | None:
        """The price of a tranche at the end of a day on or after its first."""
        if part.end is not None and part.end <= day:
            if part.price is not None:
                return part.price
            day = part.end
        newest = self.close(lot["symbol"], day)
        if lot["entry_date"] <= self.founded:
            return newest[1] if newest else None
        if newest is None or newest[0] < lot["entry_date"]:
            price: Decimal = lot["entry_price"]
            return price
        return newest[1]

    def pnl(self, lot: Row, session: date) -> Decimal:
        """Unrounded P&L of a lot in a session."""
        last = self.last(session)
        if last is None or private(lot) or self.close(lot["symbol"], session) is None:
            return ZERO
        total = ZERO
        for part in self.tranches(lot):
            if lot["entry_date"] > session or (part.end is not None and part.end <= last):
                continue
            if part.end is not None and part.end < lot["entry_date"]:
                continue
            later = lot["entry_date"] > last and lot["entry_date"] > self.founded
            start = lot["entry_price"] if later else self.price(lot, part, last)
            now = self.price(lot, part, session)
            if start is not None and now is not None:
                total += part.quantity * units(lot) * (now - start)
        return total

    def held(self, lot: Row, session: date) -> Decimal:
        """Quantity of a lot after a session."""
        if lot["entry_date"] > session:
            return ZERO
        parts = self.tranches(lot)
        return sum((p.quantity for p in parts if p.end is None or p.end > session), ZERO)

    def value(self, lot: Row, session: date) -> Decimal:
        """Value of a lot after a session at its newest close, 0 without one."""
        newest = self.close(lot["symbol"], session)
        return self.held(lot, session) * units(lot) * newest[1] if newest else ZERO

    def income(self, session: date) -> Decimal:
        """Income of all lots in a session."""
        return sum((self.lot_income(lot, session) for lot in self.positions), ZERO)

    def lot_income(self, lot: Row, session: date) -> Decimal:
        """Events of quantity 0 and dividends of a session and of the days without one before it.

        An event that equals the dividend of its day is left out.
        """
        last = self.last(session)
        if last is None:
            return ZERO
        total = ZERO
        for event in self.events:
            due = event["position_id"] == lot["id"] and last < event["trade_date"] <= session
            if due and event["quantity_closed"] == 0:
                cash = self.dividend(lot, event["trade_date"])
                total += ZERO if cash and event["realized_pnl"] == cents(cash) else event["realized_pnl"]
        name = lot["symbol"].upper()
        since = self.quoted_from.get(name, session)
        days = [day for day in self.dividends.get(name, {}) if last < day <= session and day > since]
        return total + sum((self.dividend(lot, day) for day in days), ZERO)

    def dividend(self, lot: Row, day: date) -> Decimal:
        """Cash of a lot that was held on the eve of an ex-date; negative when short."""
        cash = self.dividends.get(lot["symbol"].upper(), {}).get(day, ZERO)
        if private(lot) or option(lot) or lot["entry_date"] >= day:
            return ZERO
        parts = [part for part in self.tranches(lot) if part.end is None or part.end >= day]
        return cash * sum((part.quantity for part in parts), ZERO)

    def flow(self, session: date) -> Decimal:
        """Contributions less withdrawals; before the first session those since the session before it."""
        last = self.last(session) or max(day for day in self.calendar if day < session)
        moved = [f for f in self.flows if last < f["change_date"] <= session and f["deleted_at"] is None]
        return sum((f["amount"] if f["change_type"] == "CONTRIBUTION" else -f["amount"] for f in moved), ZERO)

    def last(self, session: date) -> date | None:
        """The session before, None at the founding."""
        number = self.sessions.index(session)
        return self.sessions[number - 1] if number else self.before

    def total(self, session: date) -> Decimal:
        """Unrounded P&L of the portfolio in a session."""
        return sum((self.pnl(lot, session) for lot in self.positions), self.income(session))

    def start_to_end(self, lot: Row) -> Decimal:
        """q m (end - start) of a lot over the sessions, without a look at the sessions between."""
        if self.before is not None or private(lot):
            raise ValueError("of a whole history, and of a lot with prices")
        last, total = self.sessions[-1], ZERO
        for part in self.tranches(lot):
            if part.end is not None and part.end <= self.founded:
                continue
            start = lot["entry_price"] if lot["entry_date"] > self.founded else self.founding(lot)
            end = self.price(lot, part, last)
            if start is not None and end is not None and lot["entry_date"] <= last:
                total += part.quantity * units(lot) * (end - start)
        return total

    def founding(self, lot: Row) -> Decimal | None:
        newest = self.close(lot["symbol"], self.founded)
        return newest[1] if newest else None


def option(lot: Row) -> bool:
    return lot["position_type"] in OPTIONS


def units(lot: Row) -> int:
    return 100 if option(lot) else 1


def private(lot: Row) -> bool:
    return (lot["investment_class"] or "").upper() == "PRIVATE"


def deleted(lot: Row) -> date | None:
    return lot["deleted_at"].date() if lot["deleted_at"] else None


def cents(amount: Decimal) -> Decimal:
    """Rounded once, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def quoted_by_symbol(
    closes: Mapping[str, Mapping[date, Decimal]],
    raw: Mapping[str, Mapping[date, tuple[Decimal, Decimal]]],
    dividends: Mapping[str, Mapping[date, Decimal]],
) -> dict[str, dict[date, Decimal]]:
    """Closes as they were quoted: the raw close of the day, else the adjusted one at the newest ratio.

    A close before the first raw one stays. One behind a dividend without a raw close since is none. raw: by
    symbol and day, the raw and the adjusted close.
    """
    table: dict[str, dict[date, Decimal]] = {}
    for symbol, prices in closes.items():
        known = raw.get(symbol, {})
        for day, price in prices.items():
            newest = max((d for d in known if d <= day), default=None)
            if newest is not None and price > 0:
                if any(newest < paid <= day for paid in dividends.get(symbol, {})):
                    continue
                quoted, adjusted = known[newest]
                fresh = quoted if newest == day else price * quoted / adjusted
                price = fresh.quantize(TICK, ROUND_HALF_UP)
            table.setdefault(symbol, {})[day] = price
    return table


def closes_by_symbol(rows: Iterable[Row]) -> dict[str, dict[date, Decimal]]:
    """Closes by symbol and day."""
    table: dict[str, dict[date, Decimal]] = {}
    for row in rows:
        table.setdefault(row["symbol"], {})[row["date"]] = row["close"]
    return table
