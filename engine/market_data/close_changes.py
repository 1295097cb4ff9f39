"""Closes that a collection adds or changes, and the sessions that were computed before from other closes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from engine.core.frames import polars_schema
from engine.core.funds import FACTOR_FUNDS
from engine.core.schema import TABLES
from engine.core.window import PRICE_LOOK_BACK
from engine.market_data.adjustment_basis import NOISE, ROUNDING
from loaders.reader import Reader

STALE = TABLES["engine_stale_sessions"]
CHANGED: dict[str, pl.DataType] = {"first": pl.Date(), "last": pl.Date(), "fresh": pl.Boolean()}
"""First and last day of a symbol whose close was added or changed; fresh: it had no close before."""
HOLDING_COLUMNS = ("portfolio_id", "symbol", "underlying_symbol", "entry_date", "deleted_at")
NAMED_SYMBOLS = 5


def close_changes(stored: pl.DataFrame, written: pl.DataFrame, fresh: bool) -> pl.DataFrame:
    """Return the span of days whose close a write adds or changes: columns of `CHANGED`, at most one row.

    A change that multiplies all stored closes by one factor is a re-basing, and no change: each dividend
    multiplies the closes before its ex-date. A day counts as changed if its return differs, that is if the
    ratio of the written to the stored close is not the one of the stored day before, within rounding.

    Args:
        stored: date, close of the symbol before the write.
        written: date, close of the symbol after it.
        fresh: whether the symbol had no close at all.
    """
    added = written.join(stored, on="date", how="anti")["date"]
    days = pl.concat([added, changed_returns(stored, written)])
    if days.is_empty():
        return pl.DataFrame(schema=CHANGED)
    return pl.DataFrame({"first": [days.min()], "last": [days.max()], "fresh": [fresh]}, schema=CHANGED)


def changed_returns(stored: pl.DataFrame, written: pl.DataFrame) -> pl.Series:
    """Return the days on which the return since the stored day before is not what it was.

    The ratio of two closes that are rounded to 4 decimals lies in an interval; the return differs if the
    intervals of two neighbours have no number in common.

    Args:
        stored: date, close.
        written: date, close.
    """
    common = stored.join(written, on="date", suffix="_new").sort("date")
    old, new = pl.col("close"), pl.col("close_new")
    error = (ROUNDING + NOISE * new + ROUNDING * new / old) / old
    bounds = common.select("date", low=new / old - error, high=new / old + error)
    before_low, before_high = pl.col("low").shift(1), pl.col("high").shift(1)
    return bounds.filter((pl.col("low") > before_high) | (pl.col("high") < before_low))["date"]


class ComputedSessions:
    """Sessions that a store has computed, and which of them a change of closes makes stale.

    Attributes:
        holdings: portfolio_id, symbol, entry_date of lots that are not deleted.
        spans: portfolio_id, oldest, newest stored session.
        stale: rows of engine_stale_sessions.
        names: of portfolios, by id.
    """

    def __init__(
        self,
        holdings: pl.DataFrame,
        spans: pl.DataFrame,
        stale: pl.DataFrame,
        names: Mapping[str, str | None],
    ) -> None:
        self.holdings, self.spans, self.stale, self.names = holdings, spans, stale, names

    def stale_rows(self, changes: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return the rows of engine_stale_sessions that changes make: one for each portfolio concerned.

        A close concerns the portfolios that hold the symbol, for as long as a look-back reaches; one of a
        factor fund concerns all. A symbol that had no close before concerns sessions from the entry of the
        lot on: earlier ones were computed before somebody booked it.

        Args:
            changes: symbol and columns of `CHANGED`.
            now: when they were found.
        """
        entered = pl.when("fresh").then(pl.max_horizontal("first", "entry_date")).otherwise("first")
        held = self.holdings.join(changes, on="symbol").with_columns(first=entered)
        funds = changes.filter(pl.col("symbol").is_in(FACTOR_FUNDS))
        everybody = self.spans.select("portfolio_id").join(funds, how="cross")
        columns = ["portfolio_id", "symbol", "first", "last"]
        concerned = pl.concat([held.select(columns), everybody.select(columns)])
        reached = pl.col("last") + PRICE_LOOK_BACK
        touched = concerned.join(self.spans, on="portfolio_id").filter(
            pl.col("newest") >= pl.col("first"), pl.col("oldest") <= reached
        )
        return self._merged(touched.with_columns(pl.max_horizontal("first", "oldest")), now)

    def _merged(self, touched: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return the rows, with those that the store has already: the earlier session counts."""
        symbols = touched.group_by("portfolio_id", "symbol").agg(pl.col("first").min())
        named = pl.format("{} from {}", "symbol", "first")
        rows = (
            symbols.sort("first", "symbol")
            .group_by("portfolio_id", maintain_order=True)
            .agg(first_session=pl.col("first").min(), reason=named.head(NAMED_SYMBOLS).str.join(", "))
        )
        both = rows.join(self.stale, on="portfolio_id", how="left", suffix="_before", maintain_order="left")
        repeated = pl.col("reason_before").str.contains(pl.col("reason"), literal=True).fill_null(False)
        joined = pl.concat_str("reason_before", "reason", separator=", ", ignore_nulls=True)
        merged = both.select(
            "portfolio_id",
            pl.min_horizontal("first_session", "first_session_before"),
            reason=pl.when(repeated).then("reason_before").otherwise(joined),
            found_at=pl.lit(now),
        )
        return merged.cast(polars_schema(STALE))  # type: ignore[arg-type]

    def remember(self, rows: pl.DataFrame) -> None:
        """Take rows that were written into account for the next ones.

        Args:
            rows: of `stale_rows`.
        """
        kept = self.stale.join(rows, on="portfolio_id", how="anti")
        self.stale = pl.concat([kept, rows.select(kept.columns)])


def read_computed(reader: Reader) -> ComputedSessions:
    """Return the sessions that a store has computed.

    Args:
        reader: of a store that holds the positions, the prices and the results.
    """
    positions = reader.read("positions", HOLDING_COLUMNS).filter(pl.col("deleted_at").is_null())
    symbols = (
        positions.select(
            "portfolio_id", "entry_date", symbol=pl.col(name).str.strip_chars().str.to_uppercase()
        )
        for name in ("symbol", "underlying_symbol")
    )
    holdings = pl.concat(symbols).drop_nulls()
    spans = reader.select("read/stored_spans", "portfolio_snapshots", ("portfolio_id", "snapshot_date"))
    oldest_and_newest = spans.group_by("portfolio_id").agg(
        oldest=pl.col("snapshot_date").min(), newest=pl.col("snapshot_date").max()
    )
    names = dict(reader.read("portfolios", ["id", "name"]).iter_rows())
    return ComputedSessions(holdings.unique(), oldest_and_newest, reader.read(STALE.name), names)


def can_record(reader: Reader) -> bool:
    """Return whether a store has, or may be given, the table of stale sessions.

    Args:
        reader: of the store.
    """
    return STALE.name in reader.columns or reader.may_create
