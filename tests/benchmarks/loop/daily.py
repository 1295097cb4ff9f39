"""Phases 3 and 4 of one date: a portfolio's snapshot and new equity, and the positions' values."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.benchmarks.loop.orm import Database, Row
from tests.reference.pnl import (
    Rollforward,
    capital_flow,
    is_private_any_case,
    pnl_columns,
    position_pnl,
    previous_equity,
    realized_component,
)
from tests.reference.population import population_columns
from tests.reference.prices import PNL_LOOKBACK_DAYS, VALUATION_LOOKBACK_DAYS, Prices
from tests.reference.rounding import ZERO, to_money
from tests.reference.valuation import is_valued, value_position

ZEROS = ("total_value", "cash_value", "long_value", "short_value", "gross_exposure", "net_exposure")
COUNTS = ("num_positions", "num_long_positions", "num_short_positions")


async def snapshot(
    session: AsyncSession, db: Database, cached: Prices, portfolio_id: UUID, day: date
) -> None:
    """Reserve a snapshot, roll equity forward, and fill the snapshot, in one transaction."""
    slot = db.new(
        "portfolio_snapshots",
        {"portfolio_id": portfolio_id, "snapshot_date": day, "is_complete": False}
        | dict.fromkeys(ZEROS, ZERO)
        | dict.fromkeys(COUNTS, 0),
    )
    session.add(slot)
    await session.flush()
    portfolios = db.tables.portfolios
    query = select(portfolios).where(portfolios.id == portfolio_id)
    portfolio = (await session.execute(query)).scalar_one()
    rolled = await rollforward(session, db, cached, portfolio, day)
    portfolio["equity_balance"] = to_money(rolled.equity)
    await session.flush()
    active = await active_positions(session, db, portfolio_id, day)
    closes: Prices = {}
    for position in active:
        symbol = position["symbol"].upper()
        closes |= {symbol: await newest_close(session, db, symbol, day, None)}
    if active:
        slot["sector_exposure"] = JSON.NULL  # as the legacy batch stores on earlier dates
    slot.update(population_columns(active, closes, rolled.equity, day) | pnl_columns(rolled))
    await session.commit()


async def rollforward(
    session: AsyncSession, db: Database, cached: Prices, portfolio: Row, day: date
) -> Rollforward:
    snapshots, events, flows = (
        db.tables.portfolio_snapshots,
        db.tables.position_realized_events,
        db.tables.equity_changes,
    )
    key = portfolio["id"]
    earlier = select(snapshots).where(
        snapshots.portfolio_id == key,
        snapshots.snapshot_date < day,
        snapshots.equity_balance.is_not(None),
    )
    newest = earlier.order_by(snapshots.snapshot_date.desc()).limit(1)
    previous = (await session.execute(newest)).scalar_one_or_none()
    unrealized = await unrealized_component(session, db, cached, portfolio, previous, day)
    done = select(events).where(events.portfolio_id == key, events.trade_date == day)
    moved = select(flows).where(
        flows.portfolio_id == key, flows.change_date == day, flows.deleted_at.is_(None)
    )
    return Rollforward(
        previous,
        previous_equity(previous, portfolio),
        unrealized,
        realized_component(list((await session.execute(done)).scalars()), key, day),
        capital_flow(list((await session.execute(moved)).scalars()), key, day),
    )


async def unrealized_component(
    session: AsyncSession, db: Database, cached: Prices, portfolio: Row, previous: Row | None, day: date
) -> Decimal:
    positions = db.tables.positions
    held = select(positions).where(
        positions.portfolio_id == portfolio["id"],
        positions.entry_date <= day,
        positions.deleted_at.is_(None),
    )
    total = ZERO
    for position in (await session.execute(held)).scalars().all():
        if is_private_any_case(position):
            continue
        symbol = position["symbol"]
        close = cached.get(symbol, {}).get(day)
        today = {day: close} if close else await close_on(session, db, symbol, day)
        if today and previous is not None:
            before = await newest_close(
                session, db, symbol.upper(), day - timedelta(days=1), PNL_LOOKBACK_DAYS - 1
            )
            total += position_pnl(position, {symbol: today | before}, previous, day)
    return total


async def active_positions(session: AsyncSession, db: Database, portfolio_id: UUID, day: date) -> list[Any]:
    positions = db.tables.positions
    active = select(positions).where(
        positions.portfolio_id == portfolio_id,
        positions.entry_date <= day,
        positions.exit_date.is_(None) | (positions.exit_date > day),
        positions.deleted_at.is_(None),
    )
    return list((await session.execute(active)).scalars())


async def close_on(session: AsyncSession, db: Database, symbol: str, day: date) -> dict[date, Decimal]:
    prices = db.tables.market_data_cache
    query = select(prices).where(prices.symbol == symbol, prices.date == day, prices.close > 0)
    row = (await session.execute(query)).scalar_one_or_none()
    return {} if row is None else {row["date"]: row["close"]}


async def newest_close(
    session: AsyncSession, db: Database, symbol: str, last: date, look_back: int | None
) -> dict[date, Decimal]:
    """Query the newest close up to a day, at most `look_back` days old if given."""
    prices = db.tables.market_data_cache
    query = select(prices).where(prices.symbol == symbol, prices.date <= last)
    if look_back is not None:
        query = query.where(prices.date >= last - timedelta(days=look_back))
    row = (await session.execute(query.order_by(prices.date.desc()).limit(1))).scalar_one_or_none()
    return {} if row is None else {row["date"]: row["close"]}


async def value_positions(session: AsyncSession, db: Database, day: date) -> None:
    """Run phase 4: value every open position, in one transaction."""
    positions = db.tables.positions
    opened = select(positions).where(positions.exit_date.is_(None), positions.deleted_at.is_(None))
    for position in (await session.execute(opened.order_by(positions.id))).scalars().all():
        if not is_valued(position):
            continue
        symbol = position["symbol"]
        closes = await close_on(session, db, symbol, day) or await newest_close(
            session, db, symbol.upper(), day - timedelta(days=1), VALUATION_LOOKBACK_DAYS - 1
        )
        value_position(position, {symbol: closes}, day)
    await session.commit()
