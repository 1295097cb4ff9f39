"""Read the rows from which the page of all portfolios is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from engine.analyst.open_store import OpenStore, opened
from engine.core.store_url import safe_url
from engine.reports.stored import SNAPSHOT_DATE, extent, with_equity

COLUMNS = (
    "portfolio_id",
    SNAPSHOT_DATE,
    "equity_balance",
    "daily_pnl",
    "daily_return",
    "gross_exposure",
    "net_exposure",
    "realized_volatility_21d",
    "beta_calculated_90d",
)


@dataclass(frozen=True)
class StoredFleet:
    """The portfolios of a store in a window. Figures are Float64 in the units of the schema.

    Attributes:
        url: the store, password masked.
        start: first session with a snapshot.
        end: last session with a snapshot.
        portfolios: the portfolios that are not deleted.
        snapshots: snapshots of the window, by portfolio and day.
        status: analytics_status from the earliest of the portfolios' last sessions on.
        worst: portfolio_id, date and correlated_pnl of the worst scenario of the same days.
    """

    url: str
    start: date
    end: date
    portfolios: pl.DataFrame
    snapshots: pl.DataFrame
    status: pl.DataFrame
    worst: pl.DataFrame

    def snapshots_of(self, key: str) -> pl.DataFrame:
        """Return the snapshots of a portfolio, ascending.

        Args:
            key: its id.
        """
        return self._snapshots.get((key,), self.snapshots.clear())

    def status_of(self, key: str) -> pl.DataFrame:
        """Return the statuses of a portfolio.

        Args:
            key: its id.
        """
        return self._status.get((key,), self.status.clear())

    # Split once: a filter for each of a thousand portfolios reads every row a thousand times.
    @cached_property
    def _snapshots(self) -> dict[tuple[object, ...], pl.DataFrame]:
        return self.snapshots.sort(SNAPSHOT_DATE).partition_by("portfolio_id", as_dict=True)

    @cached_property
    def _status(self) -> dict[tuple[object, ...], pl.DataFrame]:
        return self.status.partition_by("portfolio_id", as_dict=True)


def read_fleet(url: str, start: date | None, end: date | None) -> StoredFleet:
    """Return what the page shows; days without any snapshot raise a NothingStoredError.

    Args:
        url: the store.
        start: first day; None: from the first stored session.
        end: last day; None: to the last stored session.
    """
    with opened(url) as store:
        return _read(store, url, start, end)


def _read(store: OpenStore, url: str, start: date | None, end: date | None) -> StoredFleet:
    portfolios = store.portfolios
    kept = pl.col("portfolio_id").is_in(portfolios["id"].implode())
    rows = store.read("portfolio_snapshots", columns=COLUMNS, start=start, end=end)
    snapshots = with_equity(rows).filter(kept)
    first, last = extent(snapshots, start, end, url, "any portfolio")
    # Portfolios may end on different days; status and stress are needed from the earliest end on.
    newest = snapshots.group_by("portfolio_id").agg(pl.col(SNAPSHOT_DATE).max())[SNAPSHOT_DATE].min()
    assert isinstance(newest, date)
    status = store.read("analytics_status", start=newest, end=end).filter(kept)
    worst = _worst(store, newest, last)
    return StoredFleet(safe_url(url), first, last, portfolios, snapshots, status, worst)


def _worst(store: OpenStore, first: date, last: date) -> pl.DataFrame:
    results = store.read(
        "stress_test_results",
        start=first,
        end=last,
        columns=["portfolio_id", "calculation_date", "correlated_pnl"],
    )
    return results.group_by("portfolio_id", date="calculation_date").agg(pl.col("correlated_pnl").min())
