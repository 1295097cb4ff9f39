"""Measures of the data that figures are based on."""

from __future__ import annotations

import polars as pl

from engine.analytics.positions.valuation import OPEN
from engine.core.job_catalog import VOLATILITY
from engine.core.window import PRICE_LOOK_BACK
from engine.reports.stored import SNAPSHOT_DATE, StoredPortfolio

FULL_HISTORY = VOLATILITY.minimum + 1
"""Closes from which a symbol has the returns that its volatility needs."""

QUOTED = pl.col("markable") & (pl.col("investment_class").str.to_uppercase() != "PRIVATE").fill_null(True)
"""Condition that a market quotes a position: it is neither a private asset nor an option contract."""


def missing_sessions(stored: StoredPortfolio) -> pl.Series:
    """Return the sessions of the window that have no snapshot."""
    return stored.snapshots.filter(pl.col("portfolio_id").is_null())["date"]


def price_quality(stored: StoredPortfolio, days: pl.DataFrame) -> pl.DataFrame:
    """Return how each open position that a market quotes was priced.

    Args:
        stored: the portfolio's rows.
        days: the result of `engine.reports.measures.contributions.priced_days`.

    Returns:
        Columns position_id, symbol, sessions (since its entry), priced (by a close of the day),
        carried (by a close at most 5 calendar days old), stale (neither: the value did not change),
        last_close (date; null without any), closes (within the longest look-back before the end).
    """
    held = days.filter(OPEN, QUOTED, pl.col("entry_date") <= pl.col("date"))
    close, mark = pl.col("close").is_not_null(), pl.col("mark").is_not_null()
    counted = held.group_by("id", "symbol").agg(
        sessions=pl.len(), priced=close.sum(), carried=(~close & mark).sum(), stale=(~mark).sum()
    )
    day = pl.col("date")
    positive = stored.closes.filter(pl.col("close") > 0)
    recent = day > pl.lit(stored.end, pl.Date) - pl.lit(PRICE_LOOK_BACK)
    history = positive.group_by("symbol").agg(last_close=day.max(), closes=day.filter(recent).len())
    return (
        counted.join(history, on="symbol", how="left")
        .with_columns(pl.col("closes").fill_null(0))
        .rename({"id": "position_id"})
        .sort("symbol", "position_id")
    )


def imperfect(prices: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `price_quality` with carried or stale prices or too short a history."""
    return prices.filter((pl.col("carried") > 0) | (pl.col("stale") > 0) | (pl.col("closes") < FULL_HISTORY))


def unquoted_positions(days: pl.DataFrame) -> int:
    """Return the number of open positions that no market quotes: private assets and options."""
    return int(days.filter(OPEN, ~QUOTED)["id"].n_unique())


def unbooked_flows(stored: StoredPortfolio) -> pl.DataFrame:
    """Return deposits and withdrawals on a day without a snapshot.

    Returns:
        Columns change_date, change_type, amount.
    """
    booked = stored.history[SNAPSHOT_DATE]
    return (
        stored.flows.filter(~pl.col("change_date").is_in(booked.implode()))
        .select("change_date", "change_type", "amount")
        .sort("change_date")
    )


def status_counts(stored: StoredPortfolio) -> pl.DataFrame:
    """Return the sessions of each job by outcome and reason.

    Returns:
        Columns job, status, reason, sessions, first, last, left_out (most positions left out).
    """
    day = pl.col("calculation_date")
    return (
        stored.status.group_by("job", "status", "reason")
        .agg(
            sessions=pl.len(),
            first=day.min(),
            last=day.max(),
            left_out=pl.col("positions_left_out").max(),
        )
        .sort("job", "status", "reason")
    )


def status_spans(stored: StoredPortfolio) -> pl.DataFrame:
    """Return unbroken spans of sessions in which a job had the same outcome.

    Returns:
        Columns job, kind (ok, partial, skipped, failed), date (first session), until (the session after the
        last one, or the day after it).
    """
    calendar = pl.DataFrame({"calculation_date": pl.Series(stored.days, dtype=pl.Date)})
    day = pl.col("calculation_date")
    after = calendar.with_columns(after=day.shift(-1).fill_null(day + pl.duration(days=1))).with_row_index()
    dated = stored.status.join(after, on="calculation_date").sort("job", "calculation_date")
    # A span also ends where the sessions between two rows have no status.
    broken = (pl.col("index").diff() != 1) | (pl.struct("job", "status").rle_id().diff() != 0)
    return (
        dated.with_columns(span=broken.fill_null(True).cum_sum())
        .group_by("span")
        .agg(
            pl.col("job").first(),
            kind=pl.col("status").first(),
            date=day.first(),
            until=pl.col("after").last(),
        )
        .sort("span")
        .drop("span")
    )
