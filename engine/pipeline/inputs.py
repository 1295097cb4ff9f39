"""Inputs: everything that a run reads, validated, in one immutable bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from engine.core.funds import FACTOR_FUNDS
from engine.core.window import Window


@dataclass(frozen=True)
class Inputs:
    """Typed frames, each sorted by its natural key.

    window: what they were loaded for: see `engine.core.window`.
    portfolios: all columns, of the portfolios asked for that can be computed.
    positions: all columns, of those and of deleted portfolios: the legacy batch marks both.
    realized_events: portfolio_id, trade_date, realized_pnl.
    equity_changes: portfolio_id, change_type, amount, change_date; not deleted.
    closes: symbol, date, close (Decimal): from the look-back of the first session to the last,
        and before that each held symbol's newest one.
    fund_closes: the same columns, of the factor funds, over the run date's own look-back.
    universe: the symbols that the legacy price cache held, beside the factor funds.
    profiles: symbol, beta, sector, is_etf.
    has_benchmark: whether sector weights of the benchmark are stored.
    factor_definitions, scenarios, tags, position_tags: whole tables.
    previous_snapshots: each portfolio's newest before the window.
    previous_equity: portfolio_id, equity_balance: the newest before the window that is not null.
    first_snapshots: each portfolio's oldest of all that has an equity.
    kept_snapshots: what other services wrote into the window's stored snapshots.
    first_equity, first_positions: what the ledger saw of each portfolio and position when it was
        first run (engine_portfolio_openings, engine_position_openings).
    carried: portfolio_id, date: in a rerun, the stored sessions before the window through which
        positions carry their values from what the ledger saw.
    previous_exposures, previous_market_betas, previous_rate_betas: what earlier runs left that
        figures of the window still look at.
    quarantine: the rows that broke a rule (`engine.core.row_rules.QUARANTINE`).
    refused: portfolio_id, reason: portfolios that cannot be computed.
    """

    window: Window
    portfolios: pl.DataFrame
    positions: pl.DataFrame
    realized_events: pl.DataFrame
    equity_changes: pl.DataFrame
    closes: pl.DataFrame
    fund_closes: pl.DataFrame
    universe: pl.DataFrame
    profiles: pl.DataFrame
    has_benchmark: bool
    factor_definitions: pl.DataFrame
    scenarios: pl.DataFrame
    tags: pl.DataFrame
    position_tags: pl.DataFrame
    previous_snapshots: pl.DataFrame
    previous_equity: pl.DataFrame
    first_snapshots: pl.DataFrame
    kept_snapshots: pl.DataFrame
    first_equity: pl.DataFrame
    first_positions: pl.DataFrame
    carried: pl.DataFrame
    previous_exposures: pl.DataFrame
    previous_market_betas: pl.DataFrame
    previous_rate_betas: pl.DataFrame
    quarantine: pl.DataFrame
    refused: pl.DataFrame

    @cached_property
    def visible(self) -> set[str]:
        """The symbols that regressions see: see document 02 §2.1, path A."""
        return {*self.universe["symbol"].to_list(), *FACTOR_FUNDS}

    @cached_property
    def earlier(self) -> list[date]:
        """The sessions before the window through which values are carried, ascending."""
        days: list[date] = self.carried["date"].unique().sort().to_list()
        return days

    def of(self, portfolios: Sequence[str]) -> Inputs:
        """The inputs of some of the portfolios; what belongs to none is shared with these."""
        ours = pl.Series(portfolios, dtype=pl.String).implode()
        found: dict[str, Any] = {
            name: frame.filter(pl.col("portfolio_id").is_in(ours) | pl.col("portfolio_id").is_null())
            for name, frame in self.owned.items()
            if name != "portfolios"
        }
        return replace(self, **found, portfolios=self.portfolios.filter(pl.col("id").is_in(ours)))

    @property
    def owned(self) -> dict[str, pl.DataFrame]:
        """The frames whose rows belong to portfolios, by field; the portfolios themselves are among them."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        frames = {name: frame for name, frame in named.items() if isinstance(frame, pl.DataFrame)}
        return {
            name: frame
            for name, frame in frames.items()
            if name == "portfolios" or "portfolio_id" in frame.columns
        }

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{field.name}</th><td>{value.height:,}</td><td>{', '.join(value.columns)}</td></tr>"
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), pl.DataFrame)
        )
        return f"<table><tr><th>inputs</th><th>rows</th><th>columns</th></tr>{rows}</table>"
