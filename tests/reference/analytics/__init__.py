"""The slow, obvious analytics, written from the legacy documents alone.

Its purpose is to be compared with: position by position and day by day, no vector
algebra, the statistical packages that the legacy batch used. Section numbers are those
of the documents 01 (P&L), 02 (regressions) and 03 (volatility and on).
"""

from .correlations import correlations
from .inputs import (
    Book,
    FactorExposure,
    History,
    Position,
    PositionBeta,
    Profile,
    Reference,
    Scenario,
    Snapshot,
)
from .regressions import market_beta, provider_beta, rate_beta
from .results import JobResult, Outcome
from .returns import Prices, nyse_sessions, visible_symbols
from .stress import FactorMatrix, factor_matrix, stress
from .style_factors import ridge_factors, spread_factors
from .valuation import mark_over_window, marked
from .volatility import volatility

__all__ = [
    "Book",
    "FactorExposure",
    "FactorMatrix",
    "History",
    "JobResult",
    "Outcome",
    "Position",
    "PositionBeta",
    "Prices",
    "Profile",
    "Reference",
    "Scenario",
    "Snapshot",
    "correlations",
    "factor_matrix",
    "mark_over_window",
    "marked",
    "market_beta",
    "nyse_sessions",
    "provider_beta",
    "rate_beta",
    "ridge_factors",
    "spread_factors",
    "stress",
    "visible_symbols",
    "volatility",
]
