"""Phase 6 of one date and portfolio: the eight jobs in order, each with its own queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.benchmarks.loop.orm import Database, Row
from tests.reference.analytics import (
    Book,
    FactorExposure,
    JobResult,
    Position,
    PositionBeta,
    Prices,
    Reference,
    Snapshot,
    correlations,
    factor_matrix,
    market_beta,
    provider_beta,
    rate_beta,
    ridge_factors,
    spread_factors,
    stress,
    volatility,
)
from tests.reference.analytics.stress import ETF_FACTORS, EXPOSURE_ROWS, LOOKBACK_DAYS, RATE_BETA_DAYS


@dataclass(frozen=True)
class Loaded:
    """Inputs that a run loads before its first date."""

    prices: Prices
    reference: Reference
    run_date: date


async def analytics(
    session: AsyncSession, db: Database, loaded: Loaded, portfolio_id: UUID, day: date
) -> None:
    """Run every job for a portfolio, with one commit at the end; the style factors commit by themselves."""
    job = Job(session, db, loaded, portfolio_id, day)
    prices, reference = loaded.prices, loaded.reference
    result = market_beta(await job.book(), prices, reference.factor_ids)
    await job.save(result, {"position_market_betas": ("position_id", "calc_date", "method", "window_days")})
    book = await job.book()
    betas = tuple([await job.newest_beta(p) for p in book.active])
    newest = tuple(beta for beta in betas if beta is not None)
    await job.save(provider_beta(book, reference.profiles, newest, reference.factor_ids))
    result = rate_beta(await job.book(), prices, reference.factor_ids)
    await job.save(result, {"position_interest_rate_betas": ("position_id", "calculation_date")})
    for style in (spread_factors, ridge_factors):
        await job.save_styles(style(await job.book(), prices, reference))
    await job.save(
        volatility(await job.book(), prices), {"position_volatility": ("position_id", "calculation_date")}
    )
    await job.save_correlations()
    await job.save_stress()
    await session.commit()


@dataclass(frozen=True)
class Job:
    """The queries and rows of one portfolio's jobs on one date."""

    session: AsyncSession
    db: Database
    loaded: Loaded
    portfolio_id: UUID
    day: date

    async def rows(self, query: Any) -> list[Any]:
        return list((await self.session.execute(query)).scalars())

    async def book(self) -> Book:
        """Query portfolio, positions and newest snapshot, as each legacy job did."""
        tables = self.db.tables
        portfolios, positions, snapshots = tables.portfolios, tables.positions, tables.portfolio_snapshots
        [portfolio] = await self.rows(select(portfolios).where(portfolios.id == self.portfolio_id))
        mine = select(positions).where(positions.portfolio_id == self.portfolio_id)
        held = await self.rows(mine.order_by(positions.id))
        past = snapshots.portfolio_id == self.portfolio_id, snapshots.snapshot_date <= self.day
        newest = select(snapshots).where(*past).order_by(snapshots.snapshot_date.desc()).limit(1)
        return Book(
            self.portfolio_id,
            self.day,
            portfolio["equity_balance"],
            tuple(map(position_of, held)),
            tuple(map(snapshot_of, await self.rows(newest))),
        )

    async def newest_beta(self, position: Position) -> PositionBeta | None:
        betas = self.db.tables.position_market_betas
        query = select(betas).where(betas.position_id == position.id)
        rows = await self.rows(query.order_by(betas.calc_date.desc()).limit(1))
        return PositionBeta(position.id, rows[0]["calc_date"], rows[0]["beta"]) if rows else None

    async def save(self, result: JobResult, keys: dict[str, tuple[str, ...]] | None = None) -> None:
        """Add the rows of positions one by one, then the portfolio's exposures and snapshot."""
        for table, key in (keys or {}).items():
            for row in result.rows.get(table, []):
                await self.db.add(self.session, table, row, key)
        for row in result.rows.get("factor_exposures", []):
            await self.factor(row["factor_id"])
            key = ("portfolio_id", "factor_id", "calculation_date")
            await self.db.add(self.session, "factor_exposures", row, key)
        if result.snapshot:
            snapshots = self.db.tables.portfolio_snapshots
            mine = snapshots.portfolio_id == self.portfolio_id, snapshots.snapshot_date == self.day
            for row in await self.rows(select(snapshots).where(*mine)):
                row.update(result.snapshot)

    async def factor(self, factor_id: UUID) -> Row:
        """Query a factor's definition by name, as every legacy job did."""
        names = {key: name for name, key in self.loaded.reference.factor_ids.items()}
        factors = self.db.tables.factor_definitions
        [definition] = await self.rows(select(factors).where(factors.name == names[factor_id]))
        return definition  # type: ignore[no-any-return]

    async def save_styles(self, result: JobResult) -> None:
        """Replace each position's rows of these factors, with two commits, as the legacy batch did."""
        exposures = self.db.tables.position_factor_exposures
        by_position: dict[UUID, list[dict[str, Any]]] = {}
        for row in result.rows.get("position_factor_exposures", []):
            by_position.setdefault(row["position_id"], []).append(row)
        for position, rows in by_position.items():
            mine = (
                exposures.position_id == position,
                exposures.calculation_date == self.day,
                exposures.factor_id.in_([row["factor_id"] for row in rows]),
            )
            await self.session.execute(select(func.count()).select_from(exposures).where(*mine))
            await self.session.execute(delete(exposures).where(*mine))
            self.session.add_all([self.db.new("position_factor_exposures", row) for row in rows])
        await self.session.commit()
        await self.save(result)
        await self.session.commit()

    async def save_correlations(self) -> None:
        heads = self.db.tables.correlation_calculations
        moment = datetime.combine(self.day, time(), UTC)
        there = heads.portfolio_id == self.portfolio_id, heads.calculation_date == moment
        if await self.rows(select(heads).where(*there)):
            return
        result = correlations(await self.book(), self.loaded.prices)
        for row in result.rows.get("correlation_calculations", []):
            head = self.db.new("correlation_calculations", row | {"calculation_date": moment})
            self.session.add(head)
            await self.session.flush()
            pairs = result.rows["pairwise_correlations"]
            owner = {"correlation_calculation_id": head["id"]}
            self.session.add_all([self.db.new("pairwise_correlations", pair | owner) for pair in pairs])
        await self.session.flush()

    async def save_stress(self) -> None:
        """Save stress results; the factors' correlations are computed for every portfolio and date."""
        results = self.db.tables.stress_test_results
        book = await self.book()
        matrix = factor_matrix(await self.fund_prices(), self.loaded.run_date)
        rates = tuple([beta for position in book.active for beta in await self.rate_betas(position)])
        result = stress(book, await self.newest_exposures(), rates, self.loaded.reference.scenarios, matrix)
        mine = results.portfolio_id == self.portfolio_id, results.calculation_date == self.day
        await self.session.execute(delete(results).where(*mine))
        for row in result.rows.get("stress_test_results", []):
            self.session.add(self.db.new("stress_test_results", row))
        await self.session.commit()

    async def fund_prices(self) -> Prices:
        prices, last = self.db.tables.market_data_cache, self.loaded.run_date
        query = select(prices).where(
            prices.symbol.in_(list(ETF_FACTORS)),
            prices.date >= last - timedelta(days=LOOKBACK_DAYS),
            prices.date <= last,
        )
        closes: dict[str, dict[date, Any]] = {}
        for row in await self.rows(query):
            closes.setdefault(row["symbol"], {})[row["date"]] = row["close"]
        return Prices(closes, frozenset(closes))

    async def newest_exposures(self) -> tuple[FactorExposure, ...]:
        exposures, factors = self.db.tables.factor_exposures, self.db.tables.factor_definitions
        query = (
            select(exposures, factors)
            .join(factors, factors.id == exposures.factor_id)
            .where(exposures.portfolio_id == self.portfolio_id, exposures.calculation_date <= self.day)
            .order_by(exposures.calculation_date.desc())
            .limit(EXPOSURE_ROWS)
        )
        return tuple(
            FactorExposure(
                row["calculation_date"], factor["name"], row["exposure_value"], row["exposure_dollar"]
            )
            for row, factor in (await self.session.execute(query)).all()
        )

    async def rate_betas(self, position: Position) -> list[PositionBeta]:
        betas = self.db.tables.position_interest_rate_betas
        query = select(betas).where(
            betas.position_id == position.id,
            betas.calculation_date >= self.day - timedelta(days=RATE_BETA_DAYS),
            betas.calculation_date <= self.day,
        )
        newest = query.order_by(betas.calculation_date.desc()).limit(1)
        return [
            PositionBeta(position.id, row["calculation_date"], row["ir_beta"])
            for row in await self.rows(newest)
        ]


def position_of(row: Row) -> Position:
    fields = {name: row[name] for name in Position.__dataclass_fields__ if name != "is_deleted"}
    return Position(**fields, is_deleted=row["deleted_at"] is not None)


def snapshot_of(row: Row) -> Snapshot:
    return Snapshot(row["snapshot_date"], row["equity_balance"], row["gross_exposure"], row["net_exposure"])
