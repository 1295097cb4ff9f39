"""The job: plan, load, compute, write, report. The only place that knows all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import polars as pl

from engine.errors import NoPricesError, UsageError, nearest
from engine.pipeline import compute
from engine.plan import plan
from engine.progress import Quiet
from engine.report import Report
from engine.results import Results
from engine.rules import Rules
from engine.scenarios import load_scenarios
from engine.schema import TABLES
from engine.store_url import same_store
from engine.window import Window
from loaders import Reader, open_reader
from loaders.window import load_window
from writers import Scope, open_writer
from writers.writer import BATCH_ROWS

STATE = {
    "portfolios": ("equity_balance",),
    "positions": ("last_price", "market_value", "unrealized_pnl"),
}
"""The columns that a run changes of rows that others keep."""
SEEDED = (
    "portfolios",
    "positions",
    "factor_definitions",
    "stress_test_scenarios",
    "tags_v2",
    "position_tags",
    "engine_portfolio_openings",
    "engine_position_openings",
)
"""What a target of its own needs beside the results, to be compared and used by itself."""
POSTGRES_SEEDED = ("users", *SEEDED)
"""In Postgres portfolios refer to their users."""


def backfill(
    source: str,
    target: str | None = None,
    *,
    start: date | None = None,
    end: date | None = None,
    run_date: date | None = None,
    portfolios: Sequence[UUID] | None = None,
    only: Sequence[str] | None = None,
    batch_rows: int = BATCH_ROWS,
    dry_run: bool = False,
    rules: Rules | None = None,
    scenarios: Path | None = None,
    progress: Quiet | None = None,
) -> Report:
    """Compute a window of a store and write its tables, to the same store or another.

    Args:
        source, target: store URLs; the target defaults to the source.
        start, end: the window; by default the sessions that are missing (`engine.plan`).
        run_date: what counts as today; default today's date in UTC.
        portfolios: ids; default all that are not deleted.
        only: names of the tables to write; default all.
        batch_rows: rows a batch.
        dry_run: compute, but write nothing.
        rules: default `Rules.legacy()`.
        scenarios: a file of stress scenarios, TOML or JSON; default the shipped ones.

    Raises:
        EngineError: see `engine.errors`; nothing was written.
    """
    told = progress or Quiet()
    now = datetime.now(UTC)
    target = target or source
    wanted = _known(only)
    stressed = load_scenarios(scenarios)
    report = Report(None)
    with report.timed("load"), open_reader(source) as reader:
        told.stage("load")
        window = plan(reader, start, end, run_date or now.date(), now, portfolios)
        report.window = window
        if window is None:
            return report
        inputs = load_window(reader, window, portfolios)
        if inputs.closes.is_empty() and not inputs.positions.is_empty():
            raise NoPricesError(source, f"{window.first_price}", f"{window.last}")
        seeds = {} if same_store(source, target) else _seeds(reader, target)
    with report.timed("compute"):
        told.stage("compute")
        results = compute(inputs, window, rules or Rules.legacy(), stressed)
    report.portfolios = results["portfolios"].height
    report.failures, report.quarantine = results.failures, inputs.quarantine
    changes = _changes(results, seeds, wanted, window)
    report.rows = {name: frame.height for name, frame in changes.items()}
    if not dry_run:
        with report.timed("write"):
            told.stage("write", sum(report.rows.values()))
            _write(target, changes, bool(seeds), results, window, batch_rows, told)
    return report


def _known(only: Sequence[str] | None) -> set[str]:
    for name in only or ():
        if name not in TABLES:
            raise UsageError(f"no table is called {name}{nearest(name, TABLES)}")
    return set(only or TABLES)


def _seeds(reader: Reader, target: str) -> dict[str, pl.DataFrame]:
    names = POSTGRES_SEEDED if target.startswith("postgres") else SEEDED
    return {name: reader.read(name) for name in names if name in reader.tables()}


def _changes(
    results: Results, seeds: Mapping[str, pl.DataFrame], wanted: set[str], window: Window
) -> dict[str, pl.DataFrame]:
    """Frames by table as they are to be written: whole rows, but of state only what changed."""
    changes = dict(results.tables)
    for name, seed in seeds.items():
        gone = results.removed.get(name)
        seed = seed if gone is None else seed.join(gone, on=TABLES[name].key, how="anti")
        fresh = changes.get(name, seed.clear())
        changes[name] = _overlaid(seed, fresh, results.failures, name)
    for name, columns in STATE.items():
        fresh = changes[name]
        if name not in seeds:
            touched = fresh.filter(pl.col("updated_at") == window.stamp)
            changes[name] = touched.select("id", *columns, "updated_at")
    return {name: changes[name] for name in TABLES if name in changes and name in wanted}


def _overlaid(old: pl.DataFrame, fresh: pl.DataFrame, failures: pl.DataFrame, name: str) -> pl.DataFrame:
    """The seed with fresh rows in place of its own, less the portfolios that were left out."""
    table = TABLES[name]
    kept = old.join(fresh, on=table.key, how="anti")
    if table.owner:
        kept = kept.join(failures, left_on=table.owner, right_on="portfolio_id", how="anti")
    return pl.concat([kept, fresh]).sort(table.key)


def _write(
    target: str,
    changes: Mapping[str, pl.DataFrame],
    seeded: bool,
    results: Results,
    window: Window,
    batch_rows: int,
    told: Quiet,
) -> None:
    """One transaction. A portfolio that was left out keeps its old rows, but for its status."""
    computed = results["portfolios"]["id"].to_list()
    left_out = results.failures["portfolio_id"].unique().to_list()
    first, last = window.sessions[0], window.sessions[-1]
    figures = {n: f for n, f in changes.items() if TABLES[n].role == "output"}
    status = {n: f for n, f in changes.items() if n == "analytics_status"}
    with open_writer(target, batch_rows, told.rows) as writer:
        writer.create_missing()
        with writer.transaction():
            for name, keys in results.removed.items():
                writer.remove(TABLES[name], keys)
            for name, frame in changes.items():
                if name not in figures and name not in status:
                    narrow = name in STATE and not seeded
                    put = writer.update if narrow else writer.merge
                    put(TABLES[name], frame)
            writer.replace(figures, Scope(computed, first, last))
            writer.replace(status, Scope(sorted({*computed, *left_out}), first, last))
