"""Rows of the tables that the next run starts from: state, openings, sessions done."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from engine.core.job_catalog import MARKET_VALUES
from engine.core.schema import TABLES
from engine.core.stored_rows import raised_stamp, stored_columns, stored_rows
from engine.core.window import Window
from engine.pipeline.inputs import Inputs

TRACKING = TABLES["batch_run_tracking"]


def rolled_portfolios(portfolios: pl.DataFrame, snapshots: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Return whole rows of portfolios with the equity of the last session (document 01 §3.6).

    Args:
        portfolios: rows of the table as read.
        snapshots: equity by portfolio and session.
        stamp: time of writing, UTC.
    """
    last = snapshots.filter(pl.col("session") == pl.col("session").max())
    equity = last.select(id="portfolio_id", equity_balance="equity")
    return _updated("portfolios", portfolios, equity, ("equity_balance",), stamp)


def marked_positions(positions: pl.DataFrame, marks: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Return whole rows of positions with the prices and values of the last session (document 01 §5.1).

    Args:
        positions: rows of the table as read.
        marks: price and values by position and session.
        stamp: time of writing, UTC.
    """
    last = marks.filter(pl.col("session") == pl.col("session").max())
    return _updated("positions", positions, last, MARKET_VALUES.columns("positions"), stamp)


def _updated(
    table: str, rows: pl.DataFrame, figures: pl.DataFrame, columns: tuple[str, ...], stamp: datetime
) -> pl.DataFrame:
    """Return the rows that have figures, with these; `updated_at` rises only where one differs."""
    fresh = stored_columns(TABLES[table], figures, ("id", *columns))
    joined = rows.join(fresh, on="id", how="inner", suffix="_new", maintain_order="left")
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in columns)
    return joined.with_columns(
        raised_stamp(changed, stamp),
        **{name: pl.col(f"{name}_new") for name in columns},
    ).select(rows.columns)


def new_openings(inputs: Inputs, snapshots: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return new rows of the engine's tables of opening balances.

    A portfolio's equity and a position's values hold only the latest in their own tables. A rerun needs
    what they were before the first run, so that run stores them. A row is replaced only when the
    portfolio's first session changes: when a run reaches back behind it, or the portfolio begins anew.

    Args:
        inputs: validated frames, the stored openings among them.
        snapshots: portfolio_id, session, and first_session and founding of
            `engine.analytics.equity.opening_balances.openings`.

    Returns:
        Rows to insert or update, by table.
    """
    begun = snapshots.filter(pl.col("session") == 0).select(
        "portfolio_id", "first_session", equity_balance="founding"
    )
    stored = inputs.first_equity.select("portfolio_id", stored="first_session")
    anew = begun.join(stored, on="portfolio_id").filter(pl.col("first_session") > pl.col("stored"))
    deleted = inputs.positions.join(inputs.portfolios, left_on="portfolio_id", right_on="id", how="anti")
    held = pl.concat([inputs.positions.join(begun, on="portfolio_id", how="semi"), deleted])
    kept = inputs.first_positions.join(anew, on="portfolio_id", how="anti")
    fresh = {
        "engine_portfolio_openings": begun.join(inputs.first_equity, on=begun.columns, how="anti"),
        "engine_position_openings": held.rename({"id": "position_id"}).join(
            kept, on="position_id", how="anti"
        ),
    }
    return {name: frame.select(TABLES[name].names) for name, frame in fresh.items()}


def tracked_sessions(window: Window, completed: datetime) -> pl.DataFrame:
    """Return the rows of batch_run_tracking for a window that was computed for every portfolio.

    Durations and counts, which the legacy batch never measured, stay null. Source: document 01 §2.9.

    Args:
        window: sessions that were computed.
        completed: when their last shard was written, UTC.

    Returns:
        One row for each session.
    """
    days = pl.DataFrame({"run_date": pl.Series(window.sessions, dtype=pl.Date)})
    phases = {f"phase_{number}_status": pl.lit("success") for number in (1, 2, 3)}
    done = days.with_columns(completed_at=pl.lit(completed), **phases)
    return stored_rows(TRACKING, done, window.stamp)
