"""Assembly of the results: from the jobs' figures to the frames that the rows of tables are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import polars as pl

from engine.analytics.factors.definitions import updated_definitions
from engine.analytics.job_result import JobResult
from engine.analytics.sector_tags import sector_tags
from engine.core.frames import empty
from engine.core.rules import Rules
from engine.core.schema import TABLES, Table
from engine.core.window import Window
from engine.pipeline.column_limits import misfits
from engine.pipeline.inputs import Inputs
from engine.pipeline.missing_funds import fund_days, with_missing_funds
from engine.pipeline.results import Results, StoredTables
from engine.pipeline.state_rows import (
    TRACKING,
    marked_positions,
    new_openings,
    rolled_portfolios,
    tracked_sessions,
)
from engine.pipeline.status import daily_job_status, failed_status, outcomes_of, with_partial

EMPTIED = ("correlation_clusters", "correlation_cluster_positions")
"""Tables of the legacy that some rules leave empty: their rows would refer to replaced matrices."""
OWN_TABLES = tuple(name for name, table in TABLES.items() if table.role == "output" and not table.legacy)
"""Tables that some rules leave empty. They are replaced all the same, so that no rows of other rules stay."""
SNAPSHOTS = TABLES["portfolio_snapshots"]


def assemble(
    inputs: Inputs,
    window: Window,
    marks: pl.DataFrame,
    snapshots: pl.DataFrame,
    jobs: Sequence[JobResult],
    failures: pl.DataFrame,
    exact: Mapping[str, pl.DataFrame],
    rules: Rules,
) -> Results:
    """Return the results: every table's rows, without the portfolios with a figure that does not fit.

    Args:
        inputs: validated frames.
        window: sessions that were computed.
        marks: of `engine.pipeline.compute.mark_positions`, portfolios that failed before left out.
        snapshots: of `engine.pipeline.equity.roll_equity`, the same.
        jobs: of `engine.pipeline.jobs.run_jobs`.
        failures: the portfolios that failed before (`engine.pipeline.results.FAILURES`).
        exact: rows of the tables of unrounded P&L, of `engine.pipeline.equity.roll_equity`.
        rules: undefined_figures="absent": figures that are NaN become null; factor_model tells which factor
            funds a job needs.
    """
    job_columns, tables = _snapshot_columns(jobs), _by_table(jobs)
    checked = {SNAPSHOTS.name: job_columns, **tables}
    failures = pl.concat([failures, *(misfits(TABLES[name], frame) for name, frame in checked.items())])
    marks, snapshots, job_columns = (_without(frame, failures) for frame in (marks, snapshots, job_columns))
    tables = {name: _without(frame, failures) for name, frame in tables.items()}
    if rules.undefined_figures == "absent":
        job_columns = _without_nan(SNAPSHOTS, job_columns)
        tables = {name: _without_nan(TABLES[name], frame) for name, frame in tables.items()}
    snapshots = _with_columns(_with_columns(snapshots, job_columns), inputs.kept_snapshots)
    daily = with_partial(daily_job_status(snapshots, marks, inputs.grave), inputs.partial)
    funds = fund_days(inputs.closes)
    kept = (_without(job.status, failures) for job in jobs)
    status = [daily, *(with_missing_funds(rows, funds, rules.factor_model) for rows in kept)]
    tagged, unlinked = _tags(inputs, window, failures)
    exposures = tables["factor_exposures"]
    finished = {
        "portfolios": rolled_portfolios(inputs.portfolios, snapshots, window.written),
        "positions": marked_positions(inputs.positions, marks, window.written),
        "factor_definitions": updated_definitions(inputs.factor_definitions, exposures, window.written),
        **{name: empty(TABLES[name]) for name in (*EMPTIED, *OWN_TABLES) if name not in {**exact, **tables}},
        **tagged,
        TRACKING.name: tracked_sessions(window, window.written) if failures.is_empty() else empty(TRACKING),
        **new_openings(inputs, snapshots),
    }
    figures = {
        **tables,
        **{name: _without(frame, failures) for name, frame in exact.items()},
        SNAPSHOTS.name: snapshots.with_columns(snapshot_date="date"),
        "analytics_status": pl.concat(
            [*status, failed_status(failures, window.sessions)], how="diagonal_relaxed"
        ),
    }
    tables_made = StoredTables(figures, finished, window.stamp, written=window.written)
    return Results(tables_made, failures, unlinked, outcomes_of(figures["analytics_status"]))


def _tags(
    inputs: Inputs, window: Window, failures: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Return the rows of the tag tables, and the keys of links to delete: phase 5.

    Only sessions from the run date on that are computed for the first time change tags: each pass counts
    every link once more, so a rerun must not.
    """
    passes = sum(day >= window.run_date for day in window.fresh)
    if passes == 0:
        return {}, {}
    owners = inputs.portfolios.join(failures, left_on="id", right_on="portfolio_id", how="anti")
    state = sector_tags(
        inputs.tags, inputs.position_tags, inputs.positions, inputs.profiles, owners, passes, window.written
    )
    unlinked = state.unlinked.select("position_id", "tag_id")
    return {"tags_v2": state.tags, "position_tags": state.links}, {"position_tags": unlinked}


def _without(frame: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    if failures.is_empty():
        return frame
    return frame.join(failures, on="portfolio_id", how="anti", maintain_order="left")


def _without_nan(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with null for NaN in the columns that store both."""
    both = (column.name for column in table.columns if column.nan and column.nullable)
    names = [name for name in both if name in rows.columns]
    return rows.with_columns(pl.col(names).fill_nan(None)) if names else rows


def _with_columns(snapshots: pl.DataFrame, columns: pl.DataFrame) -> pl.DataFrame:
    """Join further columns of snapshots; a value there replaces that of a column of the same name."""
    shared = [name for name in columns.columns if name in snapshots.columns and name != "portfolio_id"]
    further = columns.rename({"snapshot_date": "date"})
    rows = snapshots.join(
        further, on=["portfolio_id", "date"], how="left", suffix="_job", maintain_order="left"
    )
    return rows.with_columns(pl.coalesce(f"{name}_job", name).alias(name) for name in shared)


def _by_table(jobs: Sequence[JobResult]) -> dict[str, pl.DataFrame]:
    names = dict.fromkeys(name for job in jobs for name in job.tables)
    return {
        name: pl.concat([job.tables[name] for job in jobs if name in job.tables], how="diagonal")
        for name in names
    }


def _snapshot_columns(jobs: Sequence[JobResult]) -> pl.DataFrame:
    """Join the columns that the jobs add to snapshots."""
    keys = ["portfolio_id", "snapshot_date"]
    frames = [job.snapshot for job in jobs if job.snapshot is not None]
    return reduce(
        lambda one, other: one.join(other, on=keys, how="full", coalesce=True, maintain_order="left_right"),
        frames,
    )
