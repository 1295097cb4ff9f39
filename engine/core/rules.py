"""The behaviours in which the legacy batch and the right answer differ.

`Rules.legacy()` reproduces the old tables; `Rules.corrected()` is what an analyst expects.
A function takes the one rule that it needs as a plain argument, so that no calculation knows
the word legacy. The numbers in brackets are those of the legacy description's registers.
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
    """One field for each difference that is built.

    closed_lots: "earn": a lot keeps its daily P&L on and after its exit date for as long as
        its quantity is not 0 [Q1]; "stop": from its exit date on it earns nothing.
    off_session_cash: realized gains and capital flows dated on a day without a session are
        "lost" [Q5], or booked on the "next_session".
    synthetic_prefix: positions of symbols that begin with "EQ" are taken for synthetic ones, EQIX
        and EQR among them: never marked, and without a volatility [Q16]; or no such prefix
        exists. P&L, exposures and regressions use their closes all the same.
    alignment: spread and ridge factors use the sessions in which every symbol of the
        "portfolio" that has any price in the look-back has one, so that one gap or one new
        listing shortens the sample of all [02 §11: 4, 5]; or each "symbol" uses its own.
    rate_weights: lots count in the rate beta with their "absolute" value, so that shorts add
        to the sensitivity [02 §11: 7], or with their "signed" one.
    """

    closed_lots: ClosedLots
    off_session_cash: OffSession
    synthetic_prefix: SyntheticPrefix
    alignment: Alignment
    rate_weights: RateWeights

    @classmethod
    def legacy(cls) -> Rules:
        """The old tables, digit for digit."""
        return cls(
            closed_lots="earn",
            off_session_cash="lost",
            synthetic_prefix="EQ",
            alignment="portfolio",
            rate_weights="absolute",
        )

    @classmethod
    def corrected(cls) -> Rules:
        """The right answer."""
        return cls(
            closed_lots="stop",
            off_session_cash="next_session",
            synthetic_prefix="none",
            alignment="symbol",
            rate_weights="signed",
        )
