"""P&L and equity, phase 3 of the legacy batch, for every portfolio and session at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from engine.core.instruments import multiplier
from engine.core.money import GRAINS_A_CENT, half_away, integer, running_balance, scaled
from engine.core.rules import ClosedLots, OffSession


def unrealized(days: pl.DataFrame, closed_lots: ClosedLots) -> pl.DataFrame:
    """Return each portfolio's unrealised P&L in each session.

        U = sum over positions entered by then of (close - previous_close) x quantity x m

    It is 0 in a portfolio's very first session, for a private asset, and for a position without a close that
    day or without a previous one. Source: document 01 §3.3.

    Args:
        days: of `engine.analytics.positions.valuation.position_days`, with `portfolio` and
            `has_previous`: whether the portfolio has a snapshot before the session.
        closed_lots: see `engine.core.rules.Rules`.

    Returns:
        portfolio, session; unrealized (Int128 grains); moved, still: positions whose move is booked and
        others; moved_usd, quoted_usd: value of the booked ones, and of all that a market quotes.
    """
    holding = (pl.col("entry_date") <= pl.col("date")) & pl.col("deleted_at").is_null()
    if closed_lots != "earn":
        holding &= (pl.col("exit_date") > pl.col("date")).fill_null(True)
    priced = ~pl.col("private") & pl.col("close").is_not_null()
    moves = priced & pl.col("previous_close").is_not_null() & pl.col("has_previous")
    change = (pl.col("close") - pl.col("previous_close")).cast(pl.Int128)
    gain = change * scaled("quantity") * multiplier()
    # In a portfolio's first session nothing moves, and a close is all that it takes.
    booked = priced & (pl.col("previous_close").is_not_null() | ~pl.col("has_previous"))
    return by_session(days.filter(holding), gain.filter(moves), booked, ~booked, pl.col("traded"))


def by_session(
    rows: pl.DataFrame, unrealized: pl.Expr, moved: pl.Expr, still: pl.Expr, quoted: pl.Expr
) -> pl.DataFrame:
    """Sum P&L and its coverage by portfolio and session.

    Args:
        rows: portfolio, session, weight (USD), and what the expressions read; a row for each position.
        unrealized: P&L, Int128 grains.
        moved: whether the position's move is booked.
        still: whether it is held and its move is not booked.
        quoted: whether a market quotes it.

    Returns:
        portfolio, session, unrealized, moved, still, moved_usd, quoted_usd: see `unrealized`.
    """
    weight = pl.col("weight")
    return rows.group_by("portfolio", "session").agg(
        unrealized=unrealized.sum(),
        moved=moved.sum().cast(pl.Int32),
        still=still.sum().cast(pl.Int32),
        moved_usd=weight.filter(quoted & moved).sum(),
        quoted_usd=weight.filter(quoted).sum(),
    )


def booked(
    rows: pl.DataFrame,
    day: str,
    cents: pl.Expr,
    sessions: Sequence[date],
    off_session: OffSession,
    since: pl.DataFrame,
    skipped: Sequence[date] = (),
) -> pl.DataFrame:
    """Sum cash of each portfolio by the session that books it.

    Args:
        rows: portfolio_id, the column `day`, and the columns of `cents`.
        day: name of the column with the date of the cash.
        cents: the amount.
        sessions: of the window.
        off_session: which session books cash of a day without one: see `engine.core.rules.Rules`.
        since: portfolio_id, since: the day up to which each portfolio's cash has been booked.
        skipped: sessions that are not computed: the next one books their cash, whatever the rules.

    Returns:
        portfolio_id, date, cents (Int128).
    """
    calendar = pl.DataFrame({"date": pl.Series(sessions, dtype=pl.Date)})
    days = rows.select("portfolio_id", pl.col(day).alias("day"), cents=cents)
    days = days.join(since, on="portfolio_id").filter(pl.col("day") > pl.col("since")).sort("day")
    if off_session != "next_session":
        known = pl.Series([*sessions, *skipped], dtype=pl.Date)
        days = days.filter(pl.col("day").is_in(known.implode()))
    dated = days.join_asof(calendar, left_on="day", right_on="date", strategy="forward")
    in_window = dated.filter(pl.col("date").is_not_null())
    return in_window.group_by("portfolio_id", "date").agg(pl.col("cents").sum())


def realized_cents() -> pl.Expr:
    """Return the cents that a realized event adds (document 01 §3.4)."""
    return scaled("realized_pnl")


def flow_cents() -> pl.Expr:
    """Return the cents of a flow: contributions above 0, withdrawals below (document 01 §3.5)."""
    paid_in = pl.col("change_type") == "CONTRIBUTION"
    return pl.when(paid_in).then(scaled("amount")).otherwise(scaled("amount") * -1)


def roll_forward(book: pl.DataFrame, realized_counts: bool = True, exact: bool = False) -> pl.DataFrame:
    """Carry equity and the cumulative figures through the sessions.

        T = U + R                    E = previous E + T + F
        daily_return = T / previous E where that is above 0, else 0
        cumulative figures add T, R and F to the previous session's stored ones

    U is the unrealised and R the realised P&L, F the capital flow. Stored figures are cents; each session
    starts from the stored ones, and T is not rounded before it is used. Source: document 01 §3.2 and §3.6.
    With `exact`, a session starts from unrounded equity and totals, and each stored sum is rounded once.

    Args:
        book: a row for each portfolio and session, sessions ascending, with Int128 columns:
            opening_equity, opening_pnl, opening_realized, opening_flow (cents, the same in every
            row of a portfolio); unrealized (grains); realized, flow (cents); with `exact` also
            opening_equity_grains and opening_pnl_grains.
        realized_counts: whether R is added to U, or is a part of it.
        exact: whether sums are rounded once.

    Returns:
        `book` with total (grains) and, in cents: equity, daily_pnl, cumulative_pnl, cumulative_realized,
        cumulative_flow; equity_grains, unrounded, and with `exact` pnl_grains; daily_return in millionths.
    """
    grains = integer(GRAINS_A_CENT)
    total = pl.col("unrealized")
    if realized_counts:
        total += pl.col("realized") * grains
    book = book.with_columns(total=total, change=total + pl.col("flow") * grains)
    book = (_unrounded_sums if exact else _rounded_sums)(book).with_columns(
        cumulative_realized=_running("opening_realized", "realized"),
        cumulative_flow=_running("opening_flow", "flow"),
    )
    before = pl.col("equity").shift(1).over("portfolio").fill_null(pl.col("opening_equity"))
    book = book.with_columns(previous_equity=before)
    positive = pl.col("previous_equity") > 0
    # Both branches of when/then are evaluated: the divisor must not be 0 in either.
    safe = pl.when(positive).then("previous_equity").otherwise(integer(1))
    return book.with_columns(
        daily_pnl=half_away(pl.col("total"), GRAINS_A_CENT),
        daily_return=pl.when(positive).then(half_away(pl.col("total"), safe)).otherwise(integer(0)),
    )


def _rounded_sums(book: pl.DataFrame) -> pl.DataFrame:
    """Return the book with equity and P&L that start each session from the stored cents."""
    equity = running_balance(book, "opening_equity", "change", "portfolio")
    book = book.with_columns(
        equity=equity, cumulative_pnl=running_balance(book, "opening_pnl", "total", "portfolio")
    )
    before = pl.col("equity").shift(1).over("portfolio").fill_null(pl.col("opening_equity"))
    return book.with_columns(equity_grains=before * integer(GRAINS_A_CENT) + pl.col("change"))


def _unrounded_sums(book: pl.DataFrame) -> pl.DataFrame:
    """Return the book with equity and P&L that are summed in grains and rounded once."""
    book = book.with_columns(
        equity_grains=_running("opening_equity_grains", "change"),
        pnl_grains=_running("opening_pnl_grains", "total"),
    )
    return book.with_columns(
        equity=half_away(pl.col("equity_grains"), GRAINS_A_CENT),
        cumulative_pnl=half_away(pl.col("pnl_grains"), GRAINS_A_CENT),
    )


def _running(opening: str, change: str) -> pl.Expr:
    """Return an opening total plus the changes up to each session."""
    return pl.col(opening) + pl.col(change).cum_sum().over("portfolio")
