"""Volatility of positions and of the portfolio (03 §1)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from .inputs import Book, Position
from .numbers import stored
from .results import JobResult, Row, failed, ok, skipped
from .returns import Prices, unaligned_returns
from .valuation import is_skipped_symbol

JOB = "Volatility Analytics"
ANNUAL = math.sqrt(252)
LOOKBACK_DAYS = 365
MIN_RETURNS = 63
WEEK, MONTH, QUARTER = 5, 21, 63
PERCENTILE_MIN_RETURNS = 252
TREND_SLOPE, TREND_STRENGTH = 0.001, 0.3


@dataclass(frozen=True)
class Volatility:
    """The figures of one return series (03 §1.2)."""

    realized_21d: float
    realized_63d: float
    daily: float
    weekly: float
    expected_21d: float
    model_r_squared: float
    trend: str
    trend_strength: float
    percentile: float | None
    observations: int


def rolling(returns: pd.Series, window: int) -> pd.Series:
    """Annualised sample standard deviation (ddof 1) over each `window` returns.

    Source: 03 §1.2.
    """
    return returns.rolling(window).std(ddof=1) * ANNUAL


def har(returns: pd.Series) -> tuple[float, float]:
    """One-day-ahead HAR forecast at the current components, and its R-squared.

    Source: 03 §1.3.
    """
    parts = pd.DataFrame(
        {
            "day": returns.abs() * ANNUAL,
            "week": rolling(returns, WEEK),
            "month": rolling(returns, MONTH),
        }
    )
    training = parts.assign(target=parts["day"].shift(-1)).dropna()
    x, y = training[["day", "week", "month"]].to_numpy(), training["target"].to_numpy()
    fit = LinearRegression().fit(x, y)
    return float(fit.predict(parts.iloc[[-1]].to_numpy())[0]), float(fit.score(x, y))


def trend(returns: pd.Series) -> tuple[str, float]:
    """Direction and strength of the last 21 rolling volatilities (03 §1.4)."""
    values = rolling(returns, MONTH).dropna().tail(MONTH).to_numpy()
    days = np.arange(len(values), dtype=float).reshape(-1, 1)
    fit = LinearRegression().fit(days, values)
    slope, strength = float(fit.coef_[0]), min(abs(float(fit.score(days, values))), 1.0)
    if abs(slope) > TREND_SLOPE and strength > TREND_STRENGTH:
        return ("increasing" if slope > 0 else "decreasing"), strength
    return "stable", strength


def percentile(returns: pd.Series) -> float | None:
    """Share of rolling volatilities strictly below the last; null under 252 returns.

    Source: 03 §1.5.
    """
    if len(returns) < PERCENTILE_MIN_RETURNS:
        return None
    values = rolling(returns, MONTH).dropna().to_numpy()
    return float((values < values[-1]).sum() / len(values))


def describe(returns: pd.Series) -> Volatility | None:
    """All the figures of a series of at least 63 returns (03 §1.2)."""
    if len(returns) < MIN_RETURNS:
        return None
    forecast, r_squared = har(returns)
    direction, strength = trend(returns)
    return Volatility(
        realized_21d=float(returns.tail(MONTH).std(ddof=1) * ANNUAL),
        realized_63d=float(returns.tail(QUARTER).std(ddof=1) * ANNUAL),
        daily=float(abs(returns.iloc[-1]) * ANNUAL),
        weekly=float(returns.tail(WEEK).std(ddof=1) * ANNUAL),
        expected_21d=forecast,
        model_r_squared=r_squared,
        trend=direction,
        trend_strength=strength,
        percentile=percentile(returns),
        observations=len(returns),
    )


def volatility_symbol(position: Position) -> str:
    """The underlying if there is one, else the own symbol (03 §1.1)."""
    return position.underlying_symbol or position.symbol


def window_returns(prices: Prices, symbols: Sequence[str], date: dt.date) -> pd.DataFrame:
    """Unaligned returns over 365 calendar days (03 §1.1)."""
    return unaligned_returns(prices.table(symbols, date - dt.timedelta(days=LOOKBACK_DAYS), date))


def position_row(position: Position, date: dt.date, v: Volatility) -> Row:
    """One position_volatility row (03 §1.6)."""
    return {
        "position_id": position.id,
        "calculation_date": date,
        "realized_vol_21d": stored(v.realized_21d, 4),
        "realized_vol_63d": stored(v.realized_63d, 4),
        "vol_daily": stored(v.daily, 4),
        "vol_weekly": stored(v.weekly, 4),
        "vol_monthly": stored(v.realized_21d, 4),
        "expected_vol_21d": stored(v.expected_21d, 4),
        "vol_trend": v.trend,
        "vol_trend_strength": stored(v.trend_strength, 4),
        "vol_percentile": stored(v.percentile, 4),
        "observations": v.observations,
        "model_r_squared": stored(v.model_r_squared, 4),
    }


def position_rows(lots: list[Position], prices: Prices, date: dt.date) -> tuple[list[Row], dict[str, str]]:
    """A row for each lot with 63 returns, and the reason for each without.

    A symbol with a single price has no return, and counts as one without data.
    Source: 03 §1.6.
    """
    rows, failures = [], {}
    for lot in lots:
        symbol = volatility_symbol(lot)
        returns = window_returns(prices, [symbol], date)
        figures = None if returns.empty else describe(returns[symbol])
        if returns.empty:
            failures[lot.id] = "no_price_data"
        elif figures is None:
            failures[lot.id] = "insufficient_observations"
        else:
            rows.append(position_row(lot, date, figures))
    return rows, failures


def weights(lots: list[Position]) -> dict[str, float]:
    """Value over signed net value, by own symbol: the last lot of a symbol wins.

    Source: 03 §1.7.
    """
    cost = {p.id: p.quantity * p.entry_price for p in lots}
    total = sum(float(p.market_value or 0) for p in lots) or sum(float(c) for c in cost.values())
    if not total:
        return {}
    return {p.symbol: float(p.market_value or cost[p.id]) / total for p in lots}


def portfolio_returns(lots: list[Position], prices: Prices, date: dt.date) -> pd.Series | None:
    """Weighted returns on dates that all priced symbols have; unpriced lots dilute.

    Source: 03 §1.7.
    """
    weight = weights(lots)
    returns = window_returns(prices, [volatility_symbol(p) for p in lots], date)
    priced = [p for p in lots if volatility_symbol(p) in returns.columns]
    if not weight or returns.empty or not priced:
        return None
    return sum(
        (weight[p.symbol] * returns[volatility_symbol(p)] for p in priced),
        pd.Series(0.0, index=returns.index),
    )


def snapshot_columns(v: Volatility) -> Row:
    """The five snapshot columns; a null figure writes nothing (03 §1.8)."""
    columns = {
        "realized_volatility_21d": stored(v.realized_21d, 4),
        "realized_volatility_63d": stored(v.realized_63d, 4),
        "expected_volatility_21d": stored(v.expected_21d, 4),
        "volatility_trend": v.trend,
        "volatility_percentile": stored(v.percentile, 4),
    }
    return {name: value for name, value in columns.items() if value is not None}


def volatility(book: Book, prices: Prices) -> JobResult:
    """Position rows, then the portfolio's own series (03 §1.6 to 1.8)."""
    if not book.active:
        return skipped(JOB, "no_active_positions")
    lots = [p for p in book.active if not is_skipped_symbol(volatility_symbol(p))]
    if not lots:
        return skipped(JOB, "no_public_positions")
    rows, failures = position_rows(lots, prices, book.date)
    tables = {"position_volatility": rows}
    series = portfolio_returns(lots, prices, book.date)
    figures = describe(series) if series is not None else None
    if not rows:
        result = failed(JOB, "no_position_volatilities")
    elif figures is None:
        result = failed(JOB, "no_portfolio_volatility", tables)
    else:
        result = ok(JOB, tables, snapshot_columns(figures))
    return replace(result, failures=failures, positions_used=len(rows))
