"""Correlations: every pair of a portfolio's larger holdings, and a summary of their matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from engine.analytics.correlations.clusters import Names, cluster_tables, find_clusters
from engine.analytics.correlations.common_days import SymbolCloses, run_indices
from engine.analytics.correlations.holdings import SymbolHoldings, holdings
from engine.analytics.correlations.matrices import Matrices, matrices, stack
from engine.analytics.job_result import JobResult, covered, first_reasons, status_rows
from engine.analytics.panels import Portfolios, PortfolioSums, PricePanel, window_bounds
from engine.core.frames import UTC_MICROSECONDS
from engine.core.job_catalog import (
    CORRELATIONS,
    FEW_RETURNS,
    INSUFFICIENT_RETURNS,
    MIN_POSITION_PERCENT,
    MIN_POSITION_VALUE,
    NO_COMMON_RETURNS,
    NO_CORRELATION,
    NO_PAIR,
    NO_POSITIONS_PASS_FILTER,
)
from engine.core.row_ids import row_ids
from engine.core.rules import Alignment, EffectivePositions, Membership, StaleFigures, UndefinedFigures
from engine.core.schema import TABLES
from engine.core.sort_keys import enumerated
from engine.numerics.arrays import Bools, Floats, Ints
from engine.numerics.correlation import MIN_OVERLAP

THRESHOLD = 0.7
"""Of clusters, which the legacy batch does not compute."""
LEAST_SPREAD = 1e-6
"""Of w'Rw, whose reciprocal the column of effective positions holds up to a million."""


def correlations(
    days: pl.DataFrame,
    portfolios: Portfolios,
    panel: PricePanel,
    closes: pl.DataFrame,
    dates: pl.Series,
    stale: StaleFigures,
    membership: Membership = "today",
    undefined: UndefinedFigures = "nan",
    effective: EffectivePositions = "lots",
    names: Names | None = None,
    alignment: Alignment = "portfolio",
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
        undefined: "absent": a symbol whose price did not move has no correlation and is in no summary; there
            are none under 30 returns.
        effective: see `_spread`.
        names: tags and sectors that clusters are named by; None: there are no clusters.
        alignment: "common": each pair has the days that it shares.

    Returns:
        correlation_calculations, pairwise_correlations; with names correlation_clusters and
        correlation_cluster_positions.
    """
    held = holdings(days, portfolios, membership)
    fresh = panel.quoted[:, panel.columns(held.symbol)].T if stale == "refused" else np.True_
    parts = [_of_panel(held, panel, fresh, alignment)]
    computed = stack(parts if stale == "refused" else [*parts, *_of_stored(held, panel, closes)])
    summaries = _summaries(held, computed, undefined, effective)
    if undefined == "absent":
        computed = _without_pairs(computed, summaries)
    found = find_clusters(computed, held) if names else None
    summaries = summaries.with_columns(score=found.score if found else 0.0).with_row_index("matrix")
    rows = _calculation_rows(summaries.filter(pl.col("size") > 0), held, portfolios, dates)
    tables = {
        "correlation_calculations": rows.drop(summaries.columns),
        "pairwise_correlations": _pair_rows(rows, held, computed),
    }
    if found and names:
        heads = rows.select("matrix", "id", "portfolio_id", "owner", "session")
        tables |= cluster_tables(found, heads, held, portfolios.gross, dates, names)
    return JobResult(tables=tables, status=_status_rows(summaries, held, portfolios, dates))


def _of_panel(
    held: SymbolHoldings, panel: PricePanel, fresh: Bools | np.bool_, alignment: Alignment
) -> Matrices:
    """Compute matrices from the closes that regressions see, of the holdings [U, D] that are fresh."""
    closes = SymbolCloses(panel.close, *panel.bounds(CORRELATIONS.look_back))
    counted = np.asarray((held.positions > 0) & fresh)
    return matrices(closes, panel.columns(held.symbol), held.owner, counted, alignment)


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


def _summaries(
    held: SymbolHoldings, computed: Matrices, undefined: UndefinedFigures, effective: EffectivePositions
) -> pl.DataFrame:
    """Return a row for each matrix with its figures and counts.

    owner, session, size, n: of the matrix. By "nan" all symbols count; by "absent" those that have a
    correlation. symbols: their number; used: their positions; rested: the USD of these. overall and
    effective: of `_overall` and `_effective`. By "absent" a matrix without an effective number has used
    nothing, and single says that overall is absent because there is no pair.
    """
    absent = undefined == "absent"
    count, matrix = computed.owner.size, computed.matrix
    counted = np.isfinite(computed.rho) if absent else np.ones(matrix.size, dtype=np.bool_)
    own = np.flatnonzero(computed.diagonal & counted)
    at = computed.first[own], computed.session[matrix[own]]
    symbols = np.bincount(matrix[own], minlength=count)
    used = np.bincount(matrix[own], held.positions[at], minlength=count).astype(np.int64)
    rested = np.bincount(matrix[own], held.value[at], minlength=count)
    passed = held.count(held.positions > 0)[computed.owner, computed.session]
    whole = rested if effective == "weights" else used if absent else passed
    spread = _spread(held, computed, counted, whole, effective)
    number = _effective(spread, passed, undefined)
    exists, overall = np.isfinite(number), _overall(computed, undefined)
    return pl.DataFrame(
        {
            "owner": computed.owner,
            "session": computed.session,
            "size": computed.size,
            "n": computed.n,
            "symbols": symbols,
            "used": np.where(exists, used, 0),
            "rested": np.where(exists, rested, 0.0),
            "overall": np.where(exists, overall, np.nan),
            "effective": number,
            "single": exists & absent & np.isnan(overall),
        }
    )


def _overall(computed: Matrices, undefined: UndefinedFigures) -> Floats:
    """Return the mean |rho| over the pairs above the diagonal of each matrix, [H].

    By "nan" over those that are not 0, and 0 if there are none; by "absent" over those that have a
    correlation, and NaN if there are none. Source: document 03 §2.7.
    """
    absent, count = undefined == "absent", computed.owner.size
    counted = np.isfinite(computed.rho) if absent else computed.rho != 0.0
    upper = (computed.first < computed.second) & counted
    magnitude = np.bincount(computed.matrix, np.where(upper, np.abs(computed.rho), 0.0), minlength=count)
    pairs = np.bincount(computed.matrix, upper, minlength=count)
    means = magnitude / np.maximum(pairs, 1.0)
    return np.asarray(np.where((pairs > 0) | (not absent), means, np.nan))


def _effective(spread: Floats, passed: Ints, undefined: UndefinedFigures) -> Floats:
    """Return the effective positions of each matrix [H]: 1 / w'Rw.

    By "nan" the number of positions that pass the filter where that is not above 0; by "absent" NaN where
    it does not exceed `LEAST_SPREAD`. Source: document 03 §2.7.
    """
    absent = undefined == "absent"
    blank = np.full(spread.size, np.nan) if absent else passed.astype(np.float64)
    least = LEAST_SPREAD if absent else 0.0
    return np.asarray(np.divide(1.0, spread, out=blank, where=spread > least))


def _spread(
    held: SymbolHoldings,
    computed: Matrices,
    counted: Bools,
    whole: Floats | Ints,
    effective: EffectivePositions,
) -> Floats:
    """Return w'Rw of each matrix [H] over the counted cells [R], NaN where there are none.

    w_i = 1 / whole for each symbol, whole the number of positions ("lots"); or |V_i| / whole, V_i the value
    of the symbol's positions that pass the filter, whole the sum over the symbols ("weights").
    """
    cells = np.where(counted, computed.rho, 0.0)
    if effective == "weights":
        session = computed.session[computed.matrix]
        cells = cells * held.value[computed.first, session] * held.value[computed.second, session]
    total = np.bincount(computed.matrix, cells, minlength=computed.owner.size)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / whole**2)


def _without_pairs(computed: Matrices, summaries: pl.DataFrame) -> Matrices:
    """Return the matrices with NaN throughout where no two symbols have a correlation."""
    kept = np.isfinite(computed.rho) & np.isfinite(summaries["overall"].to_numpy())[computed.matrix]
    figures = {name: np.where(kept, getattr(computed, name), np.nan) for name in ("rho", "significance")}
    return replace(computed, **figures)


def _calculation_rows(
    summaries: pl.DataFrame, held: SymbolHoldings, portfolios: Portfolios, dates: pl.Series
) -> pl.DataFrame:
    """Return the summaries with the columns of correlation_calculations."""
    # The legacy column is a timestamp: midnight UTC of the session.
    midnight = dates.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(UTC_MICROSECONDS)
    owner = summaries["owner"].to_numpy()
    every = held.all_positions[owner, summaries["session"].to_numpy()]
    rows = summaries.with_columns(
        portfolio_id=portfolios.ids.gather(owner),
        duration_days=pl.lit(CORRELATIONS.look_back, pl.Int32),
        calculation_date=midnight.gather(summaries["session"].to_numpy()),
        overall_correlation="overall",
        correlation_concentration_score="score",
        effective_positions="effective",
        data_quality=pl.lit("sufficient"),
        min_position_value=pl.lit(float(MIN_POSITION_VALUE)),
        min_portfolio_weight=MIN_POSITION_PERCENT / 100,
        filter_mode=pl.lit("both"),
        correlation_threshold=THRESHOLD,
        positions_included=pl.col("symbols").cast(pl.Int32),
        positions_excluded=(pl.Series(every) - summaries["symbols"]).cast(pl.Int32),
    )
    key = (rows[name] for name in TABLES["correlation_calculations"].key)
    return rows.with_columns(row_ids("correlation_calculations", *key))


def _pair_rows(rows: pl.DataFrame, held: SymbolHoldings, computed: Matrices) -> pl.DataFrame:
    """Return rows of pairwise_correlations, sorted by their key: every cell of every matrix.

    Half of all rows are pairs: whole matrices are put in order instead of rows, and key texts enumerated
    before they repeat. docs/benchmarks.md has the figures.
    """
    order = rows["id"].arg_sort().to_numpy()
    cells = rows["size"].to_numpy() ** 2
    cell = run_indices(cells, order)
    by_matrix = rows.select(
        "portfolio_id",
        enumerated(rows["id"]).alias("correlation_calculation_id"),
    )
    symbol = enumerated(held.symbol)
    return by_matrix[np.repeat(order, cells[order])].with_columns(
        data_points=pl.Series(computed.points[cell].astype(np.int32)),
        symbol_1=symbol.gather(computed.first[cell]),
        symbol_2=symbol.gather(computed.second[cell]),
        correlation_value=computed.rho[cell],
        statistical_significance=computed.significance[cell],
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
        FEW_RETURNS: (used == 0) & (returns < MIN_OVERLAP),
        NO_CORRELATION: used == 0,
    }
    reasons = first_reasons(CORRELATIONS, cases, returns.shape)
    left_out = held.all_positions - used
    single = np.zeros(returns.shape, dtype=np.bool_)
    single[at] = summaries["single"].to_numpy()
    coverage = covered(rested, due)
    return status_rows(CORRELATIONS, portfolios, dates, reasons, used, left_out, coverage, {NO_PAIR: single})
