"""Spread factors and ridge factors (02 §4.4, §4.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from .inputs import PUBLIC, STOCK_TYPES, Book, Position, Reference
from .kernels import ols, ridge
from .numbers import stored
from .regressions import exposure_row
from .results import JobResult, Row, failed, ok, skipped
from .returns import Prices, aligned_returns
from .valuation import stored_value

SPREAD_JOB, RIDGE_JOB = "Spread Factors", "Ridge Factors"
SPREADS = {
    "Growth-Value Spread": ("VUG", "VTV"),
    "Momentum Spread": ("MTUM", "SPY"),
    "Size Spread": ("IWM", "SPY"),
    "Quality Spread": ("QUAL", "SPY"),
}
STYLES = {
    "VTV": "Value",
    "VUG": "Growth",
    "MTUM": "Momentum",
    "QUAL": "Quality",
    "IWM": "Size",
    "USMV": "Low Volatility",
}

Betas = dict[str, float]
Fit = Callable[[pd.Series, pd.DataFrame], Betas]


@dataclass(frozen=True)
class Method:
    """Differences between spread and ridge: window, minimum common dates, fit.

    Source: 02 §4.4, §4.5.
    """

    job: str
    window_days: int
    min_dates: int
    fit: Fit


def spread_betas(y: pd.Series, spreads: pd.DataFrame) -> Betas:
    """A separate OLS on each spread; one that fails is absent (02 §3.1, §4.4)."""
    lines = {str(name): ols(y, spreads[name]) for name in spreads.columns}
    return {name: line.beta for name, line in lines.items() if line is not None}


SPREAD = Method(SPREAD_JOB, 180 + 30, 60, spread_betas)
RIDGE = Method(RIDGE_JOB, 90 + 30, 30, ridge)


def spread_returns(etfs: pd.DataFrame) -> pd.DataFrame:
    """Long - short return, complete over four spreads; empty if an ETF is missing.

    Source: 02 §4.4.
    """
    full = etfs.reindex(columns=sorted({etf for pair in SPREADS.values() for etf in pair}))
    return pd.DataFrame({name: full[long] - full[short] for name, (long, short) in SPREADS.items()}).dropna()


def public_stocks(book: Book) -> list[Position]:
    """Unexited PUBLIC LONG and SHORT lots; deleted ones stay in (02 §4.4)."""
    return [
        p
        for p in book.positions
        if p.exit_date is None and p.investment_class == PUBLIC and p.position_type in STOCK_TYPES
    ]


def position_betas(
    lots: list[Position],
    prices: Prices,
    factors: pd.DataFrame,
    date: dt.date,
    method: Method,
) -> dict[str, Betas]:
    """Betas by lot on the dates common to the factors and to all the lots' symbols.

    Source: 02 §4.4.
    """
    start = date - dt.timedelta(days=method.window_days)
    returns = aligned_returns(prices.table([p.symbol for p in lots], start, date))
    common = returns.index.intersection(factors.index)
    if len(common) < method.min_dates:
        return {}
    by_symbol = {s: method.fit(returns.loc[common, s], factors.loc[common]) for s in returns.columns}
    return {p.id: by_symbol[p.symbol] for p in lots if by_symbol.get(p.symbol)}


def position_rows(book: Book, betas: dict[str, Betas], reference: Reference) -> list[Row]:
    """position_factor_exposures rows of the active factor definitions (02 §6)."""
    return [
        {
            "position_id": position_id,
            "factor_id": reference.factor_ids[factor],
            "calculation_date": book.date,
            "exposure_value": stored(beta, 6),
            "quality_flag": "full_history",
        }
        for position_id, by_factor in betas.items()
        for factor, beta in by_factor.items()
        if factor in reference.active_factors
    ]


def portfolio_betas(lots: list[Position], betas: dict[str, Betas], equity: float) -> Betas:
    """Sum of beta x (stored value / equity), weight first (02 §4.4)."""
    total: Betas = {}
    for lot in lots:
        weight = float(stored_value(lot)) / equity
        for factor, beta in betas.get(lot.id, {}).items():
            total[factor] = total.get(factor, 0.0) + beta * weight
    return total


def factor_job(
    book: Book,
    prices: Prices,
    factors: pd.DataFrame,
    reference: Reference,
    method: Method,
) -> JobResult:
    """Return the result of spread or ridge from the factor returns (02 §4.4, §4.5)."""
    equity = book.valid_equity
    assert equity is not None
    lots = public_stocks(book)
    betas = position_betas(lots, prices, factors, book.date, method)
    if not betas:
        return skipped(method.job, "no_position_betas")
    totals = portfolio_betas(lots, betas, float(equity))
    exposures = [
        exposure_row(book, reference.factor_ids[factor], beta, equity)
        for factor, beta in totals.items()
        if factor in reference.active_factors
    ]
    return ok(
        method.job,
        {
            "position_factor_exposures": position_rows(book, betas, reference),
            "factor_exposures": exposures,
        },
    )


def gate(book: Book, job: str) -> JobResult | None:
    """Equity, then positions, before any price is read (02 §4.4, §8)."""
    if book.valid_equity is None:
        return failed(job, "invalid_equity")
    return None if public_stocks(book) else skipped(job, "no_public_positions")


def etf_returns(prices: Prices, etfs: list[str], date: dt.date, method: Method) -> pd.DataFrame:
    """One aligned frame over the method's ETFs and window (02 §4.4, §4.5)."""
    return aligned_returns(prices.table(etfs, date - dt.timedelta(days=method.window_days), date))


def spread_factors(book: Book, prices: Prices, reference: Reference) -> JobResult:
    """Four univariate spreads over 210 days, at least 60 common dates (02 §4.4)."""
    stopped = gate(book, SPREAD_JOB)
    if stopped:
        return stopped
    etfs = etf_returns(prices, ["VUG", "VTV", "MTUM", "IWM", "QUAL", "SPY"], book.date, SPREAD)
    if etfs.empty:
        return failed(SPREAD_JOB, "no_etf_data")
    spreads = spread_returns(etfs)
    if spreads.empty:
        return skipped(SPREAD_JOB, "no_spread_data")
    return factor_job(book, prices, spreads, reference, SPREAD)


def ridge_factors(book: Book, prices: Prices, reference: Reference) -> JobResult:
    """Six style ETFs jointly over 120 days, at least 30 common dates (02 §4.5)."""
    stopped = gate(book, RIDGE_JOB)
    if stopped:
        return stopped
    etfs = etf_returns(prices, list(STYLES), book.date, RIDGE)
    if etfs.empty:
        return skipped(RIDGE_JOB, "no_factor_data")
    return factor_job(book, prices, etfs.rename(columns=STYLES), reference, RIDGE)
