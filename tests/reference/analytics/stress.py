"""Stress tests (03 §4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from .inputs import Book, FactorExposure, PositionBeta, Scenario
from .numbers import money_half_even, stored
from .results import JobResult, Row, failed, ok, skipped
from .returns import Prices, aligned_returns, as_table
from .valuation import computed_value

JOB = "Stress Testing"
LOOKBACK_DAYS = 252 + 30
DECAY = 0.94
CORRELATION_BOUND = 0.95
MIN_ROWS = 30
EXPOSURE_ROWS = 50
RATE_BETA_DAYS = 7
LOSS_FLOOR = 0.99
RATES = "Interest_Rate"
ETF_FACTORS = {
    "SPY": "Market",
    "VTV": "Value",
    "VUG": "Growth",
    "MTUM": "Momentum",
    "QUAL": "Quality",
    "IWM": "Size",
    "USMV": "Low Volatility",
    "TLT": "Interest Rate",
}
DIRECT_NAMES = {"Market": "Market Beta (90D)"}
MATRIX_NAMES = {"Market Beta": "Market", "Interest Rate Beta": RATES}


@dataclass(frozen=True)
class FactorMatrix:
    """Factor correlations, their date, and the number of returns behind them.

    Source: 03 §4.2.
    """

    rho: pd.DataFrame
    date: dt.date
    days: int


@dataclass(frozen=True)
class Holdings:
    """Dollars by factor, net exposure, and rate dollars if known (03 §4.3)."""

    dollars: dict[str, float]
    net_exposure: float
    rate_dollars: float | None


def pair_correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Weighted correlation, population form, within +-0.95; 0 where it is undefined.

    Source: 03 §4.2.
    """
    with np.errstate(invalid="ignore"):  # of an infinite return, whose variance is a NaN
        dx, dy = x - weights @ x, y - weights @ y
        variance_x, variance_y = weights @ (dx * dx), weights @ (dy * dy)
    if len(x) < MIN_ROWS or not (variance_x > 0 and variance_y > 0):
        return 0.0
    rho = (weights @ (dx * dy)) / np.sqrt(variance_x * variance_y)
    return float(np.clip(rho, -CORRELATION_BOUND, CORRELATION_BOUND))


def factor_matrix(prices: Prices, run_date: dt.date) -> FactorMatrix:
    """Exponentially weighted correlations of factor ETFs up to the run date.

    Source: 03 §4.2.
    """
    start = run_date - dt.timedelta(days=LOOKBACK_DAYS)
    table = as_table({etf: prices.database(etf, start, run_date) for etf in ETF_FACTORS})
    returns = aligned_returns(table).rename(columns=ETF_FACTORS)
    decay = DECAY ** np.arange(len(returns) - 1, -1, -1)
    weights = decay / decay.sum()
    rho = pd.DataFrame(1.0, index=returns.columns, columns=returns.columns)
    for a in rho.index:
        for b in rho.columns:
            if a != b:
                rho.loc[a, b] = pair_correlation(returns[a].to_numpy(), returns[b].to_numpy(), weights)
    return FactorMatrix(rho, run_date, len(returns))


def newest_exposures(exposures: tuple[FactorExposure, ...], date: dt.date) -> dict[str, FactorExposure]:
    """Of the newest 50 rows on or before the date, the newest of each factor.

    Rows of one date stand in the order in which they were written. Source: 03 §4.3.
    """
    past = sorted((e for e in exposures if e.date <= date), key=lambda e: e.date, reverse=True)
    newest: dict[str, FactorExposure] = {}
    for exposure in past[:EXPOSURE_ROWS]:
        newest.setdefault(exposure.factor, exposure)
    return newest


def net_exposure(book: Book) -> float:
    """Net exposure of a recent snapshot, else of live lots; 1.0 when not positive.

    Source: 03 §4.3.
    """
    snapshot = book.recent_snapshot()
    if snapshot is not None:
        net = snapshot.net_exposure
    else:
        live = [p for p in book.positions if p.exit_date is None]
        values = [
            p.market_value if p.market_value is not None else computed_value(p)
            for p in live
            if p.market_value is not None or p.last_price is not None
        ]
        net = money_half_even(sum(values, Decimal(0)))
    return float(net) if net > 0 else 1.0


def rate_dollars(book: Book, betas: tuple[PositionBeta, ...]) -> float | None:
    """Equity x the rate beta of the active lots, from betas of the last seven days.

    Source: 03 §4.3.
    """
    equity = book.valid_equity
    if equity is None:
        return None
    oldest = book.date - dt.timedelta(days=RATE_BETA_DAYS)
    beta, found = 0.0, False
    for lot in book.active:
        recent = [b for b in betas if b.position_id == lot.id and oldest <= b.date <= book.date]
        if recent:
            found = True
            newest = max(recent, key=lambda b: b.date)
            beta += float(newest.beta) * (float(abs(computed_value(lot))) / float(equity))
    return float(equity) * beta if found else None


def factor_dollars(exposure: FactorExposure, net: float) -> float:
    """Stored dollars, or net exposure x beta where they are null or zero (03 §4.4)."""
    return float(exposure.dollars) if exposure.dollars else net * float(exposure.beta)


def direct_impacts(scenario: Scenario, holdings: Holdings) -> dict[str, dict[str, float]]:
    """One entry for each shocked factor; none for rates without a rate beta.

    Source: 03 §4.4.
    """
    impacts = {}
    for factor, shock in scenario.shocks.items():
        exposure = (
            holdings.rate_dollars
            if factor == RATES
            else holdings.dollars.get(DIRECT_NAMES.get(factor, factor), 0.0)
        )
        if exposure is not None:
            impacts[factor] = {
                "shock_pct": shock * 100,
                "direct_pnl": exposure * shock,
                "exposure": exposure,
            }
    return impacts


def correlated_pnl(scenario: Scenario, holdings: Holdings, rho: pd.DataFrame) -> float:
    """The rate part as it is, other factors through their correlation with each shock.

    Source: 03 §4.5.
    """
    total = (holdings.rate_dollars or 0.0) * scenario.shocks.get(RATES, 0.0)
    for name, dollars in holdings.dollars.items():
        factor = MATRIX_NAMES.get(name, name)
        for shocked, shock in scenario.shocks.items():
            if shocked == RATES:
                continue
            if shocked in rho.index and factor in rho.index:
                total += dollars * (shock * float(rho.loc[shocked, factor]))
            elif shocked == factor:
                total += dollars * shock
    return total


def floored(pnl: float, net: float) -> float:
    """A loss is at most 99 % of net exposure (03 §4.4 step 3)."""
    return max(pnl, -LOSS_FLOOR * net)


def result_row(book: Book, scenario: Scenario, holdings: Holdings, matrix: FactorMatrix) -> Row:
    """One stress_test_results row; the effect is subtracted before rounding.

    Source: 03 §4.7.
    """
    impacts = direct_impacts(scenario, holdings)
    direct = floored(sum(i["direct_pnl"] for i in impacts.values()), holdings.net_exposure)
    correlated = floored(correlated_pnl(scenario, holdings, matrix.rho), holdings.net_exposure)
    return {
        "portfolio_id": book.portfolio_id,
        "scenario_id": scenario.id,
        "calculation_date": book.date,
        "direct_pnl": stored(direct, 2),
        "correlated_pnl": stored(correlated, 2),
        "correlation_effect": stored(correlated - direct, 2),
        "factor_impacts": impacts,
        "calculation_metadata": {
            "scenario_name": scenario.name,
            "category": scenario.group,
            "correlation_matrix_date": matrix.date.isoformat(),
            "data_days": matrix.days,
        },
    }


def stress(
    book: Book,
    exposures: tuple[FactorExposure, ...],
    rate_betas: tuple[PositionBeta, ...],
    scenarios: tuple[Scenario, ...],
    matrix: FactorMatrix,
) -> JobResult:
    """Every active scenario, or a skip when the portfolio never had an exposure.

    An empty frame of factor returns is an exception before anything else. Source: 03 §4.2, §4.6.
    """
    if not matrix.days:
        return failed(JOB, "no_factor_prices")
    newest = newest_exposures(exposures, book.date)
    if not newest:
        return skipped(JOB, "no_factor_exposures")
    if not scenarios:
        return failed(JOB, "no_scenarios")
    net = net_exposure(book)
    dollars = {name: factor_dollars(e, net) for name, e in newest.items()}
    holdings = Holdings(dollars, net, rate_dollars(book, rate_betas))
    return ok(
        JOB,
        {"stress_test_results": [result_row(book, s, holdings, matrix) for s in scenarios]},
    )
