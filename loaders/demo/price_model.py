"""Simulated market: daily closes of every listed symbol from a factor model.

    r_i,t = sum_k b_i,k f_k,t + g_s(i),t + e_i,t

r: log return; f: eight factors; g: the factor of i's sector; e: idiosyncratic return. Each shock
is Student's t with 5 degrees of freedom times a volatility that clusters: the exponential of a
cascade of moving averages over a day, a week, a month and a quarter, the structure that a HAR
model (Corsi 2009) estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.calendar import sessions
from loaders.demo.listings import (
    FACTORS,
    FUNDS,
    SECTORS,
    Floats,
    Integers,
    listed_late,
    listed_with_gaps,
    tickers,
)

SESSIONS_PER_YEAR = 252
DEGREES_OF_FREEDOM = 5
HORIZONS = (1, 5, 22, 66)
"""Sessions of the moving averages."""
CASCADE = (0.12, 0.2, 0.22, 0.15)
"""Standard deviation of log volatility from each horizon's average."""

# Volatilities and drifts are annual, log returns; those of factors in the order of FACTORS.
FACTOR_VOLATILITY = (0.155, 0.075, 0.065, 0.065, 0.075, 0.045, 0.055, 0.14)
FACTOR_DRIFT = (0.09, 0, 0, 0.02, 0.02, 0.01, 0, 0)
SECTOR_VOLATILITY = 0.08
LOADING_SPREAD = (0.2, 0.35, 0.3, 0.3, 0.3, 0.3, 0.25, 0.15)
IDIOSYNCRATIC_VOLATILITY = (0.16, 0.42)
LOWEST, HIGHEST = 0.01, 50_000.0
"""Bounds of closes, USD: no security is worthless, and a strike fits an option's symbol."""


@dataclass(frozen=True)
class SimulatedMarket:
    """Listed symbols, funds first.

    Attributes:
        symbols: tickers.
        days: sessions, ascending.
        closes: symbols x sessions, USD, complete.
        quoted: symbols x sessions, which closes the store holds.
        loadings: symbols x factors.
        sectors: index of SECTORS, by company.
    """

    symbols: pl.Series
    days: NDArray[np.datetime64]
    closes: Floats
    quoted: NDArray[np.bool_]
    loadings: Floats
    sectors: Integers

    @property
    def companies(self) -> int:
        """Number of companies among the symbols."""
        return len(self.sectors)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return an independent random number generator for each name.

    Args:
        seed: of the whole demo.
        name: what the numbers are for; the same name gives the same numbers.
    """
    return np.random.default_rng([seed, *name.encode()])


def simulate_market(symbols: int, seed: int, end: date, years: float) -> SimulatedMarket:
    """Simulate the closes of listed symbols.

    Args:
        symbols: how many, funds included.
        seed: of all random numbers.
        end: last day.
        years: length of the history.

    Returns:
        Closes of the sessions of `years` years up to `end`.
    """
    days = np.array(sessions(end - timedelta(days=round(365.25 * years)), end), "datetime64[D]")
    companies = symbols - len(FUNDS)
    sectors = _sectors(companies, seed)
    loadings = np.vstack([[fund.loadings for fund in FUNDS], _company_loadings(sectors, seed)])
    own = np.concatenate([[fund.own_volatility for fund in FUNDS], _own(companies, seed)])
    first = np.concatenate([[fund.first_close for fund in FUNDS], _first(companies, seed)])
    returns = np.einsum("ik,kt->it", loadings, _factor_returns(len(days), seed))
    returns[len(FUNDS) :] += _sector_returns(len(days), seed)[sectors]
    returns += _daily(own) * _shocks(symbols, len(days), stream(seed, "own shocks"))
    # In place: with 10,000 symbols and ten years the matrix has 200 MB.
    growth = np.cumsum(returns, axis=1, out=returns)
    closes = np.clip(first[:, None] * np.exp(growth), LOWEST, HIGHEST).round(4)
    names = pl.concat([pl.Series("symbol", [fund.symbol for fund in FUNDS]), tickers(companies)])
    return SimulatedMarket(names, days, closes, _quoted(companies, len(days), seed), loadings, sectors)


def _daily(annual: Floats) -> Floats:
    """Return a column of daily volatilities."""
    daily: Floats = annual[:, None] / np.sqrt(SESSIONS_PER_YEAR)
    return daily


def _sectors(companies: int, seed: int) -> Integers:
    bounds = np.cumsum([sector.weight for sector in SECTORS])[:-1]
    return np.searchsorted(bounds, stream(seed, "sectors").random(companies))


def _company_loadings(sectors: Integers, seed: int) -> Floats:
    usual = np.array([sector.loadings for sector in SECTORS])
    draws = stream(seed, "loadings").standard_normal((len(sectors), len(FACTORS)))
    loadings = usual[sectors] + draws * LOADING_SPREAD
    loadings[:, 0] = np.clip(loadings[:, 0], 0.2, 2.4)
    return loadings


def _own(companies: int, seed: int) -> Floats:
    return stream(seed, "own volatility").uniform(*IDIOSYNCRATIC_VOLATILITY, companies)


def _first(companies: int, seed: int) -> Floats:
    return np.exp(stream(seed, "first closes").uniform(np.log(12), np.log(420), companies))


def _factor_returns(days: int, seed: int) -> Floats:
    """Return log returns, factors x sessions."""
    shocks = _shocks(len(FACTORS), days, stream(seed, "factor shocks"))
    drift = np.array(FACTOR_DRIFT)[:, None] / SESSIONS_PER_YEAR
    return drift + _daily(np.array(FACTOR_VOLATILITY)) * shocks


def _sector_returns(days: int, seed: int) -> Floats:
    """Return log returns, sectors x sessions."""
    volatility = np.full(len(SECTORS), SECTOR_VOLATILITY)
    return _daily(volatility) * _shocks(len(SECTORS), days, stream(seed, "sector shocks"))


def _shocks(rows: int, days: int, draws: np.random.Generator) -> Floats:
    """Draw fat-tailed shocks of unit variance with clustered volatility.

    Returns:
        rows x days.
    """
    # One row's normals for shock and volatility are drawn together: a row does not depend on how
    # many follow it.
    longest = max(HORIZONS)
    normal = draws.standard_normal((rows, 2 * days + longest))
    squares = draws.spawn(1)[0].standard_gamma(DEGREES_OF_FREEDOM / 2, (rows, days))
    tails = normal[:, :days] * np.sqrt((DEGREES_OF_FREEDOM - 2) / 2 / squares)
    return tails * _clusters(normal[:, days : 2 * days + longest])


def _clusters(normal: Floats) -> Floats:
    """Return volatilities of unit mean square: exp(x - var x), x a weighted cascade of averages.

    An average over h days times sqrt(h) has unit variance; two over h < k days have the correlation
    sqrt(h / k).

    Args:
        normal: standard normal, rows x (days + the longest horizon).

    Returns:
        rows x days.
    """
    longest, weights = max(HORIZONS), np.array(CASCADE)
    sums = np.cumsum(normal, axis=1)
    level = np.zeros_like(normal[:, longest:])
    for horizon, weight in zip(HORIZONS, CASCADE, strict=True):
        earlier = sums[:, longest - horizon : sums.shape[1] - horizon]
        level += weight / np.sqrt(horizon) * (sums[:, longest:] - earlier)
    correlation = np.sqrt(np.minimum.outer(HORIZONS, HORIZONS) / np.maximum.outer(HORIZONS, HORIZONS))
    variance = float(weights @ correlation @ weights)
    return np.exp(level - variance)


def _quoted(companies: int, days: int, seed: int) -> NDArray[np.bool_]:
    """Return all sessions except those before a late listing and the gaps of some companies."""
    quoted = np.ones((len(FUNDS) + companies, days), dtype=np.bool_)
    late, gapped = listed_late(companies), listed_with_gaps(companies)
    quoted[len(FUNDS) + late, : _listing_day(days)] = False
    missing = stream(seed, "gaps").random((len(gapped), days)) < 0.04
    halt = days - max(12, days // 8)
    missing[:, halt : halt + 9] = True
    # A run would wait for a close that is missing in the newest session.
    missing[:, -1] = False
    quoted[len(FUNDS) + gapped] &= ~missing
    return quoted


def _listing_day(days: int) -> int:
    """Return the index of the first session of late listings, about five months before the end."""
    return days - min(115, days // 4)
