"""Plan: which sessions a backfill computes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.errors import UsageError
from engine.schema import TABLES
from engine.sessions import sessions, target_session
from engine.window import Window
from loaders import Reader
from sql import statement

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)


def plan(
    reader: Reader,
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

    Stored sessions after the window are computed again with it: their equity, totals and carried
    values go on from the window's last session, and would otherwise contradict it.

    Args:
        now: aware; any zone.
    """
    last = end or target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))
    first = start or _first_missing(reader)
    if start and start > last:
        raise UsageError(f"the window ends ({last}) before it starts ({start})")
    asked = sessions(first, last) if first else []
    if not asked:
        return None
    stored = _stored(reader, portfolios)
    if not stored or stored[-1] < asked[0]:
        return Window(asked[0], asked[-1], run_date)
    earlier = tuple(day for day in stored if day < asked[0])
    later = tuple(day for day in stored if day > asked[-1])
    known = tuple(day for day in stored if asked[0] <= day <= asked[-1])
    return Window(asked[0], asked[-1], run_date, rerun=True, earlier=earlier, later=later, known=known)


def _stored(reader: Reader, portfolios: Sequence[object] | None) -> list[date]:
    """The sessions that the portfolios have snapshots of; other days' rows are not the batch's."""
    if "portfolio_snapshots" not in reader.columns:
        return []
    scope = [str(portfolio) for portfolio in portfolios or ()]
    text = statement("read/stored_sessions", everyone=portfolios is None, portfolios=scope)
    days: list[date] = reader.query(text)["day"].sort().to_list()
    return sorted(set(days) & set(sessions(days[0], days[-1]))) if days else []


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
