"""The ledger: which run is at work in a store, and which of its shards are done.

A shard's row is written in the shard's own transaction, and so is its run's: "running", and with
the last shard "done". A run that was cut off is still "running" there, while nobody holds the store's lock:
the same request goes on with the shards that are not done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b
from uuid import uuid4

import polars as pl

from engine.core.frames import polars_schema
from engine.core.rules import Rules
from engine.core.schema import SCHEMA_VERSION, TABLES
from engine.core.version import VERSION
from engine.core.window import Window
from loaders.reader import Reader

RUNS, SHARDS, SETTINGS = TABLES["engine_runs"], TABLES["engine_shards"], TABLES["engine_settings"]
LEDGER = (RUNS.name, SHARDS.name, SETTINGS.name)


@dataclass(frozen=True)
class Run:
    """One run: its id, what was asked for, and the portfolios whose shards are done already.

    failed: whether one of those shards left a portfolio out.
    """

    id: str
    request: str
    window: Window
    holder: str
    started: datetime
    rules: Rules
    done: Sequence[tuple[str, str]] = field(default_factory=tuple)
    failed: bool = False

    def left(self, portfolios: Sequence[str]) -> list[str]:
        """The portfolios whose shards are not done."""
        return [p for p in portfolios if not any(first <= p <= last for first, last in self.done)]

    def row(self, status: str, error: str | None = None) -> pl.DataFrame:
        """The run's row of engine_runs."""
        values = {
            "id": self.id,
            "request": self.request,
            "status": status,
            "start_date": self.window.sessions[0],
            "end_date": self.window.sessions[-1],
            "run_date": self.window.run_date,
            "sessions": len(self.window.sessions),
            "holder": self.holder,
            "error": error,
            "started_at": self.started,
            "finished_at": None if status == "running" else datetime.now(UTC),
            "rules": str(self.rules),
            "engine_version": VERSION,
            "schema_version": SCHEMA_VERSION,
        }
        return pl.DataFrame([values], schema=polars_schema(RUNS))

    def shard_row(self, portfolios: Sequence[str], left_out: int, rows: int) -> pl.DataFrame:
        """The row of engine_shards that says that these portfolios are done."""
        values = {
            "id": str(uuid4()),
            "run_id": self.id,
            "first_portfolio": min(portfolios),
            "last_portfolio": max(portfolios),
            "portfolios": len(portfolios),
            "left_out": left_out,
            "rows_written": rows,
            "finished_at": datetime.now(UTC),
        }
        return pl.DataFrame([values], schema=polars_schema(SHARDS))


def request_of(*asked: object) -> str:
    """A hash of what was asked for, as it was asked for: the same command has the same one."""
    return blake2b(repr(asked).encode(), digest_size=16).hexdigest()


def cut_off(reader: Reader, request: str) -> pl.DataFrame:
    """The newest run of the same request that never came to its end: one row of engine_runs, or none.

    The caller holds the store's lock: a row that says "running" is a dead run's.
    """
    runs = reader.read("engine_runs").sort("started_at").filter(pl.col("request") == request)
    return runs.tail(1).filter(pl.col("status") != "done")


def began(old: pl.DataFrame) -> date | None:
    """The first session of a run that was cut off."""
    found = old["start_date"].to_list()
    return found[0] if found else None


def resumed(reader: Reader, old: pl.DataFrame, window: Window, holder: str, rules: Rules) -> Run | None:
    """The run that was cut off, if it was over the same window: its shards are still good."""
    asked = {
        "start_date": window.sessions[0],
        "end_date": window.sessions[-1],
        "run_date": window.run_date,
    }
    if old.is_empty() or any(old[name].item() != day for name, day in asked.items()):
        return None
    shards = reader.read("engine_shards").filter(pl.col("run_id") == old["id"].item())
    done = tuple(shards.select("first_portfolio", "last_portfolio").iter_rows())
    failed = bool((shards["left_out"] > 0).any())
    known = old.row(0, named=True)
    return Run(known["id"], known["request"], window, holder, known["started_at"], rules, done, failed)


def new_run(request: str, window: Window, holder: str, rules: Rules) -> Run:
    """A run that begins now."""
    return Run(str(uuid4()), request, window, holder, datetime.now(UTC), rules)


def settings_rows(values: Mapping[str, str], now: datetime) -> pl.DataFrame:
    """Return rows of engine_settings.

    Args:
        values: by name.
        now: when they are set.
    """
    rows = [{"name": name, "value": value, "set_at": now} for name, value in values.items()]
    return pl.DataFrame(rows, schema=polars_schema(SETTINGS))
