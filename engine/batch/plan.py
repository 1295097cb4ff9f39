"""Plan: which sessions a backfill computes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from engine.core.calendar import clamped, sessions, stored_sessions, target_session
from engine.core.errors import UsageError
from engine.core.schema import TABLES
from engine.core.window import Window
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader
from sql import Value, statement

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)


def plan(
    past: EarlierResults,
    start: date | None,
    end: date | None,
    run_date: date,
    now: datetime,
    portfolios: Sequence[object] | None = None,
) -> Window | None:
    """The window to compute: as asked for, else from the first missing session to the last known.

    Without an end the target is the newest session whose closes are known at `now`. Without a
    start the window begins after the newest snapshot of all portfolios, else after the newest
    session that a batch reported done, else on the day the first position was entered.
    None where there is nothing to do: no session is missing, or no position exists.
    Source: document 01 §2.2 and §2.3.

    Sessions after the window that the results' store has are computed again with it: their
    equity, totals and carried values go on from the window's last session, and would otherwise
    contradict it.

    Args:
        now: aware; any zone.
        portfolios: those asked for; default all.
    """
    last = end or target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))
    first = start or _first_missing(past)
    if start and start > last:
        raise UsageError(f"the window ends ({last}) before it starts ({start})")
    asked = sessions(first, last) if first else []
    if not asked:
        return None
    return Window(asked[0], asked[-1], run_date, later=_later(past.results, asked[-1] + ONE_DAY, portfolios))


def _later(reader: Reader | None, start: date, portfolios: Sequence[object] | None) -> tuple[date, ...]:
    if reader is None:
        return ()
    scope: dict[str, Value] = {
        "everyone": portfolios is None,
        "portfolios": [str(portfolio) for portfolio in portfolios or ()],
    }
    days = reader.select("read/stored", "portfolio_snapshots", ["snapshot_date"], start=start, **scope)
    return tuple(stored_sessions(days["snapshot_date"]))


def known(past: EarlierResults, start: date, portfolios: Sequence[str]) -> dict[str, tuple[date, ...]]:
    """By portfolio, the sessions from a day on that it has already, in the store of its state."""
    rows = past.snapshot_days(portfolios, start)
    open_days = stored_sessions(rows["snapshot_date"])
    kept = rows.filter(pl.col("snapshot_date").is_in(open_days)).sort("portfolio_id", "snapshot_date")
    days = kept.group_by("portfolio_id", maintain_order=True).agg("snapshot_date")
    return {**dict.fromkeys(portfolios, ()), **{owner: tuple(dates) for owner, dates in days.iter_rows()}}


def _first_missing(past: EarlierResults) -> date | None:
    """The day after the newest snapshot, in the results' store, else where the inputs are."""
    readers = [reader for reader in (past.results, past.source) if reader is not None]
    for table, name in (
        ("portfolio_snapshots", "read/last_snapshot_date"),
        ("batch_run_tracking", "read/last_success"),
    ):
        for reader in readers:
            newest = _day(reader, table, name)
            if newest:
                return newest + ONE_DAY
    return _day(past.source, "positions", "read/first_entry")


def _day(reader: Reader, table: str, name: str) -> date | None:
    if table not in reader.columns and TABLES[table].role == "output":
        return None
    reader.require(TABLES[table], [])
    found: date | None = reader.query(statement(name)).item()
    return found and clamped(found)
