"""Missing sessions: which sessions of which portfolios are not stored, and in what stages to compute them.

A session of a portfolio is stored if its snapshot has an equity: `equity_balance` is not null. The
application inserts a place-holder snapshot without one when a user saves a target price; such a row is
replaced when the session is computed. Each portfolio is held to its own history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import polars as pl

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


@dataclass(frozen=True)
class Stage:
    """Sessions in [start, end] to compute.

    Attributes:
        start: First day.
        end: Last day.
        portfolios: Ids; None for all that are asked for.
        tables: Names of the tables to write; None for all.
    """

    start: date
    end: date
    portfolios: Sequence[UUID] | None = None
    tables: Sequence[str] | None = None


def missing_stages(
    past: EarlierResults, target: date, portfolios: Sequence[object] | None = None
) -> list[Stage]:
    """Return the stages that bring portfolios up to a session, in the order in which to compute them.

    Portfolios that are behind are first brought to where the next ones stand; in the last stage all go
    together. A portfolio without positions and snapshots comes along when all others do. In a store
    without snapshots all begin after the newest session that a batch recorded as done, else on the day
    of the first position.

    Args:
        past: The stores of the run.
        target: The last session to compute.
        portfolios: Ids; default all that are not deleted.
    """
    everybody, _ = live_portfolios(past.source, None)
    asked, _ = live_portfolios(past.source, portfolios)
    stored = past.snapshot_days(everybody, date.min)
    if stored.is_empty():
        first = _first_session(past) if asked else None
        return [Stage(first, target)] if first and sessions(first, target) else []
    entries = past.source.read("positions", ["portfolio_id", "entry_date"])
    counted = gaps(pl.DataFrame({"id": asked}, {"id": pl.String}), entries, stored, target)
    lacking = counted.filter((pl.col("missing") > 0) | (pl.col("expected") == 0))
    recorded: set[date] = set()
    if past.results is not None:
        recorded = set(past.results.read(TRACKING.name, ["run_date"])["run_date"])
    return _stages(lacking.select("portfolio_id", first="first_missing"), len(asked), target, recorded)


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


def _stages(lacking: pl.DataFrame, asked: int, target: date, recorded: set[date]) -> list[Stage]:
    """Return the stages.

    Args:
        lacking: portfolio_id, first: the first missing session, null where no session is due.
        asked: The number of portfolios asked for.
        target: The last session to compute.
        recorded: The sessions that are recorded as done.
    """
    starts = lacking["first"].drop_nulls().unique().sort().to_list()
    stages = []
    for start, after in pairwise([*starts, target + ONE_DAY]):
        last = start == starts[-1]
        due = lacking.filter((pl.col("first") <= start) | (last & pl.col("first").is_null()))
        ids = due["portfolio_id"].sort().to_list()
        if len(ids) == asked:
            stages.append(Stage(start, after - ONE_DAY))
        else:
            done = recorded.issuperset(sessions(start, after - ONE_DAY))
            some = [UUID(portfolio) for portfolio in ids]
            stages.append(Stage(start, after - ONE_DAY, some, UNTRACKED if done else None))
    return stages


def gaps(
    portfolios: pl.DataFrame, positions: pl.DataFrame, stored: pl.DataFrame, until: date | None = None
) -> pl.DataFrame:
    """Return the expected, stored and missing sessions of each portfolio: see `Inventory.portfolios`.

    Expected are the sessions from a portfolio's oldest stored one on; of a portfolio without any, from
    its first position's entry on, but not from before the store's oldest stored session.

    Args:
        portfolios: id, perhaps with a name.
        positions: portfolio_id, entry_date.
        stored: portfolio_id, snapshot_date of the stored sessions.
        until: The last session expected; default the newest stored one.
    """
    columns = ["portfolio_id", "snapshot_date"]
    newest, oldest = until or stored["snapshot_date"].max(), stored["snapshot_date"].min()
    entered = positions.join(stored, on="portfolio_id", how="anti").select(
        "portfolio_id", snapshot_date=pl.max_horizontal("entry_date", pl.lit(oldest, pl.Date))
    )
    begins = pl.concat([entered, stored.select(columns)])
    starts = begins.group_by("portfolio_id").agg(start=pl.col("snapshot_date").min())
    days = sessions(clamped(starts["start"].min()), newest) if newest and starts.height else []  # type: ignore[arg-type]
    calendar = pl.DataFrame({"snapshot_date": pl.Series(days, dtype=pl.Date)})
    expected = (
        portfolios.select(portfolio_id="id")
        .join(starts, on="portfolio_id", how="left")
        .join(calendar, how="cross")
        .filter(pl.col("snapshot_date") >= pl.col("start"))
    )
    held = stored.select(columns).with_columns(stored=pl.lit(True))
    marked = expected.join(held, on=columns, how="left")
    lacking = pl.col("snapshot_date").filter(pl.col("stored").is_null())
    counted = marked.group_by("portfolio_id").agg(
        expected=pl.len(),
        stored=pl.col("stored").is_not_null().sum(),
        missing=pl.col("stored").is_null().sum(),
        first_missing=lacking.min(),
        last_missing=lacking.max(),
    )
    counts = pl.col("expected", "stored", "missing").fill_null(0).cast(pl.Int64)
    named = portfolios.rename({"id": "portfolio_id"})
    return named.join(counted, on="portfolio_id", how="left").with_columns(counts).sort("portfolio_id")
