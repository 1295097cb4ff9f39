"""Money, counts and defaults of portfolio_snapshots: one row for each portfolio and session."""

from __future__ import annotations

import polars as pl

from engine.core.money import GRAINS_A_CENT, half_away, integer
from engine.core.schema import TABLES

SNAPSHOTS = TABLES["portfolio_snapshots"]
JSON_NULL = "null"
"""Sector exposure that was not computed, as the legacy batch stores it: the JSON document null. A portfolio
without positions has an SQL null instead."""
EXPOSURES = ("gross_exposure", "net_exposure", "long_value", "short_value")
COUNTS = ("num_positions", "num_long_positions", "num_short_positions")
GREEKS = ("portfolio_delta", "portfolio_gamma", "portfolio_theta", "portfolio_vega")


def figures(book: pl.DataFrame, exposures: pl.DataFrame) -> pl.DataFrame:
    """Return the snapshot's money, return and counts, as integers of their columns' scales.

        cash_value = equity - long_value + |short_value|, not below 0

    Without a position that day total_value and all exposures are 0; the equity is rolled forward all the
    same. Source: document 01 §4.2 and §4.6.

    Args:
        book: of `engine.analytics.equity.pnl.roll_forward`.
        exposures: of `engine.analytics.equity.exposures.exposures`.

    Returns:
        `book` with the columns of portfolio_snapshots that phase 3 fills.
    """
    rows = book.join(exposures, on=["portfolio", "session"], how="left", maintain_order="left")
    holds = pl.col("num_positions").is_not_null()
    uninvested = pl.col("equity_grains") - (pl.col("long_value") - pl.col("short_value").abs()) * integer(
        GRAINS_A_CENT
    )
    return rows.with_columns(
        holds=holds,
        total_value=pl.when(holds).then("equity").otherwise(integer(0)),
        cash_value=half_away(pl.max_horizontal(uninvested, integer(0)), GRAINS_A_CENT).fill_null(integer(0)),
        **{name: pl.col(name).fill_null(integer(0)) for name in EXPOSURES},
        **{name: pl.col(name).fill_null(0) for name in COUNTS},
        # No job computes the Greeks: 0 in every row of a portfolio that holds a position.
        **{name: pl.when(holds).then(integer(0)) for name in GREEKS},
        equity_balance=pl.col("equity"),
        daily_realized_pnl=pl.col("realized"),
        cumulative_realized_pnl=pl.col("cumulative_realized"),
        daily_capital_flow=pl.col("flow"),
        cumulative_capital_flow=pl.col("cumulative_flow"),
        sector_exposure=pl.when(holds).then(pl.lit(JSON_NULL)),
        is_complete=pl.lit(True),
    )
