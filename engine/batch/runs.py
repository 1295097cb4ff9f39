"""Runs of a store as its ledger has them, and which process holds the store now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.core.errors import UsageError
from engine.core.names import portfolio_label
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
        shards: engine_shards.
        names: of portfolios, by id.
    """

    url: StoreURL
    runs: pl.DataFrame
    holder: str | None
    shards: pl.DataFrame
    names: Mapping[str, str | None]

    def to_text(self) -> str:
        """Return a line for each run."""
        lines = [f"{self.url}: {self.holder or 'no run'} is at work"]
        head = f"{'started':<20}{'status':<12}{'window':<26}{'run date':<12}{'shards':>7}{'portfolios':>12}"
        more = f"{'jobs ok/partial/failed':<24}{'engine':<8}{'rules':<12}{'id':<10}holder"
        lines.append(f"{head}  {more}")
        for row in self.runs.iter_rows(named=True):
            status = "cut off" if row["status"] == "running" and not self.holder else row["status"]
            window = f"{row['start_date']} to {row['end_date']}"
            lines.append(
                f"{row['started_at']:%Y-%m-%d %H:%M:%S} {status:<12}{window:<26}{row['run_date']!s:<12}"
                f"{row['shards']:>7}{row['portfolios']:>12}  {_jobs(row):<24}"
                f"{row['engine_version'] or '-':<8}{row['rules'] or '-':<12}{row['id'][:8]:<10}"
                f"{row['holder']}"
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the runs as JSON."""
        content: dict[str, Any] = {
            "store": str(self.url),
            "holder": self.holder,
            "runs": self.runs.to_dicts(),
            "shards": self.shards.to_dicts(),
        }
        return json.dumps(content, indent=1, default=str)

    def one(self, run: str) -> Runs:
        """Return one run and its shards.

        Args:
            run: its id, or the first characters of it.

        Raises:
            UsageError: no run, or several, have such an id.
        """
        chosen = self.runs.filter(pl.col("id").str.starts_with(run))
        if chosen.height != 1:
            number = "no run" if chosen.is_empty() else f"{chosen.height} runs"
            raise UsageError(f"store {self.url} has {number} with the id {run}; `engine runs` lists them")
        shards = self.shards.filter(run_id=chosen["id"].item()).sort("finished_at")
        return Runs(self.url, chosen, self.holder, shards, self.names)

    def detail(self) -> str:
        """Return all that is stored of the first run: a line for each column, and for each shard."""
        row = self.runs.row(0, named=True)
        lines = [f"{name:<16}{'-' if value is None else value}" for name, value in row.items()]
        if row["finished_at"] is not None:
            lines.append(f"{'took':<16}{row['finished_at'] - row['started_at']}")
        for shard in self.shards.iter_rows(named=True):
            lines.append(
                f"shard {portfolio_label(shard['first_portfolio'], self.names)} to "
                f"{portfolio_label(shard['last_portfolio'], self.names)}: "
                f"{shard['portfolios']} portfolios, {shard['left_out']} left out, "
                f"{shard['rows_written']:,} rows, {shard['finished_at']}"
            )
        return "\n".join(lines)


def _jobs(row: dict[str, Any]) -> str:
    counts = (row["jobs_ok"], row["jobs_partial"], row["jobs_failed"])
    return "-" if counts[0] is None else "/".join(f"{count:,}" for count in counts)


def runs(url: str) -> Runs:
    """Read the ledger of a store."""
    with open_reader(url) as reader:
        stored = reader.read("engine_runs")
        shards = reader.read("engine_shards")
        present = "portfolios" in reader.columns
        names = dict(reader.read("portfolios", ["id", "name"]).iter_rows()) if present else {}
    done = shards.group_by(pl.col("run_id").alias("id")).agg(
        shards=pl.len().cast(pl.Int64), portfolios=pl.col("portfolios").sum().cast(pl.Int64)
    )
    counted = stored.join(done, on="id", how="left").with_columns(pl.col("shards", "portfolios").fill_null(0))
    newest_first = counted.sort("started_at", descending=True)
    return Runs(StoreURL.parse(url), newest_first, lock_holder(url), shards, names)
