"""Random markets and books for the regression jobs, as arrays and as the reference reads them.

What goes wrong is frequent: single missing days, late listings, symbols that stop, flat prices,
steep ones (betas beyond the cap), funds without prices or with gaps, deleted lots, several lots
of a symbol, shorts, options, null classes, null and zero values, equities at or below zero,
invisible symbols, profiles without a beta, inactive and missing definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import polars as pl

from engine.analytics.panels import OpenPositions, Portfolios, build_price_panel
from engine.core.calendar import sessions
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from engine.core.window import Window
from tests.reference.analytics import Book, Position, PositionBeta, Prices, Profile, Reference
from tests.reference.analytics.valuation import computed_value

from .regressions import Case

SESSIONS = 5
END = date(2025, 4, 30)
FACTORS = (
    "Market Beta (90D)",
    "Provider Beta (1Y)",
    "IR Beta",
    *("Momentum", "Value", "Growth", "Size", "Quality", "Low Volatility"),
    *("Growth-Value Spread", "Momentum Spread", "Size Spread", "Quality Spread"),
)
Closes = dict[str, dict[date, Decimal]]


def uid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


@dataclass(frozen=True)
class World:
    """One random world.

    marks: by lot id, what phase 4 left for each session: last price and market value.
    """

    closes: Closes
    lots: list[Position]
    marks: dict[str, list[tuple[Decimal | None, Decimal | None]]]
    equity: dict[str, list[Decimal]]
    profiles: dict[str, Decimal | None]
    previous: dict[str, Decimal]
    inactive: frozenset[str]
    visible: frozenset[str]

    @cached_property
    def window(self) -> Window:
        return Window(sessions(END - timedelta(days=20), END)[-SESSIONS], END, date(2026, 11, 23))

    @cached_property
    def portfolio_ids(self) -> list[str]:
        return sorted(self.equity)

    @cached_property
    def prices(self) -> Prices:
        return Prices(self.closes, self.visible)

    @cached_property
    def reference(self) -> Reference:
        return Reference(
            factor_ids={name: uid(name) for name in FACTORS},
            active_factors=frozenset(FACTORS) - self.inactive,
            profiles={symbol: Profile(None, False, beta) for symbol, beta in self.profiles.items()},
            scenarios=(),
            has_benchmark=False,
        )

    def earlier_betas(self) -> tuple[PositionBeta, ...]:
        before = self.window.start - timedelta(days=30)
        return tuple(PositionBeta(lot, before, beta) for lot, beta in self.previous.items())

    def book(self, portfolio_id: str, session: int) -> Book:
        own = [lot for lot in self.lots if lot.portfolio_id == portfolio_id]
        marked = tuple(marked_lot(lot, *self.marks[lot.id][session]) for lot in own)
        day = self.window.sessions[session]
        return Book(portfolio_id, day, self.equity[portfolio_id][session], marked, ())

    def case(self) -> Case:
        rows = [(s, day, close) for s, days in self.closes.items() for day, close in days.items()]
        closes = pl.DataFrame(
            rows, {"symbol": pl.String, "date": pl.Date, "close": pl.Decimal(12, 4)}, orient="row"
        )
        equity = np.array([[float(e) for e in self.equity[p]] for p in self.portfolio_ids])
        return Case(
            panel=build_price_panel(closes, self.visible, self.window),
            lots=self._lots(),
            portfolios=Portfolios(pl.Series("portfolio_id", self.portfolio_ids), equity, equity, equity),
            dates=pl.Series("date", self.window.sessions, dtype=pl.Date),
            profiles=pl.DataFrame(
                {"symbol": list(self.profiles), "beta": list(self.profiles.values())},
                {"symbol": pl.String, "beta": pl.Decimal(8, 4)},
            ),
            previous=pl.DataFrame(
                {"position_id": list(self.previous), "beta": list(self.previous.values())},
                {"position_id": pl.String, "beta": pl.Decimal(12, 6)},
            ),
            definitions=definitions(self.inactive),
        )

    def _lots(self) -> OpenPositions:
        number = {portfolio: row for row, portfolio in enumerate(self.portfolio_ids)}
        lots = sorted(self.lots, key=lambda lot: (number[lot.portfolio_id], lot.id))
        frame = pl.DataFrame(
            {
                "position_id": [lot.id for lot in lots],
                "portfolio": [number[lot.portfolio_id] for lot in lots],
                "portfolio_id": [lot.portfolio_id for lot in lots],
                "symbol": [lot.symbol for lot in lots],
                "position_type": [lot.position_type for lot in lots],
                "investment_class": [lot.investment_class for lot in lots],
                "deleted": [lot.is_deleted for lot in lots],
            },
            schema_overrides={"portfolio": pl.UInt32, "investment_class": pl.String},
        )
        marks = [self.marks[lot.id] for lot in lots]
        stored = [[np.nan if value is None else float(value) for _, value in row] for row in marks]
        computed = [
            [float(computed_value(marked_lot(lot, *mark))) for mark in row]
            for lot, row in zip(lots, marks, strict=True)
        ]
        shape = (len(lots), SESSIONS)
        return OpenPositions(frame, np.array(stored).reshape(shape), np.array(computed).reshape(shape))


def marked_lot(lot: Position, price: Decimal | None, value: Decimal | None) -> Position:
    return Position(**{**lot.__dict__, "last_price": price, "market_value": value})


def definitions(inactive: frozenset[str] = frozenset(), names: tuple[str, ...] = FACTORS) -> pl.DataFrame:
    rows = [
        {"id": uid(name), "name": name, "factor_type": "style", "display_order": 0, "is_active": True}
        | {"is_active": name not in inactive}
        for name in names
    ]
    return pl.DataFrame(rows, polars_schema(TABLES["factor_definitions"]))
