"""Read what the page of a run shows: its ledger row, its record, and the state of its store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from engine.analyst.inventory import DueSessions, due_sessions, row_counts
from engine.batch.runs import Runs, runs
from engine.core.compact import packing_of
from engine.core.schema import TABLES, Table
from engine.core.store_url import safe_url
from engine.market_data.collect import make_task
from engine.market_data.price_coverage import PriceCoverage, measure_coverage
from engine.market_data.stored_market import read_market
from engine.market_data.task import NEW_YORK
from engine.reports.page_errors import NoRunError
from engine.reports.run_records import Records, RunRecord, read_records
from loaders import open_reader
from loaders.reader import Reader
from loaders.slices import read_slice
from sql import Name, statement

STATUS_COLUMNS = ("portfolio_id", "calculation_date", "job", "status", "reason")
MATRIX = "correlation_calculation_id"
"""Owner of the tables whose rows have the day of a correlation matrix."""


@dataclass(frozen=True)
class StoredRun:
    """A run, the other runs of its command, and the state of its store now.

    Attributes:
        url: the store, password masked.
        run: its row of engine_runs, with the numbers of shards and portfolios that are done.
        ledger: all runs of the store, newest first, their shards, and who holds the store.
        records: kept records of commands on this store.
        status: analytics_status of the window: `STATUS_COLUMNS`.
        sessions: which sessions the portfolios should have, and have.
        prices: closes that are due in the window, and stored; None where they are in another store.
        tables: table, rows, first, last.
        by_day: table, day, rows of the tables that a run writes.
    """

    url: str
    run: dict[str, Any]
    ledger: Runs
    records: Records
    status: pl.DataFrame
    sessions: DueSessions
    prices: PriceCoverage | None
    tables: pl.DataFrame
    by_day: pl.DataFrame

    @cached_property
    def record(self) -> RunRecord | None:
        """The record of the run's command; None if it is not kept."""
        return self.records.of_run(self.run["id"])

    @cached_property
    def runs(self) -> pl.DataFrame:
        """The runs of the same command, one for each of its stages, oldest first."""
        return command_runs(self.ledger.runs, self.run["id"], self.record)

    @property
    def start(self) -> date:
        """First session of the command's runs."""
        return self.runs["start_date"].min()  # type: ignore[return-value]

    @property
    def end(self) -> date:
        """Last session of the command's runs."""
        return self.runs["end_date"].max()  # type: ignore[return-value]

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of all portfolios by id; the id of one without a name."""
        return {key: name or key for key, name in self.ledger.names.items()}


def command_runs(ledger: pl.DataFrame, run: str, record: RunRecord | None) -> pl.DataFrame:
    """Return the runs of the command that a run belongs to, oldest first.

    Args:
        ledger: engine_runs.
        run: id of the run.
        record: of its command; None: the run alone.
    """
    ids = {run, *(record.run_ids if record else ())}
    return ledger.filter(pl.col("id").is_in(sorted(ids))).sort("started_at")


def read_run(url: str, run: str | None, folder: Path | None) -> StoredRun:
    """Return what the page of a run shows.

    Args:
        url: the store.
        run: id of the run, or its first characters; None for the newest.
        folder: of the kept records.

    Raises:
        NoRunError: the store has no run.
    """
    ledger = runs(url)
    if ledger.runs.is_empty():
        raise NoRunError(url)
    row = (ledger.one(run) if run else ledger).runs.row(0, named=True)
    records = read_records(folder, set(ledger.runs["id"]), row["id"])
    window = command_runs(ledger.runs, row["id"], records.of_run(row["id"]))
    start, end = window["start_date"].min(), window["end_date"].max()
    assert isinstance(start, date)
    assert isinstance(end, date)
    with open_reader(url) as reader:
        tables = row_counts(reader)
        return StoredRun(
            url=safe_url(url),
            run=row,
            ledger=ledger,
            records=records,
            status=read_slice(reader, TABLES["analytics_status"], None, start, end, STATUS_COLUMNS),
            sessions=due_sessions(reader),
            prices=_prices(url, reader, tables, start, end),
            tables=tables,
            by_day=_by_day(reader, tables),
        )


def _prices(url: str, reader: Reader, tables: pl.DataFrame, start: date, end: date) -> PriceCoverage | None:
    """Return which closes of the window are stored; None where the closes are in another store."""
    if not tables.filter(pl.col("table") == "market_data_cache")["rows"].sum():
        return None
    task = make_task(url, datetime.combine(end, time(23), NEW_YORK), None, start, start, end)
    return measure_coverage(read_market(reader, task), task)


def _by_day(reader: Reader, tables: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of each day of the tables that a run writes and that have a day."""
    shape = {"table": pl.String(), "day": pl.Date(), "rows": pl.Int64()}
    parts = [pl.DataFrame(schema=shape)]
    for name in tables.filter(pl.col("rows") > 0)["table"]:
        if text := _counting(TABLES[name], reader):
            parts.append(
                reader.query(text).select(table=pl.lit(name), day="day", rows=pl.col("rows").cast(pl.Int64))
            )
    return pl.concat(parts)


def _counting(table: Table, reader: Reader) -> str:
    """Return the statement that counts a table's rows by day; empty for an input, or rows without a day."""
    packing = packing_of(table.name, reader.columns)
    if table.role == "input":
        return ""
    if packing and packing.by_day:
        return statement(packing.by_day)
    if table.date:
        return statement("read/rows_by_day", table=Name(table.name), date=Name(table.date))
    return statement("read/rows_by_matrix_day", table=Name(table.name)) if table.owner == MATRIX else ""
