"""Sectors and concentration of every session, from the values of that session: long, short and net."""

from __future__ import annotations

import polars as pl

from engine.analytics.concentration.measures import concentration, quotients
from engine.analytics.concentration.sector import (
    GICS_NAMES,
    UNCLASSIFIED,
    sector_weights,
    with_buckets,
)
from engine.analytics.job_result import JobResult, covered, first_reasons, status_rows
from engine.analytics.panels import Portfolios
from engine.core.instruments import multiplier
from engine.core.job_catalog import (
    HISTORICAL_SESSION,
    NO_BENCHMARK,
    NO_EQUITY,
    NO_POSITIONS,
    NO_VALUE,
    SECTOR,
)
from engine.core.money import GRAINS_A_CENT, half_away, integer, scaled
from engine.numerics.arrays import Ints

TABLE = "engine_sector_exposures"


def session_sectors(
    book: pl.DataFrame,
    present: pl.DataFrame,
    profiles: pl.DataFrame,
    benchmark: pl.DataFrame,
    portfolios: Portfolios,
) -> JobResult:
    """Compute sector weights and concentration of every session that holds a position.

        weight_b = (long_b - |short_b|) / E,  hhi = 10000 sum_s w_s^2,  w_s = |v_s| / sum of |v|

    v are signed values of the session: quantity x newest close x m, or for a private asset without a close
    its stored value, else its entry price. Every position with a value is in a bucket; one without a known
    sector is Unclassified. The concentration adds the sizes of long and short lots of a symbol. A portfolio
    without a benchmark has its figures all the same.

    Args:
        book: portfolio-major: portfolio_id, date, holds, equity_grains (unrounded).
        present: of `engine.analytics.equity.exposures.present`.
        profiles: symbol, sector, is_etf.
        benchmark: asof_date, sector, weight of the benchmark, sorted by date.
        portfolios: P of them.

    Returns:
        Snapshot columns and engine_sector_exposures. Positions used are those with a value.
    """
    cells = book.select("portfolio_id", "date", "holds", "equity_grains")
    held = cells.filter("holds").with_row_index("owner")
    values = session_values(held, present)
    known = pl.col("value").is_not_null()
    counts = values.group_by("owner").agg(
        used=known.sum(),
        left_out=(~known).sum(),
        rested=pl.col("weight").filter(known).sum(),
        due=pl.col("weight").sum(),
    )
    valued = with_buckets(values.drop_nulls("value"), profiles)
    valued = valued.with_columns(pl.col("bucket").fill_null(UNCLASSIFIED))
    sizes = valued.with_columns(pl.col("value").abs())
    keys = held.select("owner", "portfolio_id", "date")
    figures = [keys, sector_weights(valued, held, signed=True), concentration(sizes, held.height)]
    computed = pl.concat(figures, how="horizontal").join(counts, on="owner", how="left")
    cells = cells.join(computed, on=["portfolio_id", "date"], how="left", maintain_order="left")
    reasons = _reasons(cells)
    done = cells.filter(pl.Series(reasons == 0))
    snapshot = done.select("portfolio_id", pl.col("date").alias("snapshot_date"), *SECTOR.columns())
    rows = sector_rows(valued, held, benchmark).join(done, on=["portfolio_id", "date"], how="semi")
    status = _status(cells, reasons, portfolios)
    return JobResult({TABLE: rows.rename({"date": "calculation_date"})}, status, snapshot)


def _reasons(cells: pl.DataFrame) -> Ints:
    """Return the number of the reason against each portfolio and session, 0 for none."""
    cases = {
        NO_POSITIONS: cells.select(~pl.col("holds")),
        NO_EQUITY: cells.select(pl.col("equity_grains") == 0),
        NO_VALUE: cells.select(pl.col("hhi").is_null()),
    }
    holds = {reason: where.to_series().to_numpy() for reason, where in cases.items()}
    never = {HISTORICAL_SESSION: False, NO_BENCHMARK: False}
    return first_reasons(SECTOR, {**holds, **never}, (cells.height,))


def _status(cells: pl.DataFrame, reasons: Ints, portfolios: Portfolios) -> pl.DataFrame:
    """Return the status rows; positions used and left out are counted where the figures are written."""
    shape = portfolios.equity.shape
    used, left_out = (
        cells.select(pl.when(pl.Series(reasons == 0)).then(name).fill_null(0).cast(pl.Int64))
        .to_series()
        .to_numpy()
        .reshape(shape)
        for name in ("used", "left_out")
    )
    rested, due = (cells[name].fill_null(0.0).to_numpy().reshape(shape) for name in ("rested", "due"))
    dates, coverage = cells["date"].head(shape[1]), covered(rested, due)
    return status_rows(SECTOR, portfolios, dates, reasons.reshape(shape), used, left_out, coverage)


def session_values(held: pl.DataFrame, present: pl.DataFrame) -> pl.DataFrame:
    """Return the positions of each portfolio and session, with their signed values after the session.

    Args:
        held: owner (0, 1, ...), portfolio_id, date.
        present: of `engine.analytics.equity.exposures.present`.

    Returns:
        owner, symbol, investment_class, weight (USD, of the coverage), value (Int128 grains, null without a
        price); by owner, then by id.
    """
    rows = present.join(held.select("owner", "portfolio_id", "date"), on=["portfolio_id", "date"])
    stored = pl.col("market_value") * integer(GRAINS_A_CENT)
    value = (
        pl.when(pl.col("newest_close") > 0)
        .then(pl.col("units") * pl.col("newest_close").cast(pl.Int128) * multiplier())
        .when("private")
        .then(
            pl.coalesce(
                pl.when(pl.col("market_value") > 0).then(stored), pl.col("units") * scaled("entry_price")
            )
        )
    )
    valued = rows.select("owner", "id", "symbol", "investment_class", "weight", value=value)
    return valued.sort("owner", "id").drop("id")


def sector_rows(valued: pl.DataFrame, held: pl.DataFrame, benchmark: pl.DataFrame) -> pl.DataFrame:
    """Return the long, short and net value of each bucket, and the benchmark's weight as of the session.

    Args:
        valued: owner, bucket, value (signed grains).
        held: owner, portfolio_id, date, equity_grains.
        benchmark: asof_date, sector (in the provider's names or the GICS standard's), weight: the newest date
            up to a session counts.

    Returns:
        portfolio_id, date, sector, long_value, short_value, net_value (Int128 cents), weight (fraction of the
        equity), benchmark_weight.
    """
    value = pl.col("value")
    sums = valued.group_by("owner", "bucket", maintain_order=True).agg(
        long_value=value.filter(value > 0).sum(),
        short_value=value.filter(value < 0).sum(),
        net_value=value.sum(),
    )
    rows = sums.join(held, on="owner", maintain_order="left").sort("date")
    days = benchmark.select(asof="asof_date").unique().sort("asof")
    rows = rows.join_asof(days, left_on="date", right_on="asof", strategy="backward")
    named = pl.col("sector").replace(GICS_NAMES)
    weights = benchmark.select(asof="asof_date", bucket=named, benchmark_weight="weight")
    rows = rows.join(weights, on=["asof", "bucket"], how="left", maintain_order="left")
    amounts = ("long_value", "short_value", "net_value")
    return rows.select(
        "portfolio_id",
        "date",
        pl.col("bucket").alias("sector"),
        *(half_away(pl.col(name), GRAINS_A_CENT).alias(name) for name in amounts),
        quotients(rows["net_value"], rows["equity_grains"]).alias("weight"),
        pl.col("benchmark_weight").cast(pl.Float64),
    )
