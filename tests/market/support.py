"""Shared by the tests of collections: small stores, evenings, access to stored rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import polars as pl
import psycopg

from engine.core.schema import TABLES
from engine.market_data.collect import collect
from engine.market_data.task import CollectionResult
from loaders.market import RequestPolicy
from loaders.yahoo import Yahoo
from tests.builders import STAMP, portfolio, position, uid
from tests.market.server import YahooServer
from tests.market.world import NEW_YORK, Listing, invented
from tests.memory_store import frame_of
from tests.stores.support import folder_of
from writers import open_writer

Stores = Callable[[str], str]
QUICK = RequestPolicy(rate=1000, in_flight=4, attempts=2, backoff=0.02, pause=0.05, longest=0.2)
LISTED = date(2024, 1, 2)
START = date(2025, 4, 1)
END = date(2025, 12, 31)
USER = {
    "id": uid("user"),
    "email": "user@example.com",
    "hashed_password": "-",
    "full_name": "User",
    "is_active": True,
    "created_at": STAMP,
    "updated_at": STAMP,
}


def evening(day: date) -> datetime:
    """18:00 in New York: the session is finished."""
    return datetime(day.year, day.month, day.day, 18, tzinfo=NEW_YORK)


def put(url: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Insert rows into a store that has their tables; return its URL."""
    with open_writer(url) as writer, writer.transaction():
        for name in (name for name in TABLES if name in tables):
            writer.insert(TABLES[name], frame_of(name, tables[name]))
    return url


def holding(url: str, *symbols: str) -> str:
    """Insert one portfolio that holds some symbols since the start of 2025; return the URL."""
    positions = [position(symbol) for symbol in symbols]
    return put(url, {"users": [USER], "portfolios": [portfolio()], "positions": positions})


def listed(yahoo: YahooServer, *symbols: str, since: date = LISTED, **other: Any) -> list[Listing]:
    """Add some symbols to the server's listings."""
    return [yahoo.world.add(invented(symbol, since, END, **other)) for symbol in symbols]


def run(url: str, day: date, *symbols: str, policy: RequestPolicy = QUICK, **other: Any) -> CollectionResult:
    """Collect prices on the evening of a day, by default those since `START`."""
    names = symbols or None
    other = {"start": START} | other
    with Yahoo(policy) as provider:
        return collect("prices", url, provider, now=evening(day), symbols=names, **other)


def rows(url: str, table: str) -> pl.DataFrame:
    """Read a table with its store's own driver; decimals as floats."""
    if url.startswith("parquet"):
        path = folder_of(url) / f"{table}.parquet"
        frame = pl.read_parquet(path)
    elif url.startswith("duckdb"):
        with duckdb.connect(url.removeprefix("duckdb:///")) as local:
            frame = local.sql(f"select * from {table}").pl()
    else:
        with psycopg.connect(url) as remote:
            cursor = remote.execute(f"select * from {table}".encode())
            assert cursor.description
            names = [column.name for column in cursor.description]
            frame = pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)
    decimals = [name for name, kind in frame.schema.items() if kind.is_decimal()]
    return frame.with_columns(pl.col(decimals).cast(pl.Float64))


def closes(url: str, symbol: str) -> dict[date, float]:
    """A symbol's stored closes."""
    frame = rows(url, "market_data_cache").filter(pl.col("symbol") == symbol).sort("date")
    return dict(frame.select("date", "close").iter_rows())


def rounded(value: float, places: int = 4) -> float:
    """A float as the legacy database stores it: its shortest text, rounded half away from zero."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def expected(listing: Listing, today: date, start: date = START) -> dict[date, float]:
    """A listing's adjusted closes since `start`, as Yahoo shows them on `today`."""
    return {day: rounded(adjusted) for day, _, adjusted in listing.seen(today) if day >= start}
