"""Random books, exposures and funds for the stress job, as arrays and as the reference reads them.

What goes wrong is frequent: exposures with zero and null dollars, stale ones, dates that the newest
fifty rows end inside, of rows stamped one by one or all alike, later ones, none; net exposures and
equities at or below zero; rate betas of seven and eight days; deleted lots; funds without prices,
with gaps, zeros or few days.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property

import numpy as np
import polars as pl

from engine.analytics.panels import OpenPositions, Portfolios
from engine.analytics.stress.factor_correlations import FUND_FACTORS, factor_correlations
from engine.analytics.stress.scenarios import load_scenarios
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from tests.reference.analytics import (
    Book,
    FactorExposure,
    FactorMatrix,
    Position,
    PositionBeta,
    Prices,
    Snapshot,
    factor_matrix,
)
from tests.reference.analytics import Scenario as PlainScenario
from tests.reference.analytics.valuation import computed_value

from .regression_worlds import FACTORS, uid
from .stress_cases import StressCase

RUN_DATE = date(2025, 5, 9)
DATES = [date(2025, 4, 30), date(2025, 5, 1), date(2025, 5, 2), date(2025, 5, 5)]
OLDEST = date(2025, 4, 18)
DEFINED = (*FACTORS, "Market Beta", "Interest Rate Beta")
"""The last two are names of older databases, under which the market's beta correlates."""
WRITTEN = (
    *("Market Beta (90D)", "Market Beta", "Provider Beta (1Y)", "IR Beta"),
    *("Growth-Value Spread", "Momentum Spread", "Size Spread", "Quality Spread"),
    *("Momentum", "Value", "Growth", "Size", "Quality", "Low Volatility"),
    "Interest Rate Beta",
)
"""Job by job, as document 02 §1.2 orders them; the last no job writes."""
JOBS = (2, 3, 4, 8, 14)
"""Where in WRITTEN each job ends."""
RARELY = 0.15
STAMP = datetime(2025, 4, 17, tzinfo=UTC)
Draw = np.random.Generator


@dataclass(frozen=True)
class StressWorld:
    """One random world.

    marks: by lot and session, the last price. money: by portfolio and session, equity and net exposure.
    exposures: by portfolio, in the order in which they were written; those of each second
    portfolio under one stamp.
    """

    lots: list[Position]
    marks: dict[str, list[Decimal | None]]
    money: dict[str, list[tuple[Decimal, Decimal]]]
    exposures: dict[str, list[FactorExposure]]
    betas: list[PositionBeta]
    closes: dict[str, dict[date, Decimal]]

    @cached_property
    def ids(self) -> list[str]:
        return sorted(self.money)

    @cached_property
    def scenarios(self) -> tuple[PlainScenario, ...]:
        return tuple(PlainScenario(uid(s.id), s.name, s.group, dict(s.shocks)) for s in load_scenarios().all)

    @cached_property
    def matrix(self) -> FactorMatrix:
        return factor_matrix(Prices(self.closes, frozenset()), RUN_DATE)

    def book(self, portfolio: str, session: int) -> Book:
        lots = tuple(
            Position(**(vars(lot) | {"last_price": self.marks[lot.id][session]}))
            for lot in self.lots
            if lot.portfolio_id == portfolio
        )
        equity, net = self.money[portfolio][session]
        day = DATES[session]
        return Book(portfolio, day, equity, lots, (Snapshot(day, equity, abs(net), net),))

    def case(self) -> StressCase:
        scenarios = load_scenarios()
        money = np.array([[[float(x) for x in day] for day in self.money[pid]] for pid in self.ids])
        portfolios = Portfolios(pl.Series(self.ids), money[..., 0], np.abs(money[..., 1]), money[..., 1])
        return StressCase(
            portfolios,
            self._arrays(),
            pl.Series("date", DATES, dtype=pl.Date),
            self._exposure_rows(),
            _frame(
                "position_interest_rate_betas",
                [
                    {"position_id": b.position_id, "calculation_date": b.date, "ir_beta": b.beta}
                    for b in self.betas
                ],
            ),
            pl.DataFrame({"id": [uid(name) for name in DEFINED], "name": DEFINED}),
            scenarios.all,
            {s.id: uid(s.id) for s in scenarios.all},
            factor_correlations(self._fund_rows(), RUN_DATE, scenarios.bounds),
        )

    def _arrays(self) -> OpenPositions:
        order = {pid: number for number, pid in enumerate(self.ids)}
        lots = sorted(self.lots, key=lambda lot: (order[lot.portfolio_id], lot.id))
        frame = pl.DataFrame(
            {
                "position_id": [lot.id for lot in lots],
                "portfolio": pl.Series([order[lot.portfolio_id] for lot in lots], dtype=pl.UInt32),
                "portfolio_id": [lot.portfolio_id for lot in lots],
                "deleted": [lot.is_deleted for lot in lots],
            },
            schema_overrides={"position_id": pl.String, "portfolio_id": pl.String, "deleted": pl.Boolean},
        )
        values = np.array(
            [[float(computed_value(self._marked(lot, d))) for d in range(len(DATES))] for lot in lots]
        )
        values = values.reshape(len(lots), len(DATES))
        return OpenPositions(frame, np.full_like(values, np.nan), values)

    def _marked(self, lot: Position, session: int) -> Position:
        return Position(**(vars(lot) | {"last_price": self.marks[lot.id][session]}))

    def _exposure_rows(self) -> pl.DataFrame:
        rows = [
            {
                "portfolio_id": pid,
                "factor_id": uid(e.factor),
                "calculation_date": e.date,
                "exposure_value": e.beta,
                "exposure_dollar": e.dollars,
                "created_at": STAMP + timedelta(seconds=number if portfolio % 2 else 0),
            }
            for portfolio, (pid, exposures) in enumerate(self.exposures.items())
            for number, e in enumerate(exposures)
        ]
        return _frame("factor_exposures", rows)

    def _fund_rows(self) -> pl.DataFrame:
        rows = [
            {"symbol": fund, "date": day, "close": close}
            for fund, series in self.closes.items()
            for day, close in series.items()
        ]
        return _frame("market_data_cache", rows)


def _frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = polars_schema(TABLES[table])
    names = {
        "position_interest_rate_betas": ("position_id", "calculation_date", "ir_beta"),
        "factor_exposures": (
            "portfolio_id",
            "factor_id",
            "calculation_date",
            "exposure_value",
            "exposure_dollar",
            "created_at",
        ),
        "market_data_cache": ("symbol", "date", "close"),
    }[table]
    frame = pl.DataFrame(rows, schema={name: schema[name] for name in names})
    return frame.sample(fraction=1, shuffle=True, seed=len(rows))


@cache
def draw_stress_world(seed: int) -> StressWorld:
    rng = np.random.default_rng(seed)
    ids = [uid(f"portfolio {n}") for n in range(4)]
    lots = [_lot(rng, n, pid) for pid in ids[:-1] for n in range(int(rng.integers(0, 6)))]
    money = (0, "0.01", "-52000.17", "81000.33", "250000.00")
    return StressWorld(
        lots,
        {lot.id: [_price(rng) for _ in DATES] for lot in lots},
        {pid: [(Decimal(_one(rng, money)), Decimal(_one(rng, money))) for _ in DATES] for pid in ids},
        {pid: _exposures(rng, stamped=number % 2 == 1) for number, pid in enumerate(ids)},
        [b for lot in lots for b in _betas(rng, lot.id)],
        _closes(rng),
    )


def _one(rng: Draw, choices: tuple[object, ...]) -> object:
    return choices[int(rng.integers(len(choices)))]


def _amount(rng: Draw, size: float, scale: int) -> Decimal:
    return Decimal(repr(round(float(rng.normal(0, size)), scale))).quantize(Decimal(1).scaleb(-scale))


def _price(rng: Draw) -> Decimal | None:
    return None if rng.random() < 0.2 else abs(_amount(rng, 90, 4))


def _lot(rng: Draw, number: int, portfolio: str) -> Position:
    return Position(
        id=uid(f"lot {portfolio} {number}"),
        portfolio_id=portfolio,
        symbol=f"S{number}",
        position_type=str(_one(rng, ("LONG", "SHORT", "LC", "SP"))),
        quantity=_amount(rng, 200, 4),
        entry_price=abs(_amount(rng, 90, 4)),
        entry_date=OLDEST,
        exit_date=None,
        underlying_symbol=None,
        investment_class=_one(rng, ("PUBLIC", "OPTIONS", "PRIVATE", None)),  # type: ignore[arg-type]
        last_price=None,
        market_value=None,
        is_deleted=bool(rng.random() < 0.2),
    )


def _exposures(rng: Draw, stamped: bool) -> list[FactorExposure]:
    """On some days up to the last session and beyond it, of some factors; often of none.

    Some factors are rare, so that the newest row of one may be among the last of the fifty.

    stamped: they may stand in any order, which their stamps tell; else job by job, then by id.
    """
    how_often, how_many = _one(rng, ((0.0, 1.0), (0.1, 0.4), (0.5, 1.0), (0.9, 0.9)))  # type: ignore[misc]
    rare = [factor for factor in DEFINED if rng.random() < 0.3]
    span = (DATES[-1] - OLDEST).days + 3
    days = [OLDEST + timedelta(days=n) for n in range(span) if rng.random() < how_often]
    dollars: tuple[Callable[[], Decimal | None], ...] = (
        lambda: None,
        lambda: Decimal("0.00"),
        lambda: _amount(rng, 60_000, 2),
    )
    drawn = [
        FactorExposure(day, factor, _amount(rng, 1, 6), dollars[int(rng.integers(3))]())
        for day in days
        for factor in DEFINED
        if rng.random() < (RARELY if factor in rare else how_many)
    ]
    if stamped:
        return [drawn[number] for number in rng.permutation(len(drawn))]
    return sorted(drawn, key=lambda exposure: (_job(exposure.factor), uid(exposure.factor)))


def _job(factor: str) -> int:
    return bisect_right(JOBS, WRITTEN.index(factor))


def _betas(rng: Draw, lot: str) -> list[PositionBeta]:
    """Now and then, so that the newest is often seven or eight days old."""
    days = [DATES[0] + timedelta(days=n) for n in range(-10, 7)]
    return [PositionBeta(lot, day, _amount(rng, 1, 6)) for day in days if rng.random() < 0.12]


def _closes(rng: Draw) -> dict[str, dict[date, Decimal]]:
    """Days before the run date, on which the funds move together; at least two funds.

    A close of 0 makes a return of -100 %, a second one after it a NaN, a price after it an infinite one.
    """
    count = int(_one(rng, (1, 30, 31, 120)))  # type: ignore[call-overload]
    days = [RUN_DATE - timedelta(days=n) for n in range(count)]
    common = rng.normal(0, 0.01, count)
    left_out = set(rng.choice(list(FUND_FACTORS), int(_one(rng, (0, 0, 1, 6))), replace=False))  # type: ignore[call-overload]
    found: dict[str, dict[date, Decimal]] = {}
    for fund in [fund for fund in FUND_FACTORS if fund not in left_out]:
        moves = common * rng.normal(1, 0.3) + rng.normal(0, 0.004, count)
        moves = np.zeros(count) if rng.random() < 0.1 else moves
        prices = 100 * np.exp(np.cumsum(moves))
        kept = rng.random(count) > (0.02 if rng.random() < 0.5 else 0.0)
        found[fund] = {
            day: Decimal(f"{price:.4f}")
            for day, price, is_kept in zip(days, prices, kept, strict=True)
            if is_kept
        }
        if rng.random() < 0.1 and found[fund]:
            newest = sorted(found[fund])[-int(rng.integers(1, 6)) :]
            found[fund] |= dict.fromkeys(newest[:2], Decimal("0.0000"))
    return found
