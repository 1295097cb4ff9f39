"""P&L of each lot in each session, from its entry price to its exit price; unrounded."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.analytics.equity.pnl import by_session
from engine.analytics.positions.lot_life import CLOSED, EXPIRED, LotLives
from engine.analytics.positions.prices import newest_closes, session_frame
from engine.core.calendar import last_session
from engine.core.instruments import CALLS, is_option, multiplier
from engine.core.money import GRAINS_A_CENT, integer, scaled
from engine.core.rules import ClosedLots, Options


def with_lives(days: pl.DataFrame, lives: LotLives) -> pl.DataFrame:
    """Return position days with the columns opening, held, life, bought and ends.

    Args:
        days: N x D rows, position-major, sessions ascending.
        lives: of the same N lots and D sessions.
    """
    return days.with_columns(
        pl.Series("opening", lives.opening.ravel()),
        pl.Series("held", lives.quantity.ravel()),
        pl.Series("life", lives.reason.ravel()).cast(pl.UInt8),
        pl.Series("bought", lives.bought.ravel()),
        pl.Series("ends", lives.ends.ravel()),
    )


def booked_income(
    events: pl.DataFrame, positions: pl.DataFrame, sessions: list[date], since: pl.DataFrame
) -> pl.DataFrame:
    """Return income, realized events of quantity 0, by lot and session; a day without one is of the next.

    Args:
        events: portfolio_id, position_id, trade_date, quantity_closed, realized_pnl.
        positions: N lots.
        sessions: D dates, ascending.
        since: portfolio_id, since: the day up to which income has been booked.

    Returns:
        position, session, income (Int128 grains), income_notice.
    """
    calendar = session_frame(sessions).rename({"date": "booked_on"})
    lots = positions.select(position_id="id").with_row_index("position")
    paid = events.filter(pl.col("quantity_closed") == 0).join(since, on="portfolio_id")
    paid = paid.filter(pl.col("trade_date") > pl.col("since")).sort("trade_date")
    dated = paid.join_asof(calendar, left_on="trade_date", right_on="booked_on", strategy="forward")
    grains = scaled("realized_pnl").sum() * integer(GRAINS_A_CENT)
    summed = (
        dated.filter(pl.col("session").is_not_null())
        .join(lots, on="position_id")
        .group_by("position", "session")
        .agg(income=grains)
    )
    return summed.with_columns(income_notice=pl.lit(None, pl.String))


def summed(lots: pl.DataFrame) -> pl.DataFrame:
    """Return each portfolio's P&L by session.

    Args:
        lots: of `lot_pnl`.

    Returns:
        portfolio, session; unrealized (Int128 grains, income included); moved, still: lots with and without a
        price; moved_usd, quoted_usd: weight of the lots with one, and of all that a market quotes.
    """
    held, priced = pl.col("carried"), pl.col("priced")
    earned = pl.col("pnl") + pl.col("income")
    return by_session(lots, earned, held & priced, held & ~priced, held & pl.col("quoted"))


def lot_pnl(
    days: pl.DataFrame,
    lives: LotLives,
    positions: pl.DataFrame,
    closes: pl.DataFrame,
    income: pl.DataFrame,
    closed_lots: ClosedLots = "exact",
    options: Options = "premium",
) -> pl.DataFrame:
    """Return the P&L of each lot in each session in which it is held, in 10**-8 USD.

        pnl = q m (close - base) + sum over closed parts of c m (price - base) + income

    base is the lot's newest close up to the session before; its entry price where it was entered later
    than the portfolio's first session and has had no close since. q is the quantity after the session, c a
    quantity that is closed in it, m = 100 for options. The price of a part is entry_price +
    realized_pnl / (c m), so that no division is needed; on the exit date it is exit_price, where the lot has
    one. A lot that ends otherwise ends at its last close up to that date, an option that expires at
    its intrinsic value. Without a close in the session the base stays, and the move is booked when one
    comes. The first session of a portfolio, private lots and lots that never had a close have no P&L, except
    income.

    Args:
        days: of `with_lives`, with the quotes, portfolio, has_previous and founded: its first session.
        lives: of the same lots and sessions.
        positions: the N lots in the same order.
        closes: symbol, date, close (Decimal), sorted.
        income: position, session, income (Int128 grains), income_notice.
        closed_lots: "exact", as above; with "earn" and "stop" the entry price is not used, and a lot that
            ends without an event has the session's whole move, or none.
        options: with "greeks" an option with an entry price of 0 has no P&L before its first close.

    Returns:
        portfolio, portfolio_id, position_id, session, date, life (number of
        `engine.analytics.positions.lot_life.REASONS`), quantity (Int128, 1/10,000), carried (whether held
        before or bought in the session), pnl and income (Int128 grains), start_value and whole_move (Int128
        grains: the value at the base of what was held before the session, and its move to the session's
        close; null without a price, and for a lot that is bought in the session), priced (whether the lot
        could be valued), quoted (whether a market quotes it), weight, notice.
    """
    rows = _priced(_with_facts(days, lives, positions, closes, income), closed_lots == "exact", options)
    kept = pl.col("counts") & ~pl.col("bought")
    start = pl.when(kept).then(pl.col("opening").cast(pl.Int128) * multiplier())
    closes_part = (pl.col("closed") != 0) | (pl.col("rest") != 0)
    return rows.select(
        "portfolio",
        "portfolio_id",
        pl.col("id").alias("position_id"),
        "session",
        "date",
        "life",
        quantity=pl.col("held").cast(pl.Int128),
        carried=pl.col("opening") != 0,
        pnl=_moved(closed_lots),
        income=pl.when("has_previous").then("income").fill_null(integer(0)),
        start_value=start * pl.col("base"),
        whole_move=start * (pl.col("price") - pl.col("base")),
        priced=~pl.col("private") & (pl.col("close").is_not_null() | closes_part),
        quoted="traded",
        weight="weight",
        notice=pl.coalesce("event_notice", pl.when("ends").then("end_notice"), "income_notice", "lot_notice"),
    )


def _with_facts(
    days: pl.DataFrame, lives: LotLives, positions: pl.DataFrame, closes: pl.DataFrame, income: pl.DataFrame
) -> pl.DataFrame:
    """Return the days of held lots, and others with income or a notice, joined with all that `lot_pnl` reads.

    Added are the columns of `income`, closed and proceeds of the parts that events close, end_price and
    end_notice, event_notice and lot_notice.
    """
    events = _closed_parts(lives, positions)
    at = ["position", "session"]
    notices = pl.concat([lives.misfits, events.select(*at, "notice")]).drop_nulls("notice")
    notices = notices.unique(at, keep="first", maintain_order=True).rename({"notice": "event_notice"})
    parts = events.group_by(at).agg(pl.col("closed", "proceeds").sum())
    rows = days
    for other in (income, parts, notices):
        rows = rows.join(other, on=at, how="left", maintain_order="left")
    lot_notices = lives.end.select(lot_notice="notice").with_row_index("position").drop_nulls()
    for other in (_end_prices(lives, positions, closes), lot_notices):
        rows = rows.join(other, on="position", how="left", maintain_order="left")
    noted = pl.any_horizontal(pl.col("income", "event_notice", "lot_notice").is_not_null())
    return rows.filter((pl.col("opening") != 0) | noted)


def _priced(rows: pl.DataFrame, exact: bool, options: Options) -> pl.DataFrame:
    """Add what P&L is computed from; an option with Greeks and an entry price of 0 has an unknown cost.

    Returns:
        The rows with base and price (Int128 ticks), counts (whether the lot has P&L), closed, and
        rest: what is left after the closed parts of a lot that ends in the session; both else 0.
    """
    founding = pl.col("entry_date") <= pl.col("founded")
    began, now = (
        (founding | (pl.col(day) >= pl.col("entry_date"))).fill_null(False) | (not exact)
        for day in ("previous_date", "newest_date")
    )
    closed = pl.col("closed").fill_null(integer(0))
    unknown = is_option() & (pl.col("entry_price") == 0) & (options == "greeks")
    entry = pl.when(~unknown).then(scaled("entry_price"))
    return rows.with_columns(
        base=pl.when(began).then(pl.col("previous_close").cast(pl.Int128)).otherwise(entry),
        price=pl.when(now).then(pl.col("close").cast(pl.Int128)),
        counts=~pl.col("private") & pl.col("newest_close").is_not_null() & pl.col("has_previous"),
        closed=closed,
        rest=pl.when("ends").then(pl.col("opening").cast(pl.Int128) - closed).otherwise(integer(0)),
    )


def _moved(closed_lots: ClosedLots) -> pl.Expr:
    """Return the P&L of rows of `_priced`: of what is held, of what ends, and of the closed parts."""
    base = pl.col("base")
    end_price = {"exact": "end_price", "earn": "close", "stop": "base"}[closed_lots]
    move = pl.col("held").cast(pl.Int128) * (pl.col("price") - base)
    end = pl.col("rest") * (pl.col(end_price).cast(pl.Int128) - base)
    sold = pl.col("proceeds") - pl.col("closed") * base * multiplier()
    moved = (move.fill_null(integer(0)) + end.fill_null(integer(0))) * multiplier()
    return pl.when("counts").then(moved + sold.fill_null(integer(0))).otherwise(integer(0))


def _closed_parts(lives: LotLives, positions: pl.DataFrame) -> pl.DataFrame:
    """Return the parts that events close: position, session, closed, proceeds (grains), notice.

    On the exit date the exit price counts, where there is one.
    """
    lots = positions.select(
        "exit_date",
        entry=scaled("entry_price"),
        exit=scaled("exit_price"),
        units=multiplier().cast(pl.Int128),
    ).with_row_index("position")
    rows = lives.events.join(lots, on="position", how="left", maintain_order="left")
    size = pl.col("quantity") * pl.col("units")
    by_event = size * pl.col("entry") + pl.col("realized") * integer(GRAINS_A_CENT)
    at_exit = (pl.col("trade_date") == pl.col("exit_date")) & pl.col("exit").is_not_null()
    by_exit = pl.when(at_exit.fill_null(False)).then(size * pl.col("exit"))
    differs = (by_exit - by_event).abs() > GRAINS_A_CENT
    return rows.select(
        "position",
        "session",
        closed="quantity",
        proceeds=pl.coalesce(by_exit, by_event),
        notice=pl.when(differs).then(pl.lit("exit_price_differs")).otherwise("notice"),
    )


def _end_prices(lives: LotLives, positions: pl.DataFrame, closes: pl.DataFrame) -> pl.DataFrame:
    """Return position, end_price (Int128 ticks) and end_notice of the lots that end in the sessions."""
    lots = pl.concat([positions, lives.end], how="horizontal").with_row_index("position")
    lots = lots.filter(pl.Series(lives.ends.any(axis=1)))
    stored = closes.select("symbol", "date", ticks=scaled("close").cast(pl.Int64)).filter(pl.col("ticks") > 0)
    own = _closes_at(lots, "symbol", stored)
    underlying = _closes_at(lots, "underlying_symbol", stored)
    rows = lots.join(own, on="position", how="left").join(
        underlying, on="position", how="left", suffix="_underlying"
    )
    session = pl.col("end_date").map_elements(last_session, return_dtype=pl.Date)
    quoted = (pl.col("close_date_underlying") >= session).fill_null(False) & pl.col(
        "strike_price"
    ).is_not_null()
    price, strike = pl.col("ticks_underlying").cast(pl.Int128), scaled("strike_price")
    inside = pl.when(pl.col("position_type").is_in(CALLS)).then(price - strike).otherwise(strike - price)
    intrinsic = pl.when(quoted).then(pl.max_horizontal(inside, integer(0)))
    entered = pl.col("close_date") >= pl.col("entry_date")
    last = pl.when(entered.fill_null(False)).then(pl.col("ticks").cast(pl.Int128))
    exits, expires = pl.col("end_reason") == CLOSED, pl.col("end_reason") == EXPIRED
    unpriced = exits & pl.col("exit_price").is_null()
    return rows.select(
        "position",
        end_price=pl.coalesce(
            pl.when(exits).then(scaled("exit_price")), pl.when(expires).then(intrinsic), last
        ),
        end_notice=pl.when(unpriced)
        .then(pl.lit("exit_without_price"))
        .when(expires & ~quoted)
        .then(pl.lit("expiry_without_underlying")),
    )


def _closes_at(lots: pl.DataFrame, symbol: str, stored: pl.DataFrame) -> pl.DataFrame:
    """Return position, ticks and close_date of the newest close of a symbol up to each lot's end."""
    asked = lots.select("position", "end_date", upper=pl.col(symbol).str.to_uppercase()).sort("end_date")
    return pl.concat(
        [asked.select("position"), newest_closes(asked, stored, "end_date").select("ticks", "close_date")],
        how="horizontal",
    )
