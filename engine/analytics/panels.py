"""Arrays that the analytics compute with: prices, open positions and portfolios by session.

Shapes: T sessions of the window and its look-back, D sessions of the window, S symbols, N open positions,
P portfolios. The legacy analytics look at today's open positions, whatever the session (document 02 §1.5),
and read values back from the tables, rounded as those are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.core.calendar import sessions
from engine.core.instruments import value_multiplier
from engine.core.money import CENT_SCALE, GRAIN_SCALE, scaled, usd
from engine.core.rules import Membership
from engine.core.window import PRICE_LOOK_BACK, Window
from engine.numerics.arrays import Bools, Floats, Ints

LIVE = ~pl.col("deleted")
PUBLIC = pl.col("investment_class") == "PUBLIC"
STOCK = PUBLIC & pl.col("position_type").is_in(("LONG", "SHORT"))
"""Positions that most regressions look at: a null class is not public (document 02 §4.2 to 4.5)."""
CLASSLESS = ~PUBLIC.fill_null(False) & ~pl.col("investment_class").str.to_uppercase().is_in(
    ("OPTIONS", "PRIVATE")
).fill_null(False)
"""Positions without a class, or with one that no job knows."""
CLASSLESS_STOCK = CLASSLESS & pl.col("position_type").is_in(("LONG", "SHORT"))


@dataclass(frozen=True)
class PricePanel:
    """Closes above 0 of the visible symbols on NYSE sessions.

    Attributes:
        days: [T] sessions as day numbers since 1970-01-01, ascending: the window's and its look-back's.
        symbols: [S] names, ascending; each has at least one close.
        close: [T, S] USD a share, NaN where there is none.
        targets: [D] day numbers of the window's sessions, a subset of `days`.
    """

    days: Ints
    symbols: tuple[str, ...]
    close: Floats
    targets: Ints

    @cached_property
    def index(self) -> dict[str, int]:
        """The column of each symbol."""
        return {symbol: column for column, symbol in enumerate(self.symbols)}

    @cached_property
    def _names(self) -> pl.Enum:
        """The type of symbols of the panel."""
        return pl.Enum(self.symbols)

    def columns(self, symbols: pl.Series) -> Ints:
        """Return the column of each of `symbols`, -1 where the panel has none.

        Args:
            symbols: [N] as market data is stored under them; a null has no column.

        Returns:
            [N].
        """
        place = symbols.cast(self._names, strict=False).to_physical().to_numpy()
        return np.asarray(np.nan_to_num(place, nan=-1.0), dtype=np.int64)

    def closes_of(self, symbols: Sequence[str]) -> Floats:
        """Return the closes of symbols, [T, K], NaN throughout for one that the panel lacks.

        Args:
            symbols: K names.
        """
        close = np.full((len(self.days), len(symbols)), np.nan)
        for number, symbol in enumerate(symbols):
            if symbol in self.index:
                close[:, number] = self.close[:, self.index[symbol]]
        return close

    @cached_property
    def quoted(self) -> Bools:
        """Return which symbols have a close in each session, [D, S + 1]; False for the last, column -1."""
        rows = self.close[np.searchsorted(self.days, self.targets)]
        return np.pad(np.isfinite(rows), ((0, 0), (0, 1)))

    def bounds(self, look_back: int) -> tuple[Ints, Ints]:
        """Return the rows of each session's look-back.

        Args:
            look_back: calendar days before the session; both ends count.

        Returns:
            first [D] and stop [D]: rows [first, stop).
        """
        return window_bounds(self.days, self.targets, look_back)


def build_price_panel(
    closes: pl.DataFrame, visible: Collection[str], window: Window, look_back: timedelta = PRICE_LOOK_BACK
) -> PricePanel:
    """Scatter long closes into a panel: ranks of sessions and symbols are its rows and columns.

    Args:
        closes: symbol, date, close (Decimal); rows of other symbols and days are ignored.
        visible: symbols that regressions may see, spelled as they are stored.
        window: its sessions.
        look_back: calendar days of rows before the first session.

    Returns:
        The panel; a symbol without a close has no column.
    """
    calendar = sessions(window.sessions[0] - look_back, window.last)
    symbols, close = scatter(closes, visible, calendar)
    return PricePanel(day_numbers(calendar), symbols, close, day_numbers(window.sessions))


def scatter(
    closes: pl.DataFrame, visible: Collection[str], calendar: list[date]
) -> tuple[tuple[str, ...], Floats]:
    """Return the symbols that have a close above 0, ascending, and their closes by session.

    Args:
        closes: symbol, date, close (Decimal); rows of other symbols and days are ignored.
        visible: symbols that may be seen, spelled as they are stored.
        calendar: T sessions.

    Returns:
        Names [S], and closes [T, S] with NaN where there is none.
    """
    rows = pl.DataFrame({"date": pl.Series(calendar, dtype=pl.Date)}).with_row_index("row")
    wanted = pl.Series("symbol", sorted(visible), dtype=pl.String)
    kept = closes.filter((pl.col("close") > 0) & pl.col("symbol").is_in(wanted.implode()))
    kept = kept.join(rows, on="date", how="inner", maintain_order="left")
    names = kept["symbol"].unique().sort()
    columns = pl.DataFrame({"symbol": names}).with_row_index("column")
    # Not pivot: on 1M rows it takes 50 times as long.
    placed = kept.join(columns, on="symbol", how="inner", maintain_order="left")
    close = np.full((len(calendar), names.len()), np.nan)
    at = placed["row"].to_numpy(), placed["column"].to_numpy()
    close[at] = placed["close"].cast(pl.Float64).to_numpy()
    return tuple(names), close


def day_numbers(days: Sequence[date] | pl.Series) -> Ints:
    """Return days since 1970-01-01, as Polars counts them.

    Args:
        days: N dates.

    Returns:
        [N].
    """
    return pl.Series(days, dtype=pl.Date).to_physical().to_numpy().astype(np.int64)


def window_bounds(days: Ints, targets: Ints, look_back: int) -> tuple[Ints, Ints]:
    """Find the rows of the calendar windows [target - look_back, target], both ends inclusive.

    Args:
        days: [T] the day number of each row, ascending.
        targets: [D] day numbers.
        look_back: calendar days.

    Returns:
        first [D] and stop [D]: window d is the rows t with first[d] <= t < stop[d].
    """
    first = np.searchsorted(days, targets - look_back, side="left")
    stop = np.searchsorted(days, targets, side="right")
    return first.astype(np.int64), stop.astype(np.int64)


class Portfolios(NamedTuple):
    """The portfolios that are computed.

    Attributes:
        ids: [P], ascending.
        equity: [P, D] USD, as stored.
        gross, net: [P, D] exposures in USD, as stored.
    """

    ids: pl.Series
    equity: Floats
    gross: Floats
    net: Floats


def portfolio_arrays(book: pl.DataFrame, sessions: int) -> Portfolios:
    """Return the portfolios' figures by session.

    Args:
        book: of `engine.analytics.equity.snapshots.figures`: portfolio-major, Int128 cents.
        sessions: D.
    """

    def cents(name: str) -> Floats:
        values = book.select(usd(pl.col(name), CENT_SCALE)).to_series()
        return values.to_numpy().reshape(-1, sessions)

    ids = book.filter(pl.col("session") == 0)["portfolio_id"]
    return Portfolios(ids, cents("equity"), cents("gross_exposure"), cents("net_exposure"))


class OpenPositions(NamedTuple):
    """Positions without an exit date, or held in some session of the window, sorted by portfolio and id.

    Attributes:
        frame: N rows: position_id, portfolio (row of `Portfolios`), portfolio_id, symbol,
            underlying_symbol, position_type, investment_class, deleted (soft-deleted positions count in
            the spread and ridge factors, not in the other analytics), entry_value (quantity x entry
            price, USD).
        stored: [N, D] USD, signed: market_value as stored, NaN where null.
        held: [N, D] whether the portfolio holds the position in the session; None: in all.
        cost: [N, D] USD, quantity of the session x entry price; None: `entry_value` in all.
        recomputed: [N, D] USD, signed: quantity x (last price, else entry price) x m', unrounded;
            m' = 100 for options that are not of class PRIVATE, else 1 (document 02 §2.4).
    """

    frame: pl.DataFrame
    stored: Floats
    recomputed: Floats
    held: Bools | None = None
    cost: Floats | None = None

    @property
    def present(self) -> Bools:
        """Return whether each position is held in each session: [D, N]."""
        return np.ones_like(self.stored.T, dtype=np.bool_) if self.held is None else self.held.T

    @property
    def value(self) -> Floats:
        """The stored value, else the recomputed one: [N, D] USD (document 02 §2.4)."""
        return np.where(np.isnan(self.stored), self.recomputed, self.stored)

    @property
    def owner(self) -> Ints:
        """The portfolio of each position: [N], ascending."""
        return self.frame["portfolio"].cast(pl.Int64).to_numpy()

    @property
    def valued(self) -> Bools:
        """Return which positions are present and have a value; an option without Greeks has none: [D, N]."""
        return np.asarray(self.present & np.isfinite(self.value.T))

    def where(self, mask: pl.Expr) -> OpenPositions:
        """Return the positions that a mask over `frame` keeps.

        Args:
            mask: Boolean; a null keeps no position.
        """
        kept = self.frame.select(mask).to_series().fill_null(False).to_numpy()
        # Usually every position is kept: then the value matrices need no copy.
        if kept.all():
            return self
        rows = (None if some is None else some[kept] for some in (self.held, self.cost))
        return OpenPositions(self.frame.filter(kept), self.stored[kept], self.recomputed[kept], *rows)


def open_positions(
    days: pl.DataFrame, portfolios: Portfolios, membership: Membership = "today"
) -> OpenPositions:
    """Return the positions' values by session: of those open today, or of those held in a session.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`: position-major.
        portfolios: those that are computed; positions of others are left out.
        membership: see `engine.core.rules.Rules`; for "session" the days have held.
    """
    numbers = pl.DataFrame({"portfolio_id": portfolios.ids}).with_row_index("portfolio")
    by_session = membership == "session"
    counted = (pl.col("held") != 0).any().over("position") if by_session else pl.col("exit_date").is_null()
    held = days.filter(counted).join(numbers, on="portfolio_id", how="inner", maintain_order="left")
    # The order of every sum over positions: by portfolio, then by position (document 02 §6).
    held = held.sort("portfolio", "position", "session")
    contract = value_multiplier()
    price = pl.coalesce("last_price", scaled("entry_price"))
    units = pl.col("held").cast(pl.Int128) if by_session else scaled("quantity")
    values = held.select(
        stored=usd(pl.col("market_value"), CENT_SCALE),
        recomputed=usd(units * price * contract, GRAIN_SCALE),
    )
    frame = held.filter(pl.col("session") == 0).select(
        pl.col("id").alias("position_id"),
        "portfolio",
        "portfolio_id",
        "symbol",
        "underlying_symbol",
        "position_type",
        "investment_class",
        deleted=pl.col("deleted_at").is_not_null() & pl.lit(not by_session),
        entry_value=usd(scaled("quantity") * scaled("entry_price"), GRAIN_SCALE),
    )
    shape = frame.height, portfolios.equity.shape[1]
    stored, recomputed = (values[name].to_numpy().reshape(shape) for name in values.columns)
    if not by_session:
        return OpenPositions(frame, stored, recomputed)
    present = held["held"].to_numpy().reshape(shape) != 0
    cost = held.select(usd(units * scaled("entry_price"), GRAIN_SCALE)).to_series().to_numpy().reshape(shape)
    # What a position was worth before it was bought and after it was sold is not the portfolio's.
    stored = np.where(present, stored, 0.0)
    return OpenPositions(frame, stored, recomputed, present, cost)


@dataclass(frozen=True)
class PortfolioSums:
    """Sums, minima and counts over the positions of each portfolio.

    A figure depends on its portfolio's positions and their order alone, to the bit: sums run from left to
    right, as the legacy batch's do, in the order of ids that document 02 §6 asks for.

    Attributes:
        owner: [N] the portfolio of each position, ascending.
        count: P.
    """

    owner: Ints
    count: int

    def sum(self, values: Floats) -> Floats:
        """Sum over the positions of each portfolio; 0 for one without positions.

        Args:
            values: [..., N].

        Returns:
            [..., P].
        """
        # NumPy's own sums are pairwise; bincount adds one value after the other.
        sums = np.zeros((*values.shape[:-1], self.count))
        for row in np.ndindex(values.shape[:-1]):
            sums[row] = np.bincount(self.owner, values[row], self.count)
        return sums

    def minimum(self, values: Floats) -> Floats:
        """Take the minimum over the positions of each portfolio; inf for one without positions.

        Args:
            values: [..., N].

        Returns:
            [..., P].
        """
        return self._reduce(np.minimum, values, np.inf)

    def number(self, flags: Bools) -> Ints:
        """Count the flagged positions of each portfolio.

        Args:
            flags: [..., N].

        Returns:
            [..., P].
        """
        return self._reduce(np.add, flags.astype(np.float64), 0.0).astype(np.int64)

    def _reduce(self, function: np.ufunc, values: Floats, empty: float) -> Floats:
        # reduceat has no result for an empty run: portfolios without positions keep `empty`.
        reduced = np.full((*values.shape[:-1], self.count), empty)
        first = np.flatnonzero(np.diff(self.owner, prepend=-1))
        if first.size:
            reduced[..., self.owner[first]] = function.reduceat(values, first, axis=-1)
        return reduced
