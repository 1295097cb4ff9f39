"""What the tests of collections share: small stores, evenings, and looking at what is stored."""

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
    """Six o'clock in New York: the session is over."""
    return datetime(day.year, day.month, day.day, 18, tzinfo=NEW_YORK)


def put(url: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Put rows into a store that has their tables."""
    with open_writer(url) as writer, writer.transaction():
        for name in (name for name in TABLES if name in tables):
            writer.insert(TABLES[name], frame_of(name, tables[name]))
    return url


def holding(url: str, *symbols: str) -> str:
    """A store with one portfolio that holds some symbols since the start of 2025."""
    held = [position(symbol) for symbol in symbols]
    return put(url, {"users": [USER], "portfolios": [portfolio()], "positions": held})


def listed(yahoo: YahooServer, *symbols: str, since: date = LISTED, **other: Any) -> list[Listing]:
    """Put some symbols into the server's world."""
    return [yahoo.world.add(invented(symbol, since, END, **other)) for symbol in symbols]


def run(url: str, day: date, *symbols: str, policy: RequestPolicy = QUICK, **other: Any) -> CollectionResult:
    """One collection of prices on the evening of a day; by default of those since `START`."""
    names = symbols or None
    other = {"start": START} | other
    with Yahoo(policy) as provider:
        return collect("prices", url, provider, now=evening(day), symbols=names, **other)


def rows(url: str, table: str) -> pl.DataFrame:
    """A table as its own store's driver gives it; decimals as floats."""
    if url.startswith("parquet"):
        path = folder_of(url) / f"{table}.parquet"
        found = pl.read_parquet(path)
    elif url.startswith("duckdb"):
        with duckdb.connect(url.removeprefix("duckdb:///")) as local:
            found = local.sql(f"select * from {table}").pl()
    else:
        with psycopg.connect(url) as remote:
            cursor = remote.execute(f"select * from {table}".encode())
            assert cursor.description
            names = [column.name for column in cursor.description]
            found = pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)
    decimals = [name for name, kind in found.schema.items() if kind.is_decimal()]
    return found.with_columns(pl.col(decimals).cast(pl.Float64))


def closes(url: str, symbol: str) -> dict[date, float]:
    """A symbol's stored closes."""
    found = rows(url, "market_data_cache").filter(pl.col("symbol") == symbol).sort("date")
    return dict(found.select("date", "close").iter_rows())


def rounded(value: float, places: int = 4) -> float:
    """A float as the legacy database keeps it: its shortest text, half away from zero."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def expected(listing: Listing, today: date, start: date = START) -> dict[date, float]:
    """A listing's adjusted closes since a day, as they look on another."""
    return {day: rounded(adjusted) for day, _, adjusted in listing.seen(today) if day >= start}
