"""Inputs of the analytics jobs: positions, snapshots, earlier rows, reference tables.

Source: 01 §1.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

PRIVATE, PUBLIC, OPTIONS = "PRIVATE", "PUBLIC", "OPTIONS"
OPTION_TYPES = frozenset({"LC", "LP", "SC", "SP"})
STOCK_TYPES = frozenset({"LONG", "SHORT"})


@dataclass(frozen=True)
class Position:
    """One lot (01 §1.2); last_price and market_value are those of the date in hand."""

    id: str
    portfolio_id: str
    symbol: str
    position_type: str
    quantity: Decimal
    entry_price: Decimal
    entry_date: dt.date
    exit_date: dt.date | None
    underlying_symbol: str | None
    investment_class: str | None
    last_price: Decimal | None
    market_value: Decimal | None
    is_deleted: bool

    @property
    def is_active(self) -> bool:
        """Active: neither exited nor deleted; entry_date is not tested (03 §0.5)."""
        return self.exit_date is None and not self.is_deleted


@dataclass(frozen=True)
class Snapshot:
    """Columns of a portfolio_snapshots row that the analytics read (01 §1.3)."""

    date: dt.date
    equity: Decimal | None
    gross_exposure: Decimal
    net_exposure: Decimal


@dataclass(frozen=True)
class Book:
    """One portfolio after phase 4 of a date: equity at 2 dp, all lots."""

    portfolio_id: str
    date: dt.date
    equity: Decimal | None
    positions: tuple[Position, ...]
    snapshots: tuple[Snapshot, ...]

    @property
    def active(self) -> tuple[Position, ...]:
        """The lots that most jobs read (03 §0.5)."""
        return tuple(p for p in self.positions if p.is_active)

    @property
    def valid_equity(self) -> Decimal | None:
        """Equity when it can divide: non-null and > 0 (02 §2.5)."""
        return self.equity if self.equity is not None and self.equity > 0 else None

    def recent_snapshot(self, max_age_days: int = 3) -> Snapshot | None:
        """The newest snapshot up to the date, if at most three calendar days old.

        Source: 03 §2.3, §4.3.
        """
        past = [s for s in self.snapshots if s.date <= self.date]
        newest = max(past, key=lambda s: s.date, default=None)
        is_recent = newest is not None and (self.date - newest.date).days <= max_age_days
        return newest if is_recent else None


@dataclass(frozen=True)
class FactorExposure:
    """A stored factor_exposures row, with its factor's name (01 §1.9)."""

    date: dt.date
    factor: str
    beta: Decimal
    dollars: Decimal | None


@dataclass(frozen=True)
class PositionBeta:
    """A stored beta of a position: a market beta or a rate beta, at 6 dp."""

    position_id: str
    date: dt.date
    beta: Decimal


@dataclass(frozen=True)
class History:
    """Rows of earlier dates that later jobs read back (02 §4.2, 03 §4.3)."""

    market_betas: tuple[PositionBeta, ...] = ()
    rate_betas: tuple[PositionBeta, ...] = ()
    exposures: tuple[FactorExposure, ...] = ()


@dataclass(frozen=True)
class Profile:
    """Columns of company_profiles that the analytics read (01 §1.7)."""

    sector: str | None
    is_etf: bool
    beta: Decimal | None


@dataclass(frozen=True)
class Scenario:
    """A stress scenario that is active in the file and mapped to a row id.

    Source: 03 §4.1.
    """

    id: str
    name: str
    group: str
    shocks: dict[str, float]


@dataclass(frozen=True)
class Reference:
    """Tables without a date dimension."""

    factor_ids: dict[str, str]
    active_factors: frozenset[str]
    profiles: dict[str, Profile]
    scenarios: tuple[Scenario, ...]
    has_benchmark: bool
