"""A golden set as the reference sees it: the state of each date, from tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from .concentration import concentration_columns, rolled_equity
from .day import portfolio_day
from .inputs import (
    Book,
    FactorExposure,
    History,
    Position,
    PositionBeta,
    Profile,
    Reference,
    Scenario,
    Snapshot,
)
from .results import JobResult, Row
from .returns import Prices, nyse_sessions, visible_symbols
from .stress import FactorMatrix, factor_matrix
from .valuation import mark_over_window

RUN_DATE = dt.date(2026, 11, 23)


def read_rows(path: Path) -> list[Row]:
    """All rows of a parquet file; none where there is no file."""
    return pl.read_parquet(path).to_dicts() if path.exists() else []


def position_of(row: Row) -> Position:
    """A positions row; its deleted_at becomes a flag."""
    fields = {name: row[name] for name in Position.__dataclass_fields__ if name != "is_deleted"}
    return Position(**fields, is_deleted=row["deleted_at"] is not None)


def scenarios_of(folder: Path) -> tuple[Scenario, ...]:
    """Scenarios active in the file and mapped in the table (03 §4.1)."""
    ids = {r["scenario_id"]: r["id"] for r in read_rows(folder / "stress_test_scenarios.parquet")}
    groups: dict[str, Any] = json.loads((folder / "stress_scenarios.json").read_text())["stress_scenarios"]
    return tuple(
        Scenario(ids[key], body["name"], group, body["shocked_factors"])
        for group, members in groups.items()
        for key, body in members.items()
        if body["active"] and key in ids
    )


def reference_of(folder: Path) -> Reference:
    """The undated tables of an inputs folder."""
    factors = read_rows(folder / "factor_definitions.parquet")
    profiles = read_rows(folder / "company_profiles.parquet")
    benchmark = read_rows(folder / "benchmarks_sector_weights.parquet")
    return Reference(
        factor_ids={r["name"]: r["id"] for r in factors},
        active_factors=frozenset(r["name"] for r in factors if r["is_active"]),
        profiles={r["symbol"]: Profile(r["sector"], bool(r["is_etf"]), r["beta"]) for r in profiles},
        scenarios=scenarios_of(folder),
        has_benchmark=any(r["benchmark_code"] == "SP500" for r in benchmark),
    )


def prices_of(folder: Path, positions: Iterable[Position]) -> Prices:
    """market_data_cache of an inputs folder, with Path A's universe."""
    closes: dict[str, dict[dt.date, Decimal]] = {}
    frame = pl.read_parquet(folder / "market_data_cache.parquet", columns=["symbol", "date", "close"])
    for symbol, date, close in frame.iter_rows():
        closes.setdefault(symbol, {})[date] = close
    return Prices(closes, visible_symbols(positions))


@dataclass(frozen=True)
class GoldenSet:
    """Inputs, outputs and the day-by-day state of one golden set."""

    folder: Path
    start: dt.date
    end: dt.date

    def inputs(self, table: str) -> list[Row]:
        """A table before the run."""
        return read_rows(self.folder / "inputs" / f"{table}.parquet")

    def outputs(self, table: str) -> list[Row]:
        """A table after the run."""
        return read_rows(self.folder / "outputs" / f"{table}.parquet")

    @cached_property
    def positions(self) -> tuple[Position, ...]:
        """All lots as they were before the run."""
        return tuple(position_of(r) for r in self.inputs("positions"))

    @cached_property
    def prices(self) -> Prices:
        """All closes."""
        return prices_of(self.folder / "inputs", self.positions)

    @cached_property
    def reference(self) -> Reference:
        """Undated tables."""
        return reference_of(self.folder / "inputs")

    @cached_property
    def matrix(self) -> FactorMatrix:
        """Factor correlations of the run date."""
        return factor_matrix(self.prices, RUN_DATE)

    @cached_property
    def portfolio_ids(self) -> tuple[str, ...]:
        """Live portfolios whose equity is not null (golden/README on E2)."""
        rows = self.inputs("portfolios")
        return tuple(r["id"] for r in rows if r["deleted_at"] is None and r["equity_balance"] is not None)

    @cached_property
    def marked(self) -> dict[dt.date, tuple[Position, ...]]:
        """Lots after phase 4 of each session."""
        sessions = nyse_sessions(self.start, self.end)
        return dict(mark_over_window(self.positions, self.prices.closes, sessions))

    @cached_property
    def snapshots(self) -> dict[str, tuple[Snapshot, ...]]:
        """Equity and exposures by portfolio and date, before and during the run."""
        found: dict[str, dict[dt.date, Snapshot]] = {}
        for r in self.inputs("portfolio_snapshots") + self.outputs("portfolio_snapshots"):
            snapshot = Snapshot(
                r["snapshot_date"],
                r["equity_balance"],
                r["gross_exposure"],
                r["net_exposure"],
            )
            found.setdefault(r["portfolio_id"], {})[snapshot.date] = snapshot
        return {pid: tuple(by_date.values()) for pid, by_date in found.items()}

    def dated(self, table: str) -> list[Row]:
        """A dated table's rows before the run and of the run, each once."""
        return list({r["id"]: r for r in self.inputs(table) + self.outputs(table)}.values())

    @cached_property
    def all_market_betas(self) -> list[PositionBeta]:
        """Every stored market beta."""
        rows = self.dated("position_market_betas")
        return [PositionBeta(r["position_id"], r["calc_date"], r["beta"]) for r in rows]

    @cached_property
    def all_rate_betas(self) -> list[PositionBeta]:
        """Every stored rate beta."""
        rows = self.dated("position_interest_rate_betas")
        return [PositionBeta(r["position_id"], r["calculation_date"], r["ir_beta"]) for r in rows]

    @cached_property
    def all_exposures(self) -> list[tuple[str, FactorExposure]]:
        """Every stored factor exposure with its portfolio, in the order in which they were written."""
        names = {factor_id: name for name, factor_id in self.reference.factor_ids.items()}
        return [
            (
                r["portfolio_id"],
                FactorExposure(
                    r["calculation_date"],
                    names[r["factor_id"]],
                    r["exposure_value"],
                    r["exposure_dollar"],
                ),
            )
            for r in sorted(self.dated("factor_exposures"), key=lambda r: r["created_at"])
        ]

    def history(self, book: Book) -> History:
        """Golden rows of earlier dates only: each date is tested on its own."""
        own = {p.id for p in book.positions}
        return History(
            tuple(b for b in self.all_market_betas if b.date < book.date and b.position_id in own),
            tuple(b for b in self.all_rate_betas if b.date < book.date and b.position_id in own),
            tuple(e for pid, e in self.all_exposures if pid == book.portfolio_id and e.date < book.date),
        )

    def book(self, portfolio_id: str, date: dt.date) -> Book:
        """A portfolio after phase 4 of a date."""
        lots = tuple(p for p in self.marked[date] if p.portfolio_id == portfolio_id)
        snapshots = self.snapshots.get(portfolio_id, ())
        equity = next((s.equity for s in snapshots if s.date == date), None)
        return Book(portfolio_id, date, equity, lots, snapshots)

    def jobs(self, portfolio_id: str, date: dt.date) -> list[JobResult]:
        """The reference's results for a portfolio and date."""
        book = self.book(portfolio_id, date)
        return portfolio_day(book, self.prices, self.history(book), self.reference, self.matrix)

    def cash_in(self, portfolio_id: str, date: dt.date) -> Decimal:
        """Realized P&L and capital flows of a date (01 §3.4, §3.5)."""
        events = self.inputs("position_realized_events")
        flows = self.inputs("equity_changes")
        realized = [
            r["realized_pnl"] for r in events if (r["portfolio_id"], r["trade_date"]) == (portfolio_id, date)
        ]
        moved = [
            r["amount"] if r["change_type"] == "CONTRIBUTION" else -r["amount"]
            for r in flows
            if (r["portfolio_id"], r["change_date"]) == (portfolio_id, date) and r["deleted_at"] is None
        ]
        return sum(realized + moved, Decimal(0))

    def equity_in_memory(self, portfolio_id: str, date: dt.date) -> Decimal:
        """Equity of a date before it is rounded (01 §0.5)."""
        past = [s for s in self.snapshots[portfolio_id] if s.date < date]
        previous = max(past, key=lambda s: s.date, default=None)
        opening = next(r["equity_balance"] for r in self.inputs("portfolios") if r["id"] == portfolio_id)
        lots = [p for p in self.positions if p.portfolio_id == portfolio_id]
        return rolled_equity(previous, opening, lots, self.prices, date, self.cash_in(portfolio_id, date))

    def concentration(self, portfolio_id: str, date: dt.date) -> Row:
        """Sector and concentration columns: on the run date only (01 §4.1, §4.8)."""
        sessions = list(self.marked)
        before = self.marked[sessions[sessions.index(date) - 1]] if date > sessions[0] else self.positions
        lots = [p for p in before if p.portfolio_id == portfolio_id]
        has_any = any(p.entry_date <= date and p.is_active for p in lots)
        if date < RUN_DATE or not has_any:
            return {}
        equity = self.equity_in_memory(portfolio_id, date)
        return concentration_columns(
            lots,
            equity,
            self.reference.profiles,
            has_benchmark=self.reference.has_benchmark,
        )
