"""Random small worlds: every table that a run reads, drawn from a seed, with faults of real stores.

Frequent on purpose: half cents, gaps, late listings, symbols that stop, flat prices, steep ones (betas
beyond the cap), closes of 0, closes on days without a session, several lots of a symbol, shorts, options,
closed and deleted lots, null and private classes, symbols that no market quotes, equity null, 0 and below,
cash on and off sessions, earlier snapshots with holes, exposures and betas of earlier runs, inactive and
missing factor definitions, funds without prices, few scenarios, no benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np
import polars as pl

from engine.analytics.stress.scenarios import Scenarios, load_scenarios
from engine.core.calendar import sessions
from engine.core.funds import FACTOR_FUNDS
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.window import Window
from tests.builders import STAMP, close, event, flow, portfolio, position, uid
from tests.memory_store import frame_of

FACTORS = (
    *("Market Beta (90D)", "Provider Beta (1Y)", "IR Beta"),
    *("Growth-Value Spread", "Momentum Spread", "Size Spread", "Quality Spread"),
    *("Momentum", "Value", "Growth", "Size", "Quality", "Low Volatility"),
)
FORMER_FACTORS = ("Market Beta", "Interest Rate Beta")
"""Names of older databases: the market's under its former name, rates under one that no job writes."""
QUOTED = ("AAA", "BBB", "CCC", "DDD", "EEE")
CONTRACT = "AAA251219C00100000"
SYMBOLS = (*QUOTED, *QUOTED, "low", "EQIX", "HOME_EQUITY", CONTRACT, "NOPX", "SPY", "TLT")
SECTORS = (
    *("Technology", " Financial Services ", "Consumer Cyclical", 'A "B"\\', "Énergie"),
    *("Unknown", "  ", None),
)
OWNERS = ("First", "Second", "Third")
HISTORY = (20, 60, 110, 150, 240, 430)
"""Calendar days of closes before the first session, around the look-backs and minimums."""
FILLING = {"numeric": 0, "integer": 0, "timestamp": STAMP, "boolean": True, "text": "test", "json": "{}"}
DELETED = STAMP + timedelta(days=30)
BOOKS = (
    *("closed_lots", "realized_gains", "membership", "expiry"),
    *("zero_closes", "previous_close", "price_gaps", "pnl_since"),
)
"""Rules of books that add up, drawn together: test_books_derived.py has the mixes."""
NEED_BOOKS = ("sectors", "closes")
Row = dict[str, Any]
Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class World:
    """A store's tables, and how they are run."""

    tables: dict[str, list[Row]]
    window: Window
    rules: Rules
    scenarios: Scenarios

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables in the schema's types."""
        return {name: frame_of(name, rows) for name, rows in self.tables.items()}


def draw_world(seed: int) -> World:
    """The world of a seed: three portfolios over two to four sessions; one in ten has no factors."""
    world = Draw(np.random.default_rng(seed)).world()
    if seed % 10 == 7:
        return replace(world, tables={**world.tables, "factor_definitions": []})
    return world


class Draw:
    """Draws from one generator, in a fixed order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.fund_moves: list[np.ndarray] = []  # each fund's own, beside the market's

    def chance(self, share: float) -> bool:
        """True in a share of the draws."""
        return bool(self.rng.random() < share)

    def one(self, choices: Sequence[Drawn]) -> Drawn:
        """One of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def count(self, least: int, most: int) -> int:
        """A whole number, both ends inclusive."""
        return int(self.rng.integers(least, most + 1))

    def number(self, low: float, high: float, scale: int) -> Decimal:
        """A decimal of a scale."""
        return Decimal(f"{self.rng.uniform(low, high):.{scale}f}")

    def world(self) -> World:
        """Everything."""
        days = self._sessions()
        run_date = self.one((days[0], days[-1], days[-1] + timedelta(days=6)))
        owners = [self._portfolio(name) for name in OWNERS]
        held = [lot for name in OWNERS for lot in self._positions(name, days)]
        scenarios = load_scenarios()
        chosen = [self.one(scenarios.all).id for _ in range(self.one((0, 3, 3, 3)))]
        tables = {
            "portfolios": owners,
            "positions": held,
            "market_data_cache": self._closes(days),
            "position_realized_events": self._events(held, days),
            "equity_changes": self._flows(days),
            "portfolio_snapshots": [row for name in OWNERS for row in self._snapshots(name, days[0])],
            "company_profiles": self._profiles(),
            "factor_definitions": self._definitions(),
            "factor_exposures": [row for name in OWNERS for row in self._exposures(name, days[0])],
            "position_market_betas": self._betas("position_market_betas", held, days[0]),
            "position_interest_rate_betas": self._betas("position_interest_rate_betas", held, days[0]),
            "benchmarks_sector_weights": self._benchmark(),
            "stress_test_scenarios": self._scenario_rows(scenarios),
        }
        only = scenarios.only(*dict.fromkeys(chosen))
        return self._greeks(World(tables, Window(days[0], days[-1], run_date), self._rules(), only))

    def _greeks(self, world: World) -> World:
        """Half of the worlds by other than legacy rules, with options that have terms and count by Greeks."""
        if world.rules == Rules.legacy() or self.chance(0.5):
            return world
        days = world.window.sessions
        around = [days[0] + timedelta(days=n) for n in (-1, 0, 1, 2, 30, 200, 900)]
        lots = [
            {
                **lot,
                "strike_price": self.one((None, *[self.number(2, 140, 2)] * 4)),
                "expiration_date": self.one((None, *(day for day in around if day >= lot["entry_date"]))),
                "underlying_symbol": self.one((lot["underlying_symbol"], "AAA", "BBB", "TLT")),
            }
            if lot["position_type"] in ("LC", "SP")
            else lot
            for lot in world.tables["positions"]
        ]
        rates = [
            whole(
                "engine_interest_rates", asof_date=days[0] + timedelta(days=age), rate=self.number(0, 0.06, 6)
            )
            for age in (-40, -1, 1, 2)
            if self.chance(0.4)
        ]
        tables = {**world.tables, "positions": lots, "engine_interest_rates": rates}
        return replace(world, tables=tables, rules=replace(world.rules, options="greeks"))

    def _sessions(self) -> list[date]:
        """Consecutive sessions, with a day off between in most draws."""
        year = sessions(date(2025, 3, 1), date(2025, 11, 30))
        at = self.count(0, len(year) - 5)
        return year[at : at + self.count(2, 4)]

    def _rules(self) -> Rules:
        """The legacy rules, or every field drawn; those of books that add up are drawn together."""
        kinds = get_type_hints(Rules)
        legacy = Rules.legacy()
        others = (*BOOKS, *NEED_BOOKS, "options")  # drawn by _greeks, so that other draws stay
        derived = {name: get_args(kinds[name]) for name in kinds if name not in others}
        values = {"closed_lots": ("earn", "stop"), **derived}
        drawn = {name: self.one(some) for name, some in values.items()}
        if self.chance(0.3):
            drawn |= {name: Rules.corrected().record[name] for name in BOOKS}
            drawn |= {name: self.one(get_args(kinds[name])) for name in NEED_BOOKS}
        return legacy if self.chance(0.5) else replace(legacy, **drawn)

    # Portfolios and positions

    def _portfolio(self, name: str) -> Row:
        equity = f"{self.number(20_000, 900_000, 2)}"
        equity = self.one((*[equity] * 7, "0.00", "-30000.17", None))
        deleted = self.chance(0.08) and equity is not None
        return portfolio(name, equity, deleted_at=DELETED if deleted else None)

    def _positions(self, owner: str, days: list[date]) -> list[Row]:
        return [self._position(owner, number, days) for number in range(self.count(0, 6))]

    def _position(self, owner: str, number: int, days: list[date]) -> Row:
        symbol = self.one(SYMBOLS)
        kind = self.one(("LONG", "LONG", "LONG", "SHORT", "SHORT", "LC", "SP"))
        option = kind in ("LC", "SP")
        size = self.one((self.number(0.01, 900, 4), Decimal("0.5"), Decimal("2.5"), Decimal(100)))
        life = self._life(days)
        marked = self.chance(0.5)
        return position(
            symbol,
            f"{-size if kind in ('SHORT', 'SP') else size}",
            owner,
            f"{number}",
            position_type=kind,
            entry_price=self.number(1, 300, 4),
            investment_class=self.one((*["OPTIONS" if option else "PUBLIC"] * 6, "PRIVATE", None)),
            underlying_symbol=self.one((None, None, "AAA", "EQIX", "GONE")) if option else None,
            deleted_at=DELETED if self.chance(0.1) else None,
            last_price=self.number(1, 300, 4) if marked else None,
            market_value=self.number(-20_000, 20_000, 2) if marked else None,
            unrealized_pnl=self.number(-20_000, 20_000, 2) if marked else None,
            **life,
        )

    def _life(self, days: list[date]) -> Row:
        around = [days[0] + timedelta(days=n) for n in range(-2, (days[-1] - days[0]).days + 3)]
        entry = self.one((date(2024, 1, 2), date(2024, 1, 2), self.one(around)))
        ends = [day for day in around if day >= entry]
        ended = self.one(ends) if ends and self.chance(0.2) else None
        return {"entry_date": entry, "exit_date": ended, "exit_price": Decimal(90) if ended else None}

    # Prices

    def _closes(self, days: list[date]) -> list[Row]:
        first = days[0] - timedelta(days=self.one(HISTORY))
        open_days = sessions(first, days[-1] + timedelta(days=3))
        market = self.rng.normal(0.0003, 0.012, len(open_days))
        funds = [self.one(FACTOR_FUNDS)] if self.chance(0.06) else FACTOR_FUNDS
        rows: list[Row] = []
        for symbol in (*funds, *QUOTED, "EQIX", "LOW", "low", CONTRACT):
            path = self._path(symbol, market)
            kept = self._kept(len(open_days), symbol in FACTOR_FUNDS)
            quotes = {open_days[row]: path[row] for row in kept}
            rows += [close(day, f"{price}", symbol) for day, price in self._odd(quotes, days).items()]
        return rows

    def _path(self, symbol: str, market: np.ndarray) -> list[Decimal]:
        """Closes of a symbol: to the cent, which makes half cents, or to four decimals."""
        fund = symbol in FACTOR_FUNDS
        loading = 1.0 if fund else self.one((0.5, 1.0, 1.5, -0.8, 7.0, 0.0))
        noise = 0.0 if symbol == "SPY" else 0.004 if fund else self.one((0.0, 0.002, 0.02))
        own = self.rng.normal(0, 1, len(market)) * noise
        if fund:
            self.fund_moves.append(own)
        elif self.chance(0.2):
            own = own + 9.0 * self.one(self.fund_moves)  # a style beta beyond the cap
        moves = loading * market + own
        path = self.one((3.0, 100.0, 100.0)) * np.cumprod(1 + np.clip(moves, -0.5, 0.5))
        scale = self.one((2, 4, 4))
        return [max(Decimal(f"{price:.{scale}f}"), Decimal("0.01")) for price in path]

    def _kept(self, count: int, fund: bool) -> list[int]:
        """Rows with a close: all, none, the later or the earlier ones; single ones missing."""
        rows = np.ones(count, dtype=bool)
        kind = self.rng.random() * (3 if fund else 1)
        if kind < 0.08:
            rows[:] = False
        elif kind < 0.25:
            rows[: self.count(1, count - 1)] = False
        elif kind < 0.35:
            rows[self.count(count // 2, count - 1) :] = False
        if self.chance(0.3):
            rows[self.rng.integers(0, count, 3)] = False
        return np.flatnonzero(rows).tolist()

    def _odd(self, quotes: dict[date, Decimal], days: list[date]) -> dict[date, Decimal]:
        """The same with a close of 0, or one on a day without a session."""
        near = [days[0] + timedelta(days=n) for n in range(-12, 5)]
        extra = {}
        if self.chance(0.15):
            zero = self.one(near)
            extra |= dict.fromkeys((zero, zero + timedelta(days=1)), Decimal("0.0000"))
        if self.chance(0.15):
            extra[self.one([day for day in near if day.weekday() > 4])] = Decimal("77.0000")
        return quotes | extra

    # Cash and earlier rows

    def _events(self, held: list[Row], days: list[date]) -> list[Row]:
        count = self.count(0, 4) if held else 0
        rows = []
        for number in range(count):
            lot, amount = self.one(held), self.number(-5_000, 5_000, 2)
            own = {
                "portfolio_id": lot["portfolio_id"],
                "position_id": lot["id"],
                "id": uid(f"event {number}"),
            }
            rows.append(event(self._around(days), f"{amount}") | own)
        return rows

    def _flows(self, days: list[date]) -> list[Row]:
        return [
            flow(
                self._around(days),
                f"{self.number(0.01, 90_000, 2)}",
                self.one(("CONTRIBUTION", "WITHDRAWAL")),
                self.one(OWNERS),
                id=uid(f"flow {number}"),
                deleted_at=DELETED if self.chance(0.2) else None,
            )
            for number in range(self.count(0, 5))
        ]

    def _around(self, days: list[date]) -> date:
        return days[0] + timedelta(days=self.count(-3, (days[-1] - days[0]).days + 3))

    def _snapshots(self, owner: str, first: date) -> list[Row]:
        """None to two older ones, some of their totals null."""
        ages = sorted({self.one((1, 3, 12, 40)) for _ in range(self.count(0, 2))}, reverse=True)
        return [self._snapshot(owner, first - timedelta(days=age)) for age in ages]

    def _snapshot(self, owner: str, day: date) -> Row:
        totals = ("cumulative_pnl", "cumulative_realized_pnl", "cumulative_capital_flow")
        drawn = {name: self.one((None, self.number(-50_000, 50_000, 2))) for name in totals}
        equity = self.one((*[self.number(20_000, 900_000, 2)] * 5, Decimal("0.00"), None))
        own = {"id": uid(f"{owner} {day}"), "portfolio_id": uid(owner), "snapshot_date": day}
        return whole("portfolio_snapshots", **own, **drawn, equity_balance=equity)

    def _exposures(self, owner: str, first: date) -> list[Row]:
        """Of some factors on some earlier days: often more than the fifty that stress tests look at.

        Written in any order, as their stamps tell, or all under one stamp.
        """
        days, share = self.one(((0, 1.0), (2, 0.5), (16, 0.5), (30, 0.3)))
        rare = [factor for factor in FACTORS if self.chance(0.3)]
        stamped = self.chance(0.5)
        drawn = [
            (first - timedelta(days=age), factor)
            for age in range(1, days + 1)
            for factor in FACTORS
            if self.chance(0.1 if factor in rare else share)
        ]
        return [
            whole(
                "factor_exposures",
                id=uid(f"{owner} {day} {factor}"),
                portfolio_id=uid(owner),
                factor_id=uid(factor),
                calculation_date=day,
                exposure_value=self.number(-2, 2, 6),
                exposure_dollar=self.one((None, Decimal("0.00"), self.number(-60_000, 60_000, 2))),
                created_at=STAMP + timedelta(seconds=self.count(0, 99)) if stamped else STAMP,
            )
            for day, factor in drawn
        ]

    def _betas(self, table: str, held: list[Row], first: date) -> list[Row]:
        """A position's stored betas of a few earlier days, around the seven that stress tests look at."""
        beta, day = {
            "position_market_betas": ("beta", "calc_date"),
            "position_interest_rate_betas": ("ir_beta", "calculation_date"),
        }[table]
        more = {"method": "OLS_SIMPLE", "window_days": 90} if beta == "beta" else {}
        return [
            whole(
                table,
                id=uid(f"{table} {lot['id']} {age}"),
                portfolio_id=lot["portfolio_id"],
                position_id=lot["id"],
                **{beta: self.one((Decimal(0), self.number(-2, 2, 6))), day: first - timedelta(days=age)},
                **more,
            )
            for lot in held
            for age in (1, 4, 5, 6, 7, 8)
            if self.chance(0.15)
        ]

    # Reference tables

    def _profiles(self) -> list[Row]:
        symbols = sorted({*QUOTED, "EQIX", "LOW", "low", "SPY"})
        rows = [
            whole(
                "company_profiles",
                symbol=symbol,
                beta=self.one((None, Decimal(0), self.number(-1, 3, 4), self.number(-1, 3, 4))),
                sector=self.one(SECTORS),
                is_etf=self.chance(0.2),
            )
            for symbol in symbols
        ]
        return [row for row in rows if self.chance(0.7)]

    def _definitions(self) -> list[Row]:
        """All of them, under old names too; in some worlds a few are missing or not active."""
        names = [name for name in (*FACTORS, *FORMER_FACTORS) if name in FACTORS or self.chance(0.3)]
        if self.chance(0.1):
            names = [name for name in names if self.chance(0.7)]
        return [
            whole("factor_definitions", id=uid(name), name=name, is_active=not self.chance(0.06))
            for name in names
        ]

    def _benchmark(self) -> list[Row]:
        named = {"id": uid("benchmark"), "benchmark_code": "SP500", "asof_date": date(2025, 1, 31)}
        return [whole("benchmarks_sector_weights", **named)] if self.chance(0.9) else []

    def _scenario_rows(self, scenarios: Scenarios) -> list[Row]:
        return [
            whole("stress_test_scenarios", id=uid(one.id), scenario_id=one.id, name=one.name)
            for one in scenarios.all
            if self.chance(0.9)
        ]


def whole(table: str, **values: object) -> Row:
    """A row with a plain value in each column that must have one and is not given."""
    needed = [column for column in TABLES[table].columns if not column.nullable]
    return {
        column.name: FILLING[column.type.kind] for column in needed if column.type.kind in FILLING
    } | values
