"""Plan: the sessions that a backfill computes, and the window of each stage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from engine.batch.gate import Decisions, Policy, spans
from engine.batch.gate_inputs import decisions
from engine.batch.missing_sessions import Stage, evenings, missing_sessions, stages
from engine.batch.shards import live_portfolios
from engine.batch.stale_sessions import stale_sessions
from engine.core.calendar import sessions, stored_sessions, target_session
from engine.core.errors import NoPricesError, UsageError
from engine.core.window import Window
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader
from sql import Value

NEW_YORK = ZoneInfo("America/New_York")
ONE_DAY = timedelta(days=1)
EVENINGS = 63
"""Sessions, a quarter, that a nightly run computes one by one; a longer history in one window."""


class SessionPlan(NamedTuple):
    """The sessions that a request computes.

    Attributes:
        stages: in the order in which to compute them.
        decided: what the gate decided on the sessions that are due.
        not_computed: sessions that are due and never computed, in a line for each reason.
        stale: a line for each portfolio with more stale sessions than are computed again unasked.
    """

    stages: list[Stage]
    decided: Decisions
    not_computed: Sequence[str] = ()
    stale: Sequence[str] = ()


def plan_missing(
    past: EarlierResults,
    end: date,
    portfolios: Sequence[object] | None,
    policy: Policy,
    recompute_limit: int | None = None,
) -> SessionPlan:
    """Return the plan that computes every missing session up to a day.

    Sessions before the newest stored one that nothing has a close of are left out in silence: no run will
    ever compute them unless their closes come.

    Args:
        past: source and target.
        end: last day.
        portfolios: ids; default all.
        policy: of the run.
        recompute_limit: the most stale sessions of a portfolio to compute again. A nightly run has one, and
            computes each session as of its own evening.
    """
    missing = missing_sessions(past, end, portfolios)
    decided = decisions(past.source, missing.rows, policy)
    possible = missing.rows.join(decided.never, on="date", how="anti")["date"].max()
    known = [day for day in (missing.newest, possible) if isinstance(day, date)]
    late = decided.never.filter(pl.col("date") > max(known, default=date.min))
    late_lines = spans(late.rows())
    if recompute_limit is None:
        return SessionPlan(stages(missing, decided), decided, late_lines)
    stale = stale_sessions(past, end, missing.asked, recompute_limit)
    parts = stages(missing, decided, stale.again)
    # The first run of a store fills its history in one window.
    most = max(EVENINGS, recompute_limit) if missing.newest else 0
    nightly = evenings(parts, set(decided.never["date"]), most)
    return SessionPlan(nightly, decided, late_lines, stale.left)


def plan_window(
    past: EarlierResults, start: date, end: date, portfolios: Sequence[object] | None, policy: Policy
) -> SessionPlan:
    """Return the plan of a window that the user named.

    Args:
        past: source and target.
        start: first day.
        end: last day.
        portfolios: ids; default all.
        policy: of the run.

    Raises:
        UsageError: the window ends before it starts, or lies after the run date.
        NoPricesError: nothing has a close in the window.
    """
    if start > end:
        raise UsageError(f"the window ends ({end}) before it starts ({start})")
    days = pl.DataFrame({"date": pl.Series(sessions(start, end), dtype=pl.Date)})
    asked, _ = live_portfolios(past.source, portfolios)
    due = pl.DataFrame({"portfolio_id": pl.Series(asked, dtype=pl.String)}).join(days, how="cross")
    decided = decisions(past.source, due, policy)
    if days.height and decided.never.height == days.height:
        if start > policy.run_date:
            raise UsageError(
                f"the window starts ({start}) after the run date ({policy.run_date})",
                "A session after today is never computed; --run-date says which day counts as today",
            )
        raise NoPricesError(past.source.url, f"{start}", f"{end}")
    return SessionPlan([Stage(start, end)] if days.height else [], decided, spans(decided.never.rows()))


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
    never: Collection[date] = (),
    with_later: bool = True,
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
        never: sessions that are not computed (`engine.batch.gate`).
        with_later: whether stored sessions after the window are computed again with it.

    Raises:
        UsageError: the window ends before it starts.
    """
    if start > end:
        raise UsageError(f"the window ends ({end}) before it starts ({start})")
    asked = [day for day in sessions(start, end) if day not in never]
    if not asked:
        return None
    later = _later(past.results, asked[-1] + ONE_DAY, portfolios) if with_later else ()
    return Window(asked[0], asked[-1], run_date, later, skipped=tuple(sorted(never)))


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
