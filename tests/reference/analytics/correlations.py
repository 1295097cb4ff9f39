"""Pairwise correlations (03 §2)."""

from __future__ import annotations

import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
from scipy import stats

from .inputs import PRIVATE, Book, Position
from .numbers import stored
from .results import JobResult, Row, ok, skipped
from .returns import Prices, as_table, log_returns
from .valuation import computed_value

JOB = "Correlations"
DURATION_DAYS = 90
MIN_VALUE, MIN_WEIGHT = Decimal(10_000), Decimal("0.01")
MIN_RETURNS = 20
MIN_OVERLAP = max(MIN_RETURNS, DURATION_DAYS // 3)


def gross_value(book: Book) -> Decimal:
    """Gross exposure of a recent snapshot, else the sum of all absolute values.

    Source: 03 §2.3.
    """
    snapshot = book.recent_snapshot()
    if snapshot is not None:
        return snapshot.gross_exposure
    return sum((abs(computed_value(p)) for p in book.positions), Decimal(0))


def kept_lots(book: Book) -> list[Position]:
    """Non-private lots, exited and deleted ones too, worth 10,000 and 1 % of gross.

    Source: 03 §2.3.
    """
    gross = gross_value(book)
    lots = [p for p in book.positions if p.investment_class != PRIVATE]
    if gross <= 0:
        return []
    return [
        p
        for p in lots
        if abs(computed_value(p)) >= MIN_VALUE and abs(computed_value(p)) / gross >= MIN_WEIGHT
    ]


def lot_returns(lots: list[Position], prices: Prices, date: dt.date) -> pd.DataFrame:
    """Log returns over the dates that all the lots' symbols have in 90 days.

    Source: 03 §2.4.
    """
    start = date - dt.timedelta(days=DURATION_DAYS)
    symbols = sorted({p.symbol for p in lots})
    columns = {s: prices.cached(s, start, date) for s in symbols}
    if not any(len(rows) for rows in columns.values()):
        columns = {s: prices.database(s, start, date) for s in symbols}
    positive = {s: rows[rows > 0] for s, rows in columns.items()}
    return log_returns(as_table({s: rows for s, rows in positive.items() if len(rows) >= 2}))


def correlation_matrix(returns: pd.DataFrame) -> pd.DataFrame:
    """Pearson, all NaN below 30 common returns, NaN for a constant series (03 §2.5)."""
    return returns.corr(method="pearson", min_periods=MIN_OVERLAP).clip(-1.0, 1.0)


def significance(x: pd.Series, y: pd.Series) -> float:
    """1 - p of the two-sided Pearson test, NaN for a constant series (03 §2.6)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return 1.0 - float(stats.pearsonr(x.to_numpy(), y.to_numpy()).pvalue)


def pair_rows(returns: pd.DataFrame, rho: pd.DataFrame) -> list[Row]:
    """Both directions and the diagonal (03 §2.6)."""
    return [
        {
            "symbol_1": a,
            "symbol_2": b,
            "correlation_value": stored(float(rho.loc[a, b]), 6),
            "data_points": len(returns),
            "statistical_significance": stored(1.0 if a == b else significance(returns[a], returns[b]), 6),
        }
        for a in returns.columns
        for b in returns.columns
    ]


def overall_correlation(rho: np.ndarray) -> float:
    """Mean absolute value of the upper triangle without zeros; 0 when there is nothing.

    Source: 03 §2.7.
    """
    upper = rho[np.triu_indices_from(rho, k=1)]
    used = upper[upper != 0]
    return float(np.abs(used).mean()) if len(used) else 0.0


def effective_positions(rho: np.ndarray, lot_count: int) -> float:
    """1 / (w'Rw) with w = 1 / lots, even where lots outnumber symbols (03 §2.7)."""
    q = float(rho.sum()) / lot_count**2
    return 1.0 / q if q > 0 else float(lot_count)


def header_row(book: Book, rho: np.ndarray, lot_count: int) -> Row:
    """The correlation_calculations row (03 §2.7)."""
    return {
        "portfolio_id": book.portfolio_id,
        "duration_days": DURATION_DAYS,
        "calculation_date": book.date,
        "overall_correlation": stored(overall_correlation(rho), 6),
        "correlation_concentration_score": stored(0.0, 6),
        "effective_positions": stored(effective_positions(rho, lot_count), 2),
        "data_quality": "sufficient",
        "min_position_value": stored(MIN_VALUE, 4),
        "min_portfolio_weight": stored(MIN_WEIGHT, 6),
        "filter_mode": "both",
        "correlation_threshold": stored(Decimal("0.7"), 6),
        "positions_included": len(rho),
        "positions_excluded": len(book.positions) - len(rho),
    }


def correlations(book: Book, prices: Prices) -> JobResult:
    """One header and m x m pairs, or nothing below 20 common returns (03 §2)."""
    lots = kept_lots(book)
    if not lots:
        return skipped(JOB, "no_eligible_positions")
    returns = lot_returns(lots, prices, book.date)
    if returns.empty:
        return skipped(JOB, "no_returns")
    if len(returns) < MIN_RETURNS:
        return skipped(JOB, "insufficient_observations")
    rho = correlation_matrix(returns)
    pairs = [
        {"portfolio_id": book.portfolio_id, "calculation_date": book.date, **row}
        for row in pair_rows(returns, rho)
    ]
    rows = {
        "correlation_calculations": [header_row(book, rho.to_numpy(), len(lots))],
        "pairwise_correlations": pairs,
    }
    return ok(JOB, rows)
