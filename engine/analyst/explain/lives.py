"""The life of a lot by the rules of a store, one part after the other: what was held when, and how it ended.

A lot is cut into parts: one for each realized event that closed some of it, and one for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from engine.analyst.explain.session_quotes import PricedSession, SessionQuote, session_quote
from engine.core.calendar import last_session
from engine.core.instruments import CALLS, CONTRACT_SIZE, OPTION_TYPES, SHORT_TYPES

ZERO = Decimal(0)
Row = dict[str, Any]


class Session(PricedSession, Protocol):
    """A session of a portfolio: what the life of a lot needs of a case."""

    @property
    def last_snapshot(self) -> date | None:
        """Day of the snapshot before the session; None in the portfolio's first session."""

    @property
    def founded(self) -> date:
        """The portfolio's first session."""

    @property
    def dividends(self) -> Mapping[str, Mapping[date, Decimal]]:
        """Cash of a share by symbol and ex-date."""

    def events(self, position: str) -> list[Row]:
        """Return the realized events of a position, oldest first."""


@dataclass(frozen=True)
class Part:
    """A part of a lot that ends in one piece.

    Attributes:
        quantity: Shares or contracts, negative when short.
        end: Day of its end; None for a part that is still held.
        price: USD a share at which it ended; None for the newest close up to that day.
        by_event: Whether a realized event closed it.
        life: Its reason in engine_lot_pnl after the end.
    """

    quantity: Decimal
    end: date | None = None
    price: Decimal | None = None
    life: str = "closed"
    by_event: bool = False


@dataclass(frozen=True)
class Move:
    """The move of a part in a session.

    Attributes:
        part: Of the lot.
        start: USD a share, where the session starts; None if unknown.
        end: USD a share, after the session or at the part's end in it; None if unknown.
    """

    part: Part
    start: Decimal | None
    end: Decimal | None


class LotLife:
    """The life of one row of positions in a case."""

    def __init__(self, case: Session, row: Row) -> None:
        """Cut a lot into its parts.

        Args:
            case: Realized events and closes.
            row: Of positions.
        """
        self.case, self.row = case, row
        self.entered: date = row["entry_date"]
        self.option = row["position_type"] in OPTION_TYPES
        self.private = (row["investment_class"] or "").upper() == "PRIVATE"
        self.units = CONTRACT_SIZE if self.option else 1
        self.refused = row["exit_date"] is not None and row["exit_date"] < self.entered
        expires = self.option and case.rules.expiry == "settled"
        self.dates = {
            "closed": row["exit_date"],
            "deleted": row["deleted_at"].date() if row["deleted_at"] else None,
            "expired": row["expiration_date"] if expires else None,
        }
        ends = [(day, number, life) for number, (life, day) in enumerate(self.dates.items()) if day]
        first = min(ends, default=None)
        self.end: date | None = first[0] if first else None
        self.ended_as = first[2] if first else "open"
        self.parts = [] if self.refused else self._parts()

    @property
    def side(self) -> int:
        """1 for a long lot, -1 for a short one: the sign of the quantity, of a closed lot its type's."""
        quantity = self.row["quantity"]
        short = quantity < 0 or (quantity == 0 and self.row["position_type"] in SHORT_TYPES)
        return -1 if short else 1

    def _events(self) -> list[Row]:
        """Return the events that close a part of the lot."""
        if self.case.rules.realized_gains == "added":
            return []
        kept = abs(self.row["quantity"])
        events = []
        for event in self.case.events(self.row["id"]):
            day, size = event["trade_date"], abs(event["quantity_closed"])
            too_large = kept and day in self.dates.values() and size > kept
            if size and self.entered <= day <= (self.end or day) and not too_large:
                events.append(event)
        return events

    def _parts(self) -> list[Part]:
        kept, parts = abs(self.row["quantity"]), []
        events, rest = self._events(), kept
        for event in events:
            size, day = abs(event["quantity_closed"]), event["trade_date"]
            price = self.row["entry_price"] + event["realized_pnl"] / (self.side * size * self.units)
            if day == self.dates["closed"] and self.row["exit_price"] is not None:
                price = self.row["exit_price"]
            life = self.ended_as if day == self.end else "closed"
            parts.append(Part(self.side * size, day, price, life, by_event=True))
            of_day = sum(abs(e["quantity_closed"]) for e in events if e["trade_date"] == day)
            # A lot with an end keeps its quantity: events of all of it on that day are not added back.
            if kept and day in self.dates.values() and of_day == kept:
                rest -= size
        if rest:
            parts.append(Part(self.side * rest, self.end, self._end_price(), self.ended_as))
        return parts

    def _end_price(self) -> Decimal | None:
        if self.ended_as == "closed":
            price: Decimal | None = self.row["exit_price"]
            return price
        strike = self.row["strike_price"]
        if self.ended_as != "expired" or self.end is None or strike is None:
            return None
        quote = self.case.before(self.row["underlying_symbol"] or "", self.end + timedelta(days=1))
        if quote is None or quote.day < last_session(self.end):
            return None
        inside: Decimal = quote.price - strike
        return max(ZERO, inside if self.row["position_type"] in CALLS else -inside)

    def held(self, day: date) -> Decimal:
        """Return the quantity after a session, 0 where the lot is not held."""
        if self.entered > day:
            return ZERO
        return sum((p.quantity for p in self.parts if p.end is None or p.end > day), ZERO)

    def eve(self, day: date) -> Decimal:
        """Return the quantity on the eve of a day."""
        if self.entered >= day:
            return ZERO
        return sum((p.quantity for p in self.parts if p.end is None or p.end >= day), ZERO)

    def opening(self, session: date, last: date) -> Decimal:
        """Return the quantity that a session starts with, or that is bought in it.

        Args:
            session: The session.
            last: The session before it that is stored.
        """
        if self.entered > session:
            return ZERO
        return sum((p.quantity for p in self.parts if p.end is None or p.end > last), ZERO)

    def life(self, day: date) -> str:
        """Return the reason for the quantity after a session, as engine_lot_pnl has it."""
        if self.refused:
            return "refused"
        if self.entered > day:
            return "not yet bought"
        if self.end is not None and self.end <= day:
            return self.ended_as
        return "open" if self.held(day) else "closed"

    def gone(self, day: date) -> bool:
        """Return whether the lot has ended by a day, so that it is worth 0."""
        return self.life(day) not in ("not yet bought", "open")

    def moves(self) -> list[Move]:
        """Return the moves of the lot's parts in the session; none where the lot has no P&L."""
        case = self.case
        quote = session_quote(case, self.row["symbol"])
        if case.last_snapshot is None or self.private or quote.newest_day is None or self.entered > case.day:
            return []
        since = case.booked_until
        parts = (p for p in self.parts if p.end is None or (p.end > since and p.end >= self.entered))
        return [Move(part, self._start(quote), self._end(part, quote)) for part in parts]

    def prices(self) -> tuple[Decimal | None, Decimal | None]:
        """Return the prices between which a part moves that is held all session, USD; None if unknown."""
        quote = session_quote(self.case, self.row["symbol"])
        return self._start(quote), self._now(quote)

    def _start(self, quote: SessionQuote) -> Decimal | None:
        """Return where the lot starts: its base, or its entry price where it has had no close since."""
        founding = self.entered <= self.case.founded
        began = founding or (quote.base_day is not None and quote.base_day >= self.entered)
        if began or self.case.rules.closed_lots != "exact":
            return quote.base
        price: Decimal = self.row["entry_price"]
        unknown = self.option and not price and self.case.rules.options == "greeks"
        return None if unknown else price

    def _end(self, part: Part, quote: SessionQuote) -> Decimal | None:
        """Return the price of a part after the session, or at its end in it."""
        if part.end is None or part.end > self.case.day:
            return self._now(quote)
        if part.by_event:
            return part.price
        if self.case.rules.closed_lots != "exact":
            return quote.close if self.case.rules.closed_lots == "earn" else quote.base
        return part.price if part.price is not None else self._last_close(part.end)

    def _now(self, quote: SessionQuote) -> Decimal | None:
        """Return the price after the session: its close, of the lot's own days where entry prices count."""
        founding = self.entered <= self.case.founded
        began = founding or (quote.newest_day is not None and quote.newest_day >= self.entered)
        return quote.close if began or self.case.rules.closed_lots != "exact" else None

    def _last_close(self, day: date) -> Decimal | None:
        """Return the newest close up to a day, not before the entry."""
        quote = self.case.before(self.row["symbol"], day + timedelta(days=1))
        while quote is not None and quote.price <= 0:
            quote = self.case.before(self.row["symbol"], quote.day)
        return quote.price if quote is not None and quote.day >= self.entered else None

    def pnl(self) -> Decimal:
        """Return the P&L of the session in USD, not rounded."""
        known = ((m.part.quantity, m.start, m.end) for m in self.moves())
        moved = (q * (end - start) for q, start, end in known if start is not None and end is not None)
        return self.units * sum(moved, ZERO)

    def dividend(self, day: date) -> Decimal:
        """Return the cash of an ex-date: quantity on its eve x dividends a share; negative when short."""
        if self.private or self.option:
            return ZERO
        return self.eve(day) * self.case.dividends.get(self.row["symbol"].upper(), {}).get(day, ZERO)

    def priced(self) -> bool:
        """Return whether the lot could be valued in the session: a close, or a part that ended in it."""
        day, since = self.case.day, self.case.booked_until
        ended = any(p.end is not None and since < p.end <= day for p in self.parts)
        fresh = session_quote(self.case, self.row["symbol"]).close is not None
        return not self.private and (fresh or ended)
