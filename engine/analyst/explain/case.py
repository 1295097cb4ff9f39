"""A case: one portfolio in one session, with what its figures were computed from.

Slow and obvious on purpose: dates, dictionaries and decimals, one lot after the other, so that the
panels and matrices of `engine.analytics` are held against something that has none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from engine.analytics.stress.scenarios import Scenarios
from engine.core.calendar import last_session, sessions
from engine.core.instruments import CONTRACT_SIZE, OPTION_TYPES, unquoted
from engine.core.job_catalog import MARKET_VALUES
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.pipeline.inputs import Inputs

PRIVATE = "PRIVATE"
"""Calendar days that a price may be old to mark a position, and to be the previous one of a P&L."""
READ_BACK = (
    "portfolio_snapshots",
    "position_market_betas",
    "position_interest_rate_betas",
    "factor_exposures",
)
"""The tables whose earlier rows later figures look at."""

Row = dict[str, Any]
Known = TypeVar("Known")


@dataclass(frozen=True)
class Lot:
    """A position; the last three fields are as its first session found them."""

    id: str
    symbol: str
    underlying_symbol: str | None
    position_type: str
    quantity: Decimal
    entry_price: Decimal
    entry_date: date
    exit_date: date | None
    investment_class: str | None
    deleted: bool
    last_price: Decimal | None
    market_value: Decimal | None
    unrealized_pnl: Decimal | None

    @property
    def units(self) -> int:
        """Shares for one unit of quantity."""
        return CONTRACT_SIZE if self.position_type in OPTION_TYPES else 1

    @property
    def live(self) -> bool:
        """Neither closed nor deleted: what most analytics look at, whatever the session."""
        return self.exit_date is None and not self.deleted

    @property
    def public(self) -> bool:
        return self.investment_class == "PUBLIC"

    @property
    def stock(self) -> bool:
        """Of class PUBLIC and type LONG or SHORT."""
        return self.public and self.position_type in ("LONG", "SHORT")

    @property
    def private(self) -> bool:
        """Of class PRIVATE, in any case of letters."""
        return (self.investment_class or "").upper() == PRIVATE


@dataclass(frozen=True)
class Quote:
    """A close, and the day it is of."""

    price: Decimal
    day: date


@dataclass(frozen=True)
class Mark:
    """What a position's row held after a session.

    session: the one that marked it; None: none did, and the row holds what it held before the
    first. quote: what it was marked with.
    """

    price: Decimal | None
    value: Decimal | None
    gain: Decimal | None
    session: date | None = None
    quote: Quote | None = None

    def told(self, day: date) -> str:
        """Where it comes from, as of a session."""
        if self.session is None or self.quote is None:
            return "never marked: as the first session found it"
        carried = "" if self.session == day else f", carried since {self.session}"
        return f"close of {self.quote.day}{carried}"


@dataclass(frozen=True)
class Case:
    """What is known of a portfolio in a session.

    stored: rows by table, exact: of the tables in `READ_BACK` up to the session, of others of it alone.
    inputs: what figures were computed from, loaded for this session and portfolio alone. source: the
    URL of their store. earlier: the sessions before it that were run, ascending. own_inputs: whether
    the inputs come from another store, as they were before any run. newest_session: whether no later
    one is stored. refusal: why the portfolio was not computed, "" if it was.
    """

    stored: Mapping[str, pl.DataFrame]
    inputs: Inputs
    source: str
    portfolio: str
    name: str
    day: date
    earlier: tuple[date, ...]
    rules: Rules
    scenarios: Scenarios
    own_inputs: bool
    newest_session: bool
    refusal: str = ""

    @property
    def run_date(self) -> date:
        return self.inputs.window.run_date

    # What is stored

    @cached_property
    def _known(self) -> dict[tuple[object, ...], Any]:
        return {}

    def once(self, key: tuple[object, ...], make: Callable[[], Known]) -> Known:
        """What `make` gives, made once for a key."""
        if key not in self._known:
            self._known[key] = make()
        found: Known = self._known[key]
        return found

    def rows(self, table: str) -> pl.DataFrame:
        """The session's own rows of a table; of an undated one all of the portfolio."""
        rows, day = self.stored[table], TABLES[table].date
        return rows.filter(pl.col(day).cast(pl.Date) == self.day) if table in READ_BACK and day else rows

    @cached_property
    def snapshots(self) -> list[Row]:
        """Snapshots of the stored sessions up to this one, oldest first."""
        rows = self.stored["portfolio_snapshots"].drop_nulls("equity_balance")
        return rows.sort("snapshot_date").to_dicts()

    @property
    def snapshot(self) -> Row | None:
        """The session's own."""
        newest = self.snapshots[-1] if self.snapshots else None
        return newest if newest and newest["snapshot_date"] == self.day else None

    @property
    def previous(self) -> Row | None:
        """The newest before the session, of any age."""
        before = [row for row in self.snapshots if row["snapshot_date"] < self.day]
        return before[-1] if before else None

    def money(self, column: str) -> Decimal:
        """A figure of the session's snapshot, as it is stored; 0 where there is none."""
        found: Decimal | None = self.snapshot[column] if self.snapshot else None
        return found or Decimal(0)

    @cached_property
    def factors(self) -> dict[str, str]:
        """Ids of the factor definitions by name, as the run left them."""
        return dict(self.definitions.select("name", "id").iter_rows())

    @cached_property
    def definitions(self) -> pl.DataFrame:
        """The factor definitions, as the run left them."""
        stored = self.stored["factor_definitions"]
        return self.inputs.factor_definitions if stored.is_empty() else stored

    # What is held

    @cached_property
    def lots(self) -> tuple[Lot, ...]:
        """The portfolio's positions in order of id; closed and deleted ones too."""
        rows = self.inputs.positions.filter(portfolio_id=self.portfolio).sort("id")
        names = [name for name in Lot.__dataclass_fields__ if name != "deleted"]
        return tuple(
            Lot(**{name: row[name] for name in names}, deleted=row["deleted_at"] is not None)
            for row in rows.iter_rows(named=True)
        )

    @cached_property
    def never_quoted(self) -> set[str]:
        """Symbols, and underlying ones, that no market quotes."""
        names = {lot.symbol for lot in self.lots} | {lot.underlying_symbol or "" for lot in self.lots}
        frame = pl.DataFrame({"symbol": sorted(names)}, schema={"symbol": pl.String})
        return set(frame.filter(unquoted("symbol", self.rules.synthetic_prefix))["symbol"])

    # What is quoted

    @cached_property
    def closes(self) -> dict[str, dict[date, Decimal]]:
        """Closes by symbol and day, as they are spelled and stored; 0 is a placeholder."""
        found: dict[str, dict[date, Decimal]] = {}
        for symbol, day, close in self.inputs.closes.select("symbol", "date", "close").iter_rows():
            found.setdefault(symbol, {})[day] = close
        return found

    def close(self, symbol: str, day: date) -> Decimal | None:
        """The close above 0 of exactly this symbol on exactly this day."""
        found = self.closes.get(symbol, {}).get(day)
        return found if found and found > 0 else None

    def before(self, symbol: str, day: date, age: int | None = None) -> Quote | None:
        """The newest close before a day, be it 0, of the symbol in upper case; at most `age` days old."""
        name = symbol.upper()
        days = self.once(("days", name), lambda: sorted(self.closes.get(name, {})))
        place = bisect_left(days, day)
        if place == 0 or (age is not None and (day - days[place - 1]).days > age):
            return None
        return Quote(self.closes[name][days[place - 1]], days[place - 1])

    def newest(self, symbol: str) -> Quote | None:
        """The newest close up to the session, however old, of the symbol in upper case."""
        return self.before(symbol, self.day + timedelta(days=1))

    def sessions(self, look_back: int) -> list[date]:
        """The NYSE sessions of a look-back, both ends inclusive."""
        first = self.day - timedelta(days=look_back)
        return self.once(("sessions", look_back), lambda: sessions(first, self.day))

    def series(self, symbol: str, look_back: int) -> dict[date, float]:
        """What regressions see of a symbol: closes above 0 on sessions, if it is visible to them."""
        return self.once(("series", symbol, look_back), lambda: self._series(symbol, look_back))

    def _series(self, symbol: str, look_back: int) -> dict[date, float]:
        if symbol not in self.inputs.visible:
            return {}
        days = ((day, self.close(symbol, day)) for day in self.sessions(look_back))
        return {day: float(close) for day, close in days if close is not None}

    # What positions are worth

    def mark(self, lot: Lot, day: date | None = None) -> Mark:
        """A position's row after a session (default the case's own), or before it was ever marked."""
        return self.once(("mark", lot.id, day), lambda: self._mark(lot, day or self.day))

    def _mark(self, lot: Lot, last: date) -> Mark:
        if lot.live and lot.symbol not in self.never_quoted:
            for session in reversed([*self.earlier, self.day]):
                quote = self._marking(lot.symbol, session) if session <= last else None
                if quote is not None:
                    return marked(lot, quote, session)
        return Mark(lot.last_price, lot.market_value, lot.unrealized_pnl)

    def found(self, lot: Lot) -> Mark:
        """A position's row as the session finds it."""
        return self.mark(
            lot, self.earlier[-1] if self.earlier else last_session(self.day - timedelta(days=1))
        )

    def _marking(self, symbol: str, session: date) -> Quote | None:
        close = self.close(symbol, session)
        if close is not None:
            return Quote(close, session)
        older = self.before(symbol, session, MARKET_VALUES.look_back)
        return older if older is not None and older.price > 0 else None

    def recomputed(self, lot: Lot) -> Decimal:
        """quantity x (last price, else entry price) x m': 100 for options that are not private."""
        price = self.mark(lot).price
        units = 1 if lot.private else lot.units
        return lot.quantity * (lot.entry_price if price is None else price) * units

    def worth(self, lot: Lot) -> Decimal:
        """The stored market value, else the recomputed one."""
        value = self.mark(lot).value
        return self.recomputed(lot) if value is None else value


def marked(lot: Lot, quote: Quote, session: date) -> Mark:
    """What marking a lot with a quote leaves, rounded half away from zero."""
    from engine.analyst.explain.rounding import rounded

    value = lot.quantity * lot.units * quote.price
    gain = value - lot.quantity * lot.units * lot.entry_price
    return Mark(quote.price, rounded(value, 2), rounded(gain, 2), session, quote)
