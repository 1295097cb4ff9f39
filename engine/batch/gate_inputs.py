"""Read what the gate decides by: the quoted lots of a store, and their closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from engine.batch.gate import (
    CloseData,
    Decisions,
    Policy,
    decide,
    missing_closes,
    never_computed,
    quoted_lots,
)
from engine.batch.shards import live_portfolios
from engine.core.request_outcomes import FINAL_OUTCOMES, NO_BAR, RECENTLY_TRADED
from loaders.reader import Reader
from loaders.structure import refuse_other_spellings
from sql import statement

POSITION_COLUMNS = (
    "portfolio_id",
    "symbol",
    "position_type",
    "investment_class",
    "quantity",
    "entry_price",
    "entry_date",
    "exit_date",
    "expiration_date",
    "deleted_at",
)
CLOSE_COLUMNS = ("symbol", "date", "close")


def read_lots(reader: Reader) -> pl.DataFrame:
    """Return the quoted lots of the portfolios that are not deleted: see `engine.batch.gate.quoted_lots`."""
    live, _ = live_portfolios(reader, None)
    lots = quoted_lots(reader.read("positions", POSITION_COLUMNS))
    return lots.filter(pl.col("portfolio_id").is_in(pl.Series(live, dtype=pl.String).implode()))


def read_closes(reader: Reader, lots: pl.DataFrame, days: Sequence[date], hold: bool = False) -> CloseData:
    """Return what the store knows of the closes of lots on some days.

    Usually every close is there; then only those of the days themselves are read.

    Args:
        reader: of the inputs.
        lots: of `read_lots`.
        days: sessions, ascending.
        hold: whether sessions may wait for closes: then what decides whether these may still come is read.
    """
    symbols = lots["symbol"].unique().sort().to_list()
    if not days or not symbols:
        return CloseData(pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "close": pl.Float64}))
    bars = reader.select(
        "read/bars", "market_data_cache", CLOSE_COLUMNS, start=days[0], end=days[-1], symbols=symbols
    )
    closes = _valid(bars)
    holes = missing_closes(lots, days, closes)
    # Before the first entry there are no holes, and the store may have no close at all.
    if holes.is_empty() and all(lots["first"].min() <= day for day in days[:1]):  # type: ignore[operator]
        return CloseData(closes, holes=holes)
    missing = holes["symbol"].unique().sort().to_list()
    older = _older(reader, days[0], missing)
    refuse_other_spellings(reader, set(missing).difference(closes["symbol"].unique(), older["symbol"]))
    # With a close before the first day no day lies before the first close.
    first = reader.query(statement("read/first_close")).item() if older.is_empty() else None
    data = CloseData(closes, older, first=first, holes=holes)
    return data._replace(**_prospects(reader, missing, days)) if hold else data


def decisions(reader: Reader, due: pl.DataFrame, policy: Policy) -> Decisions:
    """Return the decisions on the sessions that are due: see `engine.batch.gate.decide`.

    Args:
        reader: of the inputs.
        due: portfolio_id, date.
        policy: of the run.
    """
    if due.is_empty():
        return Decisions()
    lots = read_lots(reader)
    days = due["date"].unique().sort().to_list()
    return decide(due, lots, read_closes(reader, lots, days, policy.hold), policy)


def never_due(reader: Reader, days: Sequence[date]) -> pl.Series:
    """Return the days, of some, that no run computes because they have no close.

    Args:
        reader: of the inputs.
        days: sessions, ascending.
    """
    lots = read_lots(reader)
    return never_computed(days, lots, read_closes(reader, lots, days), Policy(date.max))["date"]


def held_days(reader: Reader) -> pl.DataFrame:
    """Return portfolio_id, date of the sessions that the last runs held back."""
    rows = reader.select("read/held_back", "analytics_status", ("portfolio_id", "calculation_date"))
    return rows.rename({"calculation_date": "date"})


def _older(reader: Reader, day: date, symbols: Sequence[str]) -> pl.DataFrame:
    """Return the newest close of symbols before a day, by which lots without a close are valued."""
    rows = reader.select(
        "read/last_closes",
        "market_data_cache",
        CLOSE_COLUMNS,
        start=day,
        symbols=symbols,
        everyone=False,
        portfolios=(),
    )
    return _valid(rows).select("symbol", "close")


def _prospects(reader: Reader, symbols: Sequence[str], days: Sequence[date]) -> dict[str, Any]:
    """Return the fields of `CloseData` that decide whether missing closes may still come."""
    extents = reader.query(statement("read/price_extents", symbols=symbols))
    newest = extents.select("symbol", pl.col("newest").cast(pl.Date))
    gaps = reader.select(
        "read/bars",
        "engine_price_gaps",
        ("symbol", "date", "reason"),
        start=days[0],
        end=days[-1],
        symbols=symbols,
    )
    series = reader.select("read/of_symbols", "engine_price_series", ("symbol", "outcome"), symbols=symbols)
    traded = newest.filter(pl.col("newest") >= days[-1] - RECENTLY_TRADED)
    unknown = series.filter(pl.col("outcome").is_in(FINAL_OUTCOMES)).join(traded, on="symbol", how="anti")
    return {
        "newest": newest,
        "absent": gaps.filter(pl.col("reason") == NO_BAR).select("symbol", "date"),
        "unknown": frozenset(unknown["symbol"]),
    }


def _valid(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose close is a price: not 0, and no NaN, which Postgres can store."""
    values = rows.with_columns(pl.col("close").cast(pl.Float64))
    return values.filter(pl.col("close") > 0, pl.col("close").is_finite())
