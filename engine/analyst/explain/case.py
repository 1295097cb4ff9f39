"""A case: one portfolio in one session, with the stored rows and inputs of its figures.

The code is a slow and simple reference: dates, dictionaries and decimals, one lot after the other. It
shares no panel or matrix code with `engine.analytics`, so that a fault there shows as a difference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from engine.analyst.explain.lives import LotLife
from engine.analyst.explain.quotes import cash_of_shares, quoted, split_adjusted
from engine.analytics.stress.scenarios import Scenarios
from engine.core.calendar import last_session, sessions
from engine.core.instruments import CONTRACT_SIZE, OPTION_TYPES, unquoted
from engine.core.job_catalog import MARKET_VALUES
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.pipeline.inputs import Inputs

PRIVATE = "PRIVATE"
READ_BACK = (
    "portfolio_snapshots",
    "position_market_betas",
    "position_interest_rate_betas",
    "factor_exposures",
    "engine_portfolio_pnl",
    "engine_value_at_risk",
    "engine_forecast_scores",
    "position_volatility",
)
"""Tables whose rows of earlier sessions are inputs of later figures."""

Row = dict[str, Any]
Cached = TypeVar("Cached")


@dataclass(frozen=True)
class PositionLot:
    """A position with its quantity of the session; its last three columns are of before its first session."""

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
    row_quantity: Decimal = Decimal(0)

    @property
    def units(self) -> int:
        """Shares of one unit of quantity: 100 for options, else 1."""
        return CONTRACT_SIZE if self.option else 1

    @property
    def option(self) -> bool:
        """Return whether it is an option."""
        return self.position_type in OPTION_TYPES

    @property
    def live(self) -> bool:
        """Neither closed nor deleted today, whatever the session: most analytics use these lots."""
        return self.exit_date is None and not self.deleted

    @property
    def public(self) -> bool:
        """Class PUBLIC, of any type."""
        return self.investment_class == "PUBLIC"

    @property
    def stock(self) -> bool:
        """Class PUBLIC and type LONG or SHORT."""
        return self.public and self.position_type in ("LONG", "SHORT")

    @property
    def private(self) -> bool:
        """Class PRIVATE, in upper or lower case."""
        return (self.investment_class or "").upper() == PRIVATE


@dataclass(frozen=True)
class Quote:
    """A close in USD and its day."""

    price: Decimal
    day: date


@dataclass(frozen=True)
class Mark:
    """Price and value of a position's row after a session.

    Attributes:
        price: last_price, USD a share.
        value: market_value, USD.
        gain: unrealized_pnl, USD.
        session: Session that wrote them; None if no session did and they are the opening values.
        quote: Close that they were computed from.
    """

    price: Decimal | None
    value: Decimal | None
    gain: Decimal | None
    session: date | None = None
    quote: Quote | None = None

    def origin(self, day: date) -> str:
        """Return the source of the values as text, as of a session."""
        if self.session is None or self.quote is None:
            return "never marked: the value before the first session"
        carried = "" if self.session == day else f", carried since {self.session}"
        return f"close of {self.quote.day}{carried}"


@dataclass(frozen=True)
class Case:
    """One portfolio in one session: stored rows, inputs and rules.

    Attributes:
        stored: Rows by table, with exact decimals: up to the session for the tables in `READ_BACK`,
            else of the session alone.
        inputs: Inputs of this portfolio and session.
        source: URL of the store of the inputs, without password.
        portfolio: Portfolio id.
        name: Portfolio name.
        day: The session.
        earlier: Earlier sessions that were run, ascending.
        rules: Rules of the stored figures.
        scenarios: Stress scenarios of the run.
        own_inputs: Whether the inputs come from another store, which no run has changed.
        newest_session: Whether no later session is stored.
        refusal: Reason why the portfolio was not computed, "" if it was.
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
        """The day that counts as today."""
        return self.inputs.window.run_date

    # Stored rows

    @cached_property
    def _cache(self) -> dict[tuple[object, ...], Any]:
        return {}

    def once(self, key: tuple[object, ...], make: Callable[[], Cached]) -> Cached:
        """Return the result of `make`, called once for each key.

        Args:
            key: Of the cache; its first item says what the result is.
            make: Called without arguments.
        """
        if key not in self._cache:
            self._cache[key] = make()
        value: Cached = self._cache[key]
        return value

    def rows(self, table: str) -> pl.DataFrame:
        """Return the rows of the session, or all rows of the portfolio for a table without a date."""
        rows, day = self.stored[table], TABLES[table].date
        return rows.filter(pl.col(day).cast(pl.Date) == self.day) if table in READ_BACK and day else rows

    @cached_property
    def snapshots(self) -> list[Row]:
        """Stored snapshots with an equity up to and including the session, oldest first."""
        rows = self.stored["portfolio_snapshots"].drop_nulls("equity_balance")
        return rows.sort("snapshot_date").to_dicts()

    @property
    def snapshot(self) -> Row | None:
        """Stored snapshot of the session, None if there is none."""
        newest = self.snapshots[-1] if self.snapshots else None
        return newest if newest and newest["snapshot_date"] == self.day else None

    @property
    def previous(self) -> Row | None:
        """Newest stored snapshot before the session, of any age."""
        before = [row for row in self.snapshots if row["snapshot_date"] < self.day]
        return before[-1] if before else None

    def money(self, column: str) -> Decimal:
        """Return a stored USD figure of the session's snapshot, 0 if it is null or missing."""
        stored: Decimal | None = self.snapshot[column] if self.snapshot else None
        return stored or Decimal(0)

    @cached_property
    def factors(self) -> dict[str, str]:
        """Ids of the factor definitions after the run: {name: id}."""
        return dict(self.definitions.select("name", "id").iter_rows())

    @cached_property
    def definitions(self) -> pl.DataFrame:
        """Factor definitions after the run."""
        stored = self.stored["factor_definitions"]
        return self.inputs.factor_definitions if stored.is_empty() else stored

    # Positions

    @cached_property
    def table_lots(self) -> tuple[PositionLot, ...]:
        """Positions of the portfolio as the table has them, in order of id, closed and deleted ones too."""
        rows = self.inputs.positions.filter(portfolio_id=self.portfolio).sort("id")
        own = ("deleted", "row_quantity")
        names = [name for name in PositionLot.__dataclass_fields__ if name not in own]
        return tuple(
            PositionLot(
                **{name: row[name] for name in names},
                deleted=row["deleted_at"] is not None,
                row_quantity=row["quantity"],
            )
            for row in rows.iter_rows(named=True)
        )

    @cached_property
    def every_lot(self) -> tuple[PositionLot, ...]:
        """The same, as they were held in the session where membership is that of the session."""
        if not self.by_session:
            return self.table_lots
        return tuple(self._held(lot) for lot in self.table_lots)

    def _held(self, lot: PositionLot) -> PositionLot:
        held = self.lives[lot.id].held(self.day)
        ended = None if held else lot.exit_date or self.day
        return replace(lot, quantity=held, exit_date=ended, deleted=not held)

    @cached_property
    def lots(self) -> tuple[PositionLot, ...]:
        """The lots that figures look at: all of `every_lot`, or those held in the session."""
        return tuple(lot for lot in self.every_lot if not self.by_session or lot.quantity)

    # The life of lots, by the rules of books that add up

    @property
    def by_session(self) -> bool:
        """Return whether figures look at the lots that were held in the session."""
        return self.rules.membership == "session"

    @property
    def by_lot(self) -> bool:
        """Return whether P&L is that of each lot's parts, unrounded."""
        return self.rules.closed_lots == "exact" or self.rules.realized_gains == "replace"

    @property
    def booked_until(self) -> date:
        """The day up to which P&L and cash were booked before the session."""
        window, newest = self.inputs.window, self.last_snapshot
        prior = window.first_cash - timedelta(days=1)
        if self.rules.pnl_since == "previous_snapshot":
            return newest or prior
        return max(newest or prior, prior) if window.skipped else prior

    @cached_property
    def lives(self) -> dict[str, LotLife]:
        """The life of each position, by id."""
        rows = self.inputs.positions.filter(portfolio_id=self.portfolio).sort("id")
        return {row["id"]: LotLife(self, row) for row in rows.iter_rows(named=True)}

    def events(self, position: str) -> list[Row]:
        """Return the realized events of a position, oldest first."""
        return self.inputs.realized_events.filter(position_id=position).sort("trade_date", "id").to_dicts()

    @property
    def last_snapshot(self) -> date | None:
        """Day of the snapshot before the session; None in the portfolio's first session."""
        return self.previous["snapshot_date"] if self.previous else None

    @property
    def founded(self) -> date:
        """The portfolio's first session."""
        first: date = self.snapshots[0]["snapshot_date"] if self.snapshots else self.day
        return first

    @cached_property
    def dividends(self) -> dict[str, dict[date, Decimal]]:
        """Cash of a share by symbol and ex-date, distributed gains among it."""
        return cash_of_shares(self.inputs.price_actions)

    @cached_property
    def never_quoted(self) -> set[str]:
        """Symbols and underlying symbols without a market price."""
        rows = self.inputs.positions.filter(portfolio_id=self.portfolio)
        names = {*rows["symbol"], *rows["underlying_symbol"].fill_null("")}
        frame = pl.DataFrame({"symbol": sorted(names)}, schema={"symbol": pl.String})
        return set(frame.filter(unquoted("symbol", self.rules.synthetic_prefix))["symbol"])

    # Closes

    @cached_property
    def closes(self) -> dict[str, dict[date, Decimal]]:
        """Closes in USD as stored: {symbol: {day: close}}; a close of 0 is a placeholder."""
        closes: dict[str, dict[date, Decimal]] = {}
        for symbol, day, close in self.inputs.closes.select("symbol", "date", "close").iter_rows():
            closes.setdefault(symbol, {})[day] = close
        if self.rules.closes == "quoted":
            return split_adjusted(closes, self.inputs.price_actions)
        return closes

    @cached_property
    def prices(self) -> dict[str, dict[date, Decimal]]:
        """The closes that values and P&L come from: as stored, or as they were quoted."""
        prices = self.closes
        if self.rules.closes == "quoted":
            prices = quoted(prices, self.inputs.raw_closes, self.inputs.price_actions)
        if self.rules.zero_closes == "missing":
            prices = {name: {day: p for day, p in days.items() if p > 0} for name, days in prices.items()}
        return prices

    def close(self, symbol: str, day: date) -> Decimal | None:
        """Return the close of exactly this symbol and day, None if it is missing or not above 0.

        Args:
            symbol: As market data is stored under it.
            day: A trading day; no earlier close stands in.
        """
        close = self.prices.get(symbol, {}).get(day)
        return close if close and close > 0 else None

    def before(self, symbol: str, day: date, age: int | None = None) -> Quote | None:
        """Return the newest close before a day, None if there is none.

        Args:
            symbol: Symbol; the close is that of the symbol in upper case.
            day: Day after the close.
            age: Largest age in calendar days; default no limit.

        Returns:
            The close, which may be 0: a placeholder hides older closes, as in the batch.
        """
        name = symbol.upper()
        days = self.once(("days", name), lambda: sorted(self.prices.get(name, {})))
        place = bisect_left(days, day)
        if place == 0 or (age is not None and (day - days[place - 1]).days > age):
            return None
        return Quote(self.prices[name][days[place - 1]], days[place - 1])

    def newest(self, symbol: str) -> Quote | None:
        """Return the newest close up to the session, of any age, of the symbol in upper case."""
        return self.before(symbol, self.day + timedelta(days=1))

    def sessions(self, look_back: int) -> list[date]:
        """Return the NYSE sessions of a look-back in calendar days, both ends inclusive."""
        first = self.day - timedelta(days=look_back)
        return self.once(("sessions", look_back), lambda: sessions(first, self.day))

    def series(self, symbol: str, look_back: int) -> dict[date, float]:
        """Return the closes above 0 of a symbol that regressions use, on sessions; empty if there are none.

        Args:
            symbol: As market data is stored under it.
            look_back: Calendar days up to the session.

        Returns:
            Close by session, ascending.
        """
        return self.once(("series", symbol, look_back), lambda: self._series(symbol, look_back))

    def stale(self, *symbols: str) -> str:
        """Return why a figure of symbols is refused in the session, "" if it is not.

        Args:
            symbols: As market data is stored under them; each needs a close in the session.
        """
        if self.rules.stale_figures == "used":
            return ""
        missing = [symbol for symbol in symbols if self.day not in self.series(symbol, 0)]
        return f"no close of {', '.join(missing)} in the session" if missing else ""

    def _series(self, symbol: str, look_back: int) -> dict[date, float]:
        if symbol not in self._visible:
            return {}
        stored = self.closes.get(symbol, {})
        days = ((day, stored.get(day)) for day in self.sessions(look_back))
        return {day: float(close) for day, close in days if close and close > 0}

    @cached_property
    def _visible(self) -> set[str]:
        """The symbols that regressions may see."""
        seen = self.inputs.once_visible if self.by_session else self.inputs.visible
        return seen | self.inputs.underlyings if self.rules.options == "greeks" else seen

    # Values of positions

    @property
    def as_held(self) -> Case:
        """The case with options as they are held; see `engine.analyst.explain.by_delta`."""
        return self

    def valued(self, lot: PositionLot) -> bool:
        """Return whether a lot has a value; a lot without a price has its entry price."""
        del lot
        return True

    def mark(self, lot: PositionLot, day: date | None = None) -> Mark:
        """Return a position's price and value after a session, by default the case's own session.

        Args:
            lot: Of the portfolio.
            day: A session up to the case's own.
        """
        return self.once(("mark", lot.id, day), lambda: self._mark(lot, day or self.day))

    def _mark(self, lot: PositionLot, last: date) -> Mark:
        if self.by_session:
            return self._mark_held(lot, last)
        if lot.live and lot.symbol not in self.never_quoted:
            for session in reversed([*self.earlier, self.day]):
                quote = self._marking(lot.symbol, session) if session <= last else None
                if quote is not None:
                    return marked(lot, quote, session)
        return Mark(lot.last_price, lot.market_value, lot.unrealized_pnl)

    def _mark_held(self, lot: PositionLot, last: date) -> Mark:
        """Return the mark of the quantity that was held after a session; 0 from the lot's end on."""
        life, newest = self.lives[lot.id], Mark(lot.last_price, None, None)
        quoted = lot.symbol not in self.never_quoted
        for session in reversed([*self.earlier, self.day]) if quoted else ():
            quote = self._marking(lot.symbol, session) if session <= last and life.held(session) else None
            if quote is not None:
                newest = marked(replace(lot, quantity=life.held(last)), quote, session)
                break
        if life.gone(last):
            none = lot.market_value is None and newest.price is None
            value = None if none else Decimal(0)
            gain = None if lot.unrealized_pnl is None and newest.price is None else Decimal(0)
            return replace(newest, value=value, gain=gain)
        if quoted and newest.price is not None and life.held(last):
            quote = newest.quote or Quote(newest.price, last)
            valued = marked(replace(lot, quantity=life.held(last)), quote, last)
            return replace(newest, value=valued.value, gain=valued.gain)
        return replace(newest, value=lot.market_value, gain=lot.unrealized_pnl)

    def opening_mark(self, lot: PositionLot) -> Mark:
        """Return a position's price and value before the session: after the last earlier one."""
        if self.by_session and not self.earlier:
            return Mark(lot.last_price, lot.market_value, lot.unrealized_pnl)
        return self.mark(
            lot, self.earlier[-1] if self.earlier else last_session(self.day - timedelta(days=1))
        )

    def _marking(self, symbol: str, session: date) -> Quote | None:
        close = self.close(symbol, session)
        if close is not None:
            return Quote(close, session)
        older = self.before(symbol, session, MARKET_VALUES.look_back)
        return older if older is not None and older.price > 0 else None

    def recomputed(self, lot: PositionLot) -> Decimal:
        """Return quantity x (last price, else entry price) x units in USD; units are 1 for private lots."""
        price = self.mark(lot).price
        units = 1 if lot.private else lot.units
        return lot.quantity * (lot.entry_price if price is None else price) * units

    def worth(self, lot: PositionLot) -> Decimal:
        """Return the stored market value in USD, else the recomputed one."""
        value = self.mark(lot).value
        return self.recomputed(lot) if value is None else value


def marked(lot: PositionLot, quote: Quote, session: date) -> Mark:
    """Return the values of a lot at a close, rounded half away from zero to cents.

    Args:
        lot: Of a portfolio.
        quote: Close and its day, in USD.
        session: In which the lot is marked.
    """
    from engine.analyst.explain.rounding import rounded

    value = lot.quantity * lot.units * quote.price
    gain = value - lot.quantity * lot.units * lot.entry_price
    return Mark(quote.price, rounded(value, 2), rounded(gain, 2), session, quote)
