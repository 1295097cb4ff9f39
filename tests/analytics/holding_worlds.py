"""Random books and markets for volatility and correlations, as the engine and the reference read them.

What goes wrong is frequent: gaps, late listings, flat prices, closes on days off and closes of 0,
several lots of a symbol, shorts, exited and deleted lots, options with and without a held
underlying, null and private classes, symbols that are never quoted, values and weights that are
exactly on their thresholds, totals near 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import polars as pl

from engine.analytics.correlations.correlation_rows import correlations
from engine.analytics.job_result import JobResult
from engine.analytics.panels import Portfolios, build_price_panel, open_positions
from engine.analytics.positions.prices import quotes
from engine.analytics.positions.valuation import mark_to_market, position_days
from engine.analytics.volatility.position_volatility import volatility
from engine.core.calendar import sessions
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from engine.core.window import Window
from tests.reference.analytics import Book, Position, Prices, Snapshot, mark_over_window, visible_symbols

SESSIONS = 4
END = date(2025, 4, 30)
WINDOW = Window(sessions(END - timedelta(days=20), END)[-SESSIONS], END, date(2026, 11, 23))
SYMBOLS = [f"S{number}" for number in range(8)]
CONTRACT = "S0250620C00100000"
ODD = ["EQIX", "HOME_EQUITY", CONTRACT, "NOPX"]
CLASSES = ["PUBLIC"] * 7 + ["OPTIONS", "PRIVATE", ""]
Closes = dict[str, dict[date, Decimal]]


def uid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


@dataclass(frozen=True)
class World:
    """closes by symbol and day; positions; gross exposure by portfolio and session."""

    closes: Closes
    positions: tuple[Position, ...]
    gross: dict[str, list[Decimal]]

    @cached_property
    def prices(self) -> Prices:
        return Prices(self.closes, visible_symbols(self.positions))

    @cached_property
    def marked(self) -> dict[date, tuple[Position, ...]]:
        return dict(mark_over_window(self.positions, self.closes, WINDOW.sessions))

    def book(self, portfolio: str, session: int) -> Book:
        day, gross = WINDOW.sessions[session], self.gross[portfolio][session]
        lots = tuple(lot for lot in self.marked[day] if lot.portfolio_id == portfolio)
        return Book(portfolio, day, Decimal(1), lots, (Snapshot(day, Decimal(1), gross, gross),))

    def only(self, portfolio: str) -> World:
        """The same market; one portfolio's book. Other portfolios' symbols are visible all the same."""
        lots = tuple(lot for lot in self.positions if lot.portfolio_id == portfolio)
        return replace(self, positions=lots, gross={portfolio: self.gross[portfolio]})


@dataclass(frozen=True)
class Case:
    """What the two jobs take."""

    days: pl.DataFrame
    portfolios: Portfolios
    closes: pl.DataFrame
    visible: frozenset[str]

    def volatility(self) -> JobResult:
        lots, dates = open_positions(self.days, self.portfolios), pl.Series("date", WINDOW.sessions)
        return volatility(
            lots, self.portfolios, build_price_panel(self.closes, self.visible, WINDOW), dates, "EQ"
        )

    def correlations(self) -> JobResult:
        panel, dates = (
            build_price_panel(self.closes, self.visible, WINDOW),
            pl.Series("date", WINDOW.sessions),
        )
        return correlations(self.days, self.portfolios, panel, self.closes, dates)


def case_of(world: World, visible: frozenset[str] | None = None) -> Case:
    closes = pl.DataFrame(
        [(symbol, day, close) for symbol, rows in world.closes.items() for day, close in rows.items()],
        {"symbol": pl.String, "date": pl.Date, "close": pl.Decimal(12, 4)},
        orient="row",
    ).sort("symbol", "date")
    schema = polars_schema(TABLES["positions"])
    rows = [
        {name: getattr(lot, name, None) for name in schema}
        | {"deleted_at": WINDOW.stamp if lot.is_deleted else None}
        for lot in sorted(world.positions, key=lambda lot: lot.id)
    ]
    positions = pl.DataFrame(rows, schema)
    prices = quotes(positions["symbol"].unique().sort(), closes, WINDOW.sessions)
    gross = np.array([[float(value) for value in world.gross[p]] for p in sorted(world.gross)])
    return Case(
        days=mark_to_market(position_days(positions, prices, WINDOW.sessions, "EQ")),
        portfolios=Portfolios(pl.Series("portfolio_id", sorted(world.gross)), gross, gross, gross),
        closes=closes,
        visible=visible if visible is not None else world.prices.visible,
    )


def draw_world(seed: int) -> World:
    rng = np.random.default_rng(seed)
    owners = [uid(f"portfolio {number}") for number in range(4)]
    lots = tuple(draw_lot(rng, owners, number) for number in range(int(rng.integers(2, 34))))
    gross = {owner: [draw_gross(rng) for _ in range(SESSIONS)] for owner in owners}
    return World(draw_closes(rng), lots, gross)


def draw_gross(rng: np.random.Generator) -> Decimal:
    usual = Decimal(f"{rng.uniform(2e5, 3e6):.2f}")
    chances = [Decimal("1000000.00"), Decimal("1000000.01"), Decimal("0.00")]
    return usual if rng.random() < 0.7 else chances[rng.integers(3)]


def draw_closes(rng: np.random.Generator) -> Closes:
    days = sessions(END - timedelta(days=int(rng.integers(120, 420))), END + timedelta(days=7))
    off = [day + timedelta(days=1) for day in days if day.weekday() == 4]
    market = rng.normal(0, 0.01, len(days))
    closes: Closes = {}
    for symbol in [*SYMBOLS, "EQIX", "SPY"]:
        path = draw_path(rng, market)
        kept = kept_rows(rng, len(days))
        closes[symbol] = {days[row]: Decimal(f"{path[row]:.4f}") for row in kept}
        if rng.random() < 0.3:
            closes[symbol] |= {day: Decimal("77.0000") for day in rng.choice(off, 5)}
        if rng.random() < 0.2:
            closes[symbol] |= {day: Decimal("0.0000") for day in rng.choice(days, 2)}
    return closes


def draw_path(rng: np.random.Generator, market: np.ndarray) -> np.ndarray:
    if rng.random() < 0.15:
        return np.full(len(market), 100.0)
    moves = rng.choice([0.0, 1.0, -0.5]) * market + rng.normal(0, 0.012, len(market))
    return 100 * np.cumprod(1 + moves)


def kept_rows(rng: np.random.Generator, count: int) -> list[int]:
    rows = np.ones(count, dtype=bool)
    kind = rng.random()
    if kind < 0.06:
        rows[:] = False
    elif kind < 0.16:
        rows[: rng.integers(1, count)] = False
    elif kind < 0.22:
        rows[rng.integers(count // 2, count) :] = False
    if rng.random() < 0.4:
        rows[rng.integers(0, count, 3)] = False
    return np.flatnonzero(rows).tolist()


def draw_lot(rng: np.random.Generator, owners: list[str], number: int) -> Position:
    kind = str(rng.choice(["LONG", "SHORT", "LC", "SP"], p=[0.64, 0.2, 0.1, 0.06]))
    owner = int(rng.integers(3))
    symbol = str(rng.choice(SYMBOLS if rng.random() < (0.9, 0.9, 0.4)[owner] else ODD))
    name = str(rng.choice(CLASSES))
    size = Decimal("100.0000") if rng.random() < 0.2 else Decimal(f"{rng.uniform(20, 900):.4f}")
    exited = rng.random() < 0.12
    return Position(
        id=uid(f"lot {number} of {rng.integers(1 << 40)}"),
        portfolio_id=owners[owner],
        symbol=symbol,
        position_type=kind,
        quantity=-size if kind in ("SHORT", "SP") else size,
        entry_price=Decimal("100.0000"),
        entry_date=date(2025, 1, 2),
        exit_date=date(2025, 4, 1) if exited else None,
        underlying_symbol=[None, "", "S1", "EQIX", "GONE"][rng.integers(5)] if rng.random() < 0.3 else None,
        investment_class=name or None,
        last_price=Decimal("55.5000") if rng.random() < 0.3 else None,
        market_value=None,
        is_deleted=bool(rng.random() < 0.12),
    )
