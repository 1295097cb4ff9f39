"""Position values, phase 4 of the legacy batch, for every position and session at once."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.positions.prices import session_frame
from engine.core.instruments import multiplier, unquoted
from engine.core.money import GRAINS_A_CENT, half_away, scaled
from engine.core.rules import SyntheticPrefix

DAILY = (
    "id",
    "portfolio_id",
    "symbol",
    "underlying_symbol",
    "position_type",
    "investment_class",
    "quantity",
    "entry_price",
    "entry_date",
    "exit_date",
    "deleted_at",
    "last_price",
    "market_value",
    "unrealized_pnl",
)
"""Position columns repeated on every (position, session) row; keep them few."""

OPEN = pl.col("exit_date").is_null() & pl.col("deleted_at").is_null()
"""Positions that are revalued and analysed: today's, whatever the session."""


def position_days(
    positions: pl.DataFrame, quotes: pl.DataFrame, sessions: list[date], synthetic_prefix: SyntheticPrefix
) -> pl.DataFrame:
    """Cross positions with sessions and join their quotes: position-major, sessions ascending.

    Args:
        positions: N rows of the table.
        quotes: of `engine.analytics.positions.prices.quotes`.
        sessions: D dates.
        synthetic_prefix: see `engine.core.rules.Rules`.

    Returns:
        N x D rows: `position` (0, 1, ...), the position's columns `DAILY`, those of the quotes, `date`, and
        `markable`: whether the position is open and its symbol quoted by a market.
    """
    markable = OPEN & ~unquoted("symbol", synthetic_prefix)
    numbered = positions.select(*DAILY, markable=markable).with_row_index("position")
    days = numbered.join(session_frame(sessions), how="cross", maintain_order="left_right")
    return days.join(quotes, on=["symbol", "session"], how="left", maintain_order="left")


def mark_to_market(days: pl.DataFrame) -> pl.DataFrame:
    """Compute each position's price and value in each session; an unpriced position keeps its old ones.

        market_value = quantity x price x m,  m = 100 for options
        unrealized_pnl = market_value - quantity x entry_price x m

    The legacy table holds one value for a position, which each session overwrites. So values are carried
    forward, from the table's value before the window on. Source: document 01 §5.1.

    Args:
        days: of `position_days`.

    Returns:
        `days` with Int128 columns: last_price (ticks), market_value and unrealized_pnl (cents) after each
        session; opening_value (cents), the market value before the session; marked, whether the position
        was marked in the session.
    """
    marked = pl.col("markable") & pl.col("mark").is_not_null()
    # Integers of 128 bits: a product of two Polars decimals is rounded to the wider of their scales.
    quantity = scaled("quantity") * multiplier()
    value = quantity * pl.col("mark")
    cost = quantity * scaled("entry_price")
    fresh = days.with_columns(
        marked=marked,
        _price=_where(marked, pl.col("mark").cast(pl.Int128), scaled("last_price")),
        _value=_where(marked, half_away(value, GRAINS_A_CENT), scaled("market_value")),
        _gain=_where(marked, half_away(value - cost, GRAINS_A_CENT), scaled("unrealized_pnl")),
    )
    return fresh.with_columns(
        last_price=pl.col("_price").forward_fill().over("position"),
        market_value=pl.col("_value").forward_fill().over("position"),
        unrealized_pnl=pl.col("_gain").forward_fill().over("position"),
        _held=scaled("market_value"),
    ).select(
        pl.exclude("_price", "_value", "_gain", "_held"),
        opening_value=pl.when(pl.col("session") == 0)
        .then("_held")
        .otherwise(pl.col("market_value").shift(1)),
    )


def unmarked_before(
    days: pl.DataFrame, first: date, carried: pl.DataFrame, portfolios: pl.Series
) -> pl.DataFrame:
    """Remove the mark from days before the window on which the position's portfolio was not run.

    Args:
        days: of `position_days`.
        first: first session of the window.
        carried: portfolio_id, date: the days on which each portfolio was run.
        portfolios: ids of the live ones. Positions of deleted portfolios are marked whenever any portfolio
            is run.

    Returns:
        `days` with fewer marks.
    """
    if carried.is_empty():
        return days
    ran = days.select("portfolio_id", "date").join(
        carried.with_columns(ran=True), on=["portfolio_id", "date"], how="left", maintain_order="left"
    )
    idle = ran["ran"].is_null() & days["portfolio_id"].is_in(portfolios.implode()) & (days["date"] < first)
    return days.with_columns(mark=pl.when(~idle).then("mark"))


def since(days: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return the days from session `first` on, with sessions counted from 0.

    Args:
        days: a row for each position and session, with the number of its session.
        first: number of the first session to keep; those before are trading days before the window.
    """
    if first == 0:
        return days
    return days.filter(pl.col("session") >= first).with_columns(pl.col("session") - first)


def _where(marked: pl.Expr, fresh: pl.Expr, opening: pl.Expr) -> pl.Expr:
    """Return the fresh figure where marked, the table's in the first session, else null to be filled."""
    return pl.when(marked).then(fresh).when(pl.col("session") == 0).then(opening)
