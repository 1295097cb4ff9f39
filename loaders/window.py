"""Load a window: from a store's tables to validated Inputs, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from engine.core.calendar import last_session, stored_sessions
from engine.core.funds import BENCHMARK, FACTOR_FUNDS
from engine.core.job_catalog import EXPOSURE_ROWS, MARKET_VALUES, RATE_BETA_DAYS, STRESS
from engine.core.row_rules import Rule, admit
from engine.core.schema import TABLES, TARGET_PRICES
from engine.core.window import Window
from engine.pipeline.inputs import Inputs
from loaders.earlier_results import STATE, Past, newest
from loaders.reader import Reader
from sql import Name, Value, statement

ONE_DAY = timedelta(days=1)

EVENT_COLUMNS = ("id", "portfolio_id", "trade_date", "realized_pnl")
FLOW_COLUMNS = ("id", "portfolio_id", "change_type", "amount", "change_date", "deleted_at")
CLOSE_COLUMNS = ("symbol", "date", "close")
PROFILE_COLUMNS = ("symbol", "beta", "sector", "is_etf")
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
RATE_BETA_COLUMNS = ("position_id", "calculation_date", "ir_beta")


@dataclass
class Admission:
    """Reads tables through the rules, and gathers what broke them."""

    past: Past
    portfolios: Sequence[str] | None
    symbols: Sequence[str] = ()
    quarantine: list[pl.DataFrame] = field(default_factory=list)

    @property
    def reader(self) -> Reader:
        """The store of the inputs."""
        return self.past.source

    def read(
        self,
        name: str,
        table: str,
        columns: Sequence[str] | None = None,
        extra: Sequence[Rule] = (),
        **values: Value,
    ) -> pl.DataFrame:
        """The rows of sql/<name>.sql that keep the rules, of the inputs."""
        return self.admit(self.reader.select(name, table, columns, **self.scope, **values), table, extra)

    def either(
        self, name: str, table: str, columns: Sequence[str] | None = None, **values: Value
    ) -> pl.DataFrame:
        """The same, of what earlier runs left wherever it is."""
        return self.admit(self.past.either(name, table, columns, self.scope, **values), table)

    def before(
        self, name: str, table: str, columns: Sequence[str], start: date, **values: Value
    ) -> pl.DataFrame:
        """The same, of what earlier runs left of the days before one."""
        return self.admit(self.past.before(name, table, columns, self.portfolios, start, **values), table)

    def admit(self, frame: pl.DataFrame, table: str, extra: Sequence[Rule] = ()) -> pl.DataFrame:
        """The rows that keep the rules."""
        good, bad = admit(frame, TABLES[table], self.reader.url, extra)
        self.quarantine.append(bad)
        return good

    @property
    def scope(self) -> dict[str, Value]:
        """The portfolios asked for, as statements take them."""
        return {"everyone": self.portfolios is None, "portfolios": self.portfolios or ()}


def load_window(
    reader: Reader | Past,
    window: Window,
    portfolios: Sequence[object] | None = None,
    dead: Sequence[object] = (),
    symbols: Sequence[str] = (),
) -> Inputs:
    """Everything that the window's figures need, of the portfolios asked for (default: all).

    Of a deleted portfolio asked for the positions are loaded, and nothing else. Nothing of it is
    computed, so that nothing of it can be refused: a bad row of it is set aside alone.
    Prices and profiles of `symbols` come along, held or not.

    Args:
        reader: the store, or the two stores of a run with a target of its own.
        dead: those of the portfolios that are known to be deleted.

    Raises:
        EngineError: the store lacks a table or a column, or cannot be read.
    """
    past = reader if isinstance(reader, Past) else Past(reader)
    owned = None if portfolios is None else [str(owner) for owner in portfolios]
    admission = Admission(past, owned, symbols)
    owners = admission.admit(
        past.with_state(
            "portfolios", past.source.select("read/portfolios", "portfolios", None, **admission.scope)
        ),
        "portfolios",
    )
    deleted = owners.filter(pl.col("deleted_at").is_not_null())["id"]
    owners = owners.filter(pl.col("deleted_at").is_null())
    flows = _dated(admission, window, "equity_changes", FLOW_COLUMNS)
    openings = _openings(admission, window)
    frames = {
        **openings,
        "positions": _positions(admission, window, openings["first_positions"]),
        "realized_events": _dated(admission, window, "position_realized_events", EVENT_COLUMNS),
        "equity_changes": flows.filter(pl.col("deleted_at").is_null()),
        **_market(admission, window, openings["carried"]),
        **_labels(admission),
        **_earlier(admission, window.sessions[0], window.last),
    }
    quarantine = pl.concat(admission.quarantine)
    refused = _refused(owners, quarantine).filter(~pl.col("portfolio_id").is_in([*deleted, *map(str, dead)]))
    for name in ("positions", "realized_events", "equity_changes"):
        frames[name] = frames[name].join(refused, on="portfolio_id", how="anti")
    return Inputs(
        **frames,
        window=window,
        portfolios=owners.join(refused, left_on="id", right_on="portfolio_id", how="anti"),
        has_benchmark=_has_benchmark(past.source),
        quarantine=quarantine,
        refused=refused,
    )


def _openings(admission: Admission, window: Window) -> dict[str, pl.DataFrame]:
    """What the ledger remembers, and the sessions through which values are carried since then."""
    equity = admission.either("read/owned", "engine_portfolio_openings")
    return {
        "first_equity": equity,
        "first_positions": admission.either("read/owned", "engine_position_openings"),
        "carried": _carried(admission, window, equity),
    }


def _carried(admission: Admission, window: Window, equity: pl.DataFrame) -> pl.DataFrame:
    """portfolio_id, date: in a rerun, the stored sessions since the ledger's first.

    Where the ledger is silent, or younger than what is stored of the window, since the oldest.
    See `engine.analytics.equity.opening_balances.openings`.
    """
    first = window.sessions[0]
    if not window.rerun:
        return pl.DataFrame(schema={"portfolio_id": pl.String, "date": pl.Date})
    stored = admission.before("read/stored_before", "portfolio_snapshots", CARRIED_COLUMNS, first)
    younger = pl.col("first_session") > window.oldest_known
    noted = equity.filter(~younger).select("portfolio_id", "first_session")
    rows = stored.join(noted, on="portfolio_id", how="left")
    since = rows.filter((pl.col("snapshot_date") >= pl.col("first_session")).fill_null(True))
    open_days = stored_sessions(since["snapshot_date"])
    return since.select("portfolio_id", date="snapshot_date").filter(pl.col("date").is_in(open_days))


def _positions(admission: Admission, window: Window, seen: pl.DataFrame) -> pl.DataFrame:
    """Positions as the window finds them: in a rerun, as the ledger saw each of them first."""
    rows = admission.reader.select("read/owned", "positions", None, **admission.scope)
    positions = admission.admit(admission.past.with_state("positions", rows), "positions")
    if not window.rerun:
        return positions
    marks = seen.select(pl.col("position_id").alias("id"), *STATE["positions"])
    return positions.update(marks, on="id", include_nulls=True)


def _dated(admission: Admission, window: Window, table: str, columns: Sequence[str]) -> pl.DataFrame:
    """Rows since the session before the window: cash of the days between may be booked in it."""
    after_last = last_session(window.sessions[0] - ONE_DAY) + ONE_DAY
    day = Name(TABLES[table].date or "")
    return admission.read("read/owned_dated", table, columns, date=day, start=after_last, end=window.last)


def _closes(admission: Admission, window: Window, carried: pl.DataFrame) -> pl.DataFrame:
    oldest: date = carried["date"].min() or window.last  # type: ignore[assignment]
    first = min(window.first_price, MARKET_VALUES.first_day(oldest))
    older = admission.read(
        "read/last_closes", "market_data_cache", CLOSE_COLUMNS, start=first, symbols=admission.symbols
    )
    inside = admission.read(
        "read/closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=first,
        end=window.last,
        funds=FACTOR_FUNDS,
        symbols=admission.symbols,
    )
    return pl.concat([older, inside]).sort("symbol", "date")


def _market(admission: Admission, window: Window, carried: pl.DataFrame) -> dict[str, pl.DataFrame]:
    funds = admission.read(
        "read/fund_closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=STRESS.first_day(window.run_date),
        end=window.run_date,
        funds=FACTOR_FUNDS,
    )
    return {
        "closes": _closes(admission, window, carried),
        "fund_closes": funds,
        "universe": admission.reader.query(statement("read/universe")).sort("symbol"),
        "profiles": admission.read(
            "read/profiles", "company_profiles", PROFILE_COLUMNS, symbols=admission.symbols
        ),
        "scenarios": admission.read("read/table", "stress_test_scenarios"),
    }


def load_labels(past: Past) -> dict[str, pl.DataFrame]:
    """Factors, tags and links as they are now; what breaks a rule was told when all was loaded."""
    return _labels(Admission(past, None))


def _labels(admission: Admission) -> dict[str, pl.DataFrame]:
    """Factors, tags and links: inputs that runs change, or make more of."""
    past, source = admission.past, admission.past.source
    tags = past.of_both("tags_v2", source.read("tags_v2"))
    return {
        "factor_definitions": admission.admit(
            past.of_both("factor_definitions", source.read("factor_definitions")), "factor_definitions"
        ),
        "tags": admission.admit(tags, "tags_v2"),
        "position_tags": admission.admit(past.links(source.read("position_tags"), tags), "position_tags"),
    }


def _has_benchmark(reader: Reader) -> bool:
    reader.require(TABLES["benchmarks_sector_weights"], ["benchmark_code"])
    return bool(reader.query(statement("read/benchmark", code=BENCHMARK)).item())


def _earlier(admission: Admission, first: date, last: date) -> dict[str, pl.DataFrame]:
    previous = admission.before("read/previous_snapshots", "portfolio_snapshots", SNAPSHOT_COLUMNS, first)
    oldest = admission.either("read/first_snapshots", "portfolio_snapshots", FIRST_COLUMNS)
    return {
        "previous_snapshots": newest(previous, "portfolio_id", "snapshot_date"),
        "previous_equity": _previous_equity(admission, previous, first),
        "first_snapshots": oldest.sort(FIRST_COLUMNS[:2]).unique("portfolio_id", keep="first"),
        "kept_snapshots": admission.either(
            "read/owned_dated",
            "portfolio_snapshots",
            KEPT_COLUMNS,
            date=Name("snapshot_date"),
            start=first,
            end=last,
        ),
        "previous_exposures": _previous_exposures(admission, first),
        "previous_market_betas": newest(
            admission.before(
                "read/previous_market_betas", "position_market_betas", MARKET_BETA_COLUMNS, first
            ),
            "position_id",
            "calc_date",
        ),
        "previous_rate_betas": admission.before(
            "read/previous_rate_betas",
            "position_interest_rate_betas",
            RATE_BETA_COLUMNS,
            first,
            oldest=first - timedelta(days=RATE_BETA_DAYS),
        ),
    }


def _previous_equity(admission: Admission, previous: pl.DataFrame, first: date) -> pl.DataFrame:
    """portfolio_id, equity_balance: the newest that is not null. Almost always the newest of all."""
    if previous["equity_balance"].null_count():
        columns = ("portfolio_id", "snapshot_date", "equity_balance")
        previous = admission.before("read/previous_equity", "portfolio_snapshots", columns, first)
    return newest(previous, "portfolio_id", "snapshot_date").select("portfolio_id", "equity_balance")


def _previous_exposures(admission: Admission, first: date) -> pl.DataFrame:
    rows = admission.before(
        "read/previous_exposures", "factor_exposures", EXPOSURE_COLUMNS, first, limit=EXPOSURE_ROWS
    )
    return admission.past.at_home(rows, "factor_id", "factor_definitions")


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
