"""The book: a row for each portfolio and session, and what each portfolio brings to the first."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.positions.prices import session_frame
from engine.core.money import decimal, integer, scaled
from engine.core.window import Window


def openings(
    portfolios: pl.DataFrame,
    previous: pl.DataFrame,
    previous_equity: pl.DataFrame,
    ledger: pl.DataFrame,
    first: pl.DataFrame,
    window: Window,
) -> pl.DataFrame:
    """What each portfolio's roll-forward starts from.

    The equity is the previous snapshot's, if that is neither null nor 0 [Q10], else the balance
    that the portfolio itself held at that moment of one ascending run (document 01 §3.2). Of a
    portfolio that goes on from its last session, that is what its own row holds. In a rerun the
    row is ahead of the window, and the balance is what the session before the window had rolled
    it to: the newest equity that is not null; or, at the portfolio's first session, its founding.

    The founding equity is what the portfolio held before its first session, as the ledger saw it.
    It held it since its last snapshot before that: a window may reach back behind the ledger, and
    begin with it. Where the ledger is silent, or the window reaches back to snapshots that are
    older than it, the first session is the oldest stored one, and its snapshot tells the founding:
    equity less that day's P&L and flow, for a portfolio's first session has no P&L but realized. A
    portfolio without any begins with its own row, at the window's first session; and so, anew,
    does one whose row somebody has changed since its equity came to 0.

    Args:
        portfolios: id, equity_balance.
        previous: each portfolio's newest snapshot before the window.
        previous_equity: portfolio_id, equity_balance: the newest before the window that is not null.
        ledger: portfolio_id, first_session, equity_balance.
        first: each portfolio's oldest snapshot of all that has an equity.

    Returns:
        portfolio_id, has_previous; first_session and founding (Decimal), as the ledger is to
        have them; and Int128 cents opening_equity, opening_pnl, opening_realized, opening_flow;
        sorted by portfolio_id.
    """
    start, rerun = pl.lit(window.sessions[0]), pl.lit(window.rerun)
    rows = _known(portfolios, previous, previous_equity, ledger, first)
    goes_on = pl.col("has_previous") & ~rerun
    edited = goes_on & pl.col("carried").is_null() & pl.col("own").ne_missing(pl.col("rolled"))
    noted = (pl.col("noted") <= start).fill_null(False) & ~edited
    silent = ~edited & (pl.col("noted").is_null() & rerun | (pl.col("noted") > pl.lit(window.oldest_known)))
    older = pl.col("oldest_day") < pl.coalesce("noted", pl.lit(date.max))
    rows = rows.with_columns(
        first_session=pl.when(noted)
        .then("noted")
        .when(silent)
        .then(pl.min_horizontal("oldest_day", start))
        .otherwise(start),
        founding=pl.when(noted)
        .then("seen")
        .when(silent)
        .then(pl.coalesce(pl.when(older).then("oldest"), "seen", "own"))
        .otherwise(pl.coalesce(pl.when(~edited).then("seen"), "own")),
    )
    begins = pl.col("first_session") == start
    rolled = pl.when(begins).then("founding").otherwise(pl.coalesce("rolled", "founding"))
    balance = pl.when(goes_on).then("own").otherwise(rolled)
    return rows.select(
        "portfolio_id",
        "has_previous",
        "first_session",
        founding=decimal(pl.col("founding"), 16, 2),
        opening_equity=pl.coalesce("carried", balance),
        **{name: pl.col(name).fill_null(integer(0)) for name in _TOTALS},
    ).sort("portfolio_id")


def _known(
    portfolios: pl.DataFrame,
    previous: pl.DataFrame,
    previous_equity: pl.DataFrame,
    ledger: pl.DataFrame,
    first: pl.DataFrame,
) -> pl.DataFrame:
    """The same side by side, in cents: own, carried, rolled, noted and seen, oldest_day and oldest."""
    before = previous.select(
        "portfolio_id",
        has_previous=pl.lit(True),
        carried=scaled("equity_balance").replace(0, None),
        opening_pnl=scaled("cumulative_pnl"),
        opening_realized=scaled("cumulative_realized_pnl"),
        opening_flow=scaled("cumulative_capital_flow"),
    )
    moves = scaled("daily_pnl").fill_null(integer(0)) + scaled("daily_capital_flow").fill_null(integer(0))
    rows = portfolios.select(portfolio_id="id", own=scaled("equity_balance"))
    for other in (
        before,
        previous_equity.select("portfolio_id", rolled=scaled("equity_balance")),
        ledger.select("portfolio_id", noted="first_session", seen=scaled("equity_balance")),
        first.select("portfolio_id", oldest_day="snapshot_date", oldest=scaled("equity_balance") - moves),
    ):
        rows = rows.join(other, on="portfolio_id", how="left")
    return rows.with_columns(pl.col("has_previous").fill_null(False))


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
