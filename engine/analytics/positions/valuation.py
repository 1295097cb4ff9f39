"""Position values, phase 4 of the legacy batch, for every position and session at once."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.positions.lot_life import CLOSED
from engine.analytics.positions.prices import session_frame
from engine.core.instruments import is_private, is_quoted, multiplier, unquoted, value_multiplier
from engine.core.money import CENT_SCALE, GRAIN_SCALE, GRAINS_A_CENT, half_away, integer, scaled, usd
from engine.core.rules import Membership, SyntheticPrefix

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
    positions: pl.DataFrame,
    quotes: pl.DataFrame,
    sessions: list[date],
    synthetic_prefix: SyntheticPrefix,
    membership: Membership = "today",
) -> pl.DataFrame:
    """Cross positions with sessions and join their quotes: position-major, sessions ascending.

    Args:
        positions: N rows of the table.
        quotes: of `engine.analytics.positions.prices.quotes`.
        sessions: D dates.
        synthetic_prefix: see `engine.core.rules.Rules`.
        membership: see `engine.core.rules.Rules`.

    Returns:
        N x D rows: `position` (0, 1, ...), the position's columns `DAILY`, those of the quotes, `date`;
        `markable`: whether the position is open today, which membership="session" does not ask, and its
        symbol quoted by a market; `private`: whether it is a private asset; `traded`: whether a market quotes
        it, whatever the rules.
    """
    quoted = ~unquoted("symbol", synthetic_prefix)
    markable = OPEN & quoted if membership == "today" else quoted
    # Of each position once: the texts of every row and session took 2 % of a run.
    known = {"markable": markable, "private": is_private(), "traded": is_quoted()}
    numbered = positions.select(*DAILY, **known).with_row_index("position")
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
        was marked in the session; and weight, of `_weight`.
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
    carried = fresh.with_columns(
        last_price=pl.col("_price").forward_fill().over("position"),
        market_value=pl.col("_value").forward_fill().over("position"),
        unrealized_pnl=pl.col("_gain").forward_fill().over("position"),
        _held=scaled("market_value"),
    )
    return _with_opening_value(carried).drop("_price", "_value", "_gain", "_held")


def mark_in_session(days: pl.DataFrame) -> pl.DataFrame:
    """Compute prices and values as `mark_to_market` does, of the lots that are held in the session.

    The quantity is the session's. A quoted lot without a fresh price is worth its quantity times its last
    price; one that no market quotes keeps the table's value. From a lot's end on its value is 0.

    Args:
        days: of `position_days` with membership="session", with held and life.

    Returns:
        As `mark_to_market`, with `markable` where the lot is held.
    """
    held, ended = pl.col("held") != 0, pl.col("life") >= CLOSED
    days = days.with_columns(quoted="markable", markable=pl.col("markable") & held)
    marked = pl.col("markable") & pl.col("mark").is_not_null()
    price = _where(marked, pl.col("mark").cast(pl.Int128), scaled("last_price"))
    quantity = pl.col("held").cast(pl.Int128) * multiplier()
    rows = days.with_columns(
        marked=marked, last_price=price.forward_fill().over("position"), _held=scaled("market_value")
    )
    value, cost = quantity * pl.col("last_price"), quantity * scaled("entry_price")
    own = pl.col("quoted") & pl.col("last_price").is_not_null() & held
    stored = {"market_value": value, "unrealized_pnl": value - cost}
    valued = rows.with_columns(
        pl.when(ended & (pl.col(name).is_not_null() | pl.col("last_price").is_not_null()))
        .then(integer(0))
        .when(own)
        .then(half_away(grains, GRAINS_A_CENT))
        .otherwise(scaled(name))
        .alias(name)
        for name, grains in stored.items()
    )
    return _with_opening_value(valued, pl.col("held").cast(pl.Int128)).drop("quoted", "_held")


def _with_opening_value(rows: pl.DataFrame, units: pl.Expr | None = None) -> pl.DataFrame:
    """Add the market value before each session, `_held` before the first, and `weight`, of `_weight`."""
    before = pl.col("market_value").shift(1)
    opening = pl.when(pl.col("session") == 0).then("_held").otherwise(before)
    return rows.with_columns(
        opening_value=opening, weight=_weight(scaled("quantity") if units is None else units)
    )


def _weight(units: pl.Expr) -> pl.Expr:
    """Return what a position counts in the coverage of a figure, USD, not negative.

        weight = |market value|, else |quantity x (last price, else entry price) x m'|

    m' = 100 for options that are not of class PRIVATE, else 1, as the analytics recompute values
    (document 02 §2.4).
    """
    contract = value_multiplier()
    price = pl.coalesce("last_price", scaled("entry_price"))
    recomputed = usd(units * price * contract, GRAIN_SCALE)
    stored = usd(pl.col("market_value"), CENT_SCALE)
    return pl.coalesce(stored, recomputed).abs()


def unmarked_before(
    days: pl.DataFrame, first: date, carried: pl.DataFrame, portfolios: pl.Series
) -> pl.DataFrame:
    """Remove the mark from days before the window on which the position's portfolio was not run.

    Until its first run a position has the values of the table, which need not be quantity times price.

    Args:
        days: of `position_days`.
        first: first session of the window.
        carried: portfolio_id, date: the days on which each portfolio was run.
        portfolios: ids of the live ones. Positions of deleted portfolios are marked whenever any portfolio
            is run.

    Returns:
        `days` with fewer marks, and fewer that are markable.
    """
    if carried.is_empty():
        return days
    begun = carried.group_by("portfolio_id").agg(begun=pl.col("date").min())
    ran = (
        days.select("portfolio_id", "date")
        .join(carried.with_columns(ran=True), on=["portfolio_id", "date"], how="left", maintain_order="left")
        .join(begun, on="portfolio_id", how="left", maintain_order="left")
    )
    idle = ran["ran"].is_null() & days["portfolio_id"].is_in(portfolios.implode()) & (days["date"] < first)
    before = idle & (days["date"] < ran["begun"].fill_null(first))
    return days.with_columns(mark=pl.when(~idle).then("mark"), markable=pl.col("markable") & ~before)


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
