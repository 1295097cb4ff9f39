"""Correlations: every pair of a portfolio's larger holdings, and a summary of their matrix."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine.analytics.correlations.common_days import SymbolCloses
from engine.analytics.correlations.holdings import SymbolHoldings, holdings
from engine.analytics.correlations.matrices import Matrices, matrices, stack
from engine.analytics.job_result import JobResult, covered, first_reasons, status_rows
from engine.analytics.panels import Portfolios, PortfolioSums, PricePanel, window_bounds
from engine.core.frames import UTC_MICROSECONDS
from engine.core.job_catalog import (
    CORRELATIONS,
    INSUFFICIENT_RETURNS,
    MIN_POSITION_PERCENT,
    MIN_POSITION_VALUE,
    NO_COMMON_RETURNS,
    NO_POSITIONS_PASS_FILTER,
)
from engine.core.row_ids import row_ids
from engine.core.rules import Membership, StaleFigures
from engine.core.schema import TABLES
from engine.core.sort_keys import enumerated
from engine.numerics.arrays import Bools

THRESHOLD = 0.7
"""Of clusters, which the legacy batch does not compute."""


def correlations(
    days: pl.DataFrame,
    portfolios: Portfolios,
    panel: PricePanel,
    closes: pl.DataFrame,
    dates: pl.Series,
    stale: StaleFigures,
    membership: Membership = "today",
) -> JobResult:
    """Compute correlation matrices of the holdings that pass the filter.

        rho_ij = corr(r_i, r_j),  r_t = ln(close_t / close_p)

    over the days of 90 calendar days on which all holdings of the portfolio have a close, p the one before
    t of these; at least 20 returns: see `engine.numerics.correlation`. If the panel has no close of any
    symbol that passes, every stored close of those symbols is used, on whatever day. Source: document 03
    §2.

    Args:
        days: of `engine.analytics.positions.valuation.mark_to_market`: every position of every session.
        portfolios: P of them; gross exposure [P, D].
        panel: closes of T sessions.
        closes: symbol, date, close: as stored.
        dates: [D] the window's sessions.
        stale: "refused": a symbol without a close in the session is in no matrix of it.
        membership: see `engine.core.rules.Rules`.

    Returns:
        correlation_calculations, pairwise_correlations.
    """
    held = holdings(days, portfolios, membership)
    fresh = panel.quoted[:, panel.columns(held.symbol)].T if stale == "refused" else np.True_
    parts = [_of_panel(held, panel, fresh)]
    computed = stack(parts if stale == "refused" else [*parts, *_of_stored(held, panel, closes)])
    summaries = _summaries(held, computed)
    rows = _calculation_rows(summaries.filter(pl.col("size") > 0), held, portfolios, dates)
    tables = {
        "correlation_calculations": rows.drop(summaries.columns),
        "pairwise_correlations": _pair_rows(rows, held, computed),
    }
    return JobResult(tables=tables, status=_status_rows(summaries, held, portfolios, dates))


def _of_panel(held: SymbolHoldings, panel: PricePanel, fresh: Bools | np.bool_) -> Matrices:
    """Compute matrices from the closes that regressions see, of the holdings [U, D] that are fresh."""
    closes = SymbolCloses(panel.close, *panel.bounds(CORRELATIONS.look_back))
    return matrices(closes, panel.columns(held.symbol), held.owner, np.asarray((held.positions > 0) & fresh))


def _of_stored(held: SymbolHoldings, panel: PricePanel, closes: pl.DataFrame) -> list[Matrices]:
    """Compute matrices from every stored close, for portfolios and sessions of which the panel has none."""
    unseen = (held.positions > 0) & _unseen(held, panel)[held.owner]
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
    stored = SymbolCloses(close, *window_bounds(days, panel.targets, CORRELATIONS.look_back))
    place = symbols.search_sorted(held.symbol).to_numpy().astype(np.int64)
    column = np.where(unseen.any(axis=1), place, -1)
    return [matrices(stored, column, held.owner, unseen)]


def _unseen(held: SymbolHoldings, panel: PricePanel) -> Bools:
    """Return whether the panel has no close of any symbol that passes the filter, [P, D]."""
    column = panel.columns(held.symbol)
    counts = SymbolCloses(panel.close, *panel.bounds(CORRELATIONS.look_back)).counts()
    # The last column is that of symbols without any close, whose column is -1.
    seen = np.pad(counts > 0, ((0, 0), (0, 1)))[:, column].T
    return np.asarray(held.count(seen) == 0)


def _summaries(held: SymbolHoldings, computed: Matrices) -> pl.DataFrame:
    """Return one row for each matrix: owner, session, size, n, total, overall, used, rested, passed.

    total: the sum of rho; overall: the mean |rho| over the pairs above the diagonal that are not 0, and
    0 if there are none; used: positions of its symbols; rested: their USD; passed: those that
    pass the filter.
    """
    passed = held.count(held.positions > 0)
    count = computed.owner.size
    upper = (computed.first < computed.second) & (computed.rho != 0.0)
    magnitude = np.bincount(computed.matrix, np.where(upper, np.abs(computed.rho), 0.0), minlength=count)
    pairs = np.bincount(computed.matrix, upper, minlength=count)
    # The diagonal names each symbol of a matrix once.
    own = np.flatnonzero(computed.first == computed.second)
    at = computed.first[own], computed.session[computed.matrix[own]]
    return pl.DataFrame(
        {
            "owner": computed.owner,
            "session": computed.session,
            "size": computed.size,
            "n": computed.n,
            "total": np.bincount(computed.matrix, computed.rho, minlength=count),
            "overall": magnitude / np.maximum(pairs, 1.0),
            "used": np.bincount(computed.matrix[own], held.positions[at], minlength=count).astype(np.int64),
            "rested": np.bincount(computed.matrix[own], held.value[at], minlength=count),
            "passed": passed[computed.owner, computed.session],
        }
    )


def _calculation_rows(
    summaries: pl.DataFrame, held: SymbolHoldings, portfolios: Portfolios, dates: pl.Series
) -> pl.DataFrame:
    """Return the summaries with the columns of correlation_calculations.

        effective_positions = 1 / Q where Q = sum of rho / passed^2 is above 0, else passed

    Source: document 03 §2.7.
    """
    spread = pl.col("total") / pl.col("passed") ** 2
    passed = pl.col("passed").cast(pl.Float64)
    # The legacy column is a timestamp: midnight UTC of the session.
    midnight = dates.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(UTC_MICROSECONDS)
    owner = summaries["owner"].to_numpy()
    every = held.all_positions[owner, summaries["session"].to_numpy()]
    rows = summaries.with_columns(
        portfolio_id=portfolios.ids.gather(owner),
        duration_days=pl.lit(CORRELATIONS.look_back, pl.Int32),
        calculation_date=midnight.gather(summaries["session"].to_numpy()),
        overall_correlation="overall",
        correlation_concentration_score=0.0,
        effective_positions=pl.when((spread > 0) & spread.is_not_nan()).then(1.0 / spread).otherwise(passed),
        data_quality=pl.lit("sufficient"),
        min_position_value=pl.lit(float(MIN_POSITION_VALUE)),
        min_portfolio_weight=MIN_POSITION_PERCENT / 100,
        filter_mode=pl.lit("both"),
        correlation_threshold=THRESHOLD,
        positions_included=pl.col("size").cast(pl.Int32),
        positions_excluded=(pl.Series(every) - summaries["size"]).cast(pl.Int32),
    )
    key = (rows[name] for name in TABLES["correlation_calculations"].key)
    return rows.with_columns(row_ids("correlation_calculations", *key))


def _pair_rows(rows: pl.DataFrame, held: SymbolHoldings, computed: Matrices) -> pl.DataFrame:
    """Return rows of pairwise_correlations: every cell of every matrix."""
    # Enumerated before they repeat, key texts need no hash a row to sort: 12 % of a run of 48 portfolios.
    by_matrix = rows.select(
        "portfolio_id",
        enumerated(rows["id"]).alias("correlation_calculation_id"),
        data_points=pl.col("n").cast(pl.Int32),
    )
    symbol = enumerated(held.symbol)
    return by_matrix[np.repeat(np.arange(rows.height), rows["size"].to_numpy() ** 2)].with_columns(
        symbol_1=symbol.gather(computed.first),
        symbol_2=symbol.gather(computed.second),
        correlation_value=computed.rho,
        statistical_significance=computed.significance,
    )


def _status_rows(
    summaries: pl.DataFrame, held: SymbolHoldings, portfolios: Portfolios, dates: pl.Series
) -> pl.DataFrame:
    """Return the status rows; positions left out are all of the portfolio's that are not in its matrix."""
    at = summaries["owner"].to_numpy(), summaries["session"].to_numpy()
    returns = np.zeros(portfolios.gross.shape, dtype=np.int64)
    returns[at] = summaries["n"].to_numpy()
    used = np.zeros_like(returns)
    used[at] = summaries["used"].to_numpy()
    rested = np.zeros(returns.shape)
    rested[at] = summaries["rested"].to_numpy()
    due = PortfolioSums(held.owner, held.portfolios).sum(held.value.T).T
    cases = {
        NO_POSITIONS_PASS_FILTER: held.count(held.positions > 0) == 0,
        NO_COMMON_RETURNS: returns <= 0,
        INSUFFICIENT_RETURNS: returns < CORRELATIONS.minimum,
    }
    reasons = first_reasons(CORRELATIONS, cases, returns.shape)
    left_out = held.all_positions - used
    return status_rows(CORRELATIONS, portfolios, dates, reasons, used, left_out, covered(rested, due))
