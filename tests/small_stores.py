"""Stores of a few hand-made rows, for whole runs that take a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

import engine
from engine.batch.copy import write_frames
from engine.core.compact import COMPACT
from engine.core.frames import empty
from engine.core.progress import Quiet
from engine.core.schema import TABLES
from loaders import open_reader
from tests.builders import STAMP, close, portfolio, position, uid
from tests.memory_store import NEEDED, frame_of

SESSIONS = [date(2025, 3, day) for day in (3, 4, 5, 6, 7, 10, 11, 12)]
RUN_DATE = date(2025, 3, 20)
LEDGER = {"engine_runs", "engine_settings", "engine_shards"}
Rows = Sequence[Mapping[str, Any]]
Content = dict[str, pl.DataFrame]


def rising(symbol: str = "AAA", first: int = 100) -> list[dict[str, Any]]:
    """A close a session, each 1 above the last."""
    return [close(day, f"{first + step}", symbol) for step, day in enumerate(SESSIONS)]


def a_user() -> dict[str, Any]:
    """The one whom every portfolio of the builders belongs to: a row of users."""
    texts = {"email": "user@example.org", "hashed_password": "x", "full_name": "User"}
    return {"id": uid("user"), **texts, "is_active": True, "created_at": STAMP, "updated_at": STAMP}


def world(**tables: Rows) -> Content:
    """Frames of a small world: one portfolio, one position, rising closes; or what is given."""
    rows: dict[str, Rows] = {
        "portfolios": [portfolio()],
        "positions": [position()],
        "market_data_cache": rising(),
        **tables,
    }
    frames = {name: frame_of(name, found) for name, found in rows.items()}
    return {**{name: empty(TABLES[name]) for name in NEEDED}, **frames}


def folder(path: Path, frames: Content) -> str:
    """A Parquet folder of the frames; its URL."""
    path.mkdir()
    for name, frame in frames.items():
        frame.write_parquet(path / f"{name}.parquet")
    return f"parquet:///{path}"


def database(path: Path, frames: Content) -> str:
    """A DuckDB file of the frames; its URL."""
    url = f"duckdb:///{path}"
    write_frames(url, frames, 5_000, Quiet())
    return url


def run(
    source: str, target: str | None = None, start: date = SESSIONS[0], end: date = SESSIONS[-1], **more: Any
) -> engine.Report:
    """A backfill seen from the small worlds' run date."""
    return engine.backfill(source, target, **{"start": start, "end": end, "run_date": RUN_DATE, **more})


def content(url: str) -> Content:
    """Every table's rows in one order, less the ledger of runs."""
    with open_reader(url) as reader:
        found = {name: reader.read(name) for name in sorted(reader.tables() - LEDGER)}
    return {name: frame.sort(frame.columns) for name, frame in found.items()}


def unequal(one: Content, other: Content) -> list[str]:
    """The tables that differ in more than stamps of the clock."""

    def same(name: str) -> bool:
        return name in one and name in other and _still(name, one).equals(_still(name, other))

    return sorted(name for name in one.keys() | other.keys() if not same(name))


def _still(name: str, frames: Content) -> pl.DataFrame:
    return without_clock(name, frames[name])


def unequal_but_ids(one: Content, other: Content) -> list[str]:
    """The tables that differ in more than the ids and stamps of rows that a compact store packs."""

    def packed(frames: Content) -> Content:
        return {
            name: frame.drop("id", "created_at", "updated_at", strict=False) if name in COMPACT else frame
            for name, frame in frames.items()
        }

    return unequal(packed(one), packed(other))


CLOCK = {
    "tags_v2": ("created_at",),
    "factor_definitions": ("created_at",),
    "position_tags": ("assigned_at",),
}
"""Stamps of rows that a run adds to inputs."""


def without_clock(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns that do not depend on when a run took place, sorted by all of them."""
    kept = rows.drop("updated_at", "completed_at", *CLOCK.get(table, ()), strict=False)
    return kept.sort(kept.columns)


def snapshots(url: str, owner: str = "P") -> pl.DataFrame:
    """A portfolio's snapshots, by session."""
    with open_reader(url) as reader:
        rows = reader.read("portfolio_snapshots")
    return rows.filter(pl.col("portfolio_id") == uid(owner)).sort("snapshot_date")


def tag(name: str = "mine") -> dict[str, Any]:
    """A row of tags_v2."""
    return {
        "id": uid(f"tag/{name}"),
        "user_id": uid("user"),
        "name": name,
        "display_order": 0,
        "usage_count": 0,
        "is_archived": False,
        "created_at": STAMP,
        "updated_at": STAMP,
    }


def link(owner: str = "P", symbol: str = "AAA", name: str = "mine") -> dict[str, Any]:
    """A row of position_tags."""
    return {
        "id": uid(f"link/{owner}/{symbol}/{name}"),
        "position_id": uid(f"{owner}/{symbol}/"),
        "tag_id": uid(f"tag/{name}"),
        "assigned_at": STAMP,
    }
