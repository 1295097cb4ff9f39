"""Plan: the window of the sessions that a backfill computes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from engine.core.calendar import sessions, stored_sessions, target_session
from engine.core.errors import UsageError
from engine.core.window import Window
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader
from sql import Value

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)


def settled(now: datetime) -> date:
    """Return the newest session whose closes are final.

    Args:
        now: aware; any zone.
    """
    return target_session(now.astimezone(NEW_YORK).replace(tzinfo=None))


def plan(
    past: EarlierResults,
    start: date,
    end: date,
    run_date: date,
    portfolios: Sequence[object] | None = None,
) -> Window | None:
    """Return the window of the sessions in [start, end]; None where there is no session.

    Sessions after the window that the results' store has are computed again with it: their
    equity, totals and carried values go on from the window's last session, and would otherwise
    contradict it.

    Args:
        past: source and target.
        start: first day.
        end: last day.
        run_date: the day that counts as today.
        portfolios: ids; default all.

    Raises:
        UsageError: the window ends before it starts.
    """
    if start > end:
        raise UsageError(f"the window ends ({end}) before it starts ({start})")
    asked = sessions(start, end)
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


def stored_by_portfolio(
    past: EarlierResults, start: date, portfolios: Sequence[str]
) -> dict[str, tuple[date, ...]]:
    """Return the stored sessions of each portfolio from a day on, in the store that holds its state.

    Args:
        past: source and target.
        start: first day, inclusive.
        portfolios: ids.

    Returns:
        Sessions by portfolio, ascending; empty for one without any.
    """
    rows = past.snapshot_days(portfolios, start)
    open_days = stored_sessions(rows["snapshot_date"])
    kept = rows.filter(pl.col("snapshot_date").is_in(open_days)).sort("portfolio_id", "snapshot_date")
    days = kept.group_by("portfolio_id", maintain_order=True).agg("snapshot_date")
    return {**dict.fromkeys(portfolios, ()), **{owner: tuple(dates) for owner, dates in days.iter_rows()}}
