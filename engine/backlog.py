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

from engine.inventory import gaps
from engine.plan import plan
from engine.schema import TABLES
from engine.sessions import sessions
from loaders import Reader
from loaders.past import Past

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
        window = plan(Past(reader), None, target, target, now) if live.height else None
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
