"""Read the rows of one portfolio from which its page is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import polars as pl

from engine.analyst.open_store import OpenStore, opened
from engine.batch.gate_inputs import never_due
from engine.core.calendar import sessions
from engine.core.funds import BENCHMARK, MARKET_FUND
from engine.core.job_catalog import PNL
from engine.core.rules import Rules
from engine.core.store_url import safe_url
from engine.core.window import PRICE_LOOK_BACK
from engine.reports.page_errors import NothingStoredError
from engine.reports.stored_forecasts import StoredForecasts, read_forecasts
from engine.reports.stored_risk import StoredRisk, read_risk
from loaders.reader import Reader

SNAPSHOT_DATE = "snapshot_date"


@dataclass(frozen=True)
class StoredPortfolio:
    """The rows of a portfolio in a window. Figures are Float64 in the units of the schema.

    Attributes:
        url: the store, password masked.
        portfolio: its row of portfolios.
        start: first session with a snapshot.
        end: last session with a snapshot.
        history: portfolio_snapshots of all stored sessions, ascending.
        status: analytics_status of the window.
        exposures: date, factor, exposure_value, exposure_dollar of the window.
        positions: exact, as Decimals; with deleted ones, whose gains are part of the P&L.
        events: position_realized_events of the window, exact.
        flows: equity_changes of the window that are not deleted, exact.
        closes: symbol, date, close, exact; of the positions and of the market's fund, from PRICE_LOOK_BACK
            before the end.
        market_betas: by position_id, of the last session.
        rate_betas: by position_id, of the last session.
        volatility: by position_id, of the last session.
        heads: correlation_calculations of the window with a column `date`.
        pairs: the correlations of the newest of `heads`.
        stress: date, scenario, category, severity and P&L in USD of the newest day with results.
        benchmark: asof_date, sector, weight.
        profiles: symbol, company_name.
        lots: engine_lot_pnl of the window, exact; no rows by rules without P&L of lots.
        returns: engine_returns of the last session, the same.
        sector_values: engine_sector_exposures of the window, the same.
        forecasts: forecasts of risk, their scores, and attributed P&L.
        risk: contributions to the predicted volatility, and clusters.
        stale_from: first session that was computed from closes that have changed since; None: none is known.
        runs: finished engine_runs that overlap the window, newest first.
        rules: the rules by which the store was computed, as far as the caller knows.
        never: sessions in between that no run computes, because nothing has a close.
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
    lots: pl.DataFrame
    returns: pl.DataFrame
    sector_values: pl.DataFrame
    forecasts: StoredForecasts
    risk: StoredRisk
    stale_from: date | None
    runs: pl.DataFrame
    rules: Rules
    never: Sequence[date] = ()

    @property
    def name(self) -> str:
        """The portfolio's name."""
        return str(self.portfolio["name"])

    @property
    def currency(self) -> str:
        """The portfolio's currency, as three letters."""
        return str(self.portfolio["currency"])

    @cached_property
    def days(self) -> list[date]:
        """The sessions from the first snapshot to the last, stored or not, that a run can compute."""
        return [day for day in sessions(self.start, self.end) if day not in self.never]

    @cached_property
    def snapshots(self) -> pl.DataFrame:
        """The snapshots of the window with a column `date`: a row per session, nulls where none is stored."""
        calendar = pl.DataFrame({"date": pl.Series(self.days, dtype=pl.Date)})
        dated = self.history.with_columns(date=SNAPSHOT_DATE)
        return calendar.join(dated, on="date", how="left", maintain_order="left")

    @cached_property
    def last(self) -> dict[str, Any]:
        """The snapshot of the last session."""
        return self.snapshots.row(-1, named=True)

    @cached_property
    def opening_equity(self) -> float | None:
        """Equity before the window's first session: its equity less its P&L and its flows."""
        first = self.snapshots.row(0, named=True)
        parts = first["equity_balance"], first["daily_pnl"], first["daily_capital_flow"]
        if any(part is None for part in parts):
            return None
        equity, pnl, flow = parts
        return round(float(equity - pnl - flow), 2)


def read_stored(
    url: str, portfolio: str | UUID, start: date | None, end: date | None, rules: Rules | None = None
) -> StoredPortfolio:
    """Return a portfolio's rows; an output table that does not exist yet has no rows.

    Days without a snapshot raise a NothingStoredError, an unknown portfolio a UsageError.

    Args:
        url: the store.
        portfolio: id or name.
        start: first day; None: from the first stored session.
        end: last day; None: to the last stored session.
        rules: the rules that contributions follow; default those of the store.
    """
    with opened(url) as store:
        return _read(store, url, portfolio, start, end, rules)


def _read(
    store: OpenStore,
    url: str,
    portfolio: str | UUID,
    start: date | None,
    end: date | None,
    rules: Rules | None,
) -> StoredPortfolio:
    owner = store.read("portfolios", portfolio).row(0, named=True)
    key = owner["id"]
    history = with_equity(store.read("portfolio_snapshots", key))
    first, last = extent(history, start, end, url, f"portfolio {owner['name']}")
    heads = store.read("correlation_calculations", key, first, last)
    dated = heads.with_columns(date=pl.col("calculation_date").dt.date()).sort("date")
    newest = date.min if dated.is_empty() else dated["date"][-1]
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
        closes=_closes(store.reader, key, first, last),
        market_betas=store.read("position_market_betas", key, last, last),
        rate_betas=store.read("position_interest_rate_betas", key, last, last),
        volatility=store.read("position_volatility", key, last, last),
        heads=dated,
        pairs=store.read("pairwise_correlations", key, newest, newest),
        stress=_stress(store, key, first, last),
        benchmark=store.read("benchmarks_sector_weights").filter(pl.col("benchmark_code") == BENCHMARK),
        profiles=_profiles(store, key),
        lots=store.read("engine_lot_pnl", key, first, last, exact=True),
        returns=store.read("engine_returns", key, last, last),
        sector_values=store.read("engine_sector_exposures", key, first, last),
        forecasts=read_forecasts(store, key, first, last),
        risk=read_risk(store, key, first, last, newest),
        stale_from=_stale_from(store, key, last),
        runs=_runs(store, first, last),
        rules=rules or store.rules,
        never=_never_computed(store.reader, history, first, last),
    )


def _never_computed(reader: Reader, history: pl.DataFrame, first: date, last: date) -> list[date]:
    """Return the sessions in [first, last] without a snapshot that no run computes: nothing has a close."""
    stored = set(history[SNAPSHOT_DATE])
    missing = [day for day in sessions(first, last) if day not in stored]
    if not missing:
        return []
    return never_due(reader, missing).to_list()


def extent(
    snapshots: pl.DataFrame, start: date | None, end: date | None, url: str, whose: str
) -> tuple[date, date]:
    """Return the first and the last day of snapshots within a window.

    Args:
        snapshots: rows of portfolio_snapshots.
        start: first day of the window, if any.
        end: last day of the window, if any.
        url: the store, for the error.
        whose: what the snapshots belong to, for the error.

    Raises:
        NothingStoredError: there is no snapshot in the window.
    """
    day = pl.col(SNAPSHOT_DATE)
    days = snapshots.filter(day >= (start or date.min), day <= (end or date.max))[SNAPSHOT_DATE]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        window = f" from {start or 'the first day'} to {end or 'the last'}" if start or end else ""
        raise NothingStoredError(url, whose, window)
    return first, last


def with_equity(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return the snapshots of stored sessions: others put place-holders without an equity there."""
    return snapshots.filter(pl.col("equity_balance").is_not_null())


def _kept(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("deleted_at").is_null())


def _exposures(store: OpenStore, key: str, first: date, last: date) -> pl.DataFrame:
    definitions = store.read("factor_definitions", columns=["id", "name"])
    rows = store.read("factor_exposures", key, first, last)
    named = rows.join(definitions, left_on="factor_id", right_on="id").rename(
        {"calculation_date": "date", "name": "factor"}
    )
    return named.select("date", "factor", "exposure_value", "exposure_dollar").sort("date", "factor")


def _closes(reader: Reader, key: str, first: date, last: date) -> pl.DataFrame:
    start = min(last - PRICE_LOOK_BACK, PNL.first_day(first))
    rows = reader.select(
        "read/closes",
        "market_data_cache",
        ["symbol", "date", "close"],
        start=start,
        end=last,
        everyone=False,
        portfolios=[key],
        funds=(MARKET_FUND,),
        symbols=(),
    )
    return rows.sort("symbol", "date")


def _profiles(store: OpenStore, key: str) -> pl.DataFrame:
    symbols = store.read("positions", key, columns=["symbol"])["symbol"].unique()
    profiles = store.read("company_profiles", columns=["symbol", "company_name"])
    return profiles.filter(pl.col("symbol").is_in(symbols.implode()))


def _stress(store: OpenStore, key: str, first: date, last: date) -> pl.DataFrame:
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


def _stale_from(store: OpenStore, key: str, last: date) -> date | None:
    """Return the first stale session of a portfolio up to the window's last one."""
    stale = store.read("engine_stale_sessions", columns=["portfolio_id", "first_session"])
    first = stale.filter(portfolio_id=key)["first_session"].min()
    return first if isinstance(first, date) and first <= last else None


def _runs(store: OpenStore, first: date, last: date) -> pl.DataFrame:
    runs = store.read("engine_runs")
    overlapping = (pl.col("start_date") <= last) & (pl.col("end_date") >= first)
    return runs.filter(overlapping, pl.col("status") == "done").sort("started_at", descending=True)
