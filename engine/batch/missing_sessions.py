"""Missing sessions: which sessions of which portfolios are not stored, and in what stages to compute them.

A session of a portfolio is stored if its snapshot has an equity: `equity_balance` is not null. The
application inserts a place-holder snapshot without one when a user saves a target price; such a row is
replaced when the session is computed. Each portfolio is held to its own history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

import polars as pl

from engine.batch.gate import Decisions
from engine.batch.shards import live_portfolios
from engine.core.calendar import clamped, sessions
from engine.core.schema import TABLES
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader
from sql import statement

ONE_DAY = timedelta(days=1)
TRACKING = TABLES["batch_run_tracking"]
UNTRACKED = tuple(name for name in TABLES if name != TRACKING.name)
"""The tables of a stage of some portfolios whose sessions are recorded as done already."""


class Stage(NamedTuple):
    """Sessions in [start, end] to compute.

    Attributes:
        start: First day.
        end: Last day.
        portfolios: Ids; None for all that are asked for.
        tables: Names of the tables to write; None for all.
        run_date: What counts as today; None: the request's run date.
        again: Whether stored sessions are computed again.
    """

    start: date
    end: date
    portfolios: Sequence[UUID] | None = None
    tables: Sequence[str] | None = None
    run_date: date | None = None
    again: bool = False


class Missing(NamedTuple):
    """Missing sessions up to a target.

    Attributes:
        rows: portfolio_id, date.
        asked: Ids of the portfolios that were asked for.
        idle: Ids of those without positions and snapshots, of which no session is due.
        recorded: Sessions that are recorded as done for all portfolios.
        newest: The newest stored session; None in a store without any.
        target: The last session to compute.
    """

    rows: pl.DataFrame
    asked: Sequence[str]
    idle: Sequence[str]
    recorded: Set[date]
    newest: date | None
    target: date


def missing_sessions(
    past: EarlierResults, target: date, portfolios: Sequence[object] | None = None
) -> Missing:
    """Return the sessions up to a target that portfolios lack.

    In a store without snapshots all begin after the newest session that a batch recorded as done, else on
    the day of the first position.

    Args:
        past: The stores of the run.
        target: The last session to compute.
        portfolios: Ids; default all that are not deleted.
    """
    everybody, _ = live_portfolios(past.source, None)
    asked = everybody if portfolios is None else live_portfolios(past.source, portfolios)[0]
    stored = past.snapshot_days(everybody, date.min)
    recorded: set[date] = set()
    if past.results is not None:
        recorded = set(past.results.read(TRACKING.name, ["run_date"])["run_date"])
    if stored.is_empty():
        first = _first_session(past)
        calendar = pl.DataFrame({"date": pl.Series(sessions(first, target) if first else [], dtype=pl.Date)})
        owners = pl.DataFrame({"portfolio_id": pl.Series(asked, dtype=pl.String)})
        return Missing(owners.join(calendar, how="cross"), asked, (), recorded, None, target)
    entries = past.source.read("positions", ["portfolio_id", "entry_date"])
    due = expected_sessions(asked, entries, stored, target)
    idle = sorted(set(asked) - set(due["portfolio_id"]))
    rows = due.filter(~pl.col("stored")).select("portfolio_id", "date")
    newest: date = stored["snapshot_date"].max()  # type: ignore[assignment]
    return Missing(rows, asked, idle, recorded, newest, target)


def missing_stages(
    past: EarlierResults, target: date, portfolios: Sequence[object] | None = None
) -> list[Stage]:
    """Return the stages that compute all missing sessions, without regard to closes: see `stages`.

    Args:
        past: The stores of the run.
        target: The last session to compute.
        portfolios: Ids; default all that are not deleted.
    """
    return stages(missing_sessions(past, target, portfolios), Decisions())


def stages(missing: Missing, decided: Decisions, stale: pl.DataFrame | None = None) -> list[Stage]:
    """Return the stages that bring portfolios up to the target, in the order in which to compute them.

    Portfolios that are behind are first brought to where the next ones stand; those that go on to the same
    session go together. One whose sessions are held back stops before the first of them. A portfolio
    without positions and snapshots comes along in the last stage.

    Args:
        missing: The missing sessions.
        decided: Which of them are held back, or never computed.
        stale: portfolio_id, date: the first session to compute again; default none.
    """
    held = decided.held_back.group_by("portfolio_id").agg(held=pl.col("date").min())
    possible = missing.rows.join(decided.never, on="date", how="anti")
    due = possible if stale is None else pl.concat([possible, stale])
    ranges = (
        due.group_by("portfolio_id")
        .agg(first=pl.col("date").min())
        .join(held, on="portfolio_id", how="left")
        .with_columns(after=pl.coalesce("held", pl.lit(missing.target + ONE_DAY)))
        .filter(pl.col("first") < pl.col("after"))
    )
    bounds = sorted({*ranges["first"], *ranges["after"]})
    parts = [_stage(missing, ranges, set(decided.held_back["date"]), *pair) for pair in pairwise(bounds)]
    return [stage for stage in parts if stage]


def evenings(parts: Sequence[Stage], never: Collection[date], most: int) -> list[Stage]:
    """Return a stage for each session, with the session as run date, as if it were computed on its evening.

    Figures that look back from the run date, and those of the run date alone, are then the same whenever a
    session is computed. More sessions than `most` are computed in the given stages, which is faster.

    Args:
        parts: Of `stages`.
        never: Sessions that are not computed.
        most: Sessions.
    """
    days = [(part, day) for part in parts for day in sessions(part.start, part.end) if day not in never]
    if len(days) > most:
        return [part._replace(again=True) for part in parts]
    return [part._replace(start=day, end=day, run_date=day, again=True) for part, day in days]


def _stage(missing: Missing, ranges: pl.DataFrame, held: Set[date], start: date, after: date) -> Stage | None:
    """Return the stage of the portfolios that go from `start` to the day before `after`; None without any.

    Args:
        missing: The missing sessions.
        ranges: portfolio_id, first, after: the sessions to compute lie in [first, after).
        held: Sessions that some portfolio does not get yet.
        start: First day.
        after: The day after the last one.
    """
    due = ranges.filter((pl.col("first") <= start) & (pl.col("after") >= after))
    if due.is_empty():
        return None
    last = after == ranges["after"].max()
    ids = sorted([*due["portfolio_id"], *(missing.idle if last else ())])
    if len(ids) == len(missing.asked):
        return Stage(start, after - ONE_DAY)
    days = set(sessions(start, after - ONE_DAY))
    tracked = not (missing.recorded >= days or days & held)
    return Stage(start, after - ONE_DAY, [UUID(key) for key in ids], None if tracked else UNTRACKED)


def _first_session(past: EarlierResults) -> date | None:
    """Return the first day to compute in a store without snapshots."""
    for reader in (past.results, past.source):
        newest = None if reader is None else _day(reader, TRACKING.name, "read/last_success")
        if newest:
            return newest + ONE_DAY
    return _day(past.source, "positions", "read/first_entry")


def _day(reader: Reader, table: str, name: str) -> date | None:
    if table not in reader.columns and TABLES[table].role == "output":
        return None
    reader.require(TABLES[table], [])
    day: date | None = reader.query(statement(name)).item()
    return day and clamped(day)


def expected_sessions(
    portfolios: Sequence[str], positions: pl.DataFrame, stored: pl.DataFrame, until: date | None = None
) -> pl.DataFrame:
    """Return portfolio_id, date, stored of the sessions that portfolios should have.

    They are the sessions from a portfolio's oldest stored one on; of a portfolio without any, from its
    first position's entry on, but not from before the store's oldest stored session.

    Args:
        portfolios: Ids.
        positions: portfolio_id, entry_date.
        stored: portfolio_id, snapshot_date of the stored sessions.
        until: The last session expected; default the newest stored one.
    """
    days = stored.select("portfolio_id", date="snapshot_date")
    newest, oldest = until or days["date"].max(), days["date"].min()
    entered = positions.join(stored, on="portfolio_id", how="anti").select(
        "portfolio_id", date=pl.max_horizontal("entry_date", pl.lit(oldest, pl.Date))
    )
    starts = pl.concat([entered, days]).group_by("portfolio_id").agg(start=pl.col("date").min())
    calendar = sessions(clamped(starts["start"].min()), newest) if newest and starts.height else []  # type: ignore[arg-type]
    owners = pl.DataFrame({"portfolio_id": pl.Series(portfolios, dtype=pl.String)})
    return (
        owners.join(starts, on="portfolio_id")
        .join(pl.DataFrame({"date": pl.Series(calendar, dtype=pl.Date)}), how="cross")
        .filter(pl.col("date") >= pl.col("start"))
        .join(days.with_columns(stored=pl.lit(True)), on=["portfolio_id", "date"], how="left")
        .select("portfolio_id", "date", pl.col("stored").fill_null(False))
    )


def gaps(
    portfolios: pl.DataFrame, positions: pl.DataFrame, stored: pl.DataFrame, until: date | None = None
) -> pl.DataFrame:
    """Return the expected, stored and missing sessions of each portfolio: see `count_sessions`.

    Args:
        portfolios: id, perhaps with a name.
        positions: portfolio_id, entry_date.
        stored: portfolio_id, snapshot_date of the stored sessions.
        until: The last session expected; default the newest stored one.
    """
    due = expected_sessions(portfolios["id"].to_list(), positions, stored, until)
    nothing = pl.DataFrame(schema={"portfolio_id": pl.String, "first_session": pl.Date})
    return count_sessions(portfolios, due, due.clear(), nothing)


def count_sessions(
    portfolios: pl.DataFrame, due: pl.DataFrame, held: pl.DataFrame, stale: pl.DataFrame
) -> pl.DataFrame:
    """Return the numbers of sessions of each portfolio: see `engine.analyst.inventory.Inventory`.

    Args:
        portfolios: id, perhaps with a name.
        due: of `expected_sessions`.
        held: portfolio_id, date of sessions that were held back.
        stale: portfolio_id, first_session.
    """
    lacking = pl.col("date").filter(~pl.col("stored"))
    waits = held.select("portfolio_id", "date", held=pl.lit(True))
    marked = due.join(waits, on=["portfolio_id", "date"], how="left").join(
        stale.select("portfolio_id", "first_session"), on="portfolio_id", how="left"
    )
    outdated = pl.col("stored") & (pl.col("date") >= pl.col("first_session")).fill_null(False)
    counted = marked.group_by("portfolio_id").agg(
        expected=pl.len(),
        stored=pl.col("stored").sum(),
        missing=(~pl.col("stored")).sum(),
        first_missing=lacking.min(),
        last_missing=lacking.max(),
        held_back=(pl.col("held") & ~pl.col("stored")).sum(),
        stale=outdated.sum(),
        first_stale=pl.col("date").filter(outdated).min(),
    )
    counts = pl.col("expected", "stored", "missing", "held_back", "stale").fill_null(0).cast(pl.Int64)
    named = portfolios.rename({"id": "portfolio_id"})
    return named.join(counted, on="portfolio_id", how="left").with_columns(counts).sort("portfolio_id")
