"""Sector weights and concentration of the snapshots from the run date on."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl

from engine.analytics.concentration.measures import concentration, quotients
from engine.analytics.equity.exposures import present
from engine.analytics.job_result import JobResult, covered, first_reasons, status_rows
from engine.analytics.panels import Portfolios
from engine.analytics.positions.valuation import OPEN
from engine.core.instruments import value_multiplier
from engine.core.job_catalog import (
    HISTORICAL_SESSION,
    NO_BENCHMARK,
    NO_EQUITY,
    NO_POSITIONS,
    NO_VALUE,
    SECTOR,
)
from engine.core.money import GRAINS_A_CENT, integer, scaled
from engine.core.rules import Membership
from engine.numerics.arrays import Ints

ETFS, UNCLASSIFIED = "ETFs", "Unclassified"
GICS_NAMES = {
    "Financial Services": "Financials",
    "Consumer Cyclical": "Consumer Discretionary",
    "Consumer Defensive": "Consumer Staples",
    "Basic Materials": "Materials",
}
"""Names in the GICS standard of the sectors that the provider calls otherwise."""
UNKNOWN = ("", "Unknown")


def sector(
    book: pl.DataFrame,
    days: pl.DataFrame,
    positions: pl.DataFrame,
    profiles: pl.DataFrame,
    has_benchmark: bool,
    portfolios: Portfolios,
    run_date: date,
    membership: Membership = "today",
) -> JobResult:
    """Compute sector weights and concentration from positions' values before the session marks them.

        weight_b = (sum of values in bucket b) / E,  hhi = 10000 sum_s w_s^2

    see `sector_weights` and `concentration`. Only sessions from the run date on have them, and only
    portfolios that hold a position that day; all five columns or none. With membership="today" every open
    position counts, whether or not it was entered by then. Source: document 01 §4.8, document 03 §3.

    Args:
        book: portfolio-major: portfolio_id, date, holds, equity_grains (unrounded).
        days: of `engine.analytics.positions.valuation.mark_to_market`, of the same portfolios.
        positions: the table as it was before the run.
        profiles: symbol, sector, is_etf.
        has_benchmark: without one the legacy batch computes nothing.
        portfolios: P of them.
        run_date: the legacy server's today.
        membership: see `engine.core.rules.Rules`; for "session" the days have held.

    Returns:
        Snapshot columns, no tables. Positions used are those that fall in a bucket.
    """
    cells = book.select("portfolio_id", "date", "holds", "equity_grains")
    held = cells.filter((pl.col("date") >= run_date) & pl.col("holds")).with_row_index("owner")
    lots = present(days, membership) if membership == "session" else open_today(days)
    valued = with_buckets(opening_values(held, lots, positions), profiles)
    bucket = pl.col("bucket")
    worth = pl.col("value").cast(pl.Float64)
    counts = valued.group_by("owner").agg(
        used=bucket.count(),
        left_out=bucket.null_count(),
        rested=worth.filter(bucket.is_not_null()).sum(),
        due=worth.sum(),
    )
    keys = held.select("owner", "portfolio_id", "date")
    figures = [keys, sector_weights(valued, held), concentration(valued, held.height)]
    computed = pl.concat(figures, how="horizontal").join(counts, on="owner", how="left")
    cells = cells.join(computed, on=["portfolio_id", "date"], how="left", maintain_order="left")
    reasons = _reasons(cells, has_benchmark, run_date)
    done = cells.filter(pl.Series(reasons == 0))
    snapshot = done.select("portfolio_id", pl.col("date").alias("snapshot_date"), *SECTOR.columns())
    return JobResult({}, _status_rows(cells, reasons, portfolios), snapshot)


def open_today(days: pl.DataFrame) -> pl.DataFrame:
    """Return the days of the positions that are open today, with their quantity as units (Int128, 1/10,000).

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`.
    """
    return days.filter(OPEN).with_columns(units=scaled("quantity"))


def opening_values(held: pl.DataFrame, lots: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """Return the lots of the portfolios and sessions of `held`, valued before the session.

        value = |market value|, or where there is none |quantity x (last price, else entry price) x m'|

    m' = 100 for options that are not of class PRIVATE, else 1. A position without a market value was never
    marked in the window, so that its last price is still the table's. Source: document 01 §4.8.

    Args:
        held: owner (0, 1, ...), portfolio_id, date.
        lots: of `open_today`, or of `engine.analytics.equity.exposures.present`.
        positions: the table as it was before the run.

    Returns:
        owner, symbol, investment_class, value (Int128 grains); by owner, then by position id.
    """
    # From the table before the run: `lots` has only prices that the window has marked.
    prices = positions.select("id", _price=pl.coalesce(scaled("last_price"), scaled("entry_price")))
    rows = (
        lots.filter(pl.col("date").is_in(held["date"].unique().implode()))
        .join(held.select("owner", "portfolio_id", "date"), on=["portfolio_id", "date"])
        .join(prices, on="id", how="left")
        .sort("owner", "id")
    )
    contract = value_multiplier()
    stored = pl.col("opening_value") * integer(GRAINS_A_CENT)
    value = pl.coalesce(stored, pl.col("units") * pl.col("_price") * contract)
    return rows.select("owner", "symbol", "investment_class", value=value.abs())


def with_buckets(valued: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Put each position into a bucket: Unclassified, ETFs, its sector, or none (null).

    Positions of class PRIVATE or OPTIONS are Unclassified; the others go by the profile of their symbol in
    upper case. Source: document 01 §4.8 steps 2 to 4.

    Args:
        valued: of `opening_values`.
        profiles: symbol, sector, is_etf.

    Returns:
        `valued` with `bucket`.
    """
    sectors = profiles.select(_upper="symbol", _sector=pl.col("sector").str.strip_chars(), _etf="is_etf")
    rows = valued.with_columns(_upper=pl.col("symbol").str.to_uppercase())
    rows = rows.join(sectors, on="_upper", how="left", maintain_order="left")
    named = pl.col("_sector").replace(GICS_NAMES)
    bucket = (
        pl.when(pl.col("investment_class").is_in(("PRIVATE", "OPTIONS")))
        .then(pl.lit(UNCLASSIFIED))
        .when(pl.col("_etf"))
        .then(pl.lit(ETFS))
        .when(~pl.col("_sector").is_in(UNKNOWN))
        .then(named)
    )
    return rows.select(pl.exclude("_upper", "_sector", "_etf"), bucket=bucket)


def sector_weights(valued: pl.DataFrame, held: pl.DataFrame, signed: bool = False) -> pl.DataFrame:
    """Return the weights of the buckets as JSON objects, unrounded.

        weight = sum of the bucket's values / equity

    Equity is the session's own, unrounded; weights need not sum to 1, and are negative where it is. Sectors
    come in order of first appearance, then ETFs and Unclassified where above 0. Source: document 01 §4.8
    step 5.

    Args:
        valued: owner, bucket, value (grains).
        held: owner (0, 1, ...), equity_grains.
        signed: whether values may be negative, so that every bucket counts.

    Returns:
        sector_exposure, a row for each of `held`.
    """
    last = pl.col("bucket").replace_strict({ETFS: 1, UNCLASSIFIED: 2}, default=0, return_dtype=pl.Int8)
    buckets = valued.filter(pl.col("bucket").is_not_null()).group_by("owner", "bucket", maintain_order=True)
    sums = buckets.agg(pl.col("value").sum()).with_columns(last=last)
    sums = sums.filter((pl.col("last") == 0) | (pl.col("value") > 0) | signed)
    sums = sums.sort("owner", "last", maintain_order=True)
    names = sums["bucket"].unique()
    # A sector's name is free text of the provider: json.dumps escapes it, once for each name.
    quoted = pl.col("bucket").replace_strict(
        names, [json.dumps(name) for name in names], return_dtype=pl.String
    )
    sums = sums.join(held, on="owner", how="left", maintain_order="left")
    weight = quotients(sums["value"], sums["equity_grains"]).cast(pl.String)
    entries = sums.with_columns(entry=pl.concat_str(quoted, weight, separator=": "))
    maps = entries.group_by("owner", maintain_order=True).agg("entry")
    inside = pl.col("entry").list.join(", ").fill_null("")
    return held.join(maps, on="owner", how="left", maintain_order="left").select(
        sector_exposure=pl.concat_str(pl.lit("{"), inside, pl.lit("}"))
    )


def _reasons(cells: pl.DataFrame, has_benchmark: bool, run_date: date) -> Ints:
    """Return the number [P * D] of the first reason why there are no figures, 0 where there are some."""
    cases = {
        HISTORICAL_SESSION: cells.select(pl.col("date") < run_date),
        NO_POSITIONS: cells.select(~pl.col("holds")),
        NO_EQUITY: cells.select(pl.col("equity_grains") == 0),
        NO_VALUE: cells.select(pl.col("hhi").is_null()),
    }
    holds = {reason: where.to_series().to_numpy() for reason, where in cases.items()}
    return first_reasons(SECTOR, {**holds, NO_BENCHMARK: not has_benchmark}, (cells.height,))


def _status_rows(cells: pl.DataFrame, reasons: Ints, portfolios: Portfolios) -> pl.DataFrame:
    """Return the status rows of the cells [P * D]."""
    owners = len(portfolios.ids)
    sessions = cells.height // max(owners, 1)
    counts = (np.where(reasons == 0, cells[name].fill_null(0), 0) for name in ("used", "left_out"))
    number, used, left_out = (grid.astype(np.int64).reshape(owners, sessions) for grid in (reasons, *counts))
    rested, due = (
        cells[name].fill_null(0.0).to_numpy().reshape(owners, sessions) for name in ("rested", "due")
    )
    days = cells["date"].head(sessions)
    return status_rows(SECTOR, portfolios, days, number, used, left_out, covered(rested, due))
