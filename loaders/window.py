"""Load a window: from a store's tables to validated Inputs, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from engine.inputs import FACTOR_FUNDS, Inputs
from engine.schema import TABLES, TARGET_PRICES
from engine.sessions import last_session
from engine.validation import Rule, admit
from engine.window import Window
from loaders.reader import Reader
from sql import Name, Value, statement

FACTOR_LOOK_BACK = timedelta(days=282)
"""Calendar days before the run date that factor correlations look at (document 03 §4.2)."""
ONE_DAY = timedelta(days=1)
RATE_BETA_LOOK_BACK = timedelta(days=7)
EXPOSURE_ROWS = 50
BENCHMARK = "SP500"

EVENT_COLUMNS = ("id", "portfolio_id", "trade_date", "realized_pnl")
FLOW_COLUMNS = ("id", "portfolio_id", "change_type", "amount", "change_date", "deleted_at")
CLOSE_COLUMNS = ("symbol", "date", "close")
PROFILE_COLUMNS = ("symbol", "beta", "sector", "is_etf")
MARKS = ("last_price", "market_value", "unrealized_pnl")
SNAPSHOT_COLUMNS = (
    "portfolio_id",
    "snapshot_date",
    "equity_balance",
    "cumulative_pnl",
    "cumulative_realized_pnl",
    "cumulative_capital_flow",
    "gross_exposure",
    "net_exposure",
)
KEPT_COLUMNS = ("portfolio_id", "snapshot_date", *(column.name for column in TARGET_PRICES))
FIRST_COLUMNS = (
    "portfolio_id",
    "snapshot_date",
    "equity_balance",
    "daily_pnl",
    "daily_capital_flow",
)
EXPOSURE_COLUMNS = (
    "portfolio_id",
    "factor_id",
    "calculation_date",
    "exposure_value",
    "exposure_dollar",
)
MARKET_BETA_COLUMNS = ("portfolio_id", "position_id", "calc_date", "method", "window_days", "beta")
RATE_BETA_COLUMNS = ("position_id", "calculation_date", "ir_beta")


@dataclass
class Admission:
    """Reads tables through the rules, and gathers what broke them."""

    reader: Reader
    portfolios: Sequence[object] | None
    symbols: Sequence[str] = ()
    quarantine: list[pl.DataFrame] = field(default_factory=list)

    def read(
        self,
        name: str,
        table: str,
        columns: Sequence[str] | None = None,
        extra: Sequence[Rule] = (),
        **values: Value,
    ) -> pl.DataFrame:
        """The rows of sql/<name>.sql that keep the rules."""
        frame = self.reader.select(name, table, columns, **self._scope, **values)
        good, bad = admit(frame, TABLES[table], self.reader.url, extra)
        self.quarantine.append(bad)
        return good

    @property
    def _scope(self) -> dict[str, Value]:
        return {
            "everyone": self.portfolios is None,
            "portfolios": [str(portfolio) for portfolio in self.portfolios or ()],
        }


def load_window(
    reader: Reader,
    window: Window,
    portfolios: Sequence[object] | None = None,
    symbols: Sequence[str] = (),
) -> Inputs:
    """Everything that the window's figures need, of the portfolios asked for (default: all).

    The window has at least one session. Prices and profiles of `symbols` come along, held or not.

    Of a deleted portfolio asked for the positions are loaded, and nothing else.

    Raises:
        EngineError: the store lacks a table or a column, or cannot be read.
    """
    admission = Admission(reader, portfolios, symbols)
    owners = admission.read("read/portfolios", "portfolios")
    owners = owners.filter(pl.col("deleted_at").is_null())
    flows = _dated(admission, window, "equity_changes", FLOW_COLUMNS)
    seen = admission.read("read/owned", "engine_position_openings")
    frames = {
        "positions": _positions(admission, window, seen),
        "first_positions": seen,
        "realized_events": _dated(admission, window, "position_realized_events", EVENT_COLUMNS),
        "equity_changes": flows.filter(pl.col("deleted_at").is_null()),
        **_market(admission, window),
        **_earlier(admission, window.sessions[0], window.last),
    }
    quarantine = pl.concat(admission.quarantine)
    refused = _refused(owners, quarantine)
    for name in ("positions", "realized_events", "equity_changes"):
        frames[name] = frames[name].join(refused, on="portfolio_id", how="anti")
    return Inputs(
        **frames,
        window=window,
        portfolios=owners.join(refused, left_on="id", right_on="portfolio_id", how="anti"),
        has_benchmark=_has_benchmark(reader),
        quarantine=quarantine,
        refused=refused,
    )


def _positions(admission: Admission, window: Window, seen: pl.DataFrame) -> pl.DataFrame:
    """Positions as the window finds them: in a rerun, as the ledger saw each of them first."""
    positions = admission.read("read/owned", "positions")
    if not window.rerun:
        return positions
    marks = seen.select(pl.col("position_id").alias("id"), *MARKS)
    return positions.update(marks, on="id", include_nulls=True)


def _dated(admission: Admission, window: Window, table: str, columns: Sequence[str]) -> pl.DataFrame:
    """Rows since the session before the window: cash of the days between may be booked in it."""
    after_last = last_session(window.sessions[0] - ONE_DAY) + ONE_DAY
    day = Name(TABLES[table].date or "")
    return admission.read("read/owned_dated", table, columns, date=day, start=after_last, end=window.last)


def _closes(admission: Admission, window: Window) -> pl.DataFrame:
    older = admission.read(
        "read/last_closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=window.first_price,
        symbols=admission.symbols,
    )
    inside = admission.read(
        "read/closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=window.first_price,
        end=window.last,
        funds=FACTOR_FUNDS,
        symbols=admission.symbols,
    )
    return pl.concat([older, inside]).sort("symbol", "date")


def _market(admission: Admission, window: Window) -> dict[str, pl.DataFrame]:
    funds = admission.read(
        "read/fund_closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=window.run_date - FACTOR_LOOK_BACK,
        end=window.run_date,
        funds=FACTOR_FUNDS,
    )
    return {
        "closes": _closes(admission, window),
        "fund_closes": funds,
        "universe": admission.reader.query(statement("read/universe")).sort("symbol"),
        "profiles": admission.read(
            "read/profiles", "company_profiles", PROFILE_COLUMNS, symbols=admission.symbols
        ),
        "factor_definitions": admission.read("read/table", "factor_definitions"),
        "scenarios": admission.read("read/table", "stress_test_scenarios"),
        "tags": admission.read("read/table", "tags_v2"),
        "position_tags": admission.read("read/table", "position_tags"),
    }


def _has_benchmark(reader: Reader) -> bool:
    reader.require(TABLES["benchmarks_sector_weights"], ["benchmark_code"])
    return bool(reader.query(statement("read/benchmark", code=BENCHMARK)).item())


def _earlier(admission: Admission, first: date, last: date) -> dict[str, pl.DataFrame]:
    return {
        "previous_snapshots": admission.read(
            "read/previous_snapshots", "portfolio_snapshots", SNAPSHOT_COLUMNS, start=first
        ),
        "kept_snapshots": admission.read(
            "read/owned_dated",
            "portfolio_snapshots",
            KEPT_COLUMNS,
            date=Name("snapshot_date"),
            start=first,
            end=last,
        ),
        "first_snapshots": admission.read("read/first_snapshots", "portfolio_snapshots", FIRST_COLUMNS),
        "first_equity": admission.read("read/owned", "engine_portfolio_openings"),
        "previous_exposures": admission.read(
            "read/previous_exposures",
            "factor_exposures",
            EXPOSURE_COLUMNS,
            start=first,
            limit=EXPOSURE_ROWS,
        ),
        "previous_market_betas": admission.read(
            "read/previous_market_betas",
            "position_market_betas",
            MARKET_BETA_COLUMNS,
            start=first,
        ),
        "previous_rate_betas": admission.read(
            "read/previous_rate_betas",
            "position_interest_rate_betas",
            RATE_BETA_COLUMNS,
            start=first - RATE_BETA_LOOK_BACK,
            end=first - ONE_DAY,
        ),
    }


def _refused(owners: pl.DataFrame, quarantine: pl.DataFrame) -> pl.DataFrame:
    """Portfolios that broke a rule themselves or through a row of theirs, with the first reason."""
    unfunded = owners.filter(pl.col("equity_balance").is_null()).select(
        portfolio_id="id",
        reason=pl.lit("portfolios.equity_balance is null"),
    )
    broken = quarantine.filter(pl.col("portfolio_id").is_not_null()).select(
        "portfolio_id",
        reason=pl.concat_str("table", pl.lit("."), "column", pl.lit(" "), "rule"),
    )
    known = pl.concat([unfunded, broken]).unique("portfolio_id", keep="first", maintain_order=True)
    return known.sort("portfolio_id")
