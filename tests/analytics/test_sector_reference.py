"""Sector exposure and concentration against the slow reference, on random books.

Invariants: the same five columns, all or none, weights to the bit and keys in the same order; a
portfolio alone equals itself among others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.analytics.concentration.sector import sector
from engine.analytics.job_result import JobResult
from engine.analytics.panels import Portfolios
from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_figures
from tests.marks import first
from tests.reference.analytics import Position, Profile, concentration_columns

from .regression_worlds import uid

SEEDS = range(40)
RUN_DATE = date(2025, 5, 2)
DATES = [date(2025, 5, 1), RUN_DATE, date(2025, 5, 5)]
FIGURES = ("hhi", "effective_num_positions", "top_3_concentration", "top_10_concentration")
SNAPSHOTS, POSITIONS = TABLES["portfolio_snapshots"], TABLES["positions"]
SECTORS = (
    *("Technology", " Financial Services ", "Basic Materials", "Consumer Cyclical", 'Quoted "Sector"\\'),
    *("Énergie", "Unknown", "", "  ", None),
)
SYMBOLS = ("AAA", "aaa", "BBB", "Ccc", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III", "JJJ", "KKK")
Draw = np.random.Generator


@dataclass(frozen=True)
class SectorWorld:
    """values: by lot and session, the market value that the session finds.

    equity: by portfolio and session, unrounded; holds: whether it holds anything.
    """

    lots: list[Position]
    values: dict[str, list[Decimal | None]]
    equity: dict[str, list[Decimal]]
    holds: dict[str, list[bool]]
    profiles: dict[str, Profile]
    has_benchmark: bool

    def run(self, portfolios: list[str]) -> JobResult:
        lots = [lot for lot in self.lots if lot.portfolio_id in portfolios]
        ids = pl.Series(sorted(portfolios), dtype=pl.String)
        zeros = np.zeros((len(ids), len(DATES)))
        arrays = Portfolios(ids, zeros, zeros, zeros)
        positions = _positions(lots)
        return sector(
            self._book(ids.to_list()), self._days(positions), positions, self._profiles(),
            self.has_benchmark, arrays, RUN_DATE,
        )  # fmt: skip

    def _book(self, ids: list[str]) -> pl.DataFrame:
        rows = [
            (pid, day, self.holds[pid][d], int(self.equity[pid][d].scaleb(8)))
            for pid in ids
            for d, day in enumerate(DATES)
        ]
        schema = {"portfolio_id": pl.String, "date": pl.Date, "holds": pl.Boolean, "equity_grains": pl.Int128}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _days(self, positions: pl.DataFrame) -> pl.DataFrame:
        rows = [
            (lot, day, None if value is None else int(value.scaleb(2)))
            for lot, values in self.values.items()
            for day, value in zip(DATES, values, strict=True)
        ]
        schema = {"id": pl.String, "date": pl.Date, "opening_value": pl.Int128}
        return positions.join(pl.DataFrame(rows, schema=schema, orient="row"), on="id")

    def _profiles(self) -> pl.DataFrame:
        rows = [(name, p.sector, p.is_etf) for name, p in self.profiles.items()]
        schema = {"symbol": pl.String, "sector": pl.String, "is_etf": pl.Boolean}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def expected(self, portfolio: str, session: int) -> dict[str, Any]:
        lots = [
            Position(**(vars(lot) | {"market_value": self.values[lot.id][session]}))
            for lot in sorted(self.lots, key=lambda lot: lot.id)
            if lot.portfolio_id == portfolio
        ]
        if DATES[session] < RUN_DATE or not self.holds[portfolio][session]:
            return {}
        equity = self.equity[portfolio][session]
        return concentration_columns(lots, equity, self.profiles, has_benchmark=self.has_benchmark)


def _positions(lots: list[Position]) -> pl.DataFrame:
    columns = polars_schema(POSITIONS)
    rows = [
        vars(lot) | {"deleted_at": datetime(2025, 1, 2, tzinfo=UTC) if lot.is_deleted else None}
        for lot in lots
    ]
    schema = {
        name: kind for name, kind in columns.items() if name in {*Position.__dataclass_fields__, "deleted_at"}
    }
    return pl.DataFrame(rows, schema=schema).sample(fraction=1, shuffle=True, seed=len(lots))


@cache
def draw(seed: int) -> SectorWorld:
    rng = np.random.default_rng(seed)
    ids = sorted(uid(f"portfolio {n}") for n in range(5))
    lots = [_lot(rng, f"{pid} {n}", pid) for pid in ids for n in range(int(rng.integers(0, 18)))]
    equities = ("0", "-30000.12345678", "125000.00000001", "99999.99500000", "880000.5")
    return SectorWorld(
        lots,
        {lot.id: [_value(rng) for _ in DATES] for lot in lots},
        {pid: [Decimal(_one(rng, equities)) for _ in DATES] for pid in ids},
        {pid: [bool(rng.random() < 0.8) for _ in DATES] for pid in ids},
        {
            s: Profile(_one(rng, SECTORS), bool(rng.random() < 0.2), None)
            for s in SYMBOLS
            if rng.random() < 0.8
        },
        has_benchmark=bool(rng.random() < 0.9),
    )


def _one(rng: Draw, choices: tuple[Any, ...]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _value(rng: Draw) -> Decimal | None:
    found: Decimal | None = _one(rng, (None, Decimal("0.00"), *(_cents(rng) for _ in range(4))))
    return found


def _cents(rng: Draw) -> Decimal:
    return Decimal(int(rng.integers(-9_000_000, 9_000_000))).scaleb(-2)


def _price(rng: Draw) -> Decimal:
    return Decimal(int(rng.integers(1, 3_000_000))).scaleb(-4)


def _lot(rng: Draw, name: str, portfolio: str) -> Position:
    return Position(
        id=uid(f"lot {name}"),
        portfolio_id=portfolio,
        symbol=_one(rng, SYMBOLS),
        position_type=_one(rng, ("LONG", "SHORT", "LC", "SP")),
        quantity=Decimal(int(rng.integers(-9_000_000, 9_000_000))).scaleb(-4),
        entry_price=_price(rng),
        entry_date=DATES[0],
        exit_date=_one(rng, (None, None, None, None, DATES[-1])),
        underlying_symbol=None,
        investment_class=_one(rng, ("PUBLIC", "PUBLIC", "OPTIONS", "PRIVATE", None)),
        last_price=_one(rng, (None, _price(rng))),
        market_value=None,
        is_deleted=bool(rng.random() < 0.1),
    )


@pytest.mark.parametrize("seed", first(6, SEEDS))
def test_random_books_equal_the_reference(seed: int) -> None:
    world = draw(seed)
    outcome = world.run(list(world.equity))
    assert outcome.snapshot is not None
    rounded = outcome.snapshot.with_columns(
        stored_figures(outcome.snapshot[name], SNAPSHOTS[name]) for name in FIGURES
    )
    ours = {(row["portfolio_id"], row["snapshot_date"]): row for row in rounded.to_dicts()}
    ends = {(r["portfolio_id"], r["calculation_date"]): r["status"] for r in outcome.status.to_dicts()}
    assert len(ends) == len(world.equity) * len(DATES)
    for portfolio in world.equity:
        for session, day in enumerate(DATES):
            theirs = world.expected(portfolio, session)
            mine = ours.get((portfolio, day), {})
            assert {name: mine.get(name) for name in FIGURES} == {name: theirs.get(name) for name in FIGURES}
            assert _items(mine) == _items(theirs)
            assert (ends[portfolio, day] == "ok") == bool(theirs)


def _items(row: dict[str, Any]) -> list[tuple[str, float]]:
    return list(json.loads(row.get("sector_exposure", "{}")).items())


@pytest.mark.parametrize("seed", first(6, SEEDS))
def test_a_portfolio_alone_has_the_bits_that_it_has_among_others(seed: int) -> None:
    world = draw(seed)
    among = world.run(list(world.equity)).snapshot
    assert among is not None
    for portfolio in world.equity:
        alone = world.run([portfolio]).snapshot
        assert among.filter(pl.col("portfolio_id") == portfolio).equals(alone)


def test_nobody_is_no_error() -> None:
    outcome = draw(1).run([])
    assert outcome.status.is_empty()
    assert outcome.snapshot is not None
    assert outcome.snapshot.is_empty()


def test_every_end_of_the_job_occurs() -> None:
    ends = pl.concat(draw(seed).run(list(draw(seed).equity)).status for seed in SEEDS)
    assert set(ends["reason"]) == {
        *("historical_session", "no_positions", "no_equity", "no_benchmark", "no_value", None),
    }  # fmt: skip
    counted = ends.filter(pl.col("status") == "ok").select("positions_used", "positions_left_out").sum()
    assert all(count > 0 for count in counted.row(0))
