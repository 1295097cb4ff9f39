"""The closes between which a lot moves in a session, by the rules on zeros, weekends and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from engine.core.calendar import last_session
from engine.core.job_catalog import PNL
from engine.core.rules import Rules

ONE_DAY = timedelta(days=1)


class Close(Protocol):
    """A close in USD and its day."""

    @property
    def price(self) -> Decimal:
        """USD a share."""

    @property
    def day(self) -> date:
        """The day of the close."""


class PricedSession(Protocol):
    """A session of a portfolio, with its closes."""

    @property
    def day(self) -> date:
        """The session."""

    @property
    def rules(self) -> Rules:
        """Of the figures."""

    @property
    def booked_until(self) -> date:
        """The day up to which P&L and cash were booked before the session."""

    def close(self, symbol: str, day: date) -> Decimal | None:
        """Return the close of exactly this symbol and day.

        Args:
            symbol: As market data is stored under it.
            day: Of the close.
        """

    def before(self, symbol: str, day: date) -> Close | None:
        """Return the newest close before a day.

        Args:
            symbol: As a lot spells it.
            day: After the close.
        """

    def newest(self, symbol: str) -> Close | None:
        """Return the newest close up to the session."""


@dataclass(frozen=True)
class SessionQuote:
    """Closes of a symbol around a session, USD.

    Attributes:
        close: The session's own; None if it has none.
        base: The close that the session starts from; None if there is none, or one that is too old.
        base_day: Day of the newest close that the session could start from, however old.
        newest_day: Day of the newest close up to the session; None if there never was one.
    """

    close: Decimal | None
    base: Decimal | None
    base_day: date | None
    newest_day: date | None


def session_quote(case: PricedSession, symbol: str) -> SessionQuote:
    """Return the closes between which a symbol moves in the session.

    Args:
        case: Its closes and rules.
        symbol: As a lot spells it.
    """
    rules, day = case.rules, case.day
    start = last_session(day - ONE_DAY)
    late = rules.pnl_since == "previous_snapshot" and case.booked_until != start
    if late:
        start = case.booked_until
    newest = case.newest(symbol)
    if rules.previous_close == "session":
        fresh = newest is not None and newest.day > start and newest.price > 0
        close = newest.price if newest is not None and fresh else None
    else:
        close = case.close(symbol, day)
    from_session = late or rules.previous_close == "session"
    base = case.before(symbol, start + ONE_DAY if from_session else day)
    booked = base is not None and (rules.price_gaps == "whole" or (day - base.day).days <= PNL.look_back)
    return SessionQuote(
        close,
        base.price if base is not None and booked else None,
        base.day if base is not None else None,
        newest.day if newest is not None else None,
    )
