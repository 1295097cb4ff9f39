"""Load a window: read a store's tables once, validate them and return `Inputs`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from engine.core.calendar import sessions, stored_sessions
from engine.core.consistency import CURRENCY, inconsistencies
from engine.core.funds import BENCHMARK, FACTOR_FUNDS
from engine.core.instruments import OPTION_TYPES, measured_symbol
from engine.core.job_catalog import EXPOSURE_ROWS, MARKET_VALUES, PERCENTILE_LOOK_BACK, RATE_BETA_DAYS, STRESS
from engine.core.money import integer, scaled
from engine.core.row_rules import Rule, admit
from engine.core.schema import TABLES, TARGET_PRICES
from engine.core.window import Window
from engine.numerics.forecasts import HORIZON
from engine.pipeline.inputs import ACTION_COLUMNS, FORECASTS, RAW_COLUMNS, Inputs, forecast_rows
from loaders.earlier_results import STATE, EarlierResults, newest_rows, stacked
from loaders.reader import Reader
from loaders.shipped import published_durations
from loaders.structure import (
    CLOSE_COLUMNS,
    EVENT_COLUMNS,
    FLOW_COLUMNS,
    PROFILE_COLUMNS,
    require_structure,
)
from sql import Name, Value, statement

CARRIED_COLUMNS = ("portfolio_id", "snapshot_date")
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
EXACT_COLUMNS = ("portfolio_id", "calculation_date", "equity", "cumulative_pnl")
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
    "created_at",
)
MARKET_BETA_COLUMNS = ("portfolio_id", "position_id", "calc_date", "method", "window_days", "beta")
VAR_COLUMNS = ("portfolio_id", "calculation_date", "method", "level", "value_at_risk", "exceeded")
SCORE_COLUMNS = (
    "portfolio_id",
    "calculation_date",
    "symbol",
    "forecast_date",
    "forecast",
    "realized",
    "qlike",
)
VOLATILITY_COLUMNS = ("position_id", "calculation_date", "expected_vol_21d")
EXPECTED_COLUMNS = ("portfolio_id", "snapshot_date", "expected_volatility_21d")
LOT_COLUMNS = ("id", "portfolio_id", "symbol", "underlying_symbol")
RATE_BETA_COLUMNS = ("position_id", "calculation_date", "ir_beta")


@dataclass
class CheckedReader:
    """Reads tables of a run's stores, and sets rows aside that break a rule.

    Attributes:
        stores: The stores of the run.
        portfolios: Ids; None for all.
        symbols: Further symbols whose prices and profiles are read.
        quarantine: The rows set aside, in columns of `engine.core.row_rules.QUARANTINE`.
    """

    stores: EarlierResults
    portfolios: Sequence[str] | None
    symbols: Sequence[str] = ()
    quarantine: list[pl.DataFrame] = field(default_factory=list)

    @property
    def source(self) -> Reader:
        """The store of the inputs."""
        return self.stores.source

    def read(
        self,
        name: str,
        table: str,
        columns: Sequence[str] | None = None,
        extra: Sequence[Rule] = (),
        **values: Value,
    ) -> pl.DataFrame:
        """Return the valid rows of `sql/<name>.sql` from the source.

        Args:
            name: Of the statement in `sql`.
            table: Whose rules apply.
            columns: To read; default all.
            extra: Rules beyond those of the table.
            values: What fills the statement besides the portfolios.
        """
        return self.valid(self.source.select(name, table, columns, **self.scope, **values), table, extra)

    def results(
        self, name: str, table: str, columns: Sequence[str] | None = None, **values: Value
    ) -> pl.DataFrame:
        """Return the valid rows of `sql/<name>.sql` that earlier runs wrote, from both stores.

        Args:
            name: Of the statement in `sql`.
            table: Whose rules apply.
            columns: To read; default all.
            values: What fills the statement besides the portfolios.
        """
        return self.valid(self.stores.rows(name, table, columns, self.scope, **values), table)

    def results_before(
        self, name: str, table: str, columns: Sequence[str], start: date, **values: Value
    ) -> pl.DataFrame:
        """Return the valid rows of `sql/<name>.sql` that earlier runs wrote for days before one.

        Args:
            name: Of the statement in `sql`.
            table: Whose rules apply.
            columns: To read.
            start: Day after the last that is read.
            values: What fills the statement besides the portfolios.
        """
        rows = self.stores.rows_before(name, table, columns, self.portfolios, start, **values)
        return self.valid(rows, table)

    def valid(self, frame: pl.DataFrame, table: str, extra: Sequence[Rule] = ()) -> pl.DataFrame:
        """Return the rows that keep the rules of a table, and set the others aside.

        Args:
            frame: Rows as read.
            table: Name.
            extra: Rules beyond those of the table.
        """
        good, bad = admit(frame, TABLES[table], self.source.url, extra)
        self.quarantine.append(bad)
        return good

    @property
    def scope(self) -> dict[str, Value]:
        """The portfolios, as placeholders of statements."""
        return {"everyone": self.portfolios is None, "portfolios": self.portfolios or ()}


def load_window(
    reader: Reader | EarlierResults,
    window: Window,
    portfolios: Sequence[object] | None = None,
    dead: Sequence[object] = (),
    symbols: Sequence[str] = (),
    quoted: bool = True,
    replays: Sequence[tuple[date, date]] = (),
) -> Inputs:
    """Load everything that the figures of a window need.

    An `EngineError` is raised if the store lacks a table or a column, or cannot be read.

    Args:
        reader: The store, or both stores of a run with a separate target.
        window: The sessions to compute.
        portfolios: Ids; default all. Of a deleted portfolio only the positions are loaded: nothing of
            it is computed, so that an invalid row of it is set aside and refuses no portfolio.
        dead: Those of the portfolios that are known to be deleted.
        symbols: Symbols whose prices and profiles are loaded in addition to those that are held.
        quoted: Whether to load quoted closes and price actions, which only closes="quoted" reads.
        replays: Windows of history, of `Scenarios.windows`.

    Returns:
        Validated frames, with the rows that were set aside and the portfolios that cannot be computed.
    """
    stores = reader if isinstance(reader, EarlierResults) else EarlierResults(reader)
    require_structure(stores.source, stores.in_place)
    ids = None if portfolios is None else [str(owner) for owner in portfolios]
    checked = CheckedReader(stores, ids, symbols)
    rows = stores.source.select("read/portfolios", "portfolios", None, **checked.scope)
    owners = checked.valid(stores.with_state("portfolios", rows), "portfolios")
    deleted = owners.filter(pl.col("deleted_at").is_not_null())["id"]
    owners = owners.filter(pl.col("deleted_at").is_null())
    flows = checked.read("read/owned", "equity_changes", FLOW_COLUMNS)
    openings = _openings(checked, window, deleted)
    frames = {
        **openings,
        "positions": _positions(checked, window, openings["first_positions"]),
        "realized_events": checked.read("read/owned", "position_realized_events", EVENT_COLUMNS),
        "equity_changes": flows.filter(pl.col("deleted_at").is_null()),
        **_market(checked, window, openings["carried"]),
        **_replays(checked, window, replays),
        **(_quotes(checked, window) if quoted else {}),
        **_labels(checked),
        **_earlier(checked, window.sessions[0], window.last),
    }
    quarantine = pl.concat(checked.quarantine)
    refused = _refused(owners, quarantine).filter(~pl.col("portfolio_id").is_in([*deleted, *map(str, dead)]))
    for name in ("positions", "realized_events", "equity_changes"):
        frames[name] = frames[name].join(refused, on="portfolio_id", how="anti")
    accepted = owners.join(refused, left_on="id", right_on="portfolio_id", how="anti")
    return Inputs(
        **frames,
        window=window,
        portfolios=accepted,
        benchmark=_benchmark(stores.source),
        durations=_durations(stores.source),
        interest_rates=stores.source.read("engine_interest_rates", ("asof_date", "rate")).sort("asof_date"),
        quarantine=quarantine,
        refused=refused,
        inconsistent=inconsistencies(accepted, frames["positions"], _price_currencies(stores.source)),
    )


def _openings(checked: CheckedReader, window: Window, deleted: pl.Series) -> dict[str, pl.DataFrame]:
    """Return the recorded opening balances, and the sessions through which they are carried."""
    equity = checked.results("read/owned", "engine_portfolio_openings")
    return {
        "first_equity": equity,
        "first_positions": checked.results("read/owned", "engine_position_openings"),
        "carried": _carried(checked, window, equity, deleted),
    }


def _carried(
    checked: CheckedReader, window: Window, equity: pl.DataFrame, deleted: pl.Series
) -> pl.DataFrame:
    """Return portfolio_id, date: in a rerun, the stored sessions since the portfolio's recorded opening.

    Without a recorded opening, or with one that is younger than stored sessions of the window, all
    stored sessions count; see `engine.analytics.equity.opening_balances.openings`. No run records one of a
    deleted portfolio: the values of its positions are those before the first run.
    """
    first = window.sessions[0]
    if not window.rerun:
        return pl.DataFrame(schema={"portfolio_id": pl.String, "date": pl.Date})
    stored = checked.results_before("read/stored_before", "portfolio_snapshots", CARRIED_COLUMNS, first)
    younger = pl.col("first_session") > window.first_stored
    recorded = equity.filter(~younger).select("portfolio_id", "first_session")
    unrecorded = deleted.filter(~deleted.is_in(equity["portfolio_id"].implode()))
    rows = stored.filter(~pl.col("portfolio_id").is_in(unrecorded.implode()))
    rows = rows.join(recorded, on="portfolio_id", how="left")
    since = rows.filter((pl.col("snapshot_date") >= pl.col("first_session")).fill_null(True))
    open_days = stored_sessions(since["snapshot_date"])
    return since.select("portfolio_id", date="snapshot_date").filter(pl.col("date").is_in(open_days))


def _positions(checked: CheckedReader, window: Window, openings: pl.DataFrame) -> pl.DataFrame:
    """Return positions as they were before the window: in a rerun, with their recorded openings."""
    rows = checked.source.select("read/owned", "positions", None, **checked.scope)
    positions = checked.valid(checked.stores.with_state("positions", rows), "positions")
    if not window.rerun:
        return positions
    marks = openings.select(pl.col("position_id").alias("id"), *STATE["positions"])
    return positions.update(marks, on="id", include_nulls=True)


def _closes(checked: CheckedReader, window: Window, carried: pl.DataFrame) -> pl.DataFrame:
    oldest: date = carried["date"].min() or window.last  # type: ignore[assignment]
    first = min(window.first_price, MARKET_VALUES.first_day(oldest))
    common: dict[str, Value] = {"start": first, "symbols": checked.symbols, **checked.scope}

    def select(name: str, **values: Value) -> pl.DataFrame:
        return checked.source.select(name, "market_data_cache", CLOSE_COLUMNS, **common, **values)

    inside = select("read/closes", end=window.last, funds=FACTOR_FUNDS)
    # Checked, and sorted by symbol and day, together.
    return checked.valid(stacked(select("read/last_closes"), inside), "market_data_cache")


def _quotes(checked: CheckedReader, window: Window) -> dict[str, pl.DataFrame]:
    """Return quoted closes and price actions, no rows where the tables are missing, by field of `Inputs`."""
    tables = {
        "raw_closes": ("engine_raw_closes", RAW_COLUMNS),
        "price_actions": ("engine_price_actions", ACTION_COLUMNS),
    }
    return {
        name: checked.read("read/quotes", table, columns, end=window.last).sort(columns[:2])
        for name, (table, columns) in tables.items()
    }


def _market(checked: CheckedReader, window: Window, carried: pl.DataFrame) -> dict[str, pl.DataFrame]:
    funds = checked.read(
        "read/fund_closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=STRESS.first_day(window.run_date),
        end=window.run_date,
        funds=FACTOR_FUNDS,
    )
    return {
        "closes": _closes(checked, window, carried),
        "fund_closes": funds,
        "universe": checked.source.query(statement("read/universe", options=OPTION_TYPES)).sort(
            "symbol", "kind"
        ),
        "profiles": checked.read(
            "read/profiles", "company_profiles", PROFILE_COLUMNS, symbols=checked.symbols
        ),
        "scenarios": checked.read("read/table", "stress_test_scenarios"),
    }


def _replays(
    checked: CheckedReader, window: Window, replays: Sequence[tuple[date, date]]
) -> dict[str, pl.DataFrame]:
    """Return the factor funds' closes at the ends of windows that sessions may know, by field of `Inputs`."""
    known = {day for replay in replays for day in replay if replay[1] <= window.last}
    if not known:
        return {}
    parts = [
        checked.read(
            "read/fund_closes",
            "market_data_cache",
            CLOSE_COLUMNS,
            start=MARKET_VALUES.first_day(day),
            end=day,
            funds=FACTOR_FUNDS,
        )
        for day in sorted(known)
    ]
    return {"replay_closes": pl.concat(parts).unique().sort("symbol", "date")}


def _price_currencies(reader: Reader) -> pl.DataFrame:
    """Return symbol, price_currency of the symbols whose closes were collected in another unit than USD."""
    stored = reader.read("engine_price_series", ["symbol", "currency"])
    foreign = stored.filter(pl.col("currency") != CURRENCY)
    return foreign.rename({"currency": "price_currency"})


def load_shared_tables(stores: EarlierResults) -> dict[str, pl.DataFrame]:
    """Return factor definitions, tags and position tags as they are now, by field of `Inputs`.

    Rows that break a rule were reported when the window was loaded.
    """
    return _labels(CheckedReader(stores, None))


def _labels(checked: CheckedReader) -> dict[str, pl.DataFrame]:
    """Return the input tables that runs extend, by field of `Inputs`."""
    stores, source = checked.stores, checked.source
    tags = stores.whole_table("tags_v2", source.read("tags_v2"))
    definitions = stores.whole_table("factor_definitions", source.read("factor_definitions"))
    links = stores.position_tags(source.read("position_tags"), tags)
    return {
        "factor_definitions": checked.valid(definitions, "factor_definitions"),
        "tags": checked.valid(tags, "tags_v2"),
        "position_tags": checked.valid(links, "position_tags"),
    }


def _benchmark(reader: Reader) -> pl.DataFrame:
    """Return asof_date, sector, weight of the benchmark."""
    columns = ("asof_date", "sector", "weight")
    rows = reader.select("read/benchmark", "benchmarks_sector_weights", columns, code=BENCHMARK)
    return rows.sort("asof_date", "sector")


def _durations(reader: Reader) -> pl.DataFrame:
    """Return symbol, asof_date, duration of bond funds: the store's, or the shipped ones if it has none."""
    columns = ["symbol", "asof_date", "duration"]
    rows = reader.read("engine_fund_durations", columns)
    rows = published_durations().select(columns) if rows.is_empty() else rows
    return rows.sort("symbol", "asof_date")


def _earlier(checked: CheckedReader, first: date, last: date) -> dict[str, pl.DataFrame]:
    """Return results of earlier runs that figures of the window use, by field of `Inputs`."""
    snapshots = checked.results_before(
        "read/previous_snapshots", "portfolio_snapshots", SNAPSHOT_COLUMNS, first
    )
    previous = newest_rows(snapshots, "portfolio_id", "snapshot_date")
    exact = checked.results_before("read/previous_exact", "engine_portfolio_pnl", EXACT_COLUMNS, first)
    oldest = checked.results("read/first_snapshots", "portfolio_snapshots", FIRST_COLUMNS)
    market_betas = checked.results_before(
        "read/previous_market_betas", "position_market_betas", MARKET_BETA_COLUMNS, first
    )
    return {
        "previous_snapshots": previous,
        "history": _history(checked, first),
        "previous_exact": newest_rows(exact, "portfolio_id", "calculation_date"),
        "previous_equity": previous.select("portfolio_id", "equity_balance"),
        "first_snapshots": oldest.sort(FIRST_COLUMNS[:2]).unique("portfolio_id", keep="first"),
        "kept_snapshots": checked.results(
            "read/owned_dated",
            "portfolio_snapshots",
            KEPT_COLUMNS,
            date=Name("snapshot_date"),
            start=first,
            end=last,
        ),
        "previous_exposures": _previous_exposures(checked, first),
        "previous_market_betas": newest_rows(market_betas, "position_id", "calc_date"),
        "previous_rate_betas": checked.results_before(
            "read/previous_rate_betas",
            "position_interest_rate_betas",
            RATE_BETA_COLUMNS,
            first,
            oldest=first - timedelta(days=RATE_BETA_DAYS),
        ),
        **_scored(checked, first, last),
    }


def _scored(checked: CheckedReader, first: date, last: date) -> dict[str, pl.DataFrame]:
    """Return earlier forecasts and their scores; without a value at risk, which legacy rules lack, none."""
    since = {"oldest": first - timedelta(days=PERCENTILE_LOOK_BACK)}
    risk = checked.results_before("read/previous_var", "engine_value_at_risk", VAR_COLUMNS, first, **since)
    scores = checked.results_before(
        "read/previous_scores", "engine_forecast_scores", SCORE_COLUMNS, first, **since
    )
    calendar = sessions(first - timedelta(days=3 * HORIZON), last)
    until = bisect_left(calendar, first)
    oldest = calendar[max(until - HORIZON, 0)]
    newest = calendar[min(until, len(calendar) - HORIZON) - 1]
    return {
        "previous_var": risk,
        "previous_scores": scores,
        "previous_forecasts": _forecasts(checked, oldest, newest, empty=risk.is_empty()),
    }


def _forecasts(checked: CheckedReader, oldest: date, newest: date, empty: bool) -> pl.DataFrame:
    """Return portfolio_id, symbol, forecast_date, forecast of the sessions from `oldest` to `newest`."""
    if empty or newest < oldest:
        return pl.DataFrame(schema=FORECASTS)
    days = {"start": newest + timedelta(days=1), "oldest": oldest}
    rows = checked.results_before(
        "read/previous_volatility", "position_volatility", VOLATILITY_COLUMNS, **days
    )
    own = checked.results_before("read/previous_expected", "portfolio_snapshots", EXPECTED_COLUMNS, **days)
    lots = checked.source.select("read/owned", "positions", LOT_COLUMNS, **checked.scope)
    named = rows.join(lots, left_on="position_id", right_on="id").select(
        "portfolio_id", measured_symbol().alias("symbol"), "calculation_date", "expected_vol_21d"
    )
    return forecast_rows(named, own.select(EXPECTED_COLUMNS))


def _history(checked: CheckedReader, first: date) -> pl.DataFrame:
    """Return portfolio_id, date, equity, pnl, flow in cents of the sessions before the window."""
    rows = checked.results_before("read/history", "portfolio_snapshots", FIRST_COLUMNS, first)
    none = integer(0)
    return rows.select(
        "portfolio_id",
        date="snapshot_date",
        equity=scaled("equity_balance"),
        pnl=scaled("daily_pnl").fill_null(none),
        flow=scaled("daily_capital_flow").fill_null(none),
    )


def _previous_exposures(checked: CheckedReader, first: date) -> pl.DataFrame:
    rows = checked.results_before(
        "read/previous_exposures", "factor_exposures", EXPOSURE_COLUMNS, first, limit=EXPOSURE_ROWS
    )
    return checked.stores.with_target_ids(rows, "factor_id", "factor_definitions")


def _refused(owners: pl.DataFrame, quarantine: pl.DataFrame) -> pl.DataFrame:
    """Return portfolio_id, reason: portfolios that broke a rule themselves or through one of their rows."""
    unfunded = owners.filter(pl.col("equity_balance").is_null()).select(
        portfolio_id="id",
        reason=pl.lit("portfolios.equity_balance is null"),
    )
    broken = quarantine.filter(pl.col("portfolio_id").is_not_null()).select(
        "portfolio_id",
        reason=pl.concat_str("table", pl.lit("."), "column", pl.lit(" "), "rule"),
    )
    first_reasons = pl.concat([unfunded, broken]).unique("portfolio_id", keep="first", maintain_order=True)
    return first_reasons.sort("portfolio_id")
