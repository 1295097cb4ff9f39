"""Stores with a portfolio, and access to what was collected into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.schema import TABLES
from loaders import open_reader
from loaders.market import RequestPolicy
from tests.builders import STAMP, portfolio, position, uid
from tests.memory_store import frame_of
from writers import open_writer

HASTE = RequestPolicy(rate=10_000, in_flight=4, backoff=0.01, pause=0.05, pauses=2, attempts=2)
"""Short pauses, and two attempts of each request."""


def hold(url: str, *symbols: str, **other: Sequence[Mapping[str, Any]]) -> str:
    """Make a store with a portfolio of these symbols, or of `positions`, and rows of other tables."""
    user = {
        "id": uid("user"),
        "email": "a@example.org",
        "hashed_password": "-",
        "full_name": "A",
        "is_active": True,
    }
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "users": [user | {"created_at": STAMP, "updated_at": STAMP}],
        "portfolios": [portfolio()],
        "positions": [position(symbol) for symbol in symbols],
        **other,
    }
    with open_writer(url) as writer, writer.transaction():
        writer.create_missing([*rows])
        for name in rows:
            writer.insert(TABLES[name], frame_of(name, rows[name]))
    return url


def stored(url: str, table: str, *key: str) -> dict[Any, dict[str, Any]]:
    """Rows of a table by its natural key, or by the columns given; a single column is no tuple."""
    columns = key or TABLES[table].key
    with open_reader(url) as reader:
        rows = reader.read(table).sort(TABLES[table].key).to_dicts()
    return {tuple(row[c] for c in columns) if len(columns) > 1 else row[columns[0]]: row for row in rows}
