"""The life of a lot: its quantity in each session, and the reason where it has none.

Every job asks this one function which lots a portfolio holds in a session. Shapes: N lots, D sessions,
E realized events. Quantities are whole numbers of 1/10,000 share or contract, negative when short.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from engine.core.instruments import SHORT_TYPES, is_option
from engine.core.money import scaled
from engine.core.rules import Expiry, RealizedGains
from engine.numerics.arrays import Bools, Ints

NEVER = np.iinfo(np.int64).max
"""Day number of an end that does not come."""
REASONS = ("not yet bought", "open", "closed", "expired", "deleted", "refused")
"""Reasons for a lot's quantity, by number."""
NOT_BOUGHT, OPEN, CLOSED, EXPIRED, DELETED, REFUSED = range(len(REASONS))

Notice = Literal[
    "exit_before_entry",
    "unknown_quantity",
    "event_before_entry",
    "event_after_end",
    "event_exceeds_lot",
    "event_against_side",
    "several_events",
    "exit_without_price",
    "exit_price_differs",
    "expiry_without_underlying",
    "dividend_booked_twice",
]
NOTICES: dict[Notice, str] = {
    "exit_before_entry": "the lot is refused: its exit_date is before its entry_date",
    "unknown_quantity": "the lot has quantity 0 and no realized event, so its quantity is unknown",
    "event_before_entry": "a realized event dated before entry_date is left out",
    "event_after_end": "a realized event dated after the lot's end is left out",
    "event_exceeds_lot": "a realized event that closes more than the lot holds is left out",
    "event_against_side": "quantity_closed has the sign of the other side: its size is used",
    "several_events": "several realized events on one day: each counts with its own gain",
    "exit_without_price": "exit_date without exit_price: the lot ends at its last close up to that date",
    "exit_price_differs": "exit_price and realized_pnl differ by more than a cent: exit_price counts",
    "expiry_without_underlying": "the underlying has no close at the expiration: the lot's last price counts",
    "dividend_booked_twice": "an event of quantity 0 equals a dividend of that date: it is left out",
}
"""Statuses of a lot in words, in order of precedence."""


class LotLives(NamedTuple):
    """Lives of N lots over D sessions.

    Attributes:
        opening: [N, D] quantity that a session starts with, or that is bought in it.
        quantity: [N, D] quantity after the session, 0 where the lot is not held.
        reason: [N, D] numbers of `REASONS`.
        bought: [N, D] whether the lot is bought in the session.
        ends: [N, D] whether the lot ends in the session.
        end: N rows: end_date (null: open), end_reason (of `REASONS`), notice (of the lot, or null).
        events: valid realized events with a quantity in the sessions: position, session, quantity
            (signed), realized (Int128 cents), trade_date, notice.
        misfits: events that are left out: position, session, notice.
    """

    opening: Ints
    quantity: Ints
    reason: Ints
    bought: Bools
    ends: Bools
    end: pl.DataFrame
    events: pl.DataFrame
    misfits: pl.DataFrame


def lot_lives(
    positions: pl.DataFrame,
    events: pl.DataFrame,
    sessions: list[date],
    since: pl.Series,
    realized_gains: RealizedGains = "replace",
    expiry: Expiry = "settled",
) -> LotLives:
    """Return the quantity of each lot in each session, and why.

        quantity after session s = side x (|quantity| + sum of |quantity_closed| of later events)

    from the entry date until the lot ends, at its exit, deletion or expiration, whichever comes first. A lot
    with an end date and a quantity other than 0 keeps that quantity: events of that whole quantity on one
    of these dates close it and are not added back. A lot of quantity 0 is rebuilt from its events. A date
    without a session counts in the next one. The side is the sign of the quantity, or where that is 0 the
    position's type. No session's figures use anything dated after it.

    Args:
        positions: N lots: id, position_type, quantity, entry_date, exit_date, deleted_at, expiration_date.
        events: E rows: position_id, trade_date, quantity_closed, realized_pnl; events of quantity 0, which
            are income, are ignored.
        sessions: D dates, ascending.
        since: [N] dates: the session before the first, per lot. What is dated up to it is past.
        realized_gains: with "added", quantities are those of the table; see `engine.core.rules.Rules`.
        expiry: with "ignored", options do not expire; see `engine.core.rules.Rules`.

    Returns:
        Lives in the order of `positions`.
    """
    lots = _lots(positions, expiry)
    judged = _judged(lots, events if realized_gains == "replace" else events.clear())
    without = lots["position"].is_in(judged["position"].implode()).not_()
    unknown = pl.when((pl.col("size") == 0) & without).then(pl.lit("unknown_quantity", pl.String))
    lots = lots.with_columns(notice=pl.coalesce("notice", unknown))
    days, past = _numbers(pl.Series(sessions, dtype=pl.Date)), _numbers(since)
    entry, end = (_session_of(_numbers(lots[name]), past, days) for name in ("entry_date", "end_date"))
    owner = past[judged["position"].to_numpy()]
    number = pl.Series(_session_of(_numbers(judged["trade_date"]), owner, days), dtype=pl.Int32)
    judged = judged.with_columns(session=number).filter(pl.col("session") >= 0)
    valid = judged.filter(pl.col("fits"))
    later = _closed_later(valid.filter(~pl.col("whole")), len(entry), len(days))
    session, side = np.arange(len(days)), lots["side"].to_numpy()[:, None]
    size = lots["size"].to_numpy()[:, None]
    refused = lots["refused"].to_numpy()[:, None]
    bought = (entry[:, None] <= session) & ~refused
    opening = np.where(bought & (end[:, None] >= session), side * (size + later[:, :-1]), 0)
    quantity = np.where(bought & (end[:, None] > session), side * (size + later[:, 1:]), 0)
    open_or_closed = np.where(quantity != 0, OPEN, CLOSED)
    reason = np.where(end[:, None] <= session, lots["end_reason"].to_numpy()[:, None], open_or_closed)
    within = pl.col("session") < len(days)
    return LotLives(
        opening=opening,
        quantity=quantity,
        reason=np.where(refused, REFUSED, np.where(entry[:, None] > session, NOT_BOUGHT, reason)),
        bought=(entry[:, None] == session) & ~refused,
        ends=end[:, None] == session,
        end=lots.select("end_date", "end_reason", "notice"),
        events=valid.filter(within).select(
            "position",
            "session",
            "trade_date",
            "realized",
            "notice",
            quantity=pl.col("units").cast(pl.Int128) * pl.col("side"),
        ),
        misfits=judged.filter(within & pl.col("notice").is_not_null()).select(
            "position", "session", "notice"
        ),
    )


def _closed_later(events: pl.DataFrame, lots: int, sessions: int) -> Ints:
    """Return the units that events of each session and of all later ones close, [lots, sessions + 1]."""
    closed = np.zeros((lots, sessions + 1), dtype=np.int64)
    place = events["position"].to_numpy(), events["session"].to_numpy()
    np.add.at(closed, place, events["units"].to_numpy())
    return np.cumsum(closed[:, ::-1], axis=1)[:, ::-1]


def _lots(positions: pl.DataFrame, expiry: Expiry) -> pl.DataFrame:
    """Return what a lot's life needs: side, size, entry and end."""
    units = scaled("quantity").cast(pl.Int64)
    expires = is_option() if expiry == "settled" else pl.lit(False)
    dates = {
        CLOSED: pl.col("exit_date"),
        DELETED: pl.col("deleted_at").dt.date(),
        EXPIRED: pl.when(expires).then("expiration_date"),
    }
    end = pl.min_horizontal(dates.values())
    reason = pl.coalesce(pl.when(day == end).then(pl.lit(number)) for number, day in dates.items())
    short = (units < 0) | ((units == 0) & pl.col("position_type").is_in(SHORT_TYPES))
    refused = (pl.col("exit_date") < pl.col("entry_date")).fill_null(False)
    notice = pl.when(refused).then(pl.lit("exit_before_entry", pl.String))
    return positions.select(
        position_id="id",
        entry_date="entry_date",
        side=pl.when(short).then(-1).otherwise(1).cast(pl.Int64),
        size=units.abs(),
        end_date=end,
        end_reason=reason.fill_null(OPEN).cast(pl.Int64),
        refused=refused,
        exit_date=dates[CLOSED],
        deleted_date=dates[DELETED],
        expiration_date=dates[EXPIRED],
        notice=notice,
    ).with_row_index("position")


def _judged(lots: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that close a part of a lot, with whether they fit it and close all of it."""
    day = pl.col("trade_date")
    on_end = pl.any_horizontal(
        (day == pl.col(name)).fill_null(False) for name in ("exit_date", "deleted_date", "expiration_date")
    )
    ended, same_day = on_end & (pl.col("size") > 0), ["position", "trade_date"]
    rows = events.select(
        "position_id",
        "trade_date",
        signed=scaled("quantity_closed").cast(pl.Int64),
        realized=scaled("realized_pnl"),
    ).filter(pl.col("signed") != 0)
    rows = rows.join(lots, on="position_id", how="inner", maintain_order="left").with_columns(
        units=pl.col("signed").abs(), ended=ended
    )
    several = pl.len().over(same_day) > 1
    against = (pl.col("signed") < 0) & (pl.col("side") > 0)
    misfits: dict[Notice, pl.Expr] = {
        "event_before_entry": day < pl.col("entry_date"),
        "event_after_end": (day > pl.col("end_date")).fill_null(False),
        "event_exceeds_lot": pl.col("ended") & (pl.col("units") > pl.col("size")),
        "exit_before_entry": pl.col("refused"),
    }
    taken: dict[Notice, pl.Expr] = {"event_against_side": against, "several_events": several}
    notices = [pl.when(test).then(pl.lit(code, pl.String)) for code, test in {**misfits, **taken}.items()]
    rows = rows.with_columns(fits=~pl.any_horizontal(misfits.values()), notice=pl.coalesce(notices))
    total = pl.when("fits").then("units").sum().over(same_day)
    return rows.with_columns(whole=pl.col("ended") & (total == pl.col("size"))).sort(
        "position", "trade_date", maintain_order=True
    )


def _numbers(days: pl.Series) -> Ints:
    """Return days since 1970-01-01, `NEVER` for a null."""
    known = days.to_numpy()
    return np.where(np.isnat(known), NEVER, known.astype("datetime64[D]").astype(np.int64))


def _session_of(days: Ints, since: Ints, sessions: Ints) -> Ints:
    """Return the session of each day, or the next: -1 up to `since`, D after the last, NEVER for none."""
    number = np.searchsorted(sessions, days, side="left").astype(np.int64)
    return np.where(days == NEVER, NEVER, np.where(days <= since, -1, number))
