"""The rules in which the legacy batch and the right answer differ.

`Rules.legacy()` reproduces the legacy tables; `Rules.corrected()` gives the right figures. A
calculation takes the one rule that it needs as an argument. The numbers in brackets are those of
the legacy description's registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClosedLots = Literal["earn", "stop"]
OffSession = Literal["lost", "next_session"]
SyntheticPrefix = Literal["EQ", "none"]
Alignment = Literal["portfolio", "symbol"]
RateWeights = Literal["absolute", "signed"]


@dataclass(frozen=True)
class Rules:
    """One field for each difference that is implemented.

    closed_lots: "earn": a lot has a daily P&L on and after its exit date as long as its quantity
        is not 0 [Q1]; "stop": from its exit date on it has none.
    off_session_cash: realized gains and capital flows dated on a day without a session are
        "lost" [Q5], or booked on the "next_session".
    synthetic_prefix: "EQ": symbols that begin with EQ are synthetic, EQIX and EQR among them:
        their positions are never marked and have no volatility [Q16], though P&L, exposures and
        regressions use their closes; "none": there is no such prefix.
    alignment: "portfolio": spread and ridge factors use the sessions in which every symbol of the
        portfolio with a price in the look-back has one, so that one gap or one new listing
        shortens the sample of all [02 §11: 4, 5]; "symbol": each symbol uses its own sessions.
    rate_weights: lots enter the rate beta with their "absolute" value, so that shorts add to the
        sensitivity [02 §11: 7], or with their "signed" value.
    """

    closed_lots: ClosedLots
    off_session_cash: OffSession
    synthetic_prefix: SyntheticPrefix
    alignment: Alignment
    rate_weights: RateWeights

    @classmethod
    def legacy(cls) -> Rules:
        """Return the rules of the legacy batch, which reproduce its tables digit for digit."""
        return cls(
            closed_lots="earn",
            off_session_cash="lost",
            synthetic_prefix="EQ",
            alignment="portfolio",
            rate_weights="absolute",
        )

    @classmethod
    def corrected(cls) -> Rules:
        """Return the rules that give the right figures."""
        return cls(
            closed_lots="stop",
            off_session_cash="next_session",
            synthetic_prefix="none",
            alignment="symbol",
            rate_weights="signed",
        )
