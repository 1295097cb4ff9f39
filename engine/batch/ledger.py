"""The ledger of a store: its runs, and which of their shards are done.

The row of a shard is written in the shard's own transaction, and so is the row of its run: "running" with the
first shard, "done" with the last. An interrupted run stays "running" while no process holds the store's lock:
the same request computes the shards that are not done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple
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


class Run(NamedTuple):
    """One run.

    Attributes:
        id: of its row in engine_runs.
        request: hash of what was asked for.
        window: sessions to compute.
        holder: host and process.
        started: when it began, UTC.
        rules: of its figures.
        done: first and last portfolio of each shard that is done already.
        failed: whether one of those shards refused a portfolio.
        threshold: fraction of a portfolio's value that closes had to cover.
        allow_stale: whether sessions with too few closes were computed all the same.
    """

    id: str
    request: str
    window: Window
    holder: str
    started: datetime
    rules: Rules
    done: Sequence[tuple[str, str]] = ()
    failed: bool = False
    threshold: float | None = None
    allow_stale: bool = False

    def remaining(self, portfolios: Sequence[str]) -> list[str]:
        """Return the portfolios whose shards are not done.

        Args:
            portfolios: ids.
        """
        return [p for p in portfolios if not any(first <= p <= last for first, last in self.done)]

    def row(
        self, status: str, error: str | None = None, jobs: Mapping[str, int] | None = None
    ) -> pl.DataFrame:
        """Return the run's row of engine_runs.

        Args:
            status: running, done or failed.
            error: why it failed.
            jobs: number of portfolio sessions of all jobs by status; None before the end.
        """
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
            "threshold": None if self.threshold is None else Decimal(f"{self.threshold:.4f}"),
            "allow_stale": self.allow_stale,
            **{f"jobs_{status}": count for status, count in (jobs or {}).items()},
        }
        return pl.DataFrame([values], schema=polars_schema(RUNS))

    def shard_row(self, portfolios: Sequence[str], left_out: int, rows: int) -> pl.DataFrame:
        """Return the row of engine_shards for a shard that is done.

        Args:
            portfolios: ids of the shard.
            left_out: number of refused portfolios.
            rows: number of rows written.
        """
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


def request_hash(*asked: object) -> str:
    """Return a hash of a request's arguments: the same command has the same one.

    Args:
        asked: arguments whose `repr` is the same in every process.
    """
    return blake2b(repr(asked).encode(), digest_size=16).hexdigest()


def interrupted_run(reader: Reader, request: str) -> pl.DataFrame:
    """Return the newest run of the same request if it did not end: one row of engine_runs, or none.

    The caller holds the store's lock, so a row with the status "running" is of an interrupted run.

    Args:
        reader: of the target.
        request: hash of the request, of `request_hash`.
    """
    runs = reader.read("engine_runs").sort("started_at").filter(pl.col("request") == request)
    return runs.tail(1).filter(pl.col("status") != "done")


def run_start(old: pl.DataFrame) -> date | None:
    """Return the first session of an interrupted run.

    Args:
        old: of `interrupted_run`: one row or none.
    """
    starts = old["start_date"].to_list()
    return starts[0] if starts else None


def resumed_run(reader: Reader, old: pl.DataFrame, window: Window, holder: str, rules: Rules) -> Run | None:
    """Return the interrupted run if it had the same window: its shards are still valid.

    Args:
        reader: of the target.
        old: of `interrupted_run`: one row or none.
        window: of the run that begins now.
        holder: host and process of this run.
        rules: of this run.

    Returns:
        None where the window differs, so that a new run begins.
    """
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
    row = old.row(0, named=True)
    return Run(row["id"], row["request"], window, holder, row["started_at"], rules, done, failed)


def new_run(request: str, window: Window, holder: str, rules: Rules) -> Run:
    """Return a run that begins now.

    Args:
        request: hash of the request.
        window: the sessions to compute.
        holder: host and process of the run.
        rules: of the run.
    """
    return Run(str(uuid4()), request, window, holder, datetime.now(UTC), rules)


def settings_rows(values: Mapping[str, str], now: datetime) -> pl.DataFrame:
    """Return rows of engine_settings.

    Args:
        values: by name.
        now: when they are set.
    """
    rows = [{"name": name, "value": value, "set_at": now} for name, value in values.items()]
    return pl.DataFrame(rows, schema=polars_schema(SETTINGS))
