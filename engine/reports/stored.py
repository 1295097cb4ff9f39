"""What a store holds of one portfolio: all that its page is made from, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import polars as pl

from engine.analyst.store import Store
from engine.analyst.store import open as open_store
from engine.core.calendar import sessions
from engine.core.funds import BENCHMARK
from engine.core.job_catalog import PNL
from engine.core.rules import Rules
from engine.core.store_url import safe_url
from engine.core.window import PRICE_LOOK_BACK
from engine.reports.page_errors import NothingStoredError
from loaders import open_reader

SNAPSHOT_DATE = "snapshot_date"


@dataclass(frozen=True)
class StoredPortfolio:
    """A portfolio's rows in a window. Figures are doubles in the units of the schema.

    portfolio: its row of portfolios.
    start, end: first and last session with a snapshot.
    history: portfolio_snapshots of all days, ascending.
    status: analytics_status of the window.
    exposures: date, factor, exposure_value, exposure_dollar of the window.
    positions, events, flows, closes: exact, as Decimals; positions with the deleted ones, whose gains
        the P&L keeps, flows without. closes reach back to PRICE_LOOK_BACK before the end.
    market_betas, rate_betas, volatility: by position_id, of the last session.
    heads: correlation_calculations of the window with `date`; pairs: the newest of their matrices.
    stress: date, scenario, category, severity and P&L in USD, of the window's newest day that has any.
    benchmark: asof_date, sector, weight.
    profiles: symbol, company_name.
    runs: engine_runs that are done and touch the window, newest first.
    rules: by which the store was computed, as far as the caller knows.
    """

    url: str
    portfolio: dict[str, Any]
    start: date
    end: date
    history: pl.DataFrame
    status: pl.DataFrame
    exposures: pl.DataFrame
    positions: pl.DataFrame
    events: pl.DataFrame
    flows: pl.DataFrame
    closes: pl.DataFrame
    market_betas: pl.DataFrame
    rate_betas: pl.DataFrame
    volatility: pl.DataFrame
    heads: pl.DataFrame
    pairs: pl.DataFrame
    stress: pl.DataFrame
    benchmark: pl.DataFrame
    profiles: pl.DataFrame
    runs: pl.DataFrame
    rules: Rules

    @property
    def name(self) -> str:
        """What the portfolio is called."""
        return str(self.portfolio["name"])

    @property
    def currency(self) -> str:
        """The portfolio's currency, as three letters."""
        return str(self.portfolio["currency"])

    @cached_property
    def days(self) -> list[date]:
        """The sessions from the first snapshot to the last, stored or not."""
        return sessions(self.start, self.end)

    @cached_property
    def snapshots(self) -> pl.DataFrame:
        """The window's snapshots with `date`: a row for each session, nulls where none is stored."""
        calendar = pl.DataFrame({"date": pl.Series(self.days, dtype=pl.Date)})
        known = self.history.with_columns(date=SNAPSHOT_DATE)
        return calendar.join(known, on="date", how="left", maintain_order="left")

    @cached_property
    def last(self) -> dict[str, Any]:
        """The last session's snapshot."""
        return self.snapshots.row(-1, named=True)

    @cached_property
    def opening_equity(self) -> float | None:
        """Equity before the window's first session: what the flows and the P&L do not explain."""
        first = self.snapshots.row(0, named=True)
        parts = first["equity_balance"], first["daily_pnl"], first["daily_capital_flow"]
        if any(part is None for part in parts):
            return None
        equity, pnl, flow = parts
        return round(float(equity - pnl - flow), 2)


def read_stored(
    url: str, portfolio: str | UUID, start: date | None, end: date | None, rules: Rules
) -> StoredPortfolio:
    """Read a portfolio's rows; a table that is not there yet has none.

    Raises:
        NothingStoredError: no snapshot in these days.
        EngineError: no such portfolio, or the store cannot be read.
    """
    store = open_store(url)
    owner = store.read("portfolios", portfolio).row(0, named=True)
    key = owner["id"]
    history = store.read("portfolio_snapshots", key)
    first, last = extent(history, start, end, url, f"portfolio {owner['name']}")
    heads = store.read("correlation_calculations", key, first, last)
    dated = heads.with_columns(date=pl.col("calculation_date").dt.date()).sort("date")
    return StoredPortfolio(
        url=safe_url(url),
        portfolio=owner,
        start=first,
        end=last,
        history=history,
        status=store.read("analytics_status", key, first, last),
        exposures=_exposures(store, key, first, last),
        positions=store.read("positions", key, exact=True),
        events=store.read("position_realized_events", key, first, last, exact=True),
        flows=_kept(store.read("equity_changes", key, first, last, exact=True)),
        closes=_closes(url, key, first, last),
        market_betas=store.read("position_market_betas", key, last, last),
        rate_betas=store.read("position_interest_rate_betas", key, last, last),
        volatility=store.read("position_volatility", key, last, last),
        heads=dated,
        pairs=_pairs(store, key, dated),
        stress=_stress(store, key, first, last),
        benchmark=store.read("benchmarks_sector_weights").filter(pl.col("benchmark_code") == BENCHMARK),
        profiles=_profiles(store, key),
        runs=_runs(store, first, last),
        rules=rules,
    )


def extent(
    snapshots: pl.DataFrame, start: date | None, end: date | None, url: str, whose: str
) -> tuple[date, date]:
    """The first and the last day of `snapshots` in the days asked for."""
    day = pl.col(SNAPSHOT_DATE)
    known = snapshots.filter(day >= (start or date.min), day <= (end or date.max))[SNAPSHOT_DATE]
    first, last = known.min(), known.max()
    if not isinstance(first, date) or not isinstance(last, date):
        days = f" from {start or 'the first day'} to {end or 'the last'}" if start or end else ""
        raise NothingStoredError(url, whose, days)
    return first, last


def _kept(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("deleted_at").is_null())


def _exposures(store: Store, key: str, first: date, last: date) -> pl.DataFrame:
    definitions = store.read("factor_definitions", columns=["id", "name"])
    rows = store.read("factor_exposures", key, first, last)
    named = rows.join(definitions, left_on="factor_id", right_on="id").rename(
        {"calculation_date": "date", "name": "factor"}
    )
    return named.select("date", "factor", "exposure_value", "exposure_dollar").sort("date", "factor")


def _closes(url: str, key: str, first: date, last: date) -> pl.DataFrame:
    start = min(last - PRICE_LOOK_BACK, PNL.first_day(first))
    with open_reader(url) as reader:
        rows = reader.select(
            "read/closes",
            "market_data_cache",
            ["symbol", "date", "close"],
            start=start,
            end=last,
            everyone=False,
            portfolios=[key],
            funds=(),
            symbols=(),
        )
    return rows.sort("symbol", "date")


def _pairs(store: Store, key: str, heads: pl.DataFrame) -> pl.DataFrame:
    """The matrix of the newest head; no rows where there is none."""
    newest = date.min if heads.is_empty() else heads["date"][-1]
    return store.read("pairwise_correlations", key, newest, newest)


def _profiles(store: Store, key: str) -> pl.DataFrame:
    symbols = store.read("positions", key, columns=["symbol"])["symbol"].unique()
    known = store.read("company_profiles", columns=["symbol", "company_name"])
    return known.filter(pl.col("symbol").is_in(symbols.implode()))


def _stress(store: Store, key: str, first: date, last: date) -> pl.DataFrame:
    results = store.read(
        "stress_test_results",
        key,
        start=first,
        end=last,
        columns=["scenario_id", "calculation_date", "direct_pnl", "correlated_pnl", "correlation_effect"],
    )
    scenarios = store.read("stress_test_scenarios", columns=["id", "name", "category", "severity"])
    newest = results.filter(pl.col("calculation_date") == pl.col("calculation_date").max())
    return newest.join(scenarios, left_on="scenario_id", right_on="id").rename(
        {"calculation_date": "date", "name": "scenario"}
    )


def _runs(store: Store, first: date, last: date) -> pl.DataFrame:
    runs = store.read("engine_runs")
    touching = (pl.col("start_date") <= last) & (pl.col("end_date") >= first)
    return runs.filter(touching, pl.col("status") == "done").sort("started_at", descending=True)
