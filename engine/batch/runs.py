"""Runs of a store as its ledger has them, and which process holds the store now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.core.store_url import StoreURL
from loaders import open_reader
from writers.lock import lock_holder


@dataclass(frozen=True)
class Runs:
    """The ledger of a store.

    Attributes:
        url: of the store.
        runs: engine_runs, newest first, with the numbers of `shards` and `portfolios` that are done.
        holder: host and process that hold the store's lock; None if none does.
    """

    url: StoreURL
    runs: pl.DataFrame
    holder: str | None

    def to_text(self) -> str:
        """Return a line for each run."""
        lines = [f"{self.url}: {self.holder or 'no run'} is at work"]
        head = f"{'started':<20}{'status':<12}{'window':<26}{'run date':<12}{'shards':>7}{'portfolios':>12}"
        lines.append(head + "  holder")
        for row in self.runs.iter_rows(named=True):
            status = "cut off" if row["status"] == "running" and not self.holder else row["status"]
            window = f"{row['start_date']} to {row['end_date']}"
            lines.append(
                f"{row['started_at']:%Y-%m-%d %H:%M:%S} {status:<12}{window:<26}{row['run_date']!s:<12}"
                f"{row['shards']:>7}{row['portfolios']:>12}  {row['holder']}"
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the runs as JSON."""
        content: dict[str, Any] = {
            "store": str(self.url),
            "holder": self.holder,
            "runs": self.runs.to_dicts(),
        }
        return json.dumps(content, indent=1, default=str)


def runs(url: str) -> Runs:
    """Read the ledger of a store."""
    with open_reader(url) as reader:
        stored = reader.read("engine_runs")
        shards = reader.read("engine_shards")
    done = shards.group_by(pl.col("run_id").alias("id")).agg(
        shards=pl.len().cast(pl.Int64), portfolios=pl.col("portfolios").sum().cast(pl.Int64)
    )
    counted = stored.join(done, on="id", how="left").with_columns(pl.col("shards", "portfolios").fill_null(0))
    return Runs(StoreURL.parse(url), counted.sort("started_at", descending=True), lock_holder(url))
