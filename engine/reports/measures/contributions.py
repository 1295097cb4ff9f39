"""The contribution of each position to the P&L of a window."""

from __future__ import annotations

import polars as pl

from engine.analytics.equity.pnl import realized_cents, unrealized
from engine.analytics.positions.prices import quotes
from engine.analytics.positions.valuation import mark_to_market, position_days
from engine.core.money import CENT_SCALE, GRAIN_SCALE, usd
from engine.reports.stored import SNAPSHOT_DATE, StoredPortfolio


def priced_days(stored: StoredPortfolio) -> pl.DataFrame:
    """Return every position in every session of the window with its quotes, as `mark_to_market` does."""
    symbols = stored.positions["symbol"].unique().sort()
    priced = quotes(symbols, stored.closes, stored.days)
    days = position_days(stored.positions, priced, stored.days, stored.rules.synthetic_prefix)
    return mark_to_market(days)


def contributions(stored: StoredPortfolio, days: pl.DataFrame) -> pl.DataFrame:
    """Return the P&L of a window by position, by the formula of the snapshots' daily P&L.

        market = sum over sessions of (close - previous close) x quantity x m
        realized = gains of lots closed in a session

    over sessions with a snapshot. Quantities are those stored now: if a position was changed after
    the run, the stored P&L used another quantity. Source: document 01 §3.3 and §3.4. By rules with P&L of
    lots, their stored P&L instead, and in place of realized gains, which are a part of it, income.

    Args:
        stored: the portfolio's rows.
        days: the result of `priced_days`.

    Returns:
        Columns position_id, and in USD: market (null without a session with a price), realized (null
        where nothing was closed, or without income), total (null where both are).
    """
    if not stored.lots.is_empty():
        return _of_lots(stored)
    computed = stored.history[SNAPSHOT_DATE]
    first = computed.min()
    owned = days.with_columns(portfolio="id", has_previous=pl.col("date") > pl.lit(first, pl.Date)).filter(
        pl.col("date").is_in(computed.implode())
    )
    # Positions without any price move stay null: "not computed" is not a contribution of 0.
    moves = unrealized(owned, stored.rules.closed_lots).filter(pl.col("moved") > 0)
    moved = moves.group_by("portfolio").agg(market=usd(pl.col("unrealized").sum(), GRAIN_SCALE))
    gains = (
        stored.events.filter(pl.col("trade_date").is_in(computed.implode()))
        .group_by("position_id")
        .agg(realized=usd(realized_cents().sum(), CENT_SCALE))
    )
    positions = stored.positions.select(position_id="id")
    return (
        positions.join(moved, left_on="position_id", right_on="portfolio", how="left", maintain_order="left")
        .join(gains, on="position_id", how="left", maintain_order="left")
        .with_columns(total=pl.sum_horizontal("market", "realized", ignore_nulls=True))
        .with_columns(pl.when(pl.any_horizontal(pl.col("market", "realized").is_not_null())).then("total"))
    )


def _of_lots(stored: StoredPortfolio) -> pl.DataFrame:
    """Return P&L and income of lots, as a run has stored them."""
    income = pl.col("income").sum().cast(pl.Float64)
    sums = stored.lots.group_by("position_id").agg(
        market=pl.col("pnl").sum().cast(pl.Float64), realized=pl.when(income != 0).then(income)
    )
    rows = stored.positions.select(position_id="id").join(sums, on="position_id", how="left")
    return rows.with_columns(total=pl.col("market") + pl.col("realized").fill_null(0.0))
