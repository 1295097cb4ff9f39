"""Assembly: from a run's figures to the rows of its tables, checked and rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import polars as pl

from engine.analytics.factors.definitions import updated_definitions
from engine.analytics.job_result import JobResult
from engine.analytics.sector_tags import sector_tags
from engine.core.frames import empty
from engine.core.schema import TABLES
from engine.core.window import Window
from engine.pipeline.column_limits import misfits
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results, StoredTables
from engine.pipeline.state_rows import (
    TRACKING,
    marked_positions,
    new_openings,
    rolled_portfolios,
    tracked_sessions,
)
from engine.pipeline.status import day_jobs, refused

NEVER_WRITTEN = ("correlation_clusters", "correlation_cluster_positions")
"""Empty, and yet replaced: rows that others left would refer to matrices that are replaced."""


def assemble(
    inputs: Inputs,
    window: Window,
    days: pl.DataFrame,
    book: pl.DataFrame,
    outcomes: Sequence[JobResult],
    failures: pl.DataFrame,
) -> Results:
    """The results: every table's rows, less the portfolios with a figure that does not fit.

    Args:
        days, book: of the portfolios that were computed.
        outcomes: of `engine.pipeline.jobs.analyse`.
        failures: portfolios left out before.
    """
    snapshot = _snapshot_columns(outcomes)
    rows = _by_table(outcomes)
    checked = [misfits(TABLES[name], frame) for name, frame in rows.items()]
    failures = pl.concat([failures, misfits(TABLES["portfolio_snapshots"], snapshot), *checked])
    days, book, snapshot = (_without(frame, failures) for frame in (days, book, snapshot))
    rows = {name: _without(frame, failures) for name, frame in rows.items()}
    book = _completed(_completed(book, snapshot), inputs.kept_snapshots)
    exposures = rows["factor_exposures"]
    told = [day_jobs(book, days), *(_without(outcome.status, failures) for outcome in outcomes)]
    tagged, unlinked = _tagged(inputs, window, failures)
    finished = {
        "portfolios": rolled_portfolios(inputs.portfolios, book, window.stamp),
        "positions": marked_positions(inputs.positions, days, window.stamp),
        "factor_definitions": updated_definitions(inputs.factor_definitions, exposures, window.stamp),
        **{name: empty(TABLES[name]) for name in NEVER_WRITTEN},
        **tagged,
        TRACKING.name: tracked_sessions(window) if failures.is_empty() else empty(TRACKING),
        **new_openings(inputs, book),
    }
    figures = {
        **rows,
        "portfolio_snapshots": book.with_columns(snapshot_date="date"),
        "analytics_status": pl.concat([*told, refused(failures, window.sessions)], how="diagonal_relaxed"),
    }
    return Results(StoredTables(figures, finished, window.stamp), failures, unlinked)


def _tagged(
    inputs: Inputs, window: Window, failures: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Phase 5, for the sessions from the run date on that were never computed before.

    A rerun leaves the tags alone: each pass counts every link again.
    """
    runs = sum(day >= window.run_date for day in window.fresh)
    if runs == 0:
        return {}, {}
    owners = inputs.portfolios.join(failures, left_on="id", right_on="portfolio_id", how="anti")
    found = sector_tags(
        inputs.tags, inputs.position_tags, inputs.positions, inputs.profiles, owners, runs, window.stamp
    )
    gone = found.unlinked.select("position_id", "tag_id")
    return {"tags_v2": found.tags, "position_tags": found.links}, {"position_tags": gone}


def _without(frame: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    if failures.is_empty():
        return frame
    return frame.join(failures, on="portfolio_id", how="anti", maintain_order="left")


def _completed(book: pl.DataFrame, snapshot: pl.DataFrame) -> pl.DataFrame:
    """The book with the jobs' columns; a figure of theirs stands before a place-holder of its own."""
    both = [name for name in snapshot.columns if name in book.columns and name != "portfolio_id"]
    found = snapshot.rename({"snapshot_date": "date"})
    joined = book.join(found, on=["portfolio_id", "date"], how="left", suffix="_job", maintain_order="left")
    return joined.with_columns(pl.coalesce(f"{name}_job", name).alias(name) for name in both)


def _by_table(outcomes: Sequence[JobResult]) -> dict[str, pl.DataFrame]:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.tables)
    return {
        name: pl.concat([o.tables[name] for o in outcomes if name in o.tables], how="diagonal")
        for name in names
    }


def _snapshot_columns(outcomes: Sequence[JobResult]) -> pl.DataFrame:
    """What the jobs add to the snapshots, side by side."""
    keys = ["portfolio_id", "snapshot_date"]
    found = [outcome.snapshot for outcome in outcomes if outcome.snapshot is not None]
    return reduce(
        lambda one, other: one.join(other, on=keys, how="full", coalesce=True, maintain_order="left_right"),
        found,
    )
