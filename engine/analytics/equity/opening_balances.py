"""Opening balances of each portfolio, and the book: a row for each portfolio and session."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.positions.prices import session_frame
from engine.core.money import GRAINS_A_CENT, decimal, half_away, integer, scaled
from engine.core.window import Window

TOTALS = ("opening_pnl", "opening_realized", "opening_flow")


def openings(
    portfolios: pl.DataFrame,
    previous: pl.DataFrame,
    previous_equity: pl.DataFrame,
    ledger: pl.DataFrame,
    first: pl.DataFrame,
    window: Window,
) -> pl.DataFrame:
    """Return the balances from which each portfolio's equity is rolled forward.

    Opening equity: the previous snapshot's, if that is neither null nor 0 [Q10]; else the balance that the
    portfolio's own row would hold at that moment of one ascending run (document 01 §3.2). Where the window
    continues the portfolio's stored sessions, its row holds that balance. In a rerun the row is ahead of
    the window, and the balance is the newest equity before the window that is not null; at the portfolio's
    first session, its founding equity.

    Founding equity: what the portfolio's row held before its first session, as the ledger recorded it, and
    so since its last snapshot before that: a window may begin before the ledger's first session. Without a
    ledger entry, or if the window reaches back to snapshots older than it, the first session is the oldest
    stored one. Its snapshot gives the founding equity: equity less that day's P&L and flow, because a
    portfolio's first session has no unrealised P&L. A portfolio without snapshots begins with its own row,
    at the window's first session. So does, again, one whose row was edited after its equity came to 0.

    Args:
        portfolios: id, equity_balance.
        previous: each portfolio's newest snapshot before the window.
        previous_equity: portfolio_id, equity_balance: the newest before the window that is not null.
        ledger: portfolio_id, first_session, equity_balance.
        first: each portfolio's oldest snapshot of all that has an equity.
        window: of the run.

    Returns:
        portfolio_id, has_previous; first_session and founding (Decimal), as the ledger is to record them;
        Int128 cents opening_equity, opening_pnl, opening_realized, opening_flow; sorted by portfolio_id.
    """
    start, rerun = pl.lit(window.sessions[0]), pl.lit(window.rerun)
    rows = _balances(portfolios, previous, previous_equity, ledger, first)
    continues = pl.col("has_previous") & ~rerun
    # The row was rolled to the newest equity; if it differs now, somebody edited it.
    edited = continues & pl.col("previous").is_null() & pl.col("own").ne_missing(pl.col("newest"))
    by_ledger = (pl.col("ledger_session") <= start).fill_null(False) & ~edited
    late = pl.col("ledger_session") > pl.lit(window.first_stored)
    by_snapshot = ~edited & (pl.col("ledger_session").is_null() & rerun | late)
    older = pl.col("oldest_session") < pl.coalesce("ledger_session", pl.lit(date.max))
    rows = rows.with_columns(
        first_session=pl.when(by_ledger)
        .then("ledger_session")
        .when(by_snapshot)
        .then(pl.min_horizontal("oldest_session", start))
        .otherwise(start),
        founding=pl.when(by_ledger)
        .then("ledger")
        .when(by_snapshot)
        .then(pl.coalesce(pl.when(older).then("oldest"), "ledger", "own"))
        .otherwise(pl.coalesce(pl.when(~edited).then("ledger"), "own")),
    )
    begins = pl.col("first_session") == start
    rolled = pl.when(begins).then("founding").otherwise(pl.coalesce("newest", "founding"))
    balance = pl.when(continues).then("own").otherwise(rolled)
    return rows.select(
        "portfolio_id",
        "has_previous",
        "first_session",
        founding=decimal(pl.col("founding"), 16, 2),
        opening_equity=pl.coalesce("previous", balance),
        **{name: pl.col(name).fill_null(integer(0)) for name in TOTALS},
    ).sort("portfolio_id")


def _balances(
    portfolios: pl.DataFrame,
    previous: pl.DataFrame,
    previous_equity: pl.DataFrame,
    ledger: pl.DataFrame,
    first: pl.DataFrame,
) -> pl.DataFrame:
    """Join each portfolio's balances, in cents.

    Returns:
        own: of its row; previous: of the newest snapshot, null if 0; newest: the newest that is not null;
        ledger, with ledger_session; oldest: before the oldest snapshot, with oldest_session; the totals.
    """
    before = previous.select(
        "portfolio_id",
        has_previous=pl.lit(True),
        previous=scaled("equity_balance").replace(0, None),
        opening_pnl=scaled("cumulative_pnl"),
        opening_realized=scaled("cumulative_realized_pnl"),
        opening_flow=scaled("cumulative_capital_flow"),
    )
    moves = scaled("daily_pnl").fill_null(integer(0)) + scaled("daily_capital_flow").fill_null(integer(0))
    rows = portfolios.select(portfolio_id="id", own=scaled("equity_balance"))
    for other in (
        before,
        previous_equity.select("portfolio_id", newest=scaled("equity_balance")),
        ledger.select("portfolio_id", ledger_session="first_session", ledger=scaled("equity_balance")),
        first.select("portfolio_id", oldest_session="snapshot_date", oldest=scaled("equity_balance") - moves),
    ):
        rows = rows.join(other, on="portfolio_id", how="left")
    return rows.with_columns(pl.col("has_previous").fill_null(False))


def open_book(openings: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """Cross the openings with the sessions.

    Args:
        openings: of `openings`.
        sessions: D dates of the window, ascending.

    Returns:
        P x D rows, portfolio-major, sessions ascending: portfolio (0, 1, ...), portfolio_id,
        session, date, the openings; has_previous, whether a snapshot precedes the session.
    """
    book = openings.with_row_index("portfolio").with_columns(pl.col("portfolio").cast(pl.Int32))
    book = book.join(session_frame(sessions), how="cross", maintain_order="left_right")
    return book.with_columns(has_previous=pl.col("has_previous") | (pl.col("session") > 0))


def with_exact_openings(book: pl.DataFrame, exact: pl.DataFrame) -> pl.DataFrame:
    """Return the book with unrounded opening balances.

    They are those that the last run stored, where its row is of the previous snapshot's session and rounds to
    the opening equity; else the opening balances in cents.

    Args:
        book: of `open_book`, with previous_date: the session of each portfolio's previous snapshot, or null.
        exact: portfolio_id, calculation_date, equity, cumulative_pnl: each portfolio's newest row before the
            window.

    Returns:
        `book` with opening_equity_grains and opening_pnl_grains (Int128).
    """
    stored = exact.select(
        "portfolio_id",
        exact_date="calculation_date",
        exact_equity=scaled("equity"),
        exact_pnl=scaled("cumulative_pnl"),
    )
    rows = book.join(stored, on="portfolio_id", how="left", maintain_order="left")
    columns = {"opening_equity": "exact_equity", "opening_pnl": "exact_pnl"}
    fits = (pl.col("exact_date") == pl.col("previous_date")).fill_null(False)
    for opening, unrounded in columns.items():
        fits &= (half_away(pl.col(unrounded), GRAINS_A_CENT) == pl.col(opening)).fill_null(False)
    return rows.with_columns(
        pl.when(fits)
        .then(unrounded)
        .otherwise(pl.col(opening) * integer(GRAINS_A_CENT))
        .alias(f"{opening}_grains")
        for opening, unrounded in columns.items()
    )
