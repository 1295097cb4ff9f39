"""Plan: which sessions a backfill computes when it is not told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.schema import TABLES
from engine.sessions import target_session
from engine.window import Window
from loaders import Reader
from sql import statement

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)


def plan(
    reader: Reader, start: date | None, end: date | None, run_date: date, now: datetime
) -> Window | None:
    """The window to compute: as asked for, else from the first missing session to the last known.

    Without an end the target is the newest session whose closes are known at `now`. Without a
    start the window begins after the newest snapshot of all portfolios, else after the newest
    session that a batch reported done, else on the day the first position was entered.
    None where there is nothing to do: no session is missing, or no position exists.
    Source: document 01 §2.2 and §2.3.

    Args:
        now: aware; any zone.
    """
    last = end or target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))
    first = start or _first_missing(reader)
    if first is None or (first > last and start is None):
        return None
    window = Window(first, last, run_date)
    return window if window.sessions else None


def _first_missing(reader: Reader) -> date | None:
    snapshot = _day(reader, "portfolio_snapshots", "read/last_snapshot_date")
    if snapshot:
        return snapshot + ONE_DAY
    success = _day(reader, "batch_run_tracking", "read/last_success")
    if success:
        return success + ONE_DAY
    return _day(reader, "positions", "read/first_entry")


def _day(reader: Reader, table: str, name: str) -> date | None:
    if table not in reader.columns and TABLES[table].role == "output":
        return None
    reader.require(TABLES[table], [])
    found: date | None = reader.query(statement(name)).item()
    return found
