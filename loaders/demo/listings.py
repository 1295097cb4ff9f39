"""Listed securities: the collected funds, and invented companies of eleven sectors.

Loadings are in the order of FACTORS. A fund's follow from its label; a company's are drawn around
its sector's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FACTORS = (
    "market",
    "size",
    "value",
    "growth",
    "momentum",
    "quality",
    "low volatility",
    "rates",
)


@dataclass(frozen=True)
class Fund:
    """A fund.

    Attributes:
        symbol: ticker.
        name: what it holds.
        first_close: USD.
        loadings: by factor.
        own_volatility: idiosyncratic, annual.
    """

    symbol: str
    name: str
    first_close: float
    loadings: tuple[float, ...]
    own_volatility: float


FUNDS = (
    Fund("SPY", "Large companies", 470.0, (1.0, 0, 0, 0, 0, 0, 0, 0), 0.005),
    Fund("VTV", "Large value companies", 150.0, (0.88, 0, 0.9, -0.1, 0, 0.1, 0.1, 0), 0.02),
    Fund("VUG", "Large growth companies", 305.0, (1.1, 0, -0.2, 0.9, 0.1, 0, 0, 0), 0.02),
    Fund("MTUM", "Rising companies", 155.0, (1.05, 0, 0, 0.1, 1.0, 0, 0, 0), 0.03),
    Fund("QUAL", "Profitable companies", 145.0, (0.99, 0, 0, 0, 0, 1.0, 0, 0), 0.02),
    Fund("IWM", "Small companies", 195.0, (1.12, 1.0, 0.1, 0, 0, -0.2, 0, 0), 0.03),
    Fund("USMV", "Calm companies", 78.0, (0.72, 0, 0.1, 0, 0, 0.1, 0.9, 0.05), 0.02),
    Fund("TLT", "Long government bonds", 95.0, (-0.05, 0, 0, 0, 0, 0, 0, 1.0), 0.01),
    Fund("QQQ", "Technology leaders", 405.0, (1.15, -0.1, -0.3, 1.0, 0.2, 0, 0, 0), 0.03),
    Fund("IEF", "Medium government bonds", 94.0, (-0.02, 0, 0, 0, 0, 0, 0, 0.45), 0.01),
    Fund("SHY", "Short government bonds", 82.0, (0, 0, 0, 0, 0, 0, 0, 0.1), 0.004),
    Fund("HYG", "Risky company bonds", 77.0, (0.35, 0.05, 0, 0, 0, 0, 0, 0.15), 0.02),
    Fund("LQD", "Sound company bonds", 109.0, (0.12, 0, 0, 0, 0, 0, 0, 0.55), 0.015),
    Fund("VTI", "All companies", 235.0, (1.01, 0.1, 0, 0, 0, 0, 0, 0), 0.006),
    Fund("DJP", "Commodities", 30.0, (0.15, 0, 0, 0, 0, 0, 0, -0.1), 0.14),
    Fund("VNQ", "Property", 87.0, (0.9, 0.2, 0.3, 0, 0, 0, 0.2, 0.35), 0.08),
    Fund("GLD", "Gold", 190.0, (0.02, 0, 0, 0, 0, 0, 0, 0.25), 0.14),
)


@dataclass(frozen=True)
class Sector:
    """A sector.

    Attributes:
        name: as in company_profiles.
        industry: of all its companies.
        weight: in the index.
        loadings: by factor, around which those of its companies are drawn.
    """

    name: str
    industry: str
    weight: float
    loadings: tuple[float, ...]


SECTORS = (
    Sector("Technology", "Software - Infrastructure", 0.30, (1.2, 0.2, -0.4, 0.7, 0.2, 0.1, -0.3, 0)),
    Sector("Financial Services", "Banks - Regional", 0.13, (1.1, 0.3, 0.6, 0, 0, 0, 0, -0.3)),
    Sector("Healthcare", "Medical Devices", 0.11, (0.8, 0.2, 0, 0.1, 0, 0.3, 0.3, 0)),
    Sector("Consumer Cyclical", "Specialty Retail", 0.10, (1.2, 0.4, 0, 0.3, 0, 0, -0.2, 0)),
    Sector("Communication Services", "Entertainment", 0.09, (1.1, 0.1, 0, 0.4, 0.1, 0, 0, 0)),
    Sector("Industrials", "Specialty Industrial Machinery", 0.08, (1.0, 0.4, 0.2, 0, 0.1, 0, 0, 0)),
    Sector("Consumer Defensive", "Packaged Foods", 0.06, (0.6, 0, 0.2, 0, 0, 0.3, 0.5, 0.1)),
    Sector("Energy", "Oil & Gas E&P", 0.04, (0.9, 0.3, 0.7, -0.2, 0, 0, 0, -0.2)),
    Sector("Utilities", "Utilities - Regulated Electric", 0.03, (0.5, 0, 0.2, 0, 0, 0, 0.6, 0.4)),
    Sector("Real Estate", "REIT - Industrial", 0.03, (0.9, 0.3, 0.2, 0, 0, 0, 0.2, 0.5)),
    Sector("Basic Materials", "Specialty Chemicals", 0.03, (1.0, 0.3, 0.4, 0, 0, 0, 0, 0)),
)

EQ_COMPANY, EQ_TICKER = 1, "EQZA"
"""A listed company whose ticker begins with EQ: legacy takes it for a synthetic symbol."""

PERIOD, LATE, GAPPED = 29, 2, 3
"""Of every 29 companies, the one at 2 was listed late, and the one at 3 lacks some prices."""

FEWEST_SYMBOLS = len(FUNDS) + 7
VOWELS, LETTERS = "AEIOU", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TICKERS = len(VOWELS) * len(LETTERS) ** 3
MOST_SYMBOLS = len(FUNDS) + TICKERS
STRIDE = 30_011
"""Coprime to TICKERS: tickers are distinct, and those of neighbouring companies differ visibly."""


def tickers(companies: int) -> pl.Series:
    """Return invented tickers: Z, a vowel, and three letters; one begins with EQ.

    Args:
        companies: number of tickers.
    """
    company = np.arange(companies)
    number = company * STRIDE % TICKERS
    vowels, letters = np.array(list(VOWELS)), np.array(list(LETTERS))
    size = len(LETTERS)
    names = np.strings.add("Z", vowels[number // size**3])
    for place in (size**2, size, 1):
        names = np.strings.add(names, letters[number // place % size])
    return pl.Series("symbol", np.where(company == EQ_COMPANY, EQ_TICKER, names))


def listed_late(companies: int) -> Integers:
    """Return the indices of companies listed only months before the end.

    Args:
        companies: number of invented companies.
    """
    return np.arange(LATE, companies, PERIOD)


def listed_with_gaps(companies: int) -> Integers:
    """Return the indices of companies that lack some sessions' prices.

    Args:
        companies: number of invented companies.
    """
    return np.arange(GAPPED, companies, PERIOD)
