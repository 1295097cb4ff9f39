"""What a reader must know of the data before trusting the figures."""

from __future__ import annotations

import polars as pl

from engine.analytics.positions.valuation import OPEN
from engine.core.job_catalog import VOLATILITY
from engine.core.window import PRICE_LOOK_BACK
from engine.reports.stored import SNAPSHOT_DATE, StoredPortfolio

FULL_HISTORY = VOLATILITY.minimum + 1
"""Closes from which a symbol has the returns that its volatility needs."""

QUOTED = pl.col("markable") & (pl.col("investment_class").str.to_uppercase() != "PRIVATE").fill_null(True)
"""Whether a market can be expected to quote a position: neither a private asset nor a contract."""


def missing_sessions(stored: StoredPortfolio) -> pl.Series:
    """Sessions between the first snapshot and the last that have none."""
    return stored.snapshots.filter(pl.col("portfolio_id").is_null())["date"]


def price_quality(stored: StoredPortfolio, days: pl.DataFrame) -> pl.DataFrame:
    """How well each open position that a market quotes was priced.

    Args:
        days: of `engine.reports.measures.contributions.priced_days`.

    Returns:
        position_id, symbol, sessions (since its entry), priced (by a close of the day), carried (by
        a close at most 5 calendar days old), stale (neither: the value stood still); last_close
        (date, null without any); closes (of the longest look-back up to the window's end).
    """
    held = days.filter(OPEN, QUOTED, pl.col("entry_date") <= pl.col("date"))
    close, mark = pl.col("close").is_not_null(), pl.col("mark").is_not_null()
    counted = held.group_by("id", "symbol").agg(
        sessions=pl.len(), priced=close.sum(), carried=(~close & mark).sum(), stale=(~mark).sum()
    )
    day = pl.col("date")
    known = stored.closes.filter(pl.col("close") > 0)
    recent = day > pl.lit(stored.end, pl.Date) - pl.lit(PRICE_LOOK_BACK)
    history = known.group_by("symbol").agg(last_close=day.max(), closes=day.filter(recent).len())
    return (
        counted.join(history, on="symbol", how="left")
        .with_columns(pl.col("closes").fill_null(0))
        .rename({"id": "position_id"})
        .sort("symbol", "position_id")
    )


def troubled(prices: pl.DataFrame) -> pl.DataFrame:
    """Rows of `price_quality` that carry a price, stand still, or have too short a history."""
    return prices.filter((pl.col("carried") > 0) | (pl.col("stale") > 0) | (pl.col("closes") < FULL_HISTORY))


def unquoted_positions(days: pl.DataFrame) -> int:
    """Open positions that no market quotes: private assets and option contracts."""
    return int(days.filter(OPEN, ~QUOTED)["id"].n_unique())


def unbooked_flows(stored: StoredPortfolio) -> pl.DataFrame:
    """Money paid in or out on a day of which no snapshot tells.

    Returns:
        change_date, change_type, amount.
    """
    booked = stored.history[SNAPSHOT_DATE]
    return (
        stored.flows.filter(~pl.col("change_date").is_in(booked.implode()))
        .select("change_date", "change_type", "amount")
        .sort("change_date")
    )


def status_counts(stored: StoredPortfolio) -> pl.DataFrame:
    """By job and outcome: sessions, first and last of them, the most positions left out.

    Returns:
        job, status, reason, sessions, first, last, left_out.
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
    """Unbroken spans of one outcome: job, kind (ok, skipped, failed), date, until.

    A span ends where the session after its last one begins.
    """
    calendar = pl.DataFrame({"calculation_date": pl.Series(stored.days, dtype=pl.Date)})
    day = pl.col("calculation_date")
    after = calendar.with_columns(after=day.shift(-1).fill_null(day + pl.duration(days=1))).with_row_index()
    known = stored.status.join(after, on="calculation_date").sort("job", "calculation_date")
    broken = (pl.col("index").diff() != 1) | (pl.struct("job", "status").rle_id().diff() != 0)
    return (
        known.with_columns(span=broken.fill_null(True).cum_sum())
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
