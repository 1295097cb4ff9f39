"""Stale sessions: stored ones that were computed from closes that were added or changed since.

A collection records them with the closes (`engine.market_data.close_changes`). The transaction that computes
the sessions again removes the record, or moves it on to the sessions that are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from engine.core.frames import polars_schema
from engine.core.names import portfolio_label
from engine.core.schema import TABLES
from engine.core.window import Window
from loaders.earlier_results import EarlierResults

STALE = TABLES["engine_stale_sessions"]
CONTINUES = "earlier sessions were computed again"


class StaleSessions(NamedTuple):
    """Stale sessions up to a target.

    Attributes:
        again: portfolio_id, date: the first session to compute again.
        left: a line for each portfolio that has more than are computed unasked.
    """

    again: pl.DataFrame
    left: Sequence[str]


def stale_sessions(
    past: EarlierResults, target: date, portfolios: Sequence[str], limit: int
) -> StaleSessions:
    """Return the stale sessions to compute again.

    Args:
        past: The stores of the run.
        target: The last session to compute.
        portfolios: Ids.
        limit: The most sessions of a portfolio that are computed again unasked.
    """
    rows = stale_rows(past, portfolios)
    stored = past.snapshot_days(rows["portfolio_id"].to_list(), rows["first_session"].min() or target)  # type: ignore[arg-type]
    day = pl.col("snapshot_date")
    concerned = stored.join(rows, on="portfolio_id").filter(day.is_between("first_session", target))
    counted = (
        concerned.group_by("portfolio_id", "reason")
        .agg(date=day.min(), sessions=pl.len())
        .sort("portfolio_id")
    )
    names = dict(past.source.portfolios.select("id", "name").iter_rows())
    left = [
        f"stale: portfolio {portfolio_label(row['portfolio_id'], names)}: "
        f"{row['sessions']} sessions from {row['date']} on ({row['reason']}); at most {limit} are computed "
        f"again unasked: run `engine backfill --start {row['date']}`"
        for row in counted.filter(pl.col("sessions") > limit).iter_rows(named=True)
    ]
    return StaleSessions(counted.filter(pl.col("sessions") <= limit).select("portfolio_id", "date"), left)


def stale_rows(past: EarlierResults, portfolios: Sequence[str]) -> pl.DataFrame:
    """Return rows of engine_stale_sessions.

    Args:
        past: The stores of the run.
        portfolios: Ids.
    """
    rows = (
        pl.DataFrame(schema=polars_schema(STALE)) if past.results is None else past.results.read(STALE.name)
    )
    return rows.filter(pl.col("portfolio_id").is_in(pl.Series(portfolios, dtype=pl.String).implode()))


def stale_changes(
    stale: pl.DataFrame, window: Window, computed: Sequence[str], now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of engine_stale_sessions to write, and the keys of those to remove.

    After a window without its later sessions these are stale: their equity goes on from another balance.

    Args:
        stale: rows of engine_stale_sessions.
        window: that was computed, with the stored sessions of the portfolios.
        computed: ids of the portfolios.
        now: when.
    """
    first, last = window.sessions[0], window.sessions[-1]
    later = [day for day in window.known if day > last]
    known = stale.filter(pl.col("portfolio_id").is_in(list(computed)))
    done = known.filter(pl.col("first_session") >= first)
    if not later:
        return stale.clear(), done.select("portfolio_id")
    earlier = known.filter(pl.col("first_session") < first)
    owners = pl.DataFrame({"portfolio_id": pl.Series(computed, dtype=pl.String)})
    rows = owners.join(earlier, on="portfolio_id", how="anti").join(
        done.select("portfolio_id", "reason"), on="portfolio_id", how="left"
    )
    dated = rows.with_columns(
        pl.col("reason").fill_null(CONTINUES), first_session=pl.lit(later[0]), found_at=pl.lit(now)
    )
    return dated.select(stale.columns).cast(stale.schema), done.select("portfolio_id").clear()
