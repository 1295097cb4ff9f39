"""The backlog: which sessions of which portfolios are missing, and in what stages to compute them.

A backfill goes on after the newest snapshot of all portfolios: one that was created late, or lost
a session in between, would keep its hole. Here each portfolio is held to its own history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import polars as pl

from engine.batch.plan import plan
from engine.core.calendar import sessions
from engine.core.schema import TABLES
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader

ONE_DAY = timedelta(days=1)
TRACKING = TABLES["batch_run_tracking"]
OWNED = tuple(name for name in TABLES if name != TRACKING.name)
"""What a stage of some portfolios writes where everybody else is done: that a session is done was
told when it was."""


@dataclass(frozen=True)
class Stage:
    """Sessions in [start, end] to compute, of some portfolios, or of all (None).

    tables: names of the tables to write, None for all.
    """

    start: date
    end: date
    portfolios: Sequence[UUID] | None = None
    tables: Sequence[str] | None = None


def backlog(reader: Reader, target: date, now: datetime) -> list[Stage]:
    """The stages that bring every portfolio up to a session, in the order in which to take them.

    Due are the sessions from a portfolio's oldest snapshot on; of one without snapshots, from its
    first position's entry on, but not from before the store's own oldest snapshot. A portfolio
    with neither comes along when all others do. Those that are behind are first brought to where
    the next ones stand: in the last stage all go together. Of a store without snapshots everybody
    begins with the first position of all.
    """
    portfolios = reader.read("portfolios", ["id", "name", "deleted_at"])
    live = portfolios.filter(pl.col("deleted_at").is_null())
    snapshots = reader.read("portfolio_snapshots", ["portfolio_id", "snapshot_date"])
    if snapshots.is_empty():
        window = plan(EarlierResults(reader), None, target, target, now) if live.height else None
        return [Stage(window.start, target)] if window else []
    told = set(reader.read(TRACKING.name, ["run_date"])["run_date"])
    return _stages(_first_missing(reader, live, snapshots, target), live, target, told)


def _first_missing(reader: Reader, live: pl.DataFrame, snapshots: pl.DataFrame, target: date) -> pl.DataFrame:
    """portfolio_id, first: of those that lack a session, the oldest one; null where none is due."""
    entries = reader.read("positions", ["portfolio_id", "entry_date"])
    fresh = entries.join(snapshots, on="portfolio_id", how="anti").with_columns(
        pl.max_horizontal("entry_date", pl.lit(snapshots["snapshot_date"].min()))
    )
    counted = gaps(live, fresh, snapshots, target)
    behind = pl.col("missing") > 0
    return counted.filter(behind | (pl.col("expected") == 0)).select("portfolio_id", first="first_missing")


def _stages(lacking: pl.DataFrame, live: pl.DataFrame, target: date, told: set[date]) -> list[Stage]:
    """told: the sessions that are known to be done."""
    starts = lacking["first"].drop_nulls().unique().sort().to_list()
    found = []
    for start, after in pairwise([*starts, target + ONE_DAY]):
        last = start == starts[-1]
        due = lacking.filter((pl.col("first") <= start) | (last & pl.col("first").is_null()))
        ids = due["portfolio_id"].sort().to_list()
        if len(ids) == live.height:
            found.append(Stage(start, after - ONE_DAY))
        else:
            done = told.issuperset(sessions(start, after - ONE_DAY))
            some = [UUID(one) for one in ids]
            found.append(Stage(start, after - ONE_DAY, some, OWNED if done else None))
    return found


def gaps(
    portfolios: pl.DataFrame, positions: pl.DataFrame, snapshots: pl.DataFrame, until: date | None = None
) -> pl.DataFrame:
    """Expected sessions less stored ones, by portfolio: see `Inventory.portfolios`.

    Args:
        portfolios: id, name. positions: portfolio_id, entry_date.
        snapshots: portfolio_id, snapshot_date.
        until: the last session expected; default the newest snapshot's.
    """
    begins = pl.concat(
        [
            positions.select("portfolio_id", day="entry_date"),
            snapshots.select("portfolio_id", day="snapshot_date"),
        ]
    )
    starts = begins.group_by("portfolio_id").agg(start=pl.col("day").min())
    newest = until or snapshots["snapshot_date"].max()
    assert newest is None or isinstance(newest, date)
    days = sessions(starts["start"].min(), newest) if newest and starts.height else []  # type: ignore[arg-type]
    calendar = pl.DataFrame({"snapshot_date": pl.Series(days, dtype=pl.Date)})
    expected = (
        portfolios.select(portfolio_id="id")
        .join(starts, on="portfolio_id", how="left")
        .join(calendar, how="cross")
        .filter(pl.col("snapshot_date") >= pl.col("start"))
    )
    held = snapshots.with_columns(stored=pl.lit(True))
    marked = expected.join(held, on=["portfolio_id", "snapshot_date"], how="left")
    lacking = pl.col("snapshot_date").filter(pl.col("stored").is_null())
    counted = marked.group_by("portfolio_id").agg(
        expected=pl.len(),
        stored=pl.col("stored").is_not_null().sum(),
        missing=pl.col("stored").is_null().sum(),
        first_missing=lacking.min(),
        last_missing=lacking.max(),
    )
    counts = pl.col("expected", "stored", "missing").fill_null(0).cast(pl.Int64)
    named = portfolios.select("name", portfolio_id="id").select("portfolio_id", "name")
    return named.join(counted, on="portfolio_id", how="left").with_columns(counts).sort("portfolio_id")
