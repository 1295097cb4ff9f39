"""Loop over dates and portfolios, one after the other or concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from engine.analytics.stress.scenarios import load_scenarios
from tests.benchmarks.loop.analytics import Loaded, analytics, position_of
from tests.benchmarks.loop.daily import snapshot, value_positions
from tests.benchmarks.loop.orm import Database
from tests.reference.analytics import Prices, Profile, Reference, Scenario, visible_symbols


@dataclass(frozen=True)
class Batch:
    """A run: its database, its loaded data, its portfolios and its sessions."""

    db: Database
    loaded: Loaded
    portfolios: Sequence[UUID]
    sessions: Sequence[date]

    async def in_turn(self) -> list[BaseException]:
        """Run date by date, with a database session each, and portfolio by portfolio."""
        for day in self.sessions:
            async with self.db.sessions() as session:
                for portfolio in self.portfolios:
                    await snapshot(session, self.db, self.loaded.prices.closes, portfolio, day)
                await value_positions(session, self.db, day)
                for portfolio in self.portfolios:
                    await analytics(session, self.db, self.loaded, portfolio, day)
        return []

    async def at_once(self) -> list[BaseException]:
        """Run all dates concurrently, and of each date all portfolios, as the legacy batch planned to.

        Return the errors: a date's snapshots and values do not wait for those of the day before.
        """
        results = await asyncio.gather(*map(self._day, self.sessions), return_exceptions=True)
        return [error for error in results if isinstance(error, BaseException)]

    async def _day(self, day: date) -> None:
        await asyncio.gather(*(self._snapshot(portfolio, day) for portfolio in self.portfolios))
        async with self.db.sessions() as session:
            await value_positions(session, self.db, day)
        await asyncio.gather(*(self._analytics(portfolio, day) for portfolio in self.portfolios))

    async def _snapshot(self, portfolio: UUID, day: date) -> None:
        async with self.db.sessions() as session:
            await snapshot(session, self.db, self.loaded.prices.closes, portfolio, day)

    async def _analytics(self, portfolio: UUID, day: date) -> None:
        async with self.db.sessions() as session:
            await analytics(session, self.db, self.loaded, portfolio, day)


async def prepared(db: Database, sessions: Sequence[date], run_date: date) -> Batch:
    """Load portfolios, undated tables and all closes."""
    tables = db.tables
    async with db.sessions() as session:

        async def rows(kind: type) -> list:
            return list((await session.execute(select(kind))).scalars())

        portfolios = [row["id"] for row in await rows(tables.portfolios) if row["deleted_at"] is None]
        positions = list(map(position_of, await rows(tables.positions)))
        factors = await rows(tables.factor_definitions)
        profiles = await rows(tables.company_profiles)
        ids = {row["scenario_id"]: row["id"] for row in await rows(tables.stress_test_scenarios)}
        closes: dict[str, dict[date, Decimal]] = {}
        bars = tables.market_data_cache
        for symbol, day, close in await session.execute(select(bars.symbol, bars.date, bars.close)):
            closes.setdefault(symbol, {})[day] = close
    reference = Reference(
        factor_ids={row["name"]: row["id"] for row in factors},
        active_factors=frozenset(row["name"] for row in factors if row["is_active"]),
        profiles={r["symbol"]: Profile(r["sector"], bool(r["is_etf"]), r["beta"]) for r in profiles},
        scenarios=tuple(
            Scenario(ids[each.id], each.name, each.group, dict(each.shocks))
            for each in load_scenarios().active
            if each.id in ids
        ),
        has_benchmark=True,
    )
    loaded = Loaded(Prices(closes, visible_symbols(positions)), reference, run_date)
    return Batch(db, loaded, sorted(portfolios), sessions)
