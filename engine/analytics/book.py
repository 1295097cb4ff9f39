"""The book: a row for each portfolio and session, and what each portfolio brings to the first."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.quotes import session_frame
from engine.exact import integer, scaled


def openings(portfolios: pl.DataFrame, previous: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """What each portfolio's roll-forward starts from.

    The equity is the previous snapshot's, if that is neither null nor 0 [Q10], else the
    portfolio's own. That column holds what the last run rolled it to: where the portfolio's
    oldest snapshot has no predecessor in the window's past, the capital it was founded with is
    got back from that snapshot, equity - daily P&L - daily flow, so that a rerun starts where
    the first run started. Source: document 01 §3.2.

    Args:
        portfolios: id, equity_balance.
        previous: each portfolio's newest snapshot before the window.
        first: each portfolio's oldest snapshot of all.

    Returns:
        portfolio_id, has_previous, and Int128 cents opening_equity, opening_pnl,
        opening_realized, opening_flow; sorted by portfolio_id.
    """
    founded = first.select(
        "portfolio_id",
        founding=scaled("equity_balance") - scaled("daily_pnl") - scaled("daily_capital_flow"),
    )
    before = previous.select(
        "portfolio_id",
        has_previous=pl.lit(True),
        carried=scaled("equity_balance").replace(0, None),
        opening_pnl=scaled("cumulative_pnl"),
        opening_realized=scaled("cumulative_realized_pnl"),
        opening_flow=scaled("cumulative_capital_flow"),
    )
    own = portfolios.select(portfolio_id="id", own=scaled("equity_balance"))
    rows = own.join(before, on="portfolio_id", how="left").join(founded, on="portfolio_id", how="left")
    fresh = pl.when(pl.col("has_previous").is_null()).then("founding")
    return rows.select(
        "portfolio_id",
        pl.col("has_previous").fill_null(False),
        opening_equity=pl.coalesce("carried", fresh, "own"),
        **{name: pl.col(name).fill_null(integer(0)) for name in _TOTALS},
    ).sort("portfolio_id")


_TOTALS = ("opening_pnl", "opening_realized", "opening_flow")


def open_book(openings: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """Cross the openings with the sessions.

    Returns:
        P x D rows, portfolio-major, sessions ascending: portfolio (0, 1, ...), portfolio_id,
        session, date, the openings; has_previous, whether a snapshot precedes the session.
    """
    book = openings.with_row_index("portfolio").with_columns(pl.col("portfolio").cast(pl.Int32))
    book = book.join(session_frame(sessions), how="cross", maintain_order="left_right")
    return book.with_columns(has_previous=pl.col("has_previous") | (pl.col("session") > 0))
