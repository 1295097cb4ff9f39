"""The database as objects: a class for each table, made from the database's catalogue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.automap import automap_base

STAMPS = ("created_at", "updated_at")


class Row:
    """Access to columns by name, as the reference's rows have it."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def update(self, columns: dict[str, Any]) -> None:
        for name, value in columns.items():
            setattr(self, name, plain(value))


def plain(value: Any) -> Any:
    """Return NaN as a decimal, because columns are numeric."""
    return Decimal("NaN") if isinstance(value, float) and math.isnan(value) else value


@dataclass
class Database:
    """A SQLAlchemy engine, its sessions, the classes by table, and the number of statements sent."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    tables: SimpleNamespace
    statements: int = 0

    def new(self, table: str, columns: dict[str, Any]) -> Row:
        """Return a new object with an id and time stamps, not yet added."""
        kind = getattr(self.tables, table)
        names = kind.__table__.columns.keys()
        now = datetime.now(UTC)
        stamps = {name: now for name in STAMPS if name in names}
        given = {name: plain(value) for name, value in columns.items() if name in names}
        made: Row = kind(**{"id": uuid4(), **stamps, **given})
        return made

    async def add(
        self, session: AsyncSession, table: str, columns: dict[str, Any], key: Sequence[str]
    ) -> None:
        """Add a row unless one with the same key exists."""
        kind = getattr(self.tables, table)
        same = [getattr(kind, name) == columns[name] for name in key]
        if (await session.execute(sa.select(kind).where(*same))).scalar_one_or_none() is None:
            session.add(self.new(table, columns))


async def database(url: str) -> Database:
    engine = create_async_engine(_address(url), pool_size=20, max_overflow=20)
    base = automap_base(cls=Row)
    async with engine.connect() as connection:
        await connection.run_sync(
            lambda sync: base.prepare(autoload_with=sync, generate_relationship=lambda *_, **__: None)
        )
    tables = SimpleNamespace(**dict(base.classes.items()))
    made = Database(engine, async_sessionmaker(engine, expire_on_commit=False), tables)

    def count(*_: Any) -> None:
        made.statements += 1

    sa.event.listen(engine.sync_engine, "before_cursor_execute", count)
    return made


def _address(url: str) -> sa.URL:
    """Return a store's URL for asyncpg, with the folder of a socket as a parameter."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = unquote(parts.hostname or "")
    if "%2f" in parts.netloc.lower():
        host = unquote(parts.netloc.rpartition("@")[2])
    return sa.URL.create(
        "postgresql+asyncpg",
        username=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        host=None if host.startswith("/") else host or None,
        port=None if host.startswith("/") else parts.port,
        database=parts.path.removeprefix("/"),
        query={**query, **({"host": host} if host.startswith("/") else {})},
    )
