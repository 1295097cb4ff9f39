"""The book: a row for each portfolio and session, and what each portfolio brings to the first."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.quotes import session_frame
from engine.exact import decimal, integer, scaled


def openings(
    portfolios: pl.DataFrame, previous: pl.DataFrame, ledger: pl.DataFrame, first: pl.DataFrame
) -> pl.DataFrame:
    """What each portfolio's roll-forward starts from.

    The equity is the previous snapshot's, if that is neither null nor 0 [Q10], else the
    portfolio's own. That column holds what the last run rolled it to, so a rerun of a
    portfolio's beginning takes what the ledger saw when it was first run, and in a store that
    the legacy batch wrote, without a ledger, gets it back from the oldest snapshot: equity less
    that day's P&L and flow. Source: document 01 §3.2.

    Args:
        portfolios: id, equity_balance.
        previous: each portfolio's newest snapshot before the window.
        ledger: portfolio_id, equity_balance, as each portfolio was first run.
        first: each portfolio's oldest snapshot of all.

    Returns:
        portfolio_id, has_previous; founding: the equity (Decimal) that the portfolio began with;
        and Int128 cents opening_equity, opening_pnl,
        opening_realized, opening_flow; sorted by portfolio_id.
    """
    oldest = first.select(
        "portfolio_id",
        oldest=scaled("equity_balance") - scaled("daily_pnl") - scaled("daily_capital_flow"),
    )
    before = previous.select(
        "portfolio_id",
        has_previous=pl.lit(True),
        carried=scaled("equity_balance").replace(0, None),
        opening_pnl=scaled("cumulative_pnl"),
        opening_realized=scaled("cumulative_realized_pnl"),
        opening_flow=scaled("cumulative_capital_flow"),
    )
    seen = ledger.select("portfolio_id", seen=scaled("equity_balance"))
    rows = portfolios.select(portfolio_id="id", own=scaled("equity_balance"))
    for other in (before, seen, oldest):
        rows = rows.join(other, on="portfolio_id", how="left")
    rows = rows.with_columns(pl.col("has_previous").fill_null(False))
    founding = pl.coalesce("seen", "oldest", "own")
    return rows.select(
        "portfolio_id",
        "has_previous",
        founding=decimal(founding, 16, 2),
        opening_equity=pl.coalesce("carried", pl.when("has_previous").then("own").otherwise(founding)),
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
