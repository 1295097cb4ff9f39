"""Sectors and concentration of the snapshots of the run date and after."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl

from engine.analytics.concentration.measures import concentration, quotients
from engine.analytics.job_result import Outcome, first_reasons, status_grid
from engine.analytics.positions.lots import Portfolios
from engine.analytics.positions.valuation import OPEN
from engine.core.instruments import CONTRACT_SIZE, is_option
from engine.core.job_catalog import (
    HISTORICAL_SESSION,
    NO_BENCHMARK,
    NO_EQUITY,
    NO_POSITIONS,
    NO_VALUE,
    SECTOR,
)
from engine.core.money import GRAINS_A_CENT, integer, scaled
from engine.numerics.arrays import Ints

ETFS, UNCLASSIFIED = "ETFs", "Unclassified"
GICS_NAMES = {
    "Financial Services": "Financials",
    "Consumer Cyclical": "Consumer Discretionary",
    "Consumer Defensive": "Consumer Staples",
    "Basic Materials": "Materials",
}
"""The standard's names of the sectors that the provider calls otherwise."""
UNKNOWN = ("", "Unknown")


def sector(
    book: pl.DataFrame,
    days: pl.DataFrame,
    positions: pl.DataFrame,
    profiles: pl.DataFrame,
    has_benchmark: bool,
    portfolios: Portfolios,
    run_date: date,
) -> Outcome:
    """Sector weights and concentration, from values as the session finds its positions.

    Only sessions from the run date on have them, and only portfolios that hold something that
    day; all five columns or none. Every open lot counts, entered by then or not. Source:
    document 01 §4.8, document 03 §3.

    Args:
        book: portfolio-major: portfolio_id, date, holds, equity_grains (unrounded).
        days: of `engine.analytics.positions.valuation.mark_to_market`, of the same portfolios.
        positions: the table as it was before the run.
        profiles: symbol, sector, is_etf.
        has_benchmark: without one the legacy batch computes nothing.

    Returns:
        No tables. Lots used are those that fall in a bucket.
    """
    cells = book.select("portfolio_id", "date", "holds", "equity_grains")
    held = cells.filter((pl.col("date") >= run_date) & pl.col("holds")).with_row_index("owner")
    lots = with_buckets(found_values(held, days, positions), profiles)
    counts = lots.group_by("owner").agg(used=pl.col("bucket").count(), left_out=pl.col("bucket").null_count())
    keys = held.select("owner", "portfolio_id", "date")
    figures = [keys, sector_weights(lots, held), concentration(lots, held.height)]
    found = pl.concat(figures, how="horizontal").join(counts, on="owner", how="left")
    judged = cells.join(found, on=["portfolio_id", "date"], how="left", maintain_order="left")
    reasons = _reasons(judged, has_benchmark, run_date)
    done = judged.filter(pl.Series(reasons == 0))
    snapshot = done.select("portfolio_id", pl.col("date").alias("snapshot_date"), *SECTOR.columns())
    return Outcome({}, _status(judged, reasons, portfolios), snapshot)


def found_values(held: pl.DataFrame, days: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """The open lots of the portfolios and sessions of `held`, valued as the session finds them.

        value = |market value|, or where there is none |quantity x (last price, else entry price) x m'|

    m' = 100 for options that are not of class PRIVATE. A lot without a market value was never
    marked in the window, so that its last price is still the table's. Source: document 01 §4.8.

    Returns:
        owner, symbol, investment_class, value (Int128 grains); by owner, then by position id.
    """
    prices = positions.select("id", _price=pl.coalesce(scaled("last_price"), scaled("entry_price")))
    lots = (
        days.filter(pl.col("date").is_in(held["date"].unique().implode()) & OPEN)
        .join(held.select("owner", "portfolio_id", "date"), on=["portfolio_id", "date"])
        .join(prices, on="id", how="left")
        .sort("owner", "id")
    )
    private = (pl.col("investment_class").str.to_uppercase() == "PRIVATE").fill_null(False)
    contract = pl.when(is_option() & ~private).then(CONTRACT_SIZE).otherwise(1)
    stored = pl.col("opening_value") * integer(GRAINS_A_CENT)
    value = pl.coalesce(stored, scaled("quantity") * pl.col("_price") * contract)
    return lots.select("owner", "symbol", "investment_class", value=value.abs())


def with_buckets(lots: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Put each lot into a bucket: Unclassified, ETFs, its sector, or none (null).

    Lots of class PRIVATE or OPTIONS are Unclassified; the others go by the profile of their
    symbol in upper case. Source: document 01 §4.8 steps 2 to 4.
    """
    known = profiles.select(_upper="symbol", _sector=pl.col("sector").str.strip_chars(), _etf="is_etf")
    rows = lots.with_columns(_upper=pl.col("symbol").str.to_uppercase())
    rows = rows.join(known, on="_upper", how="left", maintain_order="left")
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


def sector_weights(lots: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The weights of the buckets as JSON objects, unrounded.

        weight = sum of the bucket's values / equity

    Equity is the session's own, unrounded; weights need not sum to 1, and are negative where it
    is. Sectors come in order of first appearance, then ETFs and Unclassified where above 0.
    Source: document 01 §4.8 step 5.

    Args:
        lots: owner, bucket, value (grains).
        held: owner (0, 1, ...), equity_grains.

    Returns:
        sector_exposure, a row for each of `held`.
    """
    last = pl.col("bucket").replace_strict({ETFS: 1, UNCLASSIFIED: 2}, default=0, return_dtype=pl.Int8)
    buckets = lots.filter(pl.col("bucket").is_not_null()).group_by("owner", "bucket", maintain_order=True)
    sums = buckets.agg(pl.col("value").sum()).with_columns(last=last)
    sums = sums.filter((pl.col("last") == 0) | (pl.col("value") > 0)).sort(
        "owner", "last", maintain_order=True
    )
    names = sums["bucket"].unique()
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


def _reasons(judged: pl.DataFrame, has_benchmark: bool, run_date: date) -> Ints:
    """Return the number [P * D] of the first reason why there are no figures, 0 where there are some."""
    cases = {
        HISTORICAL_SESSION: judged.select(pl.col("date") < run_date),
        NO_POSITIONS: judged.select(~pl.col("holds")),
        NO_EQUITY: judged.select(pl.col("equity_grains") == 0),
        NO_VALUE: judged.select(pl.col("hhi").is_null()),
    }
    holds = {reason: where.to_series().to_numpy() for reason, where in cases.items()}
    return first_reasons(SECTOR, {**holds, NO_BENCHMARK: not has_benchmark}, (judged.height,))


def _status(judged: pl.DataFrame, reasons: Ints, portfolios: Portfolios) -> pl.DataFrame:
    owners = len(portfolios.ids)
    sessions = judged.height // max(owners, 1)
    counts = (np.where(reasons == 0, judged[name].fill_null(0), 0) for name in ("used", "left_out"))
    grids = (cells.astype(np.int64).reshape(owners, sessions) for cells in (reasons, *counts))
    return status_grid(SECTOR, portfolios, judged["date"].head(sessions), *grids)
