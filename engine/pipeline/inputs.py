"""Inputs: everything that a run reads, validated, in one immutable bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from engine.core.frames import empty
from engine.core.funds import FACTOR_FUNDS
from engine.core.job_catalog import OWN_FORECAST
from engine.core.schema import TABLES
from engine.core.window import Window

DURATIONS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "asof_date": pl.Date(),
    "duration": pl.Decimal(8, 4),
}
INTEREST_RATES: dict[str, pl.DataType] = {"asof_date": pl.Date(), "rate": pl.Decimal(8, 6)}
PARTIAL: dict[str, pl.DataType] = {"portfolio_id": pl.String(), "date": pl.Date(), "reason": pl.String()}
RAW_COLUMNS = ("symbol", "date", "raw_close", "adjusted_close")
ACTION_COLUMNS = ("symbol", "date", "kind", "value")

FORECASTS: dict[str, pl.DataType] = {
    "portfolio_id": pl.String(),
    "symbol": pl.String(),
    "forecast_date": pl.Date(),
    "forecast": pl.Float64(),
}
"""Columns of `Inputs.previous_forecasts`."""


def forecast_rows(of_symbols: pl.DataFrame, of_portfolios: pl.DataFrame) -> pl.DataFrame:
    """Return forecasts of volatility in the columns `FORECASTS`, each once.

    Args:
        of_symbols: portfolio_id, symbol, day and forecast, in this order, under any names.
        of_portfolios: portfolio_id, day and forecast.
    """
    names = list(FORECASTS)
    own = of_portfolios.rename(dict(zip(of_portfolios.columns, [names[0], *names[2:]], strict=True)))
    parts = (
        of_symbols.rename(dict(zip(of_symbols.columns, names, strict=True))),
        own.with_columns(symbol=pl.lit(OWN_FORECAST)),
    )
    rows = pl.concat(part.select(names).cast(pl.Schema(FORECASTS)) for part in parts)
    return rows.drop_nulls().unique(names[:3], keep="first", maintain_order=True)


@dataclass(frozen=True)
class Inputs:
    """Typed frames, each sorted by its natural key.

    Attributes:
        window: the window that they were loaded for.
        portfolios: all columns, of the portfolios asked for that can be computed.
        positions: all columns, of these and of deleted portfolios, whose positions legacy marks as well.
        realized_events: portfolio_id, position_id, trade_date, quantity_closed, realized_pnl; of all days.
        equity_changes: portfolio_id, change_type, amount, change_date; not deleted; of all days.
        closes: symbol, date, close (Decimal): from the look-back of the first session to the last,
            and before that the newest one of each symbol held.
        raw_closes: symbol, date, raw_close, adjusted_close (Decimal) of the symbols held, up to the last
            session.
        price_actions: symbol, date, kind, value (Decimal) of these: dividends, gains and splits.
        fund_closes: the same columns, of the factor funds, over the look-back of the run date.
        replay_closes: the same columns, of the factor funds, at the ends of the windows of history that
            scenarios replay.
        universe: symbol, kind: symbols of all portfolios of the store that regressions may use. They are of
            kind "live" (the legacy price cache held them, besides the factor funds), "deleted" (lots of these
            are deleted) or "underlying" (of an option).
        profiles: symbol, beta, sector, is_etf.
        benchmark: asof_date, sector, weight of the benchmark, sorted by both.
        factor_definitions: whole table.
        scenarios: whole table.
        tags: whole table.
        position_tags: whole table.
        previous_snapshots: each portfolio's newest before the window.
        previous_exact: portfolio_id, calculation_date, equity, cumulative_pnl: each portfolio's newest
            unrounded balances before the window.
        history: portfolio_id, date, equity, pnl, flow (Int128 cents): all sessions stored before the window.
        previous_equity: portfolio_id, equity_balance: the newest before the window that is not null.
        first_snapshots: each portfolio's oldest that has an equity.
        kept_snapshots: columns of other services in stored snapshots of the window.
        first_equity: rows of engine_portfolio_openings: balances before each portfolio's first run.
        first_positions: rows of engine_position_openings: values before each position's first run.
        carried: portfolio_id, date: in a rerun, the stored sessions before the window through which
            positions carry their values from the openings.
        previous_exposures: rows of earlier runs that figures of the window read.
        previous_market_betas: the same.
        previous_rate_betas: the same.
        previous_var: rows of engine_value_at_risk of 400 days before the window.
        previous_forecasts: portfolio_id, symbol, forecast_date, forecast: of the sessions whose horizon ends
            in the window; the empty symbol stands for a portfolio's own.
        previous_scores: rows of engine_forecast_scores of portfolios' own forecasts, of 400 days.
        quarantine: the rows that broke a rule (`engine.core.row_rules.QUARANTINE`).
        refused: portfolio_id, reason: portfolios that cannot be computed.
        inconsistent: rows that break a rule across columns (`engine.core.consistency.FINDINGS`).
        partial: portfolio_id, date, reason: sessions whose closes cover too little of the portfolio.
        durations: symbol, asof_date, duration (years) of bond funds, of all days, sorted by both.
        interest_rates: asof_date, rate (with yearly compounding), of all days, sorted.
        stale: rows of engine_stale_sessions: stored sessions that were computed from other closes.
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
    benchmark: pl.DataFrame
    factor_definitions: pl.DataFrame
    scenarios: pl.DataFrame
    tags: pl.DataFrame
    position_tags: pl.DataFrame
    previous_snapshots: pl.DataFrame
    previous_exact: pl.DataFrame
    history: pl.DataFrame
    previous_equity: pl.DataFrame
    first_snapshots: pl.DataFrame
    kept_snapshots: pl.DataFrame
    first_equity: pl.DataFrame
    first_positions: pl.DataFrame
    carried: pl.DataFrame
    previous_exposures: pl.DataFrame
    previous_market_betas: pl.DataFrame
    previous_rate_betas: pl.DataFrame
    previous_var: pl.DataFrame
    previous_forecasts: pl.DataFrame
    previous_scores: pl.DataFrame
    quarantine: pl.DataFrame
    refused: pl.DataFrame
    inconsistent: pl.DataFrame
    partial: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PARTIAL))
    replay_closes: pl.DataFrame = field(
        default_factory=lambda: empty(TABLES["market_data_cache"], ("symbol", "date", "close"))
    )
    durations: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DURATIONS))
    raw_closes: pl.DataFrame = field(default_factory=lambda: empty(TABLES["engine_raw_closes"], RAW_COLUMNS))
    price_actions: pl.DataFrame = field(
        default_factory=lambda: empty(TABLES["engine_price_actions"], ACTION_COLUMNS)
    )
    interest_rates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INTEREST_RATES))
    stale: pl.DataFrame = field(default_factory=lambda: empty(TABLES["engine_stale_sessions"]))

    @property
    def has_benchmark(self) -> bool:
        """Return whether sector weights of the benchmark are stored."""
        return not self.benchmark.is_empty()

    @cached_property
    def visible(self) -> set[str]:
        """The symbols that regressions use (document 02 §2.1, path A)."""
        return {*self._of_universe("live"), *FACTOR_FUNDS}

    @cached_property
    def once_visible(self) -> set[str]:
        """The symbols that regressions use if they ask for no deletion: those of deleted lots too."""
        return {*self.visible, *self._of_universe("deleted")}

    @cached_property
    def underlyings(self) -> set[str]:
        """The symbols of options' underlyings."""
        return set(self._of_universe("underlying"))

    def _of_universe(self, kind: str) -> list[str]:
        symbols: list[str] = self.universe.filter(kind=kind)["symbol"].to_list()
        return symbols

    @cached_property
    def grave(self) -> pl.DataFrame:
        """The first grave inconsistency of each portfolio that has one, in the columns of `inconsistent`."""
        return self.inconsistent.filter("grave").unique("portfolio_id", keep="first", maintain_order=True)

    @cached_property
    def earlier(self) -> list[date]:
        """The sessions before the window through which values are carried, ascending."""
        days: list[date] = self.carried["date"].unique().sort().to_list()
        return days

    def of(self, portfolios: Sequence[str]) -> Inputs:
        """Return the inputs of some of the portfolios; frames that belong to none are shared.

        Args:
            portfolios: ids.
        """
        ours = pl.Series(portfolios, dtype=pl.String).implode()
        frames: dict[str, Any] = {
            name: frame.filter(pl.col("portfolio_id").is_in(ours) | pl.col("portfolio_id").is_null())
            for name, frame in self.owned.items()
            if name != "portfolios"
        }
        return replace(self, **frames, portfolios=self.portfolios.filter(pl.col("id").is_in(ours)))

    @property
    def owned(self) -> dict[str, pl.DataFrame]:
        """The frames whose rows belong to portfolios, by field; `portfolios` is one of them."""
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
