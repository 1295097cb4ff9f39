"""Correlations: every pair of a portfolio's larger holdings, and the head of their matrix."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analytics.correlations.common_days import Closes
from engine.analytics.correlations.holdings import Holdings, holdings
from engine.analytics.correlations.matrices import Matrices, matrices, stack
from engine.analytics.job_result import Outcome, first_reasons, status_grid
from engine.analytics.positions.lots import Portfolios
from engine.analytics.price_panel import Panel
from engine.core.frames import UTC_MICROSECONDS, coded
from engine.core.job_catalog import (
    CORRELATIONS,
    INSUFFICIENT_RETURNS,
    MIN_POSITION_PERCENT,
    MIN_POSITION_VALUE,
    NO_COMMON_RETURNS,
    NO_POSITIONS_PASS_FILTER,
)
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from engine.numerics.windows import window_bounds

THRESHOLD = 0.7
"""Of clusters, which the batch doesn't make."""


def correlations(
    days: pl.DataFrame,
    portfolios: Portfolios,
    panel: Panel,
    closes: pl.DataFrame,
    dates: pl.Series,
) -> Outcome:
    """Rows of correlation_calculations and of pairwise_correlations.

    Where the panel has no close at all of any symbol that passes the filter, every stored close of
    those symbols stands in, on whatever day. Source: document 03 §2.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`: every position of every session.
        closes: symbol, date, close: as stored.
        dates: [D] the window's sessions.
    """
    held = holdings(days, portfolios)
    found = stack([_of_panel(held, panel), *_of_stored(held, panel, closes)])
    heads = _heads(held, found)
    complete = _stored_heads(heads.filter(pl.col("size") > 0), held, portfolios, dates)
    tables = {
        "correlation_calculations": complete.drop(heads.columns),
        "pairwise_correlations": _pair_rows(complete, held, found),
    }
    return Outcome(tables=tables, status=_status(heads, held, portfolios, dates))


def _of_panel(held: Holdings, panel: Panel) -> Matrices:
    """Matrices from the closes that regressions see."""
    closes = Closes(panel.close, *panel.bounds(CORRELATIONS.look_back))
    return matrices(closes, panel.columns(held.symbol), held.owner, held.lots > 0)


def _of_stored(held: Holdings, panel: Panel, closes: pl.DataFrame) -> list[Matrices]:
    """Matrices from every stored close, for portfolios and sessions of which the panel has none."""
    unseen = (held.lots > 0) & _unseen(held, panel)[held.owner]
    if not unseen.any():
        return []
    symbols = held.symbol.filter(pl.Series(unseen.any(axis=1))).unique().sort()
    oldest = pl.lit(int(panel.targets[0]) - CORRELATIONS.look_back)
    number = pl.col("date").to_physical()
    rows = closes.filter(
        (pl.col("close") > 0) & pl.col("symbol").is_in(symbols.implode()) & (number >= oldest)
    ).select("symbol", pl.col("close").cast(pl.Float64), day=number.cast(pl.Int64))
    days = rows["day"].unique().sort().to_numpy()
    close = np.full((days.size, symbols.len()), np.nan)
    at = np.searchsorted(days, rows["day"]), symbols.search_sorted(rows["symbol"]).to_numpy()
    close[at] = rows["close"]
    stored = Closes(close, *window_bounds(days, panel.targets, CORRELATIONS.look_back))
    place = symbols.search_sorted(held.symbol).to_numpy().astype(np.int64)
    column = np.where(unseen.any(axis=1), place, -1)
    return [matrices(stored, column, held.owner, unseen)]


def _unseen(held: Holdings, panel: Panel) -> NDArray[np.bool_]:
    """[P,D]: whether the panel has no close of any symbol that passes the filter."""
    column = panel.columns(held.symbol)
    counts = Closes(panel.close, *panel.bounds(CORRELATIONS.look_back)).counts()
    blank = np.zeros((len(counts), 1), dtype=np.int64)
    seen = np.concatenate((counts, blank), axis=1)[:, column].T > 0
    return np.asarray(held.lots_by_portfolio(seen) == 0)


def _heads(held: Holdings, found: Matrices) -> pl.DataFrame:
    """One row for each matrix: owner, session, size, n, total, overall, used, lots.

    total: the sum of rho; overall: the mean |rho| over the pairs above the diagonal that are not 0, and
    0 if there are none; used: lots of its symbols; lots: those that passed the filter.
    """
    passed = held.lots_by_portfolio(held.lots > 0)
    count = found.owner.size
    upper = (found.first < found.second) & (found.rho != 0.0)
    magnitude = np.bincount(found.matrix, np.where(upper, np.abs(found.rho), 0.0), minlength=count)
    pairs = np.bincount(found.matrix, upper, minlength=count)
    own = np.flatnonzero(found.first == found.second)
    lots = held.lots[found.first[own], found.session[found.matrix[own]]]
    return pl.DataFrame(
        {
            "owner": found.owner,
            "session": found.session,
            "size": found.size,
            "n": found.n,
            "total": np.bincount(found.matrix, found.rho, minlength=count),
            "overall": magnitude / np.maximum(pairs, 1.0),
            "used": np.bincount(found.matrix[own], lots, minlength=count).astype(np.int64),
            "lots": passed[found.owner, found.session],
        }
    )


def _stored_heads(
    heads: pl.DataFrame, held: Holdings, portfolios: Portfolios, dates: pl.Series
) -> pl.DataFrame:
    """The heads with the columns of correlation_calculations.

        effective_positions = 1 / Q where Q = sum of rho / lots^2 is above 0, else lots

    Source: document 03 §2.7.
    """
    spread = pl.col("total") / pl.col("lots") ** 2
    lots = pl.col("lots").cast(pl.Float64)
    midnight = dates.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(UTC_MICROSECONDS)
    owner = heads["owner"].to_numpy()
    rows = heads.with_columns(
        portfolio_id=portfolios.ids.gather(owner),
        duration_days=pl.lit(CORRELATIONS.look_back, pl.Int32),
        calculation_date=midnight.gather(heads["session"].to_numpy()),
        overall_correlation="overall",
        correlation_concentration_score=0.0,
        effective_positions=pl.when((spread > 0) & spread.is_not_nan()).then(1.0 / spread).otherwise(lots),
        data_quality=pl.lit("sufficient"),
        min_position_value=pl.lit(float(MIN_POSITION_VALUE)),
        min_portfolio_weight=MIN_POSITION_PERCENT / 100,
        filter_mode=pl.lit("both"),
        correlation_threshold=THRESHOLD,
        positions_included=pl.col("size").cast(pl.Int32),
        positions_excluded=(pl.Series(held.all_lots[owner]) - heads["size"]).cast(pl.Int32),
    )
    key = (rows[name] for name in TABLES["correlation_calculations"].key)
    return rows.with_columns(row_ids("correlation_calculations", *key))


def _pair_rows(complete: pl.DataFrame, held: Holdings, found: Matrices) -> pl.DataFrame:
    """Rows of pairwise_correlations, sorted by their key: sorted rows are stored twice as fast."""
    order = complete["id"].arg_sort().to_numpy()
    symbol = coded(held.symbol)
    of_head = complete.select(
        "portfolio_id",
        coded(complete["id"]).alias("correlation_calculation_id"),
        data_points=pl.col("n").cast(pl.Int32),
    )
    cells = complete["size"].to_numpy() ** 2
    start, cells = (np.cumsum(cells) - cells)[order], cells[order]
    row = np.arange(found.rho.size) + np.repeat(start - (np.cumsum(cells) - cells), cells)
    return of_head[np.repeat(order, cells)].with_columns(
        symbol_1=symbol.gather(found.first[row]),
        symbol_2=symbol.gather(found.second[row]),
        correlation_value=found.rho[row],
        statistical_significance=found.significance[row],
    )


def _status(heads: pl.DataFrame, held: Holdings, portfolios: Portfolios, dates: pl.Series) -> pl.DataFrame:
    """ok, or why there is no matrix. Positions left out: all of the portfolio's that are not in it."""
    at = heads["owner"].to_numpy(), heads["session"].to_numpy()
    returns = np.zeros(portfolios.gross.shape, dtype=np.int64)
    returns[at] = heads["n"].to_numpy()
    used = np.zeros_like(returns)
    used[at] = heads["used"].to_numpy()
    cases = {
        NO_POSITIONS_PASS_FILTER: held.lots_by_portfolio(held.lots > 0) == 0,
        NO_COMMON_RETURNS: returns <= 0,
        INSUFFICIENT_RETURNS: returns < CORRELATIONS.minimum,
    }
    reasons = first_reasons(CORRELATIONS, cases, returns.shape)
    return status_grid(CORRELATIONS, portfolios, dates, reasons, used, held.all_lots[:, None] - used)
